/**
 * The sessions of a subtask: each key's latest one in its table entry, the earlier ones that still live as records in a
 * pool, linked from the entry from the latest back. Disjoint, never touching. Pure but for the tables.
 *
 * | value word of an entry | word of a record | meaning                                                        |
 * | ---------------------- | ---------------- | -------------------------------------------------------------- |
 * | 0                      | 0                | start; +Infinity: the key has no session                       |
 * | 1                      | 1                | end; -Infinity: none, or the record is dead                    |
 * | 2                      | 2                | index of the record of the session before, -1: none            |
 * | 3                      | 3                | entry: time of its watch, +Infinity: none; record: its key     |
 * | 4 ...                  | 4 ...            | accumulator                                                    |
 * |                        | last             | index of the record of the session behind, -1: the entry       |
 *
 * **Looks.** No timer is set per element: a look at time T asks then what has become of a session. Every entry with a session
 * has a look (its watch) at or before the time at which something is due; an extended session is found to be so and looked
 * at again later. Every record has exactly one look, not behind its time either, and is freed in a look alone. A watch that
 * is not the entry's any more is passed over.
 *
 * **Snapshots.** While one is open, a page of 512 records is copied ahead of the first write to it, as typed tables do it; growth
 * leaves the old pool to the snapshot. Looks are no state: they follow from the sessions and the watermark.
 */
import { TimeHeap } from '../../state/time-heap.ts'

export const sessionWords = 4
const pageRecords = 512

/** The pool as it was; `pages` override it. */
export interface PoolSnapshot {
  readonly pool: Float64Array
  readonly pageWords: number
  readonly pages: Map<number, Float64Array>
}

/** What is looked at at one time. */
interface Looks {
  readonly records: number[]
  /** Table keys. */
  keys: number[]
}

export class SessionStore {
  /** Words of an entry's session: header and accumulator. A record has one more. */
  readonly words: number
  readonly #recordWords: number
  readonly initial: Float64Array
  pool: Float64Array
  #snapshots: readonly PoolSnapshot[] = []
  #records = 0
  readonly #free: number[] = []
  readonly #looks = new Map<number, Looks>()
  readonly #times = new TimeHeap()
  #lastTime = Number.NaN
  #last: Looks = { records: [], keys: [] }

