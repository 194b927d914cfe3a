/**
 * Triggers as a user writes them. Setting one replaces the assigner's own: a count trigger on a time window never fires
 * at the window's end.
 */
import { checkOptionNames } from '../../base/core/check-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { StateDeclarations } from '../function/state.ts'
import type { CustomTrigger, Trigger } from '../function/window.ts'
import { checkDuration, type Duration } from './durations.ts'
import { refuseAsync } from './refuse-async.ts'

/**
 * Fires when the watermark passes the window's end: the default in event time.
 *
 * ```ts
 * stream.keyBy('k').window(tumbling(hours(1)), { trigger: purging(eventTimeTrigger()) })
 * ```
 */
export const eventTimeTrigger = (): Trigger => ({ kind: 'eventTime' })

/**
 * Fires when the machine's clock passes the window's end: the default in processing time.
 *
 * ```ts
 * stream.keyBy('k').window(tumbling(hours(1)), { trigger: processingTimeTrigger() })
 * ```
 */
export const processingTimeTrigger = (): Trigger => ({ kind: 'processingTime' })

/**
 * Fires at each n-th element of a window.
 *
 * ```ts
 * stream.keyBy('k').window(globalWindows(), { trigger: countTrigger(100) })
 * ```
 */
export function countTrigger(count: number): Trigger {
  checkCount('countTrigger()', count)
  return { kind: 'count', count }
}

/**
 * Fires at every full interval of event time and at the window's end.
 *
 * ```ts
 * stream.keyBy('k').window(tumbling(days(1)), { trigger: continuousEventTimeTrigger(hours(1)) })
 * ```
 */
export function continuousEventTimeTrigger(interval: Duration): Trigger {
  checkDuration('The interval of continuousEventTimeTrigger()', interval, 1)
  return { kind: 'continuousEventTime', intervalMs: interval }
}

/**
 * Fires at every full interval of the machine's clock.
 *
 * ```ts
 * stream.keyBy('k').window(tumbling(days(1)), { trigger: continuousProcessingTimeTrigger(seconds(10)) })
 * ```
 */
export function continuousProcessingTimeTrigger(interval: Duration): Trigger {
  checkDuration('The interval of continuousProcessingTimeTrigger()', interval, 1)
  return { kind: 'continuousProcessingTime', intervalMs: interval }
}

/**
 * Fires when an element is further than the threshold from the one that fired last. It cannot serve session windows.
 *
 * ```ts
 * cars.keyBy('car').window(globalWindows(), { trigger: deltaTrigger(100, (a, b) => b.distance - a.distance) })
 * ```
 */
export function deltaTrigger<T>(threshold: number, delta: (oldPoint: T, newPoint: T) => number): Trigger<T> {
  checkThreshold('deltaTrigger()', threshold)
  refuseAsync('The function of deltaTrigger()', delta)
  return { kind: 'delta', threshold, delta }
}

/**
 * Clears the window's content whenever the inner trigger fires.
 *
 * ```ts
 * stream.keyBy('k').window(globalWindows(), { trigger: purging(countTrigger(100)) })
 * ```
 */
export const purging = <T>(inner: Trigger<T>): Trigger<T> => ({ kind: 'purging', inner })

export interface ProcessingTimeoutOptions {
  /** Each element starts the time anew; false by default. */
  readonly resetOnNew?: boolean
  /** Whether the inner trigger's state is cleared at the timeout; true by default. */
  readonly clearOnTimeout?: boolean
}

/**
 * Fires as the inner trigger does, and at the latest so long after a window's first element. It cannot serve session windows.
 *
 * ```ts
 * stream.keyBy('k').window(globalWindows(), { trigger: processingTimeoutTrigger(countTrigger(100), seconds(1)) })
 * ```
 */
export function processingTimeoutTrigger<T>(inner: Trigger<T>, timeout: Duration, options: ProcessingTimeoutOptions = {}): Trigger<T> {
  checkDuration('The timeout of processingTimeoutTrigger()', timeout, 1)
  checkOptionNames('processingTimeoutTrigger()', options, ['resetOnNew', 'clearOnTimeout'])
  const { resetOnNew = false, clearOnTimeout = true } = options
  return { kind: 'processingTimeout', inner, timeoutMs: timeout, resetOnNew, clearOnTimeout }
}

/**
 * Never fires: the default of global windows.
 *
 * ```ts
 * stream.keyBy('k').window(globalWindows(), { trigger: neverTrigger() })
 * ```
 */
export const neverTrigger = (): Trigger => ({ kind: 'never' })

/**
 * Fires once, at the end of bounded input.
 *
 * ```ts
 * stream.keyBy('k').window(globalWindows(), { trigger: endOfStreamTrigger() })
 * ```
 */
export const endOfStreamTrigger = (): Trigger => ({ kind: 'endOfStream' })

/**
 * A trigger of one's own. State is declared with it and kept per key and window.
 *
 * ```ts
 * const onAlarm = customTrigger({
 *   onElement: (event: { alarm: boolean }) => (event.alarm ? 'fireAndPurge' : 'continue'),
 *   onEventTime: () => 'continue',
 *   onProcessingTime: () => 'continue',
 *   clear() {},
 * })
 * ```
 */
export function customTrigger<T, S extends StateDeclarations = Record<never, never>>(
  trigger: Omit<CustomTrigger<T, S>, 'kind'>,
): Trigger<T> {
  for (const method of ['onElement', 'onEventTime', 'onProcessingTime', 'clear'] as const) {
    if (typeof trigger[method] !== 'function') {
      throw new StreamError('INVALID_ARGUMENT', `customTrigger() has no method ${method}`, {
        hint: "Give it one; a method without anything to do returns 'continue'.",
      })
    }
    refuseAsync(`${method} of customTrigger()`, trigger[method])
  }
  if (trigger.canMerge === true && trigger.onMerge === undefined) {
    throw new StreamError('INVALID_ARGUMENT', 'customTrigger() says canMerge but has no method onMerge', {
      hint: 'onMerge is called with the merged window, to set its timers again.',
    })
  }
  return { ...trigger, kind: 'custom' } as unknown as Trigger<T>
}

/** Whether the trigger can serve merging (session) windows. */
export function canMerge(trigger: Trigger<any>): boolean {
  switch (trigger.kind) {
    case 'delta':
    case 'processingTimeout':
    case 'never':
    case 'endOfStream':
      return false
    case 'purging':
      return canMerge(trigger.inner)
    case 'custom':
      return trigger.canMerge === true
    default:
      return true
  }
}

export function checkCount(what: string, count: number): void {
  if (Number.isSafeInteger(count) && count > 0) return
  throw new StreamError('INVALID_ARGUMENT', `${what} has a count of ${String(count)}`, { hint: 'It takes a whole number above 0.' })
}

export function checkThreshold(what: string, threshold: number): void {
  if (typeof threshold === 'number' && !Number.isNaN(threshold)) return
  throw new StreamError('INVALID_ARGUMENT', `${what} has a threshold of ${String(threshold)}`, { hint: 'It takes a number.' })
}
