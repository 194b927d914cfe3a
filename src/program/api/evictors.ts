/**
 * Evictors as a user writes them. An evictor makes the window keep every element, and what it evicts is gone for good.
 */
import { checkOptionNames } from '../../base/core/check-options.ts'
import type { Evictor } from '../function/window.ts'
import { checkDuration, type Duration } from './durations.ts'
import { refuseAsync } from './refuse-async.ts'
import { checkCount, checkThreshold } from './triggers.ts'

export interface EvictorOptions {
  /** Evict after the window function instead of before it. */
  readonly after?: boolean
}

/**
 * Keeps the last `count` elements in the order of their arrival.
 *
 * ```ts
 * stream.keyBy('k').window(globalWindows(), { trigger: countTrigger(1), evictor: countEvictor(10) })
 * ```
 */
export function countEvictor(count: number, options: EvictorOptions = {}): Evictor {
  checkCount('countEvictor()', count)
  return { kind: 'count', count, after: afterOf('countEvictor()', options) }
}

/**
 * Keeps the elements of the last `size` before the newest timestamp.
 *
 * ```ts
 * stream.keyBy('k').window(globalWindows(), { trigger: countTrigger(1), evictor: timeEvictor(minutes(5)) })
 * ```
 */
export function timeEvictor(size: Duration, options: EvictorOptions = {}): Evictor {
  checkDuration('The size of timeEvictor()', size, 1)
  return { kind: 'time', sizeMs: size, after: afterOf('timeEvictor()', options) }
}

/**
 * Removes elements whose distance to the last one is at least the threshold.
 *
 * ```ts
 * cars.keyBy('car').window(globalWindows(), { trigger: countTrigger(1), evictor: deltaEvictor(50, (a, last) => last.speed - a.speed) })
 * ```
 */
export function deltaEvictor<T>(threshold: number, delta: (element: T, last: T) => number, options: EvictorOptions = {}): Evictor<T> {
  checkThreshold('deltaEvictor()', threshold)
  refuseAsync('The function of deltaEvictor()', delta)
  return { kind: 'delta', threshold, delta, after: afterOf('deltaEvictor()', options) }
}

function afterOf(what: string, options: EvictorOptions): boolean {
  checkOptionNames(what, options, ['after'])
  return options.after ?? false
}
