import { expect, test } from 'vitest'
import { avg, count, max, min, sum } from '../../../../src/program/function/aggregate.ts'
import type { WindowApply } from '../../../../src/program/graph/operator-descriptor.ts'
import { maxWatermark } from '../../../../src/runtime/operator/operator.ts'
import { byK, WindowDriver } from '../../../support/window-driver.ts'

const tumbling10 = { kind: 'tumbling', time: 'event', sizeMs: 10, offsetMs: 0 } as const
const counts: WindowApply = { kind: 'aggregates', aggregates: { n: count() } }

test('each key and window gives one row with the key, the window and every aggregate', () => {
  const aggregates = { n: count(), total: sum('v'), low: min('v'), high: max('v'), mean: avg('v') }
  const driver = new WindowDriver({ assigner: tumbling10, apply: { kind: 'aggregates', aggregates } })
  driver.element({ k: 'a', v: 3 }, 1).element({ k: 'b', v: 7 }, 2).element({ k: 'a', v: 4 }, 9).element({ k: 'a', v: 1 }, 10)
  driver.watermark(9)
  expect(driver.take()).toEqual([
    { k: 'a', windowStart: 0, windowEnd: 10, n: 2, total: 7, low: 3, high: 4, mean: 3.5 },
    { k: 'b', windowStart: 0, windowEnd: 10, n: 1, total: 7, low: 7, high: 7, mean: 7 },
  ])
  driver.watermark(maxWatermark)
  expect(driver.take()).toEqual([{ k: 'a', windowStart: 10, windowEnd: 20, n: 1, total: 1, low: 1, high: 1, mean: 1 }])
})

test('nulls are skipped by all aggregates but count, and nothing but nulls gives 0 for sum and null for the others', () => {
  const aggregates = { n: count(), total: sum('v'), low: min('v'), high: max('v'), mean: avg('v') }
  const driver = new WindowDriver({ assigner: tumbling10, apply: { kind: 'aggregates', aggregates } })
  driver.element({ k: 'a', v: null }, 1).element({ k: 'a', v: 4 }, 2).element({ k: 'a' }, 3).element({ k: 'b', v: null }, 3).watermark(9)
  expect(driver.take()).toEqual([
    { k: 'a', windowStart: 0, windowEnd: 10, n: 3, total: 4, low: 4, high: 4, mean: 4 },
    { k: 'b', windowStart: 0, windowEnd: 10, n: 1, total: 0, low: null, high: null, mean: null },
  ])
})

test('a window fires when the watermark reaches its last millisecond, not before, and its rows go out before the watermark', () => {
  const driver = new WindowDriver({ assigner: tumbling10, apply: counts })
  driver.element({ k: 'a' }, 5).watermark(8).watermark(9)
  expect(driver.log).toEqual([{ watermark: 8 }, { row: { k: 'a', windowStart: 0, windowEnd: 10, n: 1 }, timestamp: 9 }, { watermark: 9 }])
})

test('the key is in the row under the names of its fields, under `key` for a key function, and not at all without keys', () => {
  const row = { k: 'a', v: 1 }
  const rowOf = (keySpec: ConstructorParameters<typeof WindowDriver>[1]) =>
    new WindowDriver({ assigner: tumbling10, apply: counts }, keySpec).element(row, 0).watermark(9).take()[0]
  const rest = { windowStart: 0, windowEnd: 10, n: 1 }
  expect(rowOf(byK)).toEqual({ k: 'a', ...rest })
  expect(rowOf({ kind: 'fields', fields: ['v', 'k'] })).toEqual({ v: 1, k: 'a', ...rest })
  expect(rowOf({ kind: 'function', fn: (r) => `${r.k}${r.v}` })).toEqual({ key: 'a1', ...rest })
})

test('windows over the whole stream put all elements together and name no key', () => {
  const driver = new WindowDriver({ assigner: tumbling10, apply: counts }, 'whole stream')
  driver.element({ k: 'a' }, 0).element({ k: 'b' }, 0).watermark(9)
  expect(driver.take()).toEqual([{ windowStart: 0, windowEnd: 10, n: 2 }])
})

test('a window whose watermark has reached its last millisecond plus the lateness is closed, inclusively', () => {
  const driver = new WindowDriver({ assigner: tumbling10, apply: counts, allowedLatenessMs: 5, lateTag: { id: 'late' } })
  driver.element({ k: 'a', v: 1 }, 3).watermark(13)
  driver.element({ k: 'a', v: 2 }, 4)
  expect(driver.take().map(({ n }) => n)).toEqual([1, 2])
  driver.watermark(14).element({ k: 'a', v: 3 }, 5)
  expect(driver.take()).toEqual([])
  expect(driver.side.late).toEqual([{ row: { k: 'a', v: 3 }, timestamp: 5 }])
  expect(driver.numLateRecordsDropped.value).toBe(0)
  expect([driver.operator.numKeys, driver.operator.numEventTimers]).toEqual([0, 0])
})

test('an element whose window ends exactly at the watermark is late without lateness, and fires at once with it', () => {
  const strict = new WindowDriver({ assigner: tumbling10, apply: counts })
  expect(strict.watermark(9).element({ k: 'a' }, 3).rows).toEqual([])
  expect(strict.numLateRecordsDropped.value).toBe(1)
  const lenient = new WindowDriver({ assigner: tumbling10, apply: counts, allowedLatenessMs: 1 })
  expect(lenient.watermark(9).element({ k: 'a' }, 3).rows).toHaveLength(1)
})

test('an element behind the watermark whose window is open is not late', () => {
  const driver = new WindowDriver({ assigner: tumbling10, apply: counts })
  driver.watermark(8).element({ k: 'a' }, 0).watermark(9)
  expect(driver.take().map(({ n }) => n)).toEqual([1])
})

