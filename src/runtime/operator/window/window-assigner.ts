/**
 * Which windows an element belongs to. Pure: the element, its timestamp and the processing time go in, windows come out.
 * Windows align to the epoch in UTC and are right for negative timestamps. The array that is answered is reused while
 * the next element falls into the same windows, so nobody may keep or change it; the windows themselves never change.
 */
import { assert, StreamError } from '../../../base/core/stream-error.ts'
import type { TimeDomain, TimeWindow, WindowAssigner } from '../../../program/function/window.ts'
import { maxWatermark, minWatermark } from '../operator.ts'

export interface Assigner {
  /** Which clock ends its windows. Global windows go by processing time, as in Flink: nothing is ever late for them. */
  readonly time: TimeDomain
  /** Whether its windows grow and merge (sessions). */
  readonly merging: boolean
  /** Empty when the element lies in a gap between sliding windows. */
  assign(row: unknown, timestamp: number, nowMs: number): readonly TimeWindow[]
}

export const globalWindow: TimeWindow = { start: minWatermark, end: maxWatermark }

/** Last millisecond of a window. For the global window this is MAX, because 2^63 - 1 is 2^63 as a float64. */
export const maxTimestamp = (window: TimeWindow): number => window.end - 1

/** Start of the last window that begins at or before `timestamp`. */
export function windowStart(timestamp: number, offsetMs: number, everyMs: number): number {
  const past = (timestamp - offsetMs) % everyMs
  return timestamp - (past < 0 ? past + everyMs : past)
}

export function createAssigner(assigner: WindowAssigner<any>): Assigner {
  switch (assigner.kind) {
    case 'tumbling':
      return tumbling(assigner.time, assigner.sizeMs, assigner.offsetMs)
    case 'sliding':
      return sliding(assigner.time, assigner.sizeMs, assigner.slideMs, assigner.offsetMs)
    case 'session':
      return session(assigner.time, assigner.gapMs)
    case 'global': {
      const windows = [globalWindow]
      return { time: 'processing', merging: false, assign: () => windows }
    }
  }
}

/** The time an assigner goes by, of one element. */
const timeOf = (time: TimeDomain, timestamp: number, nowMs: number): number => (time === 'event' ? timestamp : nowMs)

function tumbling(time: TimeDomain, sizeMs: number, offsetMs: number): Assigner {
  assert(sizeMs > 0 && Math.abs(offsetMs) < sizeMs, `tumbling window of size ${sizeMs} and offset ${offsetMs}`)
  let window: TimeWindow = { start: 0, end: 0 }
  let windows = [window]
  const assign = (_row: unknown, timestamp: number, nowMs: number): readonly TimeWindow[] => {
    const at = timeOf(time, timestamp, nowMs)
    if (at >= window.start && at < window.end) return windows
    const start = windowStart(at, offsetMs, sizeMs)
    window = { start, end: start + sizeMs }
    windows = [window]
    return windows
  }
  return { time, merging: false, assign }
}

function sliding(time: TimeDomain, sizeMs: number, slideMs: number, offsetMs: number): Assigner {
  assert(
    sizeMs > 0 && slideMs > 0 && Math.abs(offsetMs) < slideMs,
    `sliding window of size ${sizeMs}, slide ${slideMs} and offset ${offsetMs}`,
  )
  let lastStart = Number.NaN
  let windows: TimeWindow[] = []
  const assign = (_row: unknown, timestamp: number, nowMs: number): readonly TimeWindow[] => {
    const at = timeOf(time, timestamp, nowMs)
    const start = windowStart(at, offsetMs, slideMs)
    const windowCount = Math.max(0, Math.ceil((start + sizeMs - at) / slideMs))
    if (start === lastStart && windowCount === windows.length) return windows
    lastStart = start
    windows = []
    for (let index = 0; index < windowCount; index++)
      windows.push({ start: start - index * slideMs, end: start - index * slideMs + sizeMs })
    return windows
  }
  return { time, merging: false, assign }
}

function session(time: TimeDomain, gapMs: number | ((element: any) => number)): Assigner {
  assert(typeof gapMs === 'function' || gapMs > 0, `session window with a gap of ${gapMs}`)
  const assign = (row: unknown, timestamp: number, nowMs: number): readonly TimeWindow[] => {
    const at = timeOf(time, timestamp, nowMs)
    return [{ start: at, end: at + (typeof gapMs === 'number' ? gapMs : dynamicGap(gapMs, row)) }]
  }
  return { time, merging: true, assign }
}

function dynamicGap(gapOf: (element: unknown) => number, row: unknown): number {
  const gap = gapOf(row)
  if (gap > 0 && Number.isFinite(gap)) return gap
  throw new StreamError('USER_FUNCTION_FAILED', `the gap function of a session window returned ${String(gap)}`, {
    hint: 'It has to return a positive number of milliseconds for every element.',
  })
}
