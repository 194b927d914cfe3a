import { beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import { Backoff } from '../../../src/cluster/rpc/backoff.ts'
import { Heartbeat } from '../../../src/cluster/rpc/heartbeat.ts'

describe('heartbeats', () => {
  let clock = new ManualClock()
  let beats = 0
  let silences: number[] = []
  let heartbeat: Heartbeat

  beforeEach(() => {
    clock = new ManualClock()
    beats = 0
    silences = []
    heartbeat = new Heartbeat({
      ...{ clock, intervalMs: 1000, timeoutMs: 5000, beat: () => void beats++ },
      silent: (ms) => void silences.push(ms),
    })
  })

  it('are sent every interval', () => {
    clock.advance(3500)
    expect(beats).toBe(3)
  })

  it('find a peer silent once it has said nothing for the timeout, and then end', () => {
    clock.advance(900)
    heartbeat.heard()
    clock.advance(5000)
    expect(silences).toEqual([])
    expect(heartbeat.silentMs).toBe(5000)
    clock.advance(20_000)
    expect(silences).toEqual([5100])
    expect(beats).toBe(5)
  })

  it('accuse nobody after a pause of their own before they have listened for one more interval', () => {
    const late = new (class extends ManualClock {
      pausedMs = 0
      override elapsed(): number {
        return super.elapsed() + this.pausedMs
      }
    })()
    heartbeat = new Heartbeat({
      clock: late,
      intervalMs: 1000,
      timeoutMs: 5000,
      beat: () => undefined,
      silent: (ms) => void silences.push(ms),
    })
    late.advance(500)
    late.pausedMs = 60_000
    late.advance(500)
    expect(silences).toEqual([])
    late.advance(1000)
    expect(silences).toEqual([62_000])
  })

  it('end when they are stopped', () => {
    heartbeat.stop()
    clock.advance(60_000)
    expect([beats, silences]).toEqual([0, []])
  })
})

describe('a backoff', () => {
  it('doubles up to its limit, half of it by chance, and begins anew when it has worked', () => {
    const numbers = [0, 1, 0.5, 0, 1]
    const backoff = new Backoff({ initialMs: 100, maxMs: 300, random: () => numbers.shift()! })
    expect([1, 2, 3, 4].map(() => backoff.nextMs())).toEqual([50, 200, 225, 150])
    backoff.reset()
    expect(backoff.nextMs()).toBe(100)
  })
})
