/**
 * Triggers that go by time: at a window's end, at the end of the stream, and again and again within a window.
 */
import type { AppendingState } from '../../../program/function/state.ts'
import type { TimeWindow, TriggerResult } from '../../../program/function/window.ts'
import { maxWatermark } from '../operator.ts'
import { neverTrigger, type TriggerRunner, type TriggerScope, type TriggerSetting } from './trigger.ts'
import { maxTimestamp, windowStart } from './window-assigner.ts'

/** Fires when the watermark passes the window's end, then at once for each late element. */
export function eventTimeTrigger({ scope }: TriggerSetting): TriggerRunner {
  const clear = (window: TimeWindow): void => scope.deleteEventTimeTimer(maxTimestamp(window))
  return {
    ...neverTrigger,
    onElement: (_row, _timestamp, window) => fireIfEnded(scope, window),
    onEventTime: (time, window) => (time === maxTimestamp(window) ? 'fire' : 'continue'),
    beforeMerge: clear,
    // Behind the watermark no timer is set: the element that caused the merge fires the window, which should happen once.
    onMerge: (window) => {
      if (maxTimestamp(window) > scope.currentWatermark) scope.registerEventTimeTimer(maxTimestamp(window))
    },
    clear,
  }
}

/** Fires when the clock passes the window's end. */
export function processingTimeTrigger({ scope }: TriggerSetting): TriggerRunner {
  const clear = (window: TimeWindow): void => scope.deleteProcessingTimeTimer(maxTimestamp(window))
  return {
    ...neverTrigger,
    onElement: (_row, _timestamp, window) => {
      scope.registerProcessingTimeTimer(maxTimestamp(window))
      return 'continue'
    },
    onProcessingTime: () => 'fire',
    beforeMerge: clear,
    onMerge: (window) => {
      if (maxTimestamp(window) > scope.currentProcessingTime) scope.registerProcessingTimeTimer(maxTimestamp(window))
    },
    clear,
  }
}

/** Fires once, when all input has ended. */
export function endOfStreamTrigger({ scope }: TriggerSetting): TriggerRunner {
  return {
    ...neverTrigger,
    onElement: () => {
      scope.registerEventTimeTimer(maxWatermark)
      return 'continue'
    },
    onEventTime: (time) => (time >= maxWatermark ? 'fireAndPurge' : 'continue'),
    beforeMerge: () => scope.deleteEventTimeTimer(maxWatermark),
    onMerge: () => scope.registerEventTimeTimer(maxWatermark),
    clear: () => scope.deleteEventTimeTimer(maxWatermark),
  }
}

/** Fires at each multiple of the interval while the window lives, from the first after its first element, and at its end. */
export function continuousEventTimeTrigger(setting: TriggerSetting, intervalMs: number): TriggerRunner {
  const { scope } = setting
  const next = nextFireState(setting)
  const fireNextAfter = (time: number, window: TimeWindow): void => {
    const end = maxTimestamp(window)
    // The global window has no end to stop at: when the stream is over, step there at once instead of interval by interval.
    const at = end >= maxWatermark && scope.currentWatermark >= maxWatermark ? end : Math.min(time + intervalMs, end)
    next.add(at)
    scope.registerEventTimeTimer(at)
  }
  const dropTimers = (window: TimeWindow): void => {
    scope.deleteEventTimeTimer(maxTimestamp(window))
    const at = next.get()
    if (at !== undefined) scope.deleteEventTimeTimer(at)
  }
  return {
    ...neverTrigger,
    onElement(_row, timestamp, window) {
      const result = fireIfEnded(scope, window)
      if (result === 'continue' && next.get() === undefined) fireNextAfter(windowStart(timestamp, 0, intervalMs), window)
      return result
    },
    onEventTime(time, window) {
      if (time === maxTimestamp(window)) return 'fire'
      if (next.get() !== time) return 'continue'
      next.clear()
      fireNextAfter(time, window)
      return 'fire'
    },
    beforeMerge: dropTimers,
    onMerge() {
      const at = next.get()
      if (at !== undefined) scope.registerEventTimeTimer(at)
    },
    clear(window) {
      dropTimers(window)
      next.clear()
    },
  }
}

/** The same by the clock. A processing-time window ends the firing; an event-time window fires for as long as it lives. */
export function continuousProcessingTimeTrigger(setting: TriggerSetting, intervalMs: number): TriggerRunner {
  const { scope, time: windowTime } = setting
  const next = nextFireState(setting)
  const fireNextAfter = (time: number, window: TimeWindow): void => {
    const at = windowTime === 'event' ? time + intervalMs : Math.min(time + intervalMs, maxTimestamp(window))
    if (at <= time) return // the window's last firing
    next.add(at)
    scope.registerProcessingTimeTimer(at)
  }
  const dropTimers = (): void => {
    const at = next.get()
    if (at !== undefined) scope.deleteProcessingTimeTimer(at)
  }
  return {
    ...neverTrigger,
    onElement(_row, _timestamp, window) {
      if (next.get() === undefined) fireNextAfter(windowStart(scope.currentProcessingTime, 0, intervalMs), window)
      return 'continue'
    },
    onProcessingTime(time, window) {
      if (next.get() !== time) return 'continue'
      next.clear()
      fireNextAfter(time, window)
      return 'fire'
    },
    beforeMerge: dropTimers,
    onMerge() {
      const at = next.get()
      if (at !== undefined) scope.registerProcessingTimeTimer(at)
    },
    clear() {
      dropTimers()
      next.clear()
    },
  }
}

function fireIfEnded(scope: TriggerScope, window: TimeWindow): TriggerResult {
  if (maxTimestamp(window) <= scope.currentWatermark) return 'fire'
  scope.registerEventTimeTimer(maxTimestamp(window))
  return 'continue'
}

/** When it fires next; of merged windows the earliest. */
const nextFireState = (setting: TriggerSetting): AppendingState<number, number> =>
  setting.declare('nextFire', { kind: 'reducing', reduce: (a, b) => Math.min(a as number, b as number) }) as AppendingState<number, number>
