import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ValveEvent, WatermarkValve } from '../../../src/runtime/exchange/watermark-valve.ts'

const min = -(2 ** 63)
const max = 2 ** 63
const mark = (watermark: number): ValveEvent => ({ kind: 'watermark', watermark })
const idle: ValveEvent = { kind: 'idle' }
const active: ValveEvent = { kind: 'active' }

/** A valve whose channels stand at the given watermarks. */
function valveAt(...watermarks: number[]): WatermarkValve {
  const valve = new WatermarkValve(watermarks.length)
  for (const [index, watermark] of watermarks.entries()) valve.advance(index, watermark)
  return valve
}

test('time is the minimum over channels and is emitted only when it grows', () => {
  const valve = new WatermarkValve(2)
  expect(valve.advance(0, 10)).toEqual([])
  expect(valve.holder).toBe(1)
  expect(valve.advance(1, 5)).toEqual([mark(5)])
  expect(valve.advance(1, 4)).toEqual([])
  expect(valve.advance(1, 20)).toEqual([mark(10)])
  expect(valve.holder).toBe(0)
})

test('a channel that goes idle leaves the minimum, which may advance time at once', () => {
  const valve = valveAt(10, 5)
  expect(valve.setIdle(1, true)).toEqual([mark(10)])
  expect(valve.idle).toBe(false)
})

test('when the last active channel goes idle and was the slowest, the maximum over channels is emitted, then idle', () => {
  const valve = valveAt(10, 5, 30)
  expect(valve.setIdle(2, true)).toEqual([])
  expect(valve.setIdle(0, true)).toEqual([])
  expect(valve.setIdle(1, true)).toEqual([mark(30), idle])
})

test('when the last channel to go idle was behind the emitted watermark, only idleness is emitted', () => {
  const valve = valveAt(10, 5, 30)
  valve.setIdle(1, true) // time: 10
  valve.setIdle(2, true)
  valve.setIdle(1, false) // wakes below 10
  expect(valve.setIdle(0, true)).toEqual([])
  expect(valve.setIdle(1, true)).toEqual([idle])
})

test('watermarks of an idle channel are ignored', () => {
  const valve = valveAt(10, 5)
  valve.setIdle(1, true)
  expect(valve.advance(1, 100)).toEqual([])
  expect(valve.setIdle(1, false)).toEqual([])
  expect(valve.advance(0, 50)).toEqual([mark(50)])
})

test('a channel that wakes below the emitted watermark stays out until it has caught up, and time never falls', () => {
  const valve = valveAt(10, 5)
  valve.setIdle(1, true) // time: 10
  expect(valve.setIdle(1, false)).toEqual([])
  expect(valve.holder).toBe(0)
  expect(valve.advance(0, 20)).toEqual([mark(20)])
  expect(valve.advance(1, 19)).toEqual([])
  expect(valve.advance(0, 30)).toEqual([mark(30)])
  expect(valve.advance(1, 30)).toEqual([])
  expect(valve.advance(0, 40)).toEqual([])
  expect(valve.holder).toBe(1)
})

test('status is forwarded only when it changes, and active returns with the first active channel', () => {
  const valve = valveAt(5, 5)
  expect(valve.setIdle(0, true)).toEqual([])
  expect(valve.setIdle(0, true)).toEqual([])
  expect(valve.setIdle(1, true)).toEqual([idle])
  expect(valve.setIdle(1, true)).toEqual([])
  expect(valve.setIdle(0, false)).toEqual([active])
  expect(valve.setIdle(1, false)).toEqual([])
})

test('a finished channel leaves the minimum, and time ends only when all are finished', () => {
  const valve = valveAt(10, 5)
  expect(valve.finish(1)).toEqual([mark(10)])
  expect(valve.finish(0)).toEqual([mark(max)])
  expect(valve.finish(0)).toEqual([])
})

test('one idle live channel does not end time when the others have finished', () => {
  const valve = valveAt(10, 5)
  valve.setIdle(1, true)
  expect(valve.advance(0, max)).toEqual([idle])
  expect(valve.watermark).toBe(10)
  expect(valve.setIdle(1, false)).toEqual([active])
  expect(valve.advance(1, 12)).toEqual([mark(12)])
  expect(valve.advance(1, max)).toEqual([mark(max)])
})

test('a channel that finishes while it is idle ends time with the others, active first', () => {
  const valve = valveAt(1, 1)
  valve.setIdle(0, true)
  valve.setIdle(1, true)
  expect(valve.finish(0)).toEqual([])
  expect(valve.finish(1)).toEqual([active, mark(max)])
})

/** The rules said once more, from the history of each channel, as slowly as it takes. */
class NaiveValve {
  readonly out: ValveEvent[] = []
  readonly channels: { status: string; watermark: number; aligned: boolean }[]
  emitted = min
  idle = false

  constructor(count: number) {
    this.channels = Array.from({ length: count }, () => ({ status: 'active', watermark: min, aligned: true }))
  }

  apply(index: number, act: string, value: number): void {
    const channel = this.channels[index]!
    if (channel.status === 'finished') return
    const wasSlowest = channel.watermark === this.emitted
    if (act === 'advance' && channel.status === 'active') channel.watermark = Math.max(channel.watermark, value)
    if (act === 'idle' || act === 'active') channel.status = act
    if (act === 'finish') channel.status = 'finished'
    for (const each of this.channels) {
      if (each.status !== 'active') each.aligned = false
      else if (each.watermark >= this.emitted) each.aligned = true
    }
    const having = (status: string): number => this.channels.filter((each) => each.status === status).length
    const isIdle = having('active') === 0 && having('idle') > 0
    if (this.idle && !isIdle) this.out.push(active)
    const aligned = this.channels.filter((each) => each.status === 'active' && each.aligned).map((each) => each.watermark)
    let time = aligned.length > 0 ? Math.min(...aligned) : this.emitted
    if (isIdle && !this.idle && wasSlowest) time = Math.max(...this.channels.map((each) => each.watermark))
    if (having('finished') === this.channels.length) time = max
    if (time > this.emitted) this.out.push(mark(time))
    this.emitted = Math.max(this.emitted, time)
    if (!this.idle && isIdle) this.out.push(idle)
    this.idle = isIdle
  }
}

test('any sequence of watermarks, idleness and ends gives what the naive valve gives', () => {
  const step = fc.record({
    channel: fc.nat(3),
    act: fc.oneof(
      { weight: 5, arbitrary: fc.constant('advance') },
      { weight: 2, arbitrary: fc.constant('idle') },
      { weight: 2, arbitrary: fc.constant('active') },
      fc.constant('finish'),
    ),
    value: fc.integer({ min: -3, max: 12 }),
  })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 40 }), (count, steps) => {
      const valve = new WatermarkValve(count)
      const naive = new NaiveValve(count)
      const out: ValveEvent[] = []
      for (const { channel: picked, act, value } of steps) {
        const channel = picked % count
        if (act === 'advance') out.push(...valve.advance(channel, value))
        else if (act === 'finish') out.push(...valve.finish(channel))
        else out.push(...valve.setIdle(channel, act === 'idle'))
        naive.apply(channel, act, value)
        expect(out).toEqual(naive.out)
        expect(valve.watermark).toBe(naive.emitted)
        expect(valve.idle).toBe(naive.idle)
      }
      const times = out.flatMap((event) => (event.kind === 'watermark' ? [event.watermark] : []))
      expect(times).toEqual([...new Set(times)].sort((a, b) => a - b))
    }),
    { numRuns: 500 },
  )
})
