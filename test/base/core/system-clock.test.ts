import { expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/base/core/system-clock.ts'

test('a timer calls back once, after its delay', async () => {
  const start = systemClock.elapsed()
  await new Promise<void>((resolve) => systemClock.setTimer(20, resolve))
  expect(systemClock.elapsed() - start).toBeGreaterThan(18)
})

test('a cancelled timer is silent', async () => {
  let called = false
  systemClock.setTimer(5, () => (called = true)).cancel()
  await new Promise<void>((resolve) => systemClock.setTimer(20, resolve))
  expect(called).toBe(false)
})

test('a delay beyond what setTimeout can hold does not call back early', () => {
  vi.useFakeTimers()
  try {
    let called = false
    const delayMs = 2 ** 31 * 2
    systemClock.setTimer(delayMs, () => {
      called = true
    })
    vi.advanceTimersByTime(delayMs - 1)
    expect(called).toBe(false)
    vi.advanceTimersByTime(1)
    expect(called).toBe(true)
  } finally {
    vi.useRealTimers()
  }
})
