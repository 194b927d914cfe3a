import { expect, test } from 'vitest'
import { count } from '../../../../src/program/function/aggregate.ts'
import { reducingState, valueState } from '../../../../src/program/function/state.ts'
import type { Trigger, WindowAssigner } from '../../../../src/program/function/window.ts'
import type { WindowApply } from '../../../../src/program/graph/operator-descriptor.ts'
import { maxWatermark } from '../../../../src/runtime/operator/operator.ts'
import { WindowDriver } from '../../../support/window-driver.ts'

const counts: WindowApply = { kind: 'aggregates', aggregates: { n: count() } }
const tumbling = (sizeMs: number, time: 'event' | 'processing' = 'event') => ({ kind: 'tumbling', time, sizeMs, offsetMs: 0 }) as const
const global = { kind: 'global', fireAtEnd: false } as const
const session = { kind: 'session', time: 'event', gapMs: 10 } as const

const drive = (assigner: WindowAssigner<any>, trigger?: Trigger<any>, allowedLatenessMs = 0) =>
  new WindowDriver({ assigner, apply: counts, trigger, allowedLatenessMs })
const a = { k: 'a' }
const takeCounts = (driver: WindowDriver) => driver.take().map((row) => row.n)

test('a count trigger fires at each n-th element, keeps the contents, and replaces the default: nothing comes at the end', () => {
  const driver = drive(tumbling(100), { kind: 'count', count: 2 })
  for (let ts = 0; ts < 5; ts++) driver.element(a, ts)
  expect(takeCounts(driver)).toEqual([2, 4])
  expect(takeCounts(driver.watermark(maxWatermark))).toEqual([])
  expect(driver.operator.numKeys).toBe(0)
})

test('a purging count trigger on the global window makes count windows, whose leftovers are not emitted at the end', () => {
  const driver = drive(global, { kind: 'purging', inner: { kind: 'count', count: 2 } })
  for (let i = 0; i < 5; i++) driver.element(a)
  driver.watermark(maxWatermark)
  expect(driver.emitted.map(({ row, timestamp }) => [row.n, timestamp])).toEqual([
    [2, maxWatermark],
    [2, maxWatermark],
  ])
})

test('counts belong to a key and a window, and merge with sessions', () => {
  const perKey = drive(tumbling(10), { kind: 'count', count: 2 })
  perKey.element(a, 1).element({ k: 'b' }, 1).element(a, 11)
  expect(perKey.rows).toEqual([])
  const merging = drive(session, { kind: 'count', count: 4 })
  merging.element(a, 0).element(a, 15).element(a, 30)
  expect(merging.rows).toEqual([])
  expect(takeCounts(merging.element(a, 8))).toEqual([]) // joins the first two: 3 elements
  expect(takeCounts(merging.element(a, 22))).toEqual([5])
})

test('the global window never fires by itself, or once at the end of the stream when told so', () => {
  expect(drive(global).element(a).watermark(maxWatermark).rows).toEqual([])
  const atEnd = drive({ kind: 'global', fireAtEnd: true }).element(a).element(a).watermark(1_000)
  expect(atEnd.rows).toEqual([])
  expect(takeCounts(atEnd.watermark(maxWatermark))).toEqual([2])
})

test('never and end-of-stream triggers replace the default of a time window', () => {
  expect(drive(tumbling(10), { kind: 'never' }).element(a, 1).watermark(maxWatermark).rows).toEqual([])
  const driver = drive(session, { kind: 'endOfStream' }, maxWatermark)
  expect(driver.element(a, 0).element(a, 5).element(a, 100).watermark(1_000).rows).toEqual([])
  expect(takeCounts(driver.watermark(maxWatermark))).toEqual([2, 1])
})

test('continuous event time fires at each multiple of the interval after the first element, unchanged contents too, and at the end', () => {
  const driver = drive(tumbling(100), { kind: 'continuousEventTime', intervalMs: 30 })
  driver.element(a, 35)
  expect(takeCounts(driver.watermark(59))).toEqual([])
  expect(takeCounts(driver.watermark(60))).toEqual([1])
  driver.element(a, 61)
  expect(takeCounts(driver.watermark(95))).toEqual([2])
  expect(takeCounts(driver.watermark(99))).toEqual([2])
  expect([driver.operator.numKeys, driver.operator.numEventTimers]).toEqual([0, 0])
})

