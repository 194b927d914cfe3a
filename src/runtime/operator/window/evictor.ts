/**
 * Evictors: which of a window's elements are taken out before or after its function sees them. Pure. What is taken out
 * is gone for good: the caller stores what is left.
 */
import type { Evictor } from '../../../program/function/window.ts'

/** An element as windows with an evictor keep it. Timestamp: NaN if it has none. */
export interface TimedElement {
  readonly value: unknown
  readonly timestamp: number
}

/** Answers what stays, in arrival order: the same array when nothing goes. */
export function evict(evictor: Evictor<any>, elements: readonly TimedElement[]): readonly TimedElement[] {
  if (elements.length === 0) return elements
  switch (evictor.kind) {
    case 'count':
      return elements.length <= evictor.count ? elements : elements.slice(elements.length - evictor.count)
    case 'time':
      return evictByTime(elements, evictor.sizeMs)
    case 'delta': {
      const last = elements[elements.length - 1]!.value
      return keep(elements, (element) => !(evictor.delta(element.value, last) >= evictor.threshold))
    }
  }
}

/** Keeps what is younger than `sizeMs` before the youngest. Elements without timestamps (processing time) have no age: all stay. */
function evictByTime(elements: readonly TimedElement[], sizeMs: number): readonly TimedElement[] {
  let newest = Number.NEGATIVE_INFINITY
  for (const { timestamp } of elements) if (timestamp > newest) newest = timestamp
  return keep(elements, (element) => !(element.timestamp <= newest - sizeMs))
}

function keep(elements: readonly TimedElement[], stays: (element: TimedElement) => boolean): readonly TimedElement[] {
  const kept = elements.filter(stays)
  return kept.length === elements.length ? elements : kept
}