test('an element is late only if all its windows are, and elements in a gap are neither late nor counted', () => {
  const overlapping = new WindowDriver({ assigner: { kind: 'sliding', time: 'event', sizeMs: 10, slideMs: 5, offsetMs: 0 }, apply: counts })
  overlapping.watermark(12).element({ k: 'a' }, 7).watermark(maxWatermark)
  expect(overlapping.take().map(({ windowStart }) => windowStart)).toEqual([5])
  expect(overlapping.numLateRecordsDropped.value).toBe(0)
  const gaps = new WindowDriver({
    assigner: { kind: 'sliding', time: 'event', sizeMs: 3, slideMs: 10, offsetMs: 0 },
    apply: counts,
    lateTag: { id: 'late' },
  })
  gaps.watermark(50).element({ k: 'a' }, 7)
  expect([gaps.numLateRecordsDropped.value, gaps.side]).toEqual([0, {}])
})

test('a live session rescues an element behind the watermark, since lateness is judged on the merged window', () => {
  const driver = new WindowDriver({ assigner: { kind: 'session', time: 'event', gapMs: 10 }, apply: counts })
  driver.element({ k: 'a' }, 20).watermark(25)
  driver.element({ k: 'a' }, 12).element({ k: 'b' }, 12).watermark(maxWatermark)
  expect(driver.take()).toEqual([{ k: 'a', windowStart: 12, windowEnd: 30, n: 2 }])
  expect(driver.numLateRecordsDropped.value).toBe(1)
})

test('merging moves timers: sessions that grow leave none behind, with lateness too', () => {
  const driver = new WindowDriver({ assigner: { kind: 'session', time: 'event', gapMs: 10 }, apply: counts, allowedLatenessMs: 100 })
  for (let ts = 0; ts < 50; ts += 5) driver.element({ k: 'a' }, ts)
  expect(driver.operator.numEventTimers).toBe(2)
  expect(driver.watermark(53).rows).toEqual([])
  expect(driver.watermark(54).rows.map(({ n }) => n)).toEqual([10])
  expect(driver.operator.numEventTimers).toBe(1)
})

test('a lateness without end is clamped: windows are never cleaned up and nothing is late', () => {
  const driver = new WindowDriver({ assigner: tumbling10, apply: counts, allowedLatenessMs: Number.MAX_VALUE })
  driver
    .element({ k: 'a' }, 1)
    .watermark(2 ** 60)
    .element({ k: 'a' }, 2)
  expect(driver.take().map(({ n }) => n)).toEqual([1, 2])
})

test('a record without a timestamp fails an event-time window with a word about the watermark strategy, and no other window', () => {
  const failing = new WindowDriver({ assigner: tumbling10, apply: counts })
  expect(() => failing.element({ k: 'a' })).toThrow(/windows was given a record without a timestamp: its stream has no watermark strategy/)
  const byClock = new WindowDriver({ assigner: { ...tumbling10, time: 'processing' }, apply: counts })
  expect(byClock.element({ k: 'a' }).setTime(2_000).rows).toHaveLength(1)
})

test('merging into a processing-time session that has already ended is an error', () => {
  const driver = new WindowDriver({ assigner: { kind: 'session', time: 'processing', gapMs: (row: any) => row.gap }, apply: counts })
  driver.element({ k: 'a', gap: 2 }).element({ k: 'a', gap: 1 })
  driver.clock.advance(2) // the timer has not fired yet
  expect(() => driver.element({ k: 'a', gap: 1 })).toThrow(/merged into a processing-time session that has already ended/)
})

test('processing-time sessions end when the clock has passed the gap since the last element', () => {
  const driver = new WindowDriver({ assigner: { kind: 'session', time: 'processing', gapMs: 10 }, apply: counts })
  driver.element({ k: 'a' }).setTime(1_005).element({ k: 'a' }).setTime(1_013)
  expect(driver.rows).toEqual([])
  expect(driver.setTime(1_014).rows).toEqual([{ k: 'a', windowStart: 1_000, windowEnd: 1_015, n: 2 }])
})

test('firing stops where the output is full and goes on there, before the watermark', () => {
  const driver = new WindowDriver({ assigner: tumbling10, apply: counts }, byK, { rowsPerStep: 3 })
  for (let k = 0; k < 10; k++) driver.element({ k }, 1)
  driver.watermark(9)
  expect(driver.steps).toBe(4)
  expect(driver.log.map((entry) => ('row' in entry ? entry.row.k : 'watermark'))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 'watermark'])
})

test('equal keys of any physical type are one key, and a null key is refused by name', () => {
  const driver = new WindowDriver({ assigner: tumbling10, apply: counts }, { kind: 'fields', fields: ['a', 'b'] })
  driver.element({ a: 1, b: 'x' }, 0).element({ b: 'x', a: 1n }, 1).watermark(9)
  expect(driver.take()).toEqual([{ a: 1, b: 'x', windowStart: 0, windowEnd: 10, n: 2 }])
  expect(() => new WindowDriver({ assigner: tumbling10, apply: counts }).element({ k: null }, 0)).toThrow(/a key is null/)
})

test('field names that mean something to JavaScript are data', () => {
  const driver = new WindowDriver(
    {
      assigner: tumbling10,
      apply: {
        kind: 'aggregates',
        aggregates: Object.fromEntries([
          ['__proto__', count()],
          ["it's", sum('v')],
        ]) as any,
      },
    },
    { kind: 'field', field: '__proto__' },
  )
  driver.element(JSON.parse('{"__proto__":"a","v":2}'), 0).watermark(9)
  expect(Object.entries(driver.rows[0])).toEqual([
    ['__proto__', 1],
    ['windowStart', 0],
    ['windowEnd', 10],
    ["it's", 2],
  ])
})
