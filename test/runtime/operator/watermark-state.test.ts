import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { WatermarkStrategy } from '../../../src/program/function/watermark.ts'
import { SourceWatermarks } from '../../../src/runtime/operator/source-watermarks.ts'
import { WatermarkState } from '../../../src/runtime/operator/watermark-state.ts'

const min = -(2 ** 63)
const bounded = (outOfOrdernessMs = 0, more: Partial<WatermarkStrategy<number>> = {}): WatermarkStrategy<number> => ({
  generator: { kind: 'bounded', outOfOrdernessMs },
  timestamp: (n) => n,
  ...more,
})

test('a bounded watermark is the latest timestamp less the bound less 1, at the periodic probe only', () => {
  const state = new WatermarkState(bounded(10))
  expect(state.onEvent(100, 100)).toBe(false)
  expect(state.onEvent(90, 90)).toBe(false)
  expect(state.onPeriodic(200, false)).toBe(true)
  expect(state.watermark).toBe(89)
  expect(state.onPeriodic(400, false)).toBe(false)
})

test('nothing is emitted before the first event', () => {
  const state = new WatermarkState(bounded(10))
  expect(state.onPeriodic(200, false)).toBe(false)
  expect(state.watermark).toBe(min)
})

test('the watermark never falls: a lower one is ignored', () => {
  const state = new WatermarkState<number>({
    generator: { kind: 'custom', create: () => ({ onEvent: (_n, timestamp, output) => output.emitWatermark(timestamp) }) },
  })
  expect([state.onEvent(5, 5), state.onEvent(3, 3), state.onEvent(5, 5), state.onEvent(6, 6)]).toEqual([true, false, false, true])
  expect(state.watermark).toBe(6)
})

test('without a strategy for watermarks there are none', () => {
  const state = new WatermarkState<number>({ generator: { kind: 'none' }, timestamp: (n) => n })
  state.onEvent(5, 5)
  expect([state.onPeriodic(100, false), state.watermark]).toEqual([false, min])
})

test('a timestamp comes from the function, the field, or the record itself', () => {
  const strategy = { generator: { kind: 'none' } } as const
  expect(new WatermarkState<number>({ ...strategy, timestamp: (n, record) => n + (record ?? 0.5) }).timestampOf(1, Number.NaN)).toBe(1.5)
  expect(new WatermarkState<{ at: number }>({ ...strategy, timestamp: 'at' }).timestampOf({ at: 7 }, 3)).toBe(7)
  expect(new WatermarkState<number>(strategy).timestampOf(1, 3)).toBe(3)
  expect(new WatermarkState<number>(strategy).timestampOf(1, Number.NaN)).toBe(Number.NaN)
})

test('a timestamp that is none is an error that says what it is', () => {
  const assign = (value: unknown, timestamp: any = () => value): unknown =>
    new WatermarkState<any>(bounded(0, { timestamp })).timestampOf(value, 0)
  expect(() => assign(undefined)).toThrow(/returned undefined, which is not a timestamp/)
  expect(() => assign(null)).toThrow(/returned null/)
  expect(() => assign(Number.NaN)).toThrow(/returned NaN/)
  expect(() => assign(new Date())).toThrow(/returned a Date/)
  expect(() => assign({ at: 'noon' }, 'at')).toThrow(/field at, the timestamp, is string/)
  expect(() => new WatermarkState(bounded(0, { timestamp: undefined })).timestampOf(1, Number.NaN)).toThrow(/a record has no timestamp/)
})

test('idle comes when MORE than the time has passed since the first probe without an element', () => {
  const state = new WatermarkState(bounded(0, { idlenessMs: 500 }))
  state.onEvent(7, 7)
  state.onPeriodic(1_000, false) // sees the element
  expect(state.onPeriodic(1_200, false)).toBe(false) // the clock starts
  expect(state.onPeriodic(1_700, false)).toBe(false) // exactly 500
  expect(state.onPeriodic(1_701, false)).toBe(true)
  expect(state.idle).toBe(true)
  expect(state.onPeriodic(3_000, false)).toBe(false)
})

test('a stream without any element goes idle too', () => {
  const state = new WatermarkState(bounded(0, { idlenessMs: 100 }))
  expect([0, 100, 101].map((now) => state.onPeriodic(now, false))).toEqual([false, false, true])
})

test('the idle clock stands still while the stream is backpressured', () => {
  const state = new WatermarkState(bounded(0, { idlenessMs: 100 }))
  state.onPeriodic(0, false)
  state.onPeriodic(5_000, true)
  expect([state.onPeriodic(5_100, false), state.idle]).toEqual([false, false])
  expect([state.onPeriodic(5_101, false), state.idle]).toEqual([true, true])
})

test('active returns with the next watermark, not with the element', () => {
  const state = new WatermarkState(bounded(0, { idlenessMs: 100 }))
  state.onEvent(50, 50)
  for (const now of [0, 200, 400]) state.onPeriodic(now, false)
  expect([state.idle, state.watermark]).toEqual([true, 49])
  expect(state.onEvent(60, 60)).toBe(false)
  expect(state.idle).toBe(true)
  expect(state.onPeriodic(600, false)).toBe(true)
  expect([state.idle, state.watermark]).toEqual([false, 59])
})

