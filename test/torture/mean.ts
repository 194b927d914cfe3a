/** A user's aggregate: its accumulator is an object. */
import type { AggregateFunction } from '../../src/program/function/functions.ts'
import type { Row } from './torture-source.ts'

export const mean: AggregateFunction<Row, { n: number; total: number; low: number }, { n: number; total: number; low: number }> = {
  createAccumulator: () => ({ n: 0, total: 0, low: 1e9 }),
  add: (row, held) => ({ n: held.n + 1, total: held.total + row.v, low: Math.min(held.low, row.v) }),
  getResult: (held) => held,
  merge: (a, b) => ({ n: a.n + b.n, total: a.total + b.total, low: Math.min(a.low, b.low) }),
}