test('continuous event time rounds down before 1970 too, and catches up interval by interval when the watermark jumps', () => {
  const driver = drive(tumbling(100), { kind: 'continuousEventTime', intervalMs: 30 })
  driver.element(a, -95).watermark(-90)
  expect(takeCounts(driver)).toEqual([1])
  expect(takeCounts(driver.watermark(-1))).toEqual([1, 1, 1]) // -60, -30, -1
})

test('continuous event time on the global window ends with the stream', () => {
  const driver = drive(global, { kind: 'continuousEventTime', intervalMs: 10 })
  driver.element(a, 5).watermark(20)
  expect(takeCounts(driver)).toEqual([1, 1])
  expect(takeCounts(driver.watermark(maxWatermark))).toEqual([1, 1]) // 30, then the end at once
})

test('continuous event time follows a session as it grows', () => {
  const driver = drive(session, { kind: 'continuousEventTime', intervalMs: 4 })
  driver.element(a, 1).element(a, 6)
  expect(takeCounts(driver.watermark(4))).toEqual([2])
  expect(takeCounts(driver.watermark(15))).toEqual([2, 2, 2]) // 8, 12, 15
  expect([driver.operator.numKeys, driver.operator.numEventTimers]).toEqual([0, 0])
})

test('processing-time windows fire by the clock, with the last millisecond as their timestamp', () => {
  const driver = drive(tumbling(100, 'processing'))
  driver.element(a, 7).element(a).setTime(1_098)
  expect(driver.rows).toEqual([])
  driver.setTime(1_099)
  expect(driver.emitted).toEqual([{ row: { k: 'a', windowStart: 1_000, windowEnd: 1_100, n: 2 }, timestamp: 1_099 }])
  expect([driver.operator.numKeys, driver.operator.numProcessingTimers]).toEqual([0, 0])
})

test('processing-time windows that are open at the end of the input do not fire', () => {
  expect(drive(tumbling(100, 'processing')).element(a).watermark(maxWatermark).rows).toEqual([])
})

test('continuous processing time fires at each multiple of the interval and ends with a processing-time window', () => {
  const driver = drive(tumbling(100, 'processing'), { kind: 'continuousProcessingTime', intervalMs: 40 })
  driver.element(a).setTime(1_500)
  expect(takeCounts(driver)).toEqual([1, 1, 1]) // 1,040 1,080 1,099
  expect([driver.operator.numKeys, driver.operator.numProcessingTimers]).toEqual([0, 0])
})

test('continuous processing time serves an event-time window for as long as it lives, though its end is long past by the clock', () => {
  const driver = drive(tumbling(100), { kind: 'continuousProcessingTime', intervalMs: 40 })
  driver.element(a, 5).setTime(1_100)
  expect(takeCounts(driver)).toEqual([1, 1]) // 1,040 1,080
  driver.watermark(99).setTime(2_000)
  expect(driver.rows).toEqual([])
  expect([driver.operator.numKeys, driver.operator.numProcessingTimers]).toEqual([0, 0])
})

test('a delta trigger fires when an element is further than the threshold from the one that fired last', () => {
  const delta: Trigger<any> = { kind: 'delta', threshold: 10, delta: (from, to) => to.v - from.v }
  const driver = drive(global, delta)
  for (const v of [0, 10, 11, 20, 21, 22]) driver.element({ k: 'a', v })
  expect(takeCounts(driver)).toEqual([3, 6])
})

test('a processing timeout fires at the latest so long after the first element', () => {
  const timeout: Trigger = {
    kind: 'processingTimeout',
    inner: { kind: 'count', count: 3 },
    timeoutMs: 50,
    resetOnNew: false,
    clearOnTimeout: true,
  }
  const driver = drive(global, timeout)
  driver.element(a).setTime(1_030).element(a).setTime(1_049)
  expect(driver.rows).toEqual([])
  expect(takeCounts(driver.setTime(1_050))).toEqual([2])
  // The count began anew, and so does the timeout with the next element.
  expect(takeCounts(driver.element(a).element(a))).toEqual([])
  expect(takeCounts(driver.element(a))).toEqual([5])
  expect(takeCounts(driver.setTime(2_000))).toEqual([])
})