  constructor(initialAccumulator: Float64Array) {
    this.words = sessionWords + initialAccumulator.length
    this.#recordWords = this.words + 1
    this.initial = new Float64Array(this.words)
    this.initial.set([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, Number.POSITIVE_INFINITY])
    this.initial.set(initialAccumulator, sessionWords)
    this.pool = new Float64Array(64 * this.#recordWords)
  }

  /** Earliest time of a look, or +Infinity. */
  get nextTime(): number {
    return this.#times.lowest
  }

  get numRecords(): number {
    return this.#records - this.#free.length
  }

  lookAtKey(key: number, time: number): void {
    this.#at(time).keys.push(key)
  }

  lookAtRecord(record: number, time: number): void {
    this.#at(time).records.push(record)
  }

  #at(time: number): Looks {
    if (time === this.#lastTime) return this.#last
    let looks = this.#looks.get(time)
    if (looks === undefined) {
      looks = { records: [], keys: [] }
      this.#looks.set(time, looks)
      this.#times.push(time)
    }
    this.#lastTime = time
    this.#last = looks
    return looks
  }

  /** Takes out what is looked at at the earliest time. */
  takeLooks(): { readonly time: number; readonly looks: Looks } {
    const time = this.#times.lowest
    const looks = this.#looks.get(time)!
    this.#times.pop()
    this.#looks.delete(time)
    if (time === this.#lastTime) this.#lastTime = Number.NaN
    return { time, looks }
  }

  /** Word of a new record in the pool; what it holds is yours to write. */
  allocate(): number {
    const free = this.#free.pop()
    if (free !== undefined) {
      this.saveBefore(free)
      return free
    }
    const at = this.#records++ * this.#recordWords
    if (at + this.#recordWords > this.pool.length) {
      const grown = new Float64Array(this.pool.length * 2)
      grown.set(this.pool)
      this.#replacePool(grown)
    } else this.saveBefore(at)
    return at
  }

  /** What an open snapshot reads is written no more. */
  #replacePool(pool: Float64Array): void {
    this.#snapshots = []
    this.pool = pool
  }

  beginSnapshot(): PoolSnapshot {
    const snapshot = { pool: this.pool, pageWords: pageRecords * this.#recordWords, pages: new Map<number, Float64Array>() }
    this.#snapshots = [...this.#snapshots, snapshot]
    return snapshot
  }

  endSnapshot(snapshot: PoolSnapshot): void {
    this.#snapshots = this.#snapshots.filter((other) => other !== snapshot)
  }

  /** Call ahead of each write to a record. */
  saveBefore(record: number): void {
    for (const { pages, pageWords } of this.#snapshots) {
      const page = Math.floor(record / pageWords)
      if (!pages.has(page)) pages.set(page, this.pool.slice(page * pageWords, (page + 1) * pageWords))
    }
  }

  free(record: number): void {
    this.#free.push(record)
    if (this.#free.length < this.#records || this.pool.length <= 1024 * this.#recordWords) return
    this.#free.length = 0
    this.#records = 0
    this.#replacePool(new Float64Array(64 * this.#recordWords))
  }

  /** Copies an entry's session into a record, which becomes the one before what the entry is to hold next. */
  retire(f64: Float64Array, at: number, key: number): number {
    const record = this.allocate()
    const { pool, words } = this
    for (let w = 0; w < words; w++) pool[record + w] = f64[at + w]!
    pool[record + 3] = key
    this.link(f64, at, f64[at + 2]!, record, -1)
    return record
  }

  /** Puts a record between two others (-1: none before, the entry behind). */
  link(f64: Float64Array, at: number, before: number, record: number, behind: number): void {
    const { pool, words } = this
    pool[record + 2] = before
    pool[record + words] = behind
    if (before >= 0) {
      this.saveBefore(before)
      pool[before + words] = record
    }
    if (behind >= 0) {
      this.saveBefore(behind)
      pool[behind + 2] = record
    } else f64[at + 2] = record
  }

  /** Makes what stood before others the one before a record, or before the entry (-1). */
  joinLinks(f64: Float64Array, at: number, before: number, behind: number): void {
    if (behind >= 0) {
      this.saveBefore(behind)
      this.pool[behind + 2] = before
    } else f64[at + 2] = before
    if (before < 0) return
    this.saveBefore(before)
    this.pool[before + this.words] = behind
  }

  /** A copy of a record, in its place. */
  replace(f64: Float64Array, at: number, record: number): number {
    const copy = this.allocate()
    const { pool, words } = this
    for (let w = 0; w < words; w++) pool[copy + w] = pool[record + w]!
    this.link(f64, at, pool[record + 2]!, copy, pool[record + words]!)
    return copy
  }

  behind(record: number): number {
    return this.pool[record + this.words]!
  }

  /** Takes a record out of its key's list; the entry is asked for only if it is the record's neighbour. */
  unlink(record: number, entry: () => { readonly f64: Float64Array; readonly at: number }): void {
    const { pool, words } = this
    const before = pool[record + 2]!
    const behind = pool[record + words]!
    if (behind >= 0) this.joinLinks(pool, 0, before, behind)
    else {
      const { f64, at } = entry()
      this.joinLinks(f64, at, before, -1)
    }
  }

  /** Calls with the table key of everything that waits for a look. */
  forEachKey(visit: (key: number) => void): void {
    for (const { keys } of this.#looks.values()) for (const key of keys) visit(key)
  }

  /** Rewrites all keys when they get another kind. */
  convertKeys(convert: (key: number) => number): void {
    for (const looks of this.#looks.values()) looks.keys = looks.keys.map(convert)
    const free = new Set(this.#free)
    if (this.#snapshots.length > 0) this.#replacePool(this.pool.slice())
    for (let r = 0; r < this.#records; r++) {
      const record = r * this.#recordWords
      if (!free.has(record)) this.pool[record + 3] = convert(this.pool[record + 3]!)
    }
  }
}
