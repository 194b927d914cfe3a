/**
 * Durations are numbers of milliseconds; these functions say the unit.
 */
import { StreamError } from '../../base/core/stream-error.ts'

/** A number of milliseconds. */
export type Duration = number

/**
 * ```ts
 * tumbling(milliseconds(500))
 * ```
 */
export const milliseconds = (count: number): Duration => durationOf('milliseconds', count, 1)

/**
 * ```ts
 * tumbling(seconds(10))
 * ```
 */
export const seconds = (count: number): Duration => durationOf('seconds', count, 1000)

/**
 * ```ts
 * boundedOutOfOrderness(minutes(1), 'date')
 * ```
 */
export const minutes = (count: number): Duration => durationOf('minutes', count, 60_000)

/**
 * ```ts
 * sliding(hours(1), minutes(5))
 * ```
 */
export const hours = (count: number): Duration => durationOf('hours', count, 3_600_000)

/**
 * ```ts
 * tumbling(days(1), { offset: hours(-8) })
 * ```
 */
export const days = (count: number): Duration => durationOf('days', count, 86_400_000)

function durationOf(unit: string, count: number, unitMs: number): Duration {
  const ms = count * unitMs
  // seconds(0.57) is 570 ms, though the product is a hair less.
  if (typeof count === 'number' && Number.isFinite(ms)) return Math.abs(ms - Math.round(ms)) < 1e-6 ? Math.round(ms) : ms
  throw new StreamError('INVALID_ARGUMENT', `${unit}(${String(count)}) is not a duration`, { hint: 'It takes a finite number.' })
}

/** Refuses what is not a whole number of ms within the limits; `what` names the argument: `tumbling(size)`. */
export function checkDuration(what: string, ms: unknown, atLeastMs: number): asserts ms is Duration {
  if (Number.isSafeInteger(ms) && (ms as number) >= atLeastMs) return
  const limit = atLeastMs === Number.NEGATIVE_INFINITY ? '' : atLeastMs > 0 ? ' above 0' : ' of at least 0'
  throw new StreamError('INVALID_ARGUMENT', `${what} is ${String(ms)}, which is not a whole number of milliseconds${limit}`, {
    hint: 'Write a duration such as seconds(10) or minutes(1).',
  })
}
