/**
 * Triggers that go by what has arrived, and those that wrap another.
 */
import type { AppendingState, ValueState } from '../../../program/function/state.ts'
import type { TimeWindow, TriggerResult } from '../../../program/function/window.ts'
import { fires, neverTrigger, purges, type TriggerRunner, type TriggerSetting } from './trigger.ts'

/** Fires each time `count` elements have arrived since it last fired. */
export function countTrigger(setting: TriggerSetting, count: number): TriggerRunner {
  const seen = setting.declare('count', { kind: 'reducing', reduce: (a, b) => (a as number) + (b as number) }) as AppendingState<
    number,
    number
  >
  return {
    ...neverTrigger,
    onElement() {
      seen.add(1)
      if ((seen.get() ?? 0) < count) return 'continue'
      seen.clear()
      return 'fire'
    },
    clear: () => seen.clear(),
  }
}

/** Fires when an element is further than the threshold from the one that fired last (at first: the first one). */
export function deltaTrigger(setting: TriggerSetting, threshold: number, delta: (oldPoint: any, newPoint: any) => number): TriggerRunner {
  // Wrapped, since a state of null is no state while an element may be null.
  const point = setting.declare('point', { kind: 'value' }) as ValueState<{ readonly row: unknown }>
  return {
    ...neverTrigger,
    canMerge: false,
    onElement(row) {
      const last = point.value
      if (last !== null && !(delta(last.row, row) > threshold)) return 'continue'
      point.update({ row })
      return last === null ? 'continue' : 'fire'
    },
    clear: () => point.clear(),
  }
}

/** Whenever the inner one fires, the contents go after the firing. */
export function purgingTrigger(inner: TriggerRunner): TriggerRunner {
  const purging = (result: TriggerResult): TriggerResult => (fires(result) ? 'fireAndPurge' : result)
  return {
    canMerge: inner.canMerge,
    onElement: (row, timestamp, window) => purging(inner.onElement(row, timestamp, window)),
    onEventTime: (time, window) => purging(inner.onEventTime(time, window)),
    onProcessingTime: (time, window) => purging(inner.onProcessingTime(time, window)),
    beforeMerge: (window) => inner.beforeMerge(window),
    onMerge: (window) => inner.onMerge(window),
    clear: (window) => inner.clear(window),
  }
}

export interface ProcessingTimeout {
  readonly timeoutMs: number
  /** Each element starts the time anew. */
  readonly resetOnNew: boolean
  /** The inner trigger starts anew after a timeout. */
  readonly clearOnTimeout: boolean
}

/** The inner one's firings, and one when the timeout has passed since the first element. As in Flink, any timer of the window fires it. */
export function processingTimeoutTrigger(setting: TriggerSetting, inner: TriggerRunner, options: ProcessingTimeout): TriggerRunner {
  const { scope } = setting
  const timeout = setting.declare('timeout', { kind: 'value' }) as ValueState<number>
  const dropTimeout = (): void => {
    const at = timeout.value
    if (at === null) return
    scope.deleteProcessingTimeTimer(at)
    timeout.clear()
  }
  const clear = (window: TimeWindow): void => {
    dropTimeout()
    inner.clear(window)
  }
  const onTimer = (result: TriggerResult, window: TimeWindow): TriggerResult => {
    if (options.clearOnTimeout) clear(window)
    return purges(result) ? 'fireAndPurge' : 'fire'
  }
  return {
    ...neverTrigger,
    canMerge: false,
    onElement(row, timestamp, window) {
      const result = inner.onElement(row, timestamp, window)
      if (fires(result)) {
        clear(window)
        return result
      }
      if (options.resetOnNew) dropTimeout()
      if (timeout.value === null) {
        const at = scope.currentProcessingTime + options.timeoutMs
        timeout.update(at)
        scope.registerProcessingTimeTimer(at)
      }
      return result
    },
    onEventTime: (time, window) => onTimer(inner.onEventTime(time, window), window),
    onProcessingTime: (time, window) => onTimer(inner.onProcessingTime(time, window), window),
    clear,
  }
}