test('a processing timeout that is reset by each element counts from the last, and without clearing the count goes on', () => {
  const timeout: Trigger = {
    kind: 'processingTimeout',
    inner: { kind: 'count', count: 3 },
    timeoutMs: 50,
    resetOnNew: true,
    clearOnTimeout: false,
  }
  const driver = drive(global, { kind: 'purging', inner: timeout })
  driver.element(a).setTime(1_030).element(a).setTime(1_079)
  expect(driver.rows).toEqual([])
  expect(takeCounts(driver.setTime(1_080))).toEqual([2])
  expect(takeCounts(driver.element(a))).toEqual([1]) // the third since the count began
})

test('a purged window keeps its trigger, and an empty one never fires', () => {
  const driver = drive(tumbling(100), { kind: 'purging', inner: { kind: 'eventTime' } }, 100)
  expect(takeCounts(driver.element(a, 1).watermark(99))).toEqual([1])
  expect(takeCounts(driver.element(a, 2).element(a, 3))).toEqual([1, 1]) // late firings find only what came since
  expect(takeCounts(driver.watermark(maxWatermark))).toEqual([])
  expect(driver.operator.numKeys).toBe(0)
})

test('a custom trigger has state of each key and window, timers, and is cleared with its window', () => {
  const cleared: number[] = []
  const trigger: Trigger<any> = {
    kind: 'custom',
    state: { seen: valueState<number>() },
    onElement(_row, _timestamp, _window, { state }: any) {
      state.seen.update((state.seen.value ?? 0) + 1)
      return state.seen.value === 2 ? 'fire' : 'continue'
    },
    onEventTime: (time, window) => (time === window.end - 1 ? 'fireAndPurge' : 'continue'),
    onProcessingTime: () => 'continue',
    clear(window) {
      cleared.push(window.start)
    },
  }
  const driver = drive(tumbling(10), trigger)
  driver.element(a, 1).element({ k: 'b' }, 1).element(a, 11)
  expect(driver.rows).toEqual([])
  expect(takeCounts(driver.element(a, 2))).toEqual([2])
  expect(takeCounts(driver.watermark(9))).toEqual([2, 1])
  expect(cleared).toEqual([0, 0])
  driver.watermark(maxWatermark)
  expect(driver.operator.numKeys).toBe(0)
})

test('a custom trigger merges its state with the sessions, and the timers of merged windows are of no effect', () => {
  const fired: number[] = []
  const trigger: Trigger<any> = {
    kind: 'custom',
    canMerge: true,
    state: { most: reducingState<number>(Math.max) },
    onElement(row, _timestamp, window, ctx: any) {
      ctx.state.most.add(row.v)
      ctx.registerEventTimeTimer(window.end - 3)
      return 'continue'
    },
    onEventTime(time, _window, { state }: any) {
      fired.push(time, state.most.get())
      return 'fire'
    },
    onProcessingTime: () => 'continue',
    onMerge: (window, ctx) => ctx.registerEventTimeTimer(window.end - 3),
    clear() {},
  }
  const driver = drive(session, trigger)
  driver.element({ k: 'a', v: 7 }, 0).element({ k: 'a', v: 3 }, 5).watermark(maxWatermark)
  expect(fired).toEqual([12, 7, 14, 7]) // its own timer, then the cleanup; none of the window [0, 10)
})

test('an answer of a custom trigger that is none is an error that names the operator', () => {
  const trigger: Trigger<any> = {
    kind: 'custom',
    onElement: (async () => 'fire') as any,
    onEventTime: () => 'continue',
    onProcessingTime: () => 'continue',
    clear() {},
  }
  expect(() => drive(global, trigger).element(a)).toThrow(
    expect.objectContaining({ code: 'USER_FUNCTION_FAILED', place: expect.objectContaining({ operator: 'windows' }) }),
  )
})

test('triggers that cannot merge are refused for sessions', () => {
  const refused: Trigger<any>[] = [
    { kind: 'delta', threshold: 1, delta: () => 0 },
    { kind: 'purging', inner: { kind: 'delta', threshold: 1, delta: () => 0 } },
    { kind: 'processingTimeout', inner: { kind: 'eventTime' }, timeoutMs: 1, resetOnNew: false, clearOnTimeout: true },
    { kind: 'custom', onElement: () => 'continue', onEventTime: () => 'continue', onProcessingTime: () => 'continue', clear() {} },
  ]
  for (const trigger of refused) expect(() => drive(session, trigger)).toThrow(/its trigger cannot merge session windows/)
})
