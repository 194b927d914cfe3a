import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type RestartSettings, RestartStrategy, restartSettingsOf } from '../../../src/cluster/jobmanager/restart-strategy.ts'

const exponential = { ...restartSettingsOf({ 'restart-strategy.type': 'exponential-delay' }), jitterFactor: 0 } as RestartSettings
const middle = () => 0.5

/** The pauses before the restarts after failures at these times, each of which came after the restart of the one before; null: none. */
function pauses(settings: RestartSettings, failuresMs: readonly number[], random = middle): readonly (number | null)[] {
  const strategy = new RestartStrategy(settings, random)
  return failuresMs.map((atMs) => {
    const verdict = strategy.onFailure(atMs)
    strategy.restarted()
    return verdict.restart ? verdict.atMs - atMs : null
  })
}

describe('the restart strategy', () => {
  it('is exponential delay with checkpoints and none without, unless one is set', () => {
    expect(restartSettingsOf({}).type).toBe('none')
    expect(restartSettingsOf({ 'execution.checkpointing.interval': '10 s' }).type).toBe('exponential-delay')
    expect(restartSettingsOf({ 'execution.checkpointing.interval': '10 s', 'restart-strategy.type': 'none' }).type).toBe('none')
    expect(restartSettingsOf({ 'restart-strategy.type': 'fixed-delay' })).toEqual({ type: 'fixed-delay', attempts: 1, delayMs: 1000 })
    expect(restartSettingsOf({ 'restart-strategy.type': 'failure-rate' })).toEqual({
      type: 'failure-rate',
      maxFailures: 1,
      intervalMs: 60_000,
      delayMs: 1000,
    })
    expect(restartSettingsOf({ 'restart-strategy.type': 'exponential-delay' })).toEqual({
      type: 'exponential-delay',
      initialBackoffMs: 1000,
      maxBackoffMs: 60_000,
      multiplier: 1.5,
      resetThresholdMs: 3_600_000,
      jitterFactor: 0.1,
      attempts: Number.POSITIVE_INFINITY,
    })
  })

  it('none never restarts', () => {
    expect(pauses({ type: 'none' }, [0])).toEqual([null])
  })

  it('fixed delay counts restarts, not failures', () => {
    expect(pauses({ type: 'fixed-delay', attempts: 2, delayMs: 30 }, [0, 100, 200])).toEqual([30, 30, null])
    expect(pauses({ type: 'fixed-delay', attempts: 0, delayMs: 30 }, [0])).toEqual([null])
  })

  it('failure rate tolerates so many failures in any interval', () => {
    const settings: RestartSettings = { type: 'failure-rate', maxFailures: 2, intervalMs: 1000, delayMs: 5 }
    expect(pauses(settings, [0, 900, 1100, 2200])).toEqual([5, 5, 5, 5])
    expect(pauses(settings, [0, 400, 900])).toEqual([5, 5, null])
    expect(pauses(settings, [0, 400, 1000])).toEqual([5, 5, null])
  })

  it('exponential delay grows from the first pause to the longest', () => {
    const failures = Array.from({ length: 13 }, (_, n) => n * 100_000)
    expect(pauses(exponential, failures).slice(0, 4)).toEqual([1000, 1500, 2250, 3375])
    expect(pauses(exponential, failures).at(-1)).toBe(60_000)
  })

  it('exponential delay begins again after the threshold, counted from the restart', () => {
    const hour = 3_600_000
    expect(pauses(exponential, [0, 10_000, 10_000 + 1500 + hour - 1])).toEqual([1000, 1500, 2250])
    expect(pauses(exponential, [0, 10_000, 10_000 + 1500 + hour])).toEqual([1000, 1500, 1000])
  })

  it('exponential delay gives up where its attempts are limited', () => {
    expect(pauses({ ...exponential, attempts: 2 } as RestartSettings, [0, 5000, 10_000])).toEqual([1000, 1500, null])
  })

  it('varies the pause by the jitter, and stays within its bounds', () => {
    const settings = { ...exponential, jitterFactor: 0.1 } as RestartSettings
    expect(pauses(settings, [0, 10_000, 20_000], () => 0)).toEqual([1000, 1350, 2025])
    expect(pauses(settings, [0, 10_000, 20_000], () => 1)).toEqual([1100, 1650, 2475])
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(10_000_000), fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 40 }), (failures) => {
        let atMs = 0
        const times = failures.map(([afterMs]) => (atMs += afterMs))
        let n = 0
        for (const pause of pauses(settings, times, () => failures[n++]![1])) {
          expect(pause).toBeGreaterThanOrEqual(1000)
          expect(pause).toBeLessThanOrEqual(60_000)
        }
      }),
    )
  })

  it.each<[RestartSettings, string | undefined]>([
    [{ type: 'none' }, undefined],
    [{ type: 'fixed-delay', attempts: 0, delayMs: 5 }, 'no restarts so far, and restart-strategy.fixed-delay.attempts is 0'],
    [{ type: 'fixed-delay', attempts: 1, delayMs: 5 }, '1 restart so far, and restart-strategy.fixed-delay.attempts is 1'],
    [
      { type: 'failure-rate', maxFailures: 2, intervalMs: 60_000, delayMs: 5 },
      '3 failures in 1 min, and restart-strategy.failure-rate.max-failures-per-interval is 2',
    ],
    [
      { ...exponential, attempts: 2 } as RestartSettings,
      '2 restarts so far without 1 h of calm between them, and restart-strategy.exponential-delay.attempts-before-reset-backoff is 2',
    ],
  ])('says why it gives up, %o', (settings, reason) => {
    const strategy = new RestartStrategy(settings, middle)
    for (;;) {
      const verdict = strategy.onFailure(100)
      if (!verdict.restart) return expect(verdict.reason).toBe(reason)
      strategy.restarted()
    }
  })

  it('counts failures during a pending restart once', () => {
    const strategy = new RestartStrategy({ type: 'fixed-delay', attempts: 1, delayMs: 100 }, middle)
    expect(strategy.onFailure(0)).toEqual({ restart: true, atMs: 100 })
    expect(strategy.onFailure(90)).toEqual({ restart: true, atMs: 100 })
    expect(strategy.onFailure(300)).toEqual({ restart: true, atMs: 100 })
    strategy.restarted()
    expect(strategy.onFailure(310)).toMatchObject({ restart: false })
  })
})
