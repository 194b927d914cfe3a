/**
 * What the default trigger gives in event time when data may be late, by definition: one input, which says its
 * watermark after each element. A window is open until watermark >= its last millisecond + allowed lateness; it gives its whole
 * contents when the watermark first reaches its last millisecond, and again for each element that it takes after that.
 */
import { type Element, type ReferenceWindows, referenceWindows } from './window-reference.ts'

export interface TimedInput<T> extends Element<T> {
  /** Said after the element; never falls. */
  readonly watermark: number
}

interface OpenWindow<T, K> {
  readonly key: K
  start: number
  end: number
  /** In order of arrival. */
  rows: T[]
  fired: boolean
}

export interface LateOutcome<T, K> {
  /** Every firing: results and their updates. */
  readonly firings: { readonly key: K; readonly start: number; readonly end: number; readonly rows: readonly T[] }[]
  readonly late: T[]
}

export function referenceWithLateness<T, K extends string | number>(
  inputs: readonly TimedInput<T>[],
  keyOf: (row: T) => K,
  windows: ReferenceWindows<T>,
  lateness: number,
): LateOutcome<T, K> {
  let open: OpenWindow<T, K>[] = []
  let watermark = Number.NEGATIVE_INFINITY
  const outcome: LateOutcome<T, K> = { firings: [], late: [] }
  const fire = (window: OpenWindow<T, K>): void => {
    window.fired = true
    outcome.firings.push({ key: window.key, start: window.start, end: window.end, rows: [...window.rows] })
  }
  for (const input of inputs) {
    const own = referenceWindows([input], keyOf, windows).map(
      ({ key, start, end }): OpenWindow<T, K> => ({ key, start, end, rows: [], fired: false }),
    )
    let taken = false
    for (const window of own) {
      // A session takes in all open ones of its key that it overlaps or touches; any other window is itself.
      const joins = open.filter(
        (other) =>
          other.key === window.key &&
          (windows.kind === 'session' ? other.start <= window.end && window.start <= other.end : other.start === window.start),
      )
      const joined: OpenWindow<T, K> = {
        key: window.key,
        start: Math.min(window.start, ...joins.map(({ start }) => start)),
        end: Math.max(window.end, ...joins.map(({ end }) => end)),
        rows: [...joins.flatMap(({ rows }) => rows), input.row],
        fired: false,
      }
      if (joined.end - 1 + lateness <= watermark) continue
      taken = true
      open = [...open.filter((other) => !joins.includes(other)), joined]
      if (joined.end - 1 <= watermark) fire(joined)
    }
    if (!taken && own.length > 0) outcome.late.push(input.row)
    watermark = Math.max(watermark, input.watermark)
    for (const window of open) if (!window.fired && window.end - 1 <= watermark) fire(window)
    open = open.filter((window) => window.end - 1 + lateness > watermark)
  }
  for (const window of open) if (!window.fired) fire(window)
  return outcome
}