test('an element that advances no watermark leaves an idle stream idle', () => {
  const state = new WatermarkState(bounded(0, { idlenessMs: 100 }))
  state.onEvent(50, 50)
  for (const now of [0, 200, 400]) state.onPeriodic(now, false)
  state.onEvent(50, 50)
  expect([state.onPeriodic(600, false), state.idle]).toEqual([false, true])
})

test('a batch counts as its latest element', () => {
  const one = new WatermarkState(bounded(3, { idlenessMs: 100 }))
  one.onBatch(90)
  one.onPeriodic(0, false)
  expect(one.watermark).toBe(86)
})

test('a generator of the user’s may say itself that it is idle', () => {
  const state = new WatermarkState<number>({
    generator: {
      kind: 'custom',
      create: () => ({ onEvent: (n, _timestamp, output) => (n < 0 ? output.markIdle() : output.markActive()) }),
    },
  })
  expect([state.onEvent(-1, 0), state.idle, state.onEvent(-1, 0), state.onEvent(1, 0), state.idle]).toEqual([
    true,
    true,
    false,
    true,
    false,
  ])
})

test('splits combine to the minimum, and one that is released no longer holds time back', () => {
  const source = new SourceWatermarks(bounded())
  source.forSplit('a').onEvent(100, 100)
  source.forSplit('b').onEvent(50, 50)
  expect(source.onPeriodic(0, false)).toBe(true)
  expect([source.watermark, source.holder]).toEqual([49, 'b'])
  expect(source.releaseSplit('b')).toBe(true)
  expect([source.watermark, source.holder]).toEqual([99, 'a'])
  expect(source.releaseSplit('a')).toBe(false)
  expect([source.watermark, source.idle]).toEqual([99, false])
})

test('a new split that starts behind holds time where it is, and time never falls', () => {
  const source = new SourceWatermarks(bounded())
  source.forSplit('a').onEvent(100, 100)
  source.onPeriodic(0, false)
  source.forSplit('b').onEvent(10, 10)
  source.forSplit('a').onEvent(200, 200)
  expect(source.onPeriodic(200, false)).toBe(false)
  expect([source.watermark, source.holder]).toEqual([99, 'b'])
})

test('an idle split leaves the minimum; the source is idle when all are, and active with the next watermark', () => {
  const source = new SourceWatermarks(bounded(0, { idlenessMs: 100 }))
  source.forSplit('quiet').onEvent(10, 10)
  source.forSplit('busy').onEvent(20, 20)
  source.onPeriodic(0, false)
  source.onPeriodic(100, false)
  source.forSplit('busy').onEvent(30, 30)
  expect(source.onPeriodic(201, false)).toBe(true)
  expect([source.watermark, source.idle, source.holder]).toEqual([29, false, 'busy'])
  source.onPeriodic(301, false)
  expect([source.onPeriodic(402, false), source.idle]).toEqual([true, true])
  source.forSplit('quiet').onEvent(25, 25)
  expect([source.onPeriodic(500, false), source.idle]).toEqual([false, true])
  source.forSplit('quiet').onEvent(40, 40)
  expect([source.onPeriodic(600, false), source.idle, source.watermark]).toEqual([true, false, 39])
})

test('a subtask without splits goes idle, and what it emits without a split counts', () => {
  const source = new SourceWatermarks(bounded(0, { idlenessMs: 100 }))
  expect([0, 50, 101].map((now) => source.onPeriodic(now, false))).toEqual([false, false, true])
  expect(source.idle).toBe(true)
  source.forMain().onEvent(5, 5)
  expect([source.onPeriodic(300, false), source.idle, source.watermark]).toEqual([true, false, 4])
})

test('a reader that says it is idle is idle at once, whatever it read', () => {
  const source = new SourceWatermarks(bounded())
  source.forSplit('a').onEvent(10, 10)
  source.onPeriodic(0, false)
  expect([source.markIdle(), source.idle, source.markIdle()]).toEqual([true, true, false])
})

test('whatever splits do, the combined watermark is the minimum over the splits there are, and never falls', () => {
  const act = fc.record({ split: fc.constantFrom('a', 'b', 'c'), at: fc.integer({ min: 0, max: 50 }), release: fc.boolean() })
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const source = new SourceWatermarks(bounded(2))
      const latest = new Map<string, number>()
      let expected = min
      for (const [step, { split, at, release }] of acts.entries()) {
        let changed = false
        if (release) {
          latest.delete(split)
          changed = source.releaseSplit(split)
        } else {
          latest.set(split, Math.max(at, latest.get(split) ?? at))
          source.forSplit(split).onEvent(at, at)
        }
        changed = source.onPeriodic(step * 200, false) || changed
        const minimum = latest.size === 0 ? min : Math.min(...latest.values()) - 3
        expect(changed).toBe(minimum > expected)
        expected = Math.max(expected, minimum)
        expect(source.watermark).toBe(expected)
      }
    }),
  )
})
