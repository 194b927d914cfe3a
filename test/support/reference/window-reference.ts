/**
 * What windows hold, by definition and without regard to speed, for input that is never late (disorder within the
 * watermark's bound, allowed lateness 0): every element is in the windows that contain its timestamp; sessions come from sorting.
 * Times are whole milliseconds.
 */
export interface Element<T> {
  readonly row: T
  readonly timestamp: number
}

export type ReferenceWindows<T> =
  | { readonly kind: 'sliding'; readonly size: number; readonly slide: number; readonly offset: number }
  | { readonly kind: 'session'; readonly gap: (row: T) => number }
  | { readonly kind: 'global' }

export interface ReferenceWindow<T, K> {
  readonly key: K
  readonly start: number
  readonly end: number
  /** In order of arrival. */
  readonly rows: readonly T[]
}

/** Every window that holds something, key by key. Keys are strings or numbers. A tumbling window slides by its size. */
export function referenceWindows<T, K extends string | number>(
  elements: readonly Element<T>[],
  keyOf: (row: T) => K,
  windows: ReferenceWindows<T>,
): ReferenceWindow<T, K>[] {
  const keys = [...new Set(elements.map(({ row }) => keyOf(row)))]
  return keys.flatMap((key) => {
    const mine = elements.filter(({ row }) => keyOf(row) === key)
    return spans(mine, windows).map(({ start, end }) => ({
      key,
      start,
      end,
      rows: mine.filter(({ timestamp }) => start <= timestamp && timestamp < end).map(({ row }) => row),
    }))
  })
}

/** The windows of one key's elements, each once. */
function spans<T>(elements: readonly Element<T>[], windows: ReferenceWindows<T>): { start: number; end: number }[] {
  if (windows.kind === 'global') return [{ start: -(2 ** 63), end: 2 ** 63 }]
  if (windows.kind === 'session') return sessions(elements, windows.gap)
  const starts = new Set<number>()
  for (const { timestamp } of elements) {
    for (let start = timestamp - windows.size + 1; start <= timestamp; start++) {
      if (Number.isInteger((start - windows.offset) / windows.slide)) starts.add(start)
    }
  }
  return [...starts].map((start) => ({ start, end: start + windows.size }))
}

/** In order of time, an element at or before the end of the session so far belongs to it; the furthest end wins. */
function sessions<T>(elements: readonly Element<T>[], gap: (row: T) => number): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = []
  for (const { row, timestamp } of [...elements].sort((a, b) => a.timestamp - b.timestamp)) {
    const last = found.at(-1)
    const end = timestamp + gap(row)
    if (last !== undefined && timestamp <= last.end) last.end = Math.max(last.end, end)
    else found.push({ start: timestamp, end })
  }
  return found
}
