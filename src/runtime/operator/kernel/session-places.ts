/**
 * Where an element goes among the sessions of its key: one is begun, extended, or made of several, and the looks that this
 * takes are asked for. It knows the store, the gap, and how far event time has come; nothing of rows.
 */
import type { TypedTable } from '../../state/typed-table.ts'
import { maxWatermark, minWatermark } from '../operator.ts'
import type { MergeEntry } from './compile-merge.ts'
import { ShapeChanged } from './plain-windows.ts'
import { type SessionStore, sessionWords } from './session-store.ts'
import { inEntry, isLate, isMisfit } from './session-text.ts'

/** No session. */
const none = -4

export interface SessionTimes {
  readonly gapMs: number
  readonly allowedLatenessMs: number
}

export class SessionPlaces {
  readonly store: SessionStore
  /** What was due by then has fired. */
  watermark = minWatermark
  readonly #gapMs: number
  readonly #allowedLatenessMs: number
  readonly #merge: MergeEntry

  constructor(store: SessionStore, { gapMs, allowedLatenessMs }: SessionTimes, merge: MergeEntry) {
    this.store = store
    this.#gapMs = gapMs
    this.#allowedLatenessMs = allowedLatenessMs
    this.#merge = merge
  }

  /** Begins a session behind all others of the key in its entry, of which `at` is the first value word. */
  begin(table: TypedTable, at: number, timestamp: number, key: number, end = timestamp + this.#gapMs): void {
    const { f64 } = table
    const { store } = this
    if (f64[at] !== Number.POSITIVE_INFINITY) this.#lookAtRecord(store.retire(f64, at, key))
    f64[at] = timestamp
    f64[at + 1] = end
    for (let w = sessionWords; w < store.words; w++) f64[at + w] = store.initial[w]!
    this.watch(f64, at, key)
  }

