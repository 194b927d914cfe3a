import { describe, expect, test } from 'vitest'
import { workloads } from '../../../native-free-bench/workloads/all.ts'
import { lines } from '../../../native-free-bench/workloads/lines.ts'
import { keyOf, mix } from '../../../native-free-bench/workloads/records.ts'
import { rowTally, runningTally } from '../../../native-free-bench/workloads/tallies.ts'
import type { WorkloadOptions } from '../../../native-free-bench/workloads/workload.ts'

const options: WorkloadOptions = { records: 120_001, keys: 300, form: 'kernel', schema: 'declared' }

test('records have the keys that the peer gives them', () => {
  expect([0, 1, 2, -1].map(mix)).toEqual([0, 0x514e28b7, 0x30f4c306, 0x81f16f39 | 0])
  const counts = new Int32Array(10)
  for (let i = 0; i < 100_000; i++) counts[keyOf(i, 10)]! += 1
  expect(Math.min(...counts)).toBeGreaterThan(9_500)
  expect(Math.max(...counts)).toBeLessThan(10_500)
})

test("the word count's text has the peer's number of words a line", () => {
  const words = lines().map((line) => line.split(' ').length)
  expect(words).toHaveLength(20_000)
  expect(Math.min(...words)).toBe(8)
  expect(Math.max(...words)).toBe(12)
  expect(words.reduce((sum, n) => sum + n, 0) / words.length).toBeCloseTo(10.005, 3)
})

describe.each(Object.values(workloads).map((workload) => [workload.name, workload] as const))('%s', (_name, workload) => {
  test('the number of rows is that of the plain evaluation', () => {
    for (const records of [0, 1, 999, 120_001]) {
      const { atLeast, atMost } = workload.expectedRows({ ...options, records })
      const { rows } = workload.expected({ ...options, records })
      if (workload.name === 'window-session') expect(atMost).toBeGreaterThanOrEqual(atLeast)
      else expect([atLeast, atMost]).toEqual([rows, rows])
    }
  })

  test('the plain evaluation changes with the records', () => {
    expect(workload.expected(options)).not.toEqual(workload.expected({ ...options, records: options.records - 8 }))
  })
})

test('sessions are counted between those apart and those that touch', () => {
  // 300 keys at 1,000 records a ms: every key comes every ms, so one session each.
  expect(workloads['window-session']!.expectedRows(options)).toEqual({ atLeast: 300, atMost: 300 })
  const { atLeast, atMost } = workloads['window-session']!.expectedRows({ ...options, keys: 20_000 })
  expect(atLeast).toBeGreaterThan(20_000)
  expect(atMost).toBeGreaterThan(atLeast)
})

test('totals see a wrong value and do not see the order of rows', () => {
  const make = () =>
    rowTally<{ k: number; v: number }>(
      (row) => ({ v: row.v }),
      (row) => [row.k, row.v],
    )
  const of = (rows: readonly { k: number; v: number }[]) => {
    const tally = make()
    for (const row of rows) tally.add(row)
    return tally.totals()
  }
  const rows = [
    { k: 1, v: 0.5 },
    { k: 2, v: 1 },
    { k: 3, v: 1.5 },
  ]
  expect(of(rows.toReversed())).toEqual(of(rows))
  expect(
    of([
      { k: 2, v: 0.5 },
      { k: 1, v: 1 },
      { k: 3, v: 1.5 },
    ]),
  ).not.toEqual(of(rows))
})

test('a running tally keeps the greatest value of each key', () => {
  const tally = runningTally<{ k: string; n: number }>(
    (row) => row.k,
    (row) => row.n,
  )
  for (const row of [
    { k: 'a', n: 1 },
    { k: 'b', n: 1 },
    { k: 'a', n: 2 },
  ])
    tally.add(row)
  expect(tally.totals()).toMatchObject({ rows: 3, keys: 2, sum: 3 })
})
