import fc from 'fast-check'
import { expect, test } from 'vitest'
import { operatorHarness } from '../../../src/front/testing/harness.ts'
import type { RollingOp } from '../../../src/program/graph/operator-descriptor.ts'
import { compareValues } from '../../../src/runtime/operator/rolling-aggregate.ts'

interface Row {
  readonly k: string
  readonly n: any
  readonly at: number
}
const rolling = async (op: RollingOp, rows: readonly Row[], first = true): Promise<Row[]> => {
  const harness = await operatorHarness<Row, Row>({ kind: 'rolling', op, field: 'n', first }, { keyBy: 'k' })
  for (const row of rows) harness.processElement(row, row.at)
  return harness.values
}
const rows = (...values: unknown[]): Row[] => values.map((n, at) => ({ k: 'a', n, at }))

test('reduce emits the first element unchanged and then the running value for every element, per key', async () => {
  const harness = await operatorHarness<Row, Row>(
    { kind: 'reduce', fn: (a: Row, b: Row) => ({ k: a.k, n: a.n + b.n, at: b.at }) },
    { keyBy: 'k' },
  )
  const first = { k: 'a', n: 1, at: 0 }
  for (const row of [first, { k: 'b', n: 5, at: 1 }, { k: 'a', n: 2, at: 2 }, { k: 'a', n: 3, at: 3 }]) harness.processElement(row, row.at)
  expect(harness.output).toEqual([
    { kind: 'record', value: first, timestamp: 0 },
    { kind: 'record', value: { k: 'b', n: 5, at: 1 }, timestamp: 1 },
    { kind: 'record', value: { k: 'a', n: 3, at: 2 }, timestamp: 2 },
    { kind: 'record', value: { k: 'a', n: 6, at: 3 }, timestamp: 3 },
  ])
  expect(harness.values[0]).toBe(first)
})

test('a reduce function that throws or returns a promise fails with the operator’s name', async () => {
  const run = async (fn: any): Promise<void> => {
    const harness = await operatorHarness<Row, Row>({ kind: 'reduce', fn }, { keyBy: 'k', name: 'sums' })
    for (const row of rows(1, 2)) harness.processElement(row)
  }
  await expect(run({ reduce: () => JSON.parse('{') })).rejects.toThrow(/^reduce of operator sums failed: SyntaxError/)
  await expect(run(async () => 1)).rejects.toThrow(/reduce of operator sums returned a promise/)
})

test('sum, min and max replace only their field in the first record', async () => {
  expect(await rolling('sum', rows(5, 3, 7))).toEqual([
    { k: 'a', n: 5, at: 0 },
    { k: 'a', n: 8, at: 0 },
    { k: 'a', n: 15, at: 0 },
  ])
  expect(await rolling('min', rows(5, 3, 7))).toEqual([
    { k: 'a', n: 5, at: 0 },
    { k: 'a', n: 3, at: 0 },
    { k: 'a', n: 3, at: 0 },
  ])
  expect(await rolling('max', rows(5, 3, 7))).toEqual([
    { k: 'a', n: 5, at: 0 },
    { k: 'a', n: 5, at: 0 },
    { k: 'a', n: 7, at: 0 },
  ])
})

test('minBy and maxBy keep the whole record, and of equals the first unless told the last', async () => {
  const at = (result: Row[]): number[] => result.map((row) => row.at)
  expect(at(await rolling('minBy', rows(5, 3, 3, 7)))).toEqual([0, 1, 1, 1])
  expect(at(await rolling('maxBy', rows(5, 7, 7, 3)))).toEqual([0, 1, 1, 1])
  expect(at(await rolling('minBy', rows(5, 3, 3, 7), false))).toEqual([0, 1, 2, 2])
  expect(at(await rolling('maxBy', rows(5, 7, 7, 3), false))).toEqual([0, 1, 2, 2])
})

test('nulls are skipped, and the first value takes the place of a null', async () => {
  const n = async (op: RollingOp): Promise<unknown[]> => (await rolling(op, rows(null, 4, undefined, 2))).map((row) => row.n)
  expect(await n('sum')).toEqual([null, 4, 4, 6])
  expect(await n('min')).toEqual([null, 4, 4, 2])
  expect(await n('max')).toEqual([null, 4, 4, 4])
  expect(await n('minBy')).toEqual([null, 4, 4, 2])
})

test('bigints, strings and dates have a minimum, a sum of strings is an error', async () => {
  expect((await rolling('min', rows(2n ** 70n, 1n))).at(-1)!.n).toBe(1n)
  expect((await rolling('sum', rows(2n ** 70n, 1n))).at(-1)!.n).toBe(2n ** 70n + 1n)
  expect((await rolling('max', rows('a', 'c', 'b'))).at(-1)!.n).toBe('c')
  expect((await rolling('max', rows(new Date(1), new Date(5)))).at(-1)!.n).toEqual(new Date(5))
  await expect(rolling('sum', rows('a', 'b'))).rejects.toThrow(/sum of field n met a string/)
  await expect(rolling('sum', rows(1, 'b'))).rejects.toThrow(/sum of field n met a string/)
})

test('a field called __proto__ is data', async () => {
  const harness = await operatorHarness<any, any>({ kind: 'rolling', op: 'sum', field: '__proto__', first: true }, { keyBy: 'k' })
  for (const text of ['{"k":1,"__proto__":2}', '{"k":1,"__proto__":3}']) harness.processElement(JSON.parse(text))
  expect(JSON.stringify(harness.values.at(-1))).toBe('{"k":1,"__proto__":5}')
})

test('comparing is a total order in which NaN is the greatest', () => {
  const value = fc.oneof(fc.double(), fc.constant(Number.NaN))
  fc.assert(
    fc.property(value, value, value, (a, b, c) => {
      expect(compareValues(a, b) + compareValues(b, a)).toBe(0)
      if (compareValues(a, b) <= 0 && compareValues(b, c) <= 0) expect(compareValues(a, c)).toBeLessThanOrEqual(0)
      expect(compareValues(Number.NaN, a)).toBe(Number.isNaN(a) ? 0 : 1)
    }),
  )
})
