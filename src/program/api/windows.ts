/**
 * Window assigners as a user writes them. Windows are [start, end) in ms and align to the epoch in UTC.
 */
import { checkOptionNames } from '../../base/core/check-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { TimeDomain, WindowAssigner } from '../function/window.ts'
import { checkDuration, type Duration } from './durations.ts'
import { refuseAsync } from './refuse-async.ts'

export interface TimeOption {
  /** Which clock: event time by default. */
  readonly time?: TimeDomain
}

export interface AlignedOptions extends TimeOption {
  /** Shifts the starts: `tumbling(days(1), { offset: hours(-8) })` are the days of UTC+8. */
  readonly offset?: Duration
}

const alignedNames = ['time', 'offset']

/**
 * Windows of one size, side by side.
 *
 * ```ts
 * flights.keyBy('origin').window(tumbling(hours(1))).aggregate({ flights: count() })
 * ```
 */
export function tumbling(size: Duration, options: AlignedOptions = {}): WindowAssigner<unknown> {
  checkDuration('The size of tumbling()', size, 1)
  checkOptionNames('tumbling()', options, alignedNames)
  return { kind: 'tumbling', time: timeOf('tumbling', options), sizeMs: size, offsetMs: offsetOf('tumbling', 'size', size, options) }
}

/**
 * Windows of one size that start every `slide`; they overlap when it is shorter than the size.
 *
 * ```ts
 * flights.keyBy('origin').window(sliding(hours(1), minutes(5))).aggregate({ flights: count() })
 * ```
 */
export function sliding(size: Duration, slide: Duration, options: AlignedOptions = {}): WindowAssigner<unknown> {
  checkDuration('The size of sliding()', size, 1)
  checkDuration('The slide of sliding()', slide, 1)
  checkOptionNames('sliding()', options, alignedNames)
  const offsetMs = offsetOf('sliding', 'slide', slide, options)
  return { kind: 'sliding', time: timeOf('sliding', options), sizeMs: size, slideMs: slide, offsetMs }
}

/**
 * Windows that end when a key has been silent for longer than the gap; a function gives each element its own gap.
 *
 * ```ts
 * clicks.keyBy('user').window(session(minutes(30))).aggregate({ clicks: count() })
 * ```
 */
export function session<T = unknown>(gap: Duration | ((element: T) => number), options: TimeOption = {}): WindowAssigner<T> {
  if (typeof gap === 'function') refuseAsync('The gap function of session()', gap)
  else checkDuration('The gap of session()', gap, 1)
  checkOptionNames('session()', options, ['time'])
  return { kind: 'session', time: timeOf('session', options), gapMs: gap }
}

/**
 * One window per key for everything. It fires by its trigger only, or once at the end of the input with `fireAtEnd`.
 *
 * ```ts
 * flights.keyBy('origin').window(globalWindows({ fireAtEnd: true })).aggregate({ flights: count() })
 * ```
 */
export function globalWindows(options: { readonly fireAtEnd?: boolean } = {}): WindowAssigner<unknown> {
  checkOptionNames('globalWindows()', options, ['fireAtEnd'])
  return { kind: 'global', fireAtEnd: options.fireAtEnd ?? false }
}

function timeOf(window: string, { time = 'event' }: TimeOption): TimeDomain {
  if (time === 'event' || time === 'processing') return time
  throw new StreamError('INVALID_ARGUMENT', `${window}() has time '${String(time)}'`, { hint: "It is 'event' or 'processing'." })
}

function offsetOf(window: string, limit: string, limitMs: Duration, { offset = 0 }: AlignedOptions): Duration {
  checkDuration(`The offset of ${window}()`, offset, Number.NEGATIVE_INFINITY)
  if (Math.abs(offset) < limitMs) return offset
  throw new StreamError('INVALID_ARGUMENT', `${window}() has an offset of ${offset} ms, not shorter than its ${limit} of ${limitMs} ms`, {
    hint: `An offset shifts windows within one ${limit}.`,
  })
}
