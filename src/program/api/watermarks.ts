/**
 * Watermark strategies as a user writes them: how late elements may be, and where an element's timestamp is.
 */
import { checkOptionNames } from '../../base/core/check-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { TimestampAssigner, WatermarkGenerator, WatermarkStrategy } from '../function/watermark.ts'
import { checkDuration, type Duration } from './durations.ts'
import { refuseAsync } from './refuse-async.ts'

export interface WatermarkOptions {
  /** An input that is silent for longer than this no longer holds time back. */
  readonly idleness?: Duration
}

/**
 * Elements may be out of order by up to `outOfOrderness`: the watermark is the highest timestamp minus it, minus 1.
 * Timestamps come from a function or a field; without either the source's own are kept.
 *
 * ```ts
 * env.fromSource(flights, { watermarks: boundedOutOfOrderness(minutes(1), (f) => f.date, { idleness: seconds(30) }) })
 * ```
 */
export function boundedOutOfOrderness<T>(
  outOfOrderness: Duration,
  timestamp?: TimestampAssigner<T>,
  options: WatermarkOptions = {},
): WatermarkStrategy<T> {
  checkDuration('The bound of boundedOutOfOrderness()', outOfOrderness, 0)
  return strategy('boundedOutOfOrderness()', { kind: 'bounded', outOfOrdernessMs: outOfOrderness }, timestamp, options)
}

/**
 * Timestamps never fall within one input: the watermark is the highest one minus 1.
 *
 * ```ts
 * env.fromSource(flights, { watermarks: monotonousTimestamps('date') })
 * ```
 */
export const monotonousTimestamps = <T>(timestamp?: TimestampAssigner<T>, options: WatermarkOptions = {}): WatermarkStrategy<T> =>
  strategy('monotonousTimestamps()', { kind: 'bounded', outOfOrdernessMs: 0 }, timestamp, options)

/**
 * No watermarks before the end of the input: for processing time, or for streams without windows.
 *
 * ```ts
 * env.fromSource(flights, { watermarks: noWatermarks() })
 * ```
 */
export const noWatermarks = <T>(timestamp?: TimestampAssigner<T>): WatermarkStrategy<T> =>
  strategy('noWatermarks()', { kind: 'none' }, timestamp, {})

/**
 * A generator of one's own, made anew for each split: `onEvent` may emit at once, `onPeriodicEmit` is called every
 * `pipeline.auto-watermark-interval`.
 *
 * ```ts
 * const punctuated = customWatermarks<{ at: number; mark: boolean }>(
 *   () => ({ onEvent: (event, timestamp, output) => event.mark && output.emitWatermark(timestamp) }),
 *   (event) => event.at,
 * )
 * ```
 */
export function customWatermarks<T>(
  create: () => WatermarkGenerator<T>,
  timestamp?: TimestampAssigner<T>,
  options: WatermarkOptions = {},
): WatermarkStrategy<T> {
  if (typeof create !== 'function') {
    throw new StreamError('INVALID_ARGUMENT', `customWatermarks() was given ${create === null ? 'null' : typeof create}`, {
      hint: 'It takes a function that makes a generator: each split has one of its own.',
    })
  }
  refuseAsync('The function of customWatermarks()', create)
  return strategy('customWatermarks()', { kind: 'custom', create }, timestamp, options)
}

function strategy<T>(
  what: string,
  generator: WatermarkStrategy<T>['generator'],
  timestamp: TimestampAssigner<T> | undefined,
  options: WatermarkOptions,
): WatermarkStrategy<T> {
  checkOptionNames(what, options, ['idleness'])
  const { idleness } = options
  if (idleness !== undefined) checkDuration(`The idleness of ${what}`, idleness, 1)
  refuseAsync(`The timestamp function of ${what}`, timestamp)
  return { generator, ...(timestamp !== undefined && { timestamp }), ...(idleness !== undefined && { idlenessMs: idleness }) }
}
