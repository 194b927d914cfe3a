/**
 * Built-in aggregates over rows: the meaning that column kernels share. Nulls are skipped by all but count(); sums are
 * float64 additions in the order of arrival; min and max skip NaN too, so that they do not depend on the order; the sum of
 * nothing is 0, the min, max and avg of nothing are null. All aggregates of a window lie in one array of numbers.
 */
import { StreamError } from '../../../base/core/stream-error.ts'
import type { AggregateSpec } from '../../../program/function/aggregate.ts'
import type { AggregateFunction } from '../../../program/function/functions.ts'

/** Per aggregate one or two numbers: count [n], sum [sum], avg [sum, n], min and max [value, or NaN while there is none]. */
export type Accumulator = number[]

interface BuiltInAggregate {
  add(accumulator: Accumulator, row: any): void
  merge(into: Accumulator, from: Accumulator): void
  result(accumulator: Accumulator): number | null
}

export interface BuiltInAggregates {
  readonly names: readonly string[]
  /** Answers the accumulator itself as its result: `resultOf` reads it. */
  readonly fn: AggregateFunction<unknown, Accumulator, Accumulator>
  resultOf(accumulator: Accumulator, index: number): number | null
}

export function builtInAggregates(specs: Readonly<Record<string, AggregateSpec>>): BuiltInAggregates {
  const empty: number[] = []
  const aggregates = Object.values(specs).map((spec) => {
    const at = empty.length
    empty.push(...(spec.kind === 'avg' ? [0, 0] : [spec.kind === 'min' || spec.kind === 'max' ? Number.NaN : 0]))
    return builtIn(spec, at)
  })
  return {
    names: Object.keys(specs),
    fn: {
      createAccumulator: () => empty.slice(),
      add(row, accumulator) {
        for (let i = 0; i < aggregates.length; i++) aggregates[i]!.add(accumulator, row)
        return accumulator
      },
      getResult: (accumulator) => accumulator,
      merge(a, b) {
        for (const aggregate of aggregates) aggregate.merge(a, b)
        return a
      },
    },
    resultOf: (accumulator, index) => aggregates[index]!.result(accumulator),
  }
}

function builtIn(spec: AggregateSpec, at: number): BuiltInAggregate {
  switch (spec.kind) {
    case 'count':
      return {
        add: (acc) => void acc[at]!++,
        merge: (into, from) => void (into[at]! += from[at]!),
        result: (acc) => acc[at]!,
      }
    case 'sum':
      return {
        add: (acc, row) => {
          const value = row[spec.field]
          if (value !== null && value !== undefined) acc[at]! += numeric(value, spec)
        },
        merge: (into, from) => void (into[at]! += from[at]!),
        result: (acc) => acc[at]!,
      }
    case 'avg':
      return {
        add: (acc, row) => {
          const value = row[spec.field]
          if (value === null || value === undefined) return
          acc[at]! += numeric(value, spec)
          acc[at + 1]!++
        },
        merge: (into, from) => {
          into[at]! += from[at]!
          into[at + 1]! += from[at + 1]!
        },
        result: (acc) => (acc[at + 1] === 0 ? null : acc[at]! / acc[at + 1]!),
      }
    case 'min':
      return extreme(spec, at, (value, held) => value < held)
    case 'max':
      return extreme(spec, at, (value, held) => value > held)
  }
}

function extreme(spec: FieldSpec, at: number, beats: (value: number, held: number) => boolean): BuiltInAggregate {
  const take = (acc: Accumulator, value: number): void => {
    const held = acc[at]!
    if (held !== held || beats(value, held)) acc[at] = value
  }
  return {
    add: (acc, row) => {
      const value = row[spec.field]
      if (value !== null && value !== undefined) take(acc, numeric(value, spec))
    },
    merge: (into, from) => take(into, from[at]!),
    result: (acc) => (acc[at] === acc[at] ? acc[at]! : null),
  }
}

type FieldSpec = Extract<AggregateSpec, { field: string }>

function numeric(value: unknown, spec: FieldSpec): number {
  if (typeof value === 'number') return value
  throw notANumber(spec, value)
}

export function notANumber(spec: FieldSpec, value: unknown): StreamError {
  return new StreamError('TYPE_MISMATCH', `${spec.kind}('${spec.field}') was given a ${typeof value}: ${String(value).slice(0, 80)}`, {
    hint: `Built-in aggregates take numbers. Convert ${spec.field} in a map before the window, or write an aggregate function.`,
  })
}
