import { expect, test } from 'vitest'
import { count, avg, max, min, sum } from '../../../../src/program/function/aggregate.ts'
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
  const rowOf = (keySpec: ConstructorParameters<typeof WindowDriver>[1]) => new WindowDriver({ assigner: tumbling10, apply: counts }, keySpec).element(row, 0).watermark(9).take()[0]
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
