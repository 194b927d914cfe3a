/**
 * How the value of a state, in its handle's own form (see state-handle.ts), becomes rows of a snapshot, how it is kept as it is
 * while the operator changes it in place, and what types the rows are declared to have.
 */

import type { Type } from '../../base/columnar/data-type.ts'
import { canonicalKey } from '../../base/columnar/key-hash.ts'
import type { StateDeclaration } from '../../program/function/state.ts'
import { cloneValue } from './clone-value.ts'
import type { StateDescription } from './snapshot.ts'
import type { Sharing } from './state-handle.ts'

export interface StateShape {
  readonly form: string
  /** Behind keyGroup, key and those of a namespace. */
  readonly columns: readonly string[]
  readonly declared?: StateDescription['declared']
  /** How many rows a value takes. */
  countOf(value: unknown): number
  rowsOf(value: unknown): Iterable<readonly unknown[]>
  /** What is kept of a value that is about to be changed in place. */
  copy(value: unknown): unknown
  /** `held` with one more row; undefined: the first. */
  restore(held: unknown, row: readonly unknown[]): unknown
}

type MapEntries = Map<string | number, readonly [key: unknown, value: unknown]>

const one = (): number => 1

/** `copyInPlace` copies a value that its owner changes where it lies. */
export function shapeOf(
  declaration: StateDeclaration,
  what: string,
  sharing: Sharing,
  copyInPlace?: (value: unknown) => unknown,
): StateShape {
  switch (declaration.kind) {
    case 'value':
      return {
        ...{ form: 'value', columns: ['value'], declared: declaredOf({ value: declaration.type }), countOf: one },
        rowsOf: (value) => [[value]],
        copy: copyInPlace ?? ((value) => value),
        restore: (_held, [value]) => value,
      }
    case 'list':
      return {
        ...{ form: 'list', columns: ['value'], declared: declaredOf({ value: declaration.type }) },
        countOf: (list) => (list as unknown[]).length,
        rowsOf: (list) => (list as unknown[]).map((value) => [value]),
        copy: (list) => (copyInPlace === undefined ? (list as unknown[]).slice() : (list as unknown[]).map(copyInPlace)),
        restore(held, [value]) {
          if (held === undefined) return [value]
          ;(held as unknown[]).push(value)
          return held
        },
      }
    case 'map':
      return {
        ...{ form: 'map', columns: ['mapKey', 'mapValue'] },
        declared: declaredOf({ mapKey: declaration.keyType, mapValue: declaration.type }),
        countOf: (map) => (map as MapEntries).size,
        rowsOf: (map) => (map as MapEntries).values(),
        copy: (map) => new Map(map as MapEntries),
        restore: (held, [key, value]) => ((held as MapEntries | undefined) ?? new Map()).set(canonicalKey(key), [key, value]),
      }
    case 'reducing':
    case 'aggregating': {
      const type = declaration.kind === 'aggregating' ? accumulatorTypeOf(declaration) : declaration.type
      // What is reduced may be changed in place by the function, and only a copy stays what it was.
      const copy = copyInPlace ?? ((value: unknown) => (sharing === 'shared' ? value : cloneValue(value, what)))
      return {
        ...{ form: declaration.kind === 'reducing' ? 'value' : 'accumulator', columns: ['value'] },
        ...{ declared: declaredOf({ value: type }), countOf: one },
        rowsOf: (box) => [[(box as [unknown])[0]]],
        copy: (box) => [copy((box as [unknown])[0])],
        restore: (_held, [value]) => [value],
      }
    }
  }
}

/** The state's own type comes before that of its function. */
export const accumulatorTypeOf = ({ type, aggregate }: StateDeclaration & { kind: 'aggregating' }): Type<unknown> | undefined =>
  type ?? aggregate.accumulatorType

function declaredOf(types: Readonly<Record<string, Type<unknown> | undefined>>): StateDescription['declared'] {
  const known = Object.entries(types).filter((entry): entry is [string, Type<unknown>] => entry[1] !== undefined)
  if (known.length === 0) return undefined
  return Object.fromEntries(known.map(([name, { dataType, nullable }]) => [name, { type: dataType, nullable }]))
}