  /** When something is due of a session that ends here: its firing, or, once it has fired, its cleanup. Infinity: never. */
  #dueTime(end: number): number {
    if (end - 1 > this.watermark) return end - 1
    return this.cleanupTime(end)
  }

  cleanupTime(end: number): number {
    const time = end - 1 + this.#allowedLatenessMs
    return time < maxWatermark ? time : Number.POSITIVE_INFINITY
  }

  #lookAtRecord(record: number): void {
    const time = this.#dueTime(this.store.pool[record + 1]!)
    if (time < Number.POSITIVE_INFINITY) this.store.lookAtRecord(record, time)
  }

  watch(f64: Float64Array, at: number, key: number, time = this.#dueTime(f64[at + 1]!)): void {
    if (f64[at + 3]! <= time) return
    f64[at + 3] = time
    this.store.lookAtKey(key, time)
  }

  /**
   * The session of an element for which the loop has no case, made, extended or joined of several: its record, or inEntry,
   * isLate, isMisfit. `at` is the first value word of the key's entry. The element may be added there at once.
   */
  place(table: TypedTable, at: number, timestamp: number, key: number): number {
    const record = this.#place(table, at, timestamp, key)
    if (record >= 0) this.store.saveBefore(record)
    return record
  }

  #place(table: TypedTable, at: number, timestamp: number, key: number): number {
    const { f64 } = table
    const { pool } = this.store
    const windowEnd = timestamp + this.#gapMs
    // The latest session that does not begin behind the element's window, and the one behind it.
    let record = f64[at] === Number.POSITIVE_INFINITY ? none : inEntry
    let start = f64[at]!
    let end = f64[at + 1]!
    let behind = none
    while (record !== none && start > windowEnd) {
      behind = record
      const before = record === inEntry ? f64[at + 2]! : pool[record + 2]!
      record = before < 0 ? none : before
      if (before >= 0) {
        start = pool[before]!
        end = pool[before + 1]!
      }
    }
    if (record === none || end < timestamp) {
      if (this.#isLate(windowEnd)) return isLate
      if (behind !== none) return this.insert(f64, at, record === none ? -1 : record, behind, timestamp, key)
      this.begin(table, at, timestamp, key)
      return inEntry
    }
    const before = record === inEntry ? f64[at + 2]! : pool[record + 2]!
    if (before >= 0 && pool[before + 1]! >= timestamp) return this.#join(f64, at, record, timestamp, windowEnd, key)
    if (timestamp < start) {
      if (record === inEntry) f64[at] = timestamp
      else {
        this.store.saveBefore(record)
        pool[record] = timestamp
      }
    }
    return windowEnd > end ? this.#extend(f64, at, record, windowEnd, key) : record
  }

  /** A session of its own between two others. */
  insert(
    f64: Float64Array,
    at: number,
    before: number,
    behind: number,
    timestamp: number,
    key: number,
    end = timestamp + this.#gapMs,
  ): number {
    const { store } = this
    const record = store.allocate()
    const { pool, initial, words } = store
    for (let w = sessionWords; w < words; w++) pool[record + w] = initial[w]!
    pool[record] = timestamp
    pool[record + 1] = end
    pool[record + 3] = key
    store.link(f64, at, before, record, behind)
    this.#lookAtRecord(record)
    return record
  }

  /** Moves a session's end on. */
  #extend(f64: Float64Array, at: number, record: number, end: number, key: number): number {
    if (record === inEntry) {
      f64[at + 1] = end
      this.watch(f64, at, key)
      return inEntry
    }
    const { store } = this
    const hadFired = store.pool[record + 1]! - 1 <= this.watermark
    if (!hadFired || end - 1 <= this.watermark) {
      store.saveBefore(record)
      store.pool[record + 1] = end
      return record
    }
    // It is to be looked at for its cleanup only, and has to be looked at before: another record takes its place.
    const copy = store.replace(f64, at, record)
    this.#giveUp(record)
    store.pool[copy + 1] = end
    this.#lookAtRecord(copy)
    return copy
  }

  /** Makes one session of `latest` and all before it that the element's window meets; accumulators merge in order of time. */
  #join(f64: Float64Array, at: number, latest: number, timestamp: number, windowEnd: number, key: number): number {
    const { store } = this
    const { pool } = store
    const linkOf = (record: number) => (record === inEntry ? f64[at + 2]! : pool[record + 2]!)
    let earliest = linkOf(latest)
    for (let before = pool[earliest + 2]!; before >= 0 && pool[before + 1]! >= timestamp; before = pool[before + 2]!) earliest = before
    const merged = pool.slice(earliest + sessionWords, earliest + store.words)
    const last = latest === inEntry ? f64 : pool
    const lastAt = latest === inEntry ? at : latest
    try {
      for (let record = store.behind(earliest); record !== latest; record = store.behind(record))
        this.#merge(merged, 0, pool, record + sessionWords)
      this.#merge(merged, 0, last, lastAt + sessionWords)
    } catch (thrown) {
      if (thrown instanceof ShapeChanged) return isMisfit
      throw thrown
    }
    if (latest !== inEntry) store.saveBefore(latest)
    last[lastAt] = Math.min(pool[earliest]!, timestamp)
    last.set(merged, lastAt + sessionWords)
    const before = pool[earliest + 2]!
    for (let record = linkOf(latest); record !== before; record = pool[record + 2]!) this.#giveUp(record)
    store.joinLinks(f64, at, before, latest)
    return windowEnd > last[lastAt + 1]! ? this.#extend(f64, at, latest, windowEnd, key) : latest
  }

  /** A record whose session is another's now. It is freed when it is looked at, if it ever is. */
  #giveUp(record: number): void {
    const { store } = this
    const due = this.#dueTime(store.pool[record + 1]!)
    store.saveBefore(record)
    store.pool[record + 1] = Number.NEGATIVE_INFINITY
    if (due === Number.POSITIVE_INFINITY) store.free(record)
  }

  #isLate(end: number): boolean {
    return Math.min(end - 1 + this.#allowedLatenessMs, maxWatermark) <= this.watermark
  }
}
