/**
 * What a window holds as columns of a snapshot, the same for the plain operator and for kernels: accumulators that are
 * numbers have a float64 column for each, in the order in which kernels keep them as words; all others are in `value`.
 *
 * | contents                                    | columns behind windowStart and windowEnd                     |
 * | ------------------------------------------- | ------------------------------------------------------------ |
 * | built-in aggregates                         | `delay.sum`, `delay.count`, ...: result name and what it is  |
 * | a user's accumulator that is a number       | `value`                                                      |
 * | a user's accumulator that is a row of them  | `value.total`, one a field                                   |
 * | any other accumulator, a reduced row        | `value`                                                      |
 * | elements                                    | `value`, one row each; with an evictor `timestamp`           |
 */
import type { AggregateSpec } from '../../../program/function/aggregate.ts'
import type { WindowApply } from '../../../program/graph/operator-descriptor.ts'
import type { StateDescription } from '../../state/snapshot.ts'

/** Tables of a window operator's contents. */
export const windowsTable = '_windows'
/** Accumulators of the parts that windows have in common. */
export const panesTable = '_panes'
/** Accumulators whose shape is not that of the others, which have columns. */
export const oddWindowsTable = '_oddWindows'
export const elementsTable = '_elements'

export interface AccumulatorColumns {
  readonly names: readonly string[]
  /** undefined: it has another shape. */
  numbersOf(accumulator: unknown): readonly number[] | undefined
  accumulatorOf(numbers: readonly number[]): unknown
}

/** Anything, as it is. */
export const anything = { type: { kind: 'any' }, nullable: true } as const

/** What an accumulator in `value` is said to be. A user's is what it is: one used as a map comes back with the fields that it had. */
export function declaredAccumulator(apply: WindowApply): StateDescription['declared'] {
  if (apply.kind !== 'aggregate') return undefined
  const type = apply.fn.accumulatorType
  return { value: type === undefined ? anything : { type: type.dataType, nullable: type.nullable } }
}

/** undefined: an accumulator is one value. */
export function accumulatorColumns(apply: WindowApply): AccumulatorColumns | undefined {
  if (apply.kind === 'aggregates') {
    return {
      names: aggregateColumns(apply.aggregates),
      numbersOf: (accumulator) => accumulator as number[],
      accumulatorOf: (numbers) => [...numbers],
    }
  }
  if (apply.kind !== 'aggregate') return undefined
  const shape = numericShape(apply.fn.createAccumulator())
  return shape === undefined ? undefined : userColumns(shape)
}

export function aggregateColumns(aggregates: Readonly<Record<string, AggregateSpec>>): string[] {
  return Object.entries(aggregates).flatMap(([name, { kind }]) => (kind === 'avg' ? [`${name}.sum`, `${name}.count`] : [`${name}.${kind}`]))
}

export function userColumns(shape: readonly string[] | 'number'): AccumulatorColumns {
  if (shape === 'number') {
    return {
      names: ['value'],
      numbersOf: (accumulator) => (typeof accumulator === 'number' ? [accumulator] : undefined),
      accumulatorOf: ([number]) => number,
    }
  }
  return {
    names: shape.map((name) => `value.${name}`),
    numbersOf(accumulator) {
      const held = numericShape(accumulator)
      if (held === undefined || held === 'number' || held.length !== shape.length) return undefined
      const numbers = shape.map((name) => (accumulator as Record<string, number>)[name])
      return numbers.every((number) => number !== undefined) ? (numbers as number[]) : undefined
    },
    accumulatorOf: (numbers) => Object.fromEntries(shape.map((name, i) => [name, numbers[i]])),
  }
}

/** The shape of an accumulator that is numbers: names of its fields, or 'number'; undefined: it is something else. */
export function numericShape(accumulator: unknown): readonly string[] | 'number' | undefined {
  if (typeof accumulator === 'number') return 'number'
  if (accumulator === null || typeof accumulator !== 'object' || Object.getPrototypeOf(accumulator) !== Object.prototype) return undefined
  const names = Object.keys(accumulator)
  if (names.length === 0 || names.length > 16) return undefined
  return names.every((name) => typeof (accumulator as Record<string, unknown>)[name] === 'number') ? names : undefined
}
