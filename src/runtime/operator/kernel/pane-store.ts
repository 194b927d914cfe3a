/**
 * The panes of a tumbling or sliding window and which windows are due. A pane is the greatest stretch of time that no window
 * border cuts: the window itself when tumbling, gcd(size, slide) when sliding. A record goes into one pane however many
 * windows it is in. Pure but for the tables: it is told the watermark and answers which window fires next.
 */
import type { KeySpace } from '../../state/key-space.ts'
import { type GroupRange, TableGroup } from './table-group.ts'

export interface PaneOptions {
  readonly sizeMs: number
  readonly slideMs: number
  readonly offsetMs: number
  readonly allowedLatenessMs: number
}

export interface Pane {
  readonly start: number
  readonly end: number
  /** undefined: a gap between windows; its elements belong to none. */
  readonly group: TableGroup | undefined
}

/** Memory of cleared tables that is kept for the panes to come. */
const spareBytes = 32 << 20

/** What generated code holds while it has no pane: no timestamp is in it. */
const noPane: Pane = { start: Number.POSITIVE_INFINITY, end: Number.NEGATIVE_INFINITY, group: undefined }

export class PaneStore {
  readonly paneMs: number
  readonly options: PaneOptions
  readonly panes = new Map<number, Pane>()
  current: Pane = noPane
  /** Every window that ends here or before has fired. */
  firedTo = Number.NEGATIVE_INFINITY
  readonly #keys: KeySpace
  readonly #range: GroupRange
  readonly #initial: Float64Array
  readonly #free: { readonly group: TableGroup; readonly sizeBytes: number }[] = []
  #freeBytes = 0
  /** The panes by start, as long as none comes or goes, and how many of them have no window left to fire. */
  #ordered: readonly Pane[] = []
  #fired = 0

  constructor(options: PaneOptions, keys: KeySpace, range: GroupRange, initial: Float64Array) {
    this.options = options
    this.paneMs = paneMsOf(options.sizeMs, options.slideMs)
    this.#keys = keys
    this.#range = range
    this.#initial = initial
  }

  /** The pane of a timestamp, made if need be; it becomes `current`. */
  enter(timestamp: number): Pane {
    const { offsetMs, slideMs, sizeMs } = this.options
    const start = Math.floor((timestamp - offsetMs) / this.paneMs) * this.paneMs + offsetMs
    let pane = this.panes.get(start)
    if (pane === undefined) {
      const isGap = start - (Math.floor((start - offsetMs) / slideMs) * slideMs + offsetMs) >= sizeMs
      pane = { start, end: start + this.paneMs, group: isGap ? undefined : this.newGroup() }
      if (!isGap) this.#add(pane)
    }
    this.current = pane
    return pane
  }

  newGroup(): TableGroup {
    const spare = this.#free.pop()
    if (spare === undefined) return new TableGroup(this.#keys, this.#range, this.#initial)
    this.#freeBytes -= spare.sizeBytes
    return spare.group
  }

  recycle(group: TableGroup): void {
    // Its next user would copy page after page for a snapshot that still reads it.
    if (group.isInSnapshot) return
    group.clear()
    const { sizeBytes } = group
    // Four at least, however large they are: a sliding window needs some at every firing.
    if (this.#free.length >= 4 && this.#freeBytes + sizeBytes > spareBytes) return
    this.#free.push({ group, sizeBytes })
    this.#freeBytes += sizeBytes
  }

  /** End of the last window that is due at a watermark, whether or not it holds anything. */
  lastEndDueAt(watermark: number): number {
    const { offsetMs, sizeMs, slideMs } = this.options
    return offsetMs + sizeMs + Math.floor((watermark + 1 - offsetMs - sizeMs) / slideMs) * slideMs
  }

  /** End of the earliest window that holds a pane and has not fired, if it ends by `lastEnd`. */
  nextEnd(lastEnd: number): number | undefined {
    const panes = this.#inOrder()
    for (; this.#fired < panes.length; this.#fired++) {
      const end = this.#firstEndAfter(panes[this.#fired]!, this.firedTo)
      if (end !== undefined) return end <= lastEnd ? end : undefined
    }
    return undefined
  }

  #add(pane: Pane): void {
    this.panes.set(pane.start, pane)
    this.#ordered = []
  }

  /** A burst of firings goes over the panes once: sorted anew only when one has come or gone. */
  #inOrder(): readonly Pane[] {
    if (this.#ordered.length !== this.panes.size) {
      this.#ordered = [...this.panes.values()].sort((a, b) => a.start - b.start)
      this.#fired = 0
    }
    return this.#ordered
  }

  #firstEndAfter(pane: Pane, after: number): number | undefined {
    const { offsetMs, sizeMs, slideMs } = this.options
    const first = offsetMs + sizeMs + Math.ceil((pane.end - offsetMs - sizeMs) / slideMs) * slideMs
    const end = after < first ? first : first + (Math.floor((after - first) / slideMs) + 1) * slideMs
    return end <= this.#lastEndOf(pane) ? end : undefined
  }

  #lastEndOf(pane: Pane): number {
    const { offsetMs, sizeMs, slideMs } = this.options
    return offsetMs + Math.floor((pane.start - offsetMs) / slideMs) * slideMs + sizeMs
  }

  /** The panes of the window that ends here, earliest first. */
  panesOf(windowEnd: number): Pane[] {
    const found: Pane[] = []
    for (let start = windowEnd - this.options.sizeMs; start < windowEnd; start += this.paneMs) {
      const pane = this.panes.get(start)
      if (pane !== undefined) found.push(pane)
    }
    return found
  }

  /** Starts of the windows of a timestamp, latest first. */
  windowStartsOf(timestamp: number): number[] {
    const { offsetMs, sizeMs, slideMs } = this.options
    const starts: number[] = []
    for (let start = Math.floor((timestamp - offsetMs) / slideMs) * slideMs + offsetMs; start > timestamp - sizeMs; start -= slideMs)
      starts.push(start)
    return starts
  }

  /** Drops the panes that no window still to fire or to be late for needs. */
  dropBelow(watermark: number): void {
    for (const pane of this.panes.values()) {
      if (this.#lastEndOf(pane) - 1 + this.options.allowedLatenessMs > watermark) continue
      this.panes.delete(pane.start)
      this.#ordered = []
      this.recycle(pane.group!)
    }
    this.current = noPane
  }

  /** Event time has come to a watermark: what was due has fired. */
  restoreTime(watermark: number): void {
    this.firedTo = this.lastEndDueAt(watermark)
  }

  /** In order of time. */
  get live(): { readonly start: number; readonly end: number; readonly group: TableGroup }[] {
    return this.#inOrder().flatMap(({ start, end, group }) => (group === undefined ? [] : [{ start, end, group }]))
  }

  /** All live and spare tables, to convert them. */
  get groups(): TableGroup[] {
    this.#free.length = 0
    this.#freeBytes = 0
    return [...this.panes.values()].map((pane) => pane.group!)
  }
}

/** The greatest stretch of time that no border of such a window cuts, where there are windows. */
export function paneMsOf(sizeMs: number, slideMs: number): number {
  return slideMs % sizeMs === 0 ? sizeMs : gcd(sizeMs, slideMs)
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}
