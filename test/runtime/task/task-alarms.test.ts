import { expect, test } from 'vitest'
import { TaskAlarms } from '../../../src/runtime/task/task-alarms.ts'

test('of the timers that are asked for the earliest rings, once', () => {
  const alarms = new TaskAlarms(0, 0)
  expect([alarms.nextMs(true), alarms.isTimerDue(1e15)]).toEqual([Number.POSITIVE_INFINITY, false])
  for (const atMs of [30, 10, 20]) alarms.requestTimer(atMs)
  expect([alarms.nextMs(false), alarms.isTimerDue(9), alarms.isTimerDue(10)]).toEqual([10, false, true])
  expect(alarms.takeTimer()).toBe(10)
  expect(alarms.isTimerDue(100)).toBe(false)
})

test('a probe is due after the interval, and after many rows without it', () => {
  const alarms = new TaskAlarms(200, 1000)
  expect([alarms.nextMs(true), alarms.nextMs(false)]).toEqual([1200, Number.POSITIVE_INFINITY])
  expect([alarms.isProbeDue(1199, 65_535), alarms.isProbeDue(1200, 0), alarms.isProbeDue(1001, 65_536)]).toEqual([false, true, true])
  alarms.probed(1001, 65_536)
  expect([alarms.nextMs(true), alarms.isProbeDue(1200, 65_536), alarms.isProbeDue(1200, 2 * 65_536)]).toEqual([1201, false, true])
})

test('without an interval there is no probe, however many rows there are', () => {
  expect(new TaskAlarms(0, 0).isProbeDue(1e15, 1e9)).toBe(false)
})

test('a probe says whether the task was blocked since the one before', () => {
  const alarms = new TaskAlarms(200, 0)
  alarms.noteBlocked()
  expect([alarms.probed(200, 0), alarms.probed(400, 0)]).toEqual([true, false])
})
