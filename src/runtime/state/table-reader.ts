/**
 * The entries of a typed table as they were when a snapshot of it began, one after the other: of a page that was saved since then
 * the copy, of any other the table's own memory. Whoever lets the table be written between two calls of `next` calls `resume` first.
 */
import { firstValueWord, pageEntries, type TableSnapshot } from './typed-table.ts'

export class TableReader {
  /** Hold the entry at hand from word `at` on. */
  f64!: Float64Array
  i32!: Int32Array
  at = 0
  /** First value field within an entry. */
  readonly first: number
  readonly #snapshot: TableSnapshot
  readonly #memory: { readonly f64: Float64Array; readonly i32: Int32Array }
  readonly #stampWord: number
  #page = 0
  /** Entry within the page. */
  #entry = -1
  #entries = 0

  constructor(snapshot: TableSnapshot) {
    const { memory, keyKind } = snapshot
    this.first = firstValueWord(keyKind)
    this.#snapshot = snapshot
    this.#memory = { f64: new Float64Array(memory), i32: new Int32Array(memory) }
    this.#stampWord = keyKind === 'int32' ? 1 : 2
    this.#open()
  }

  /** Goes to the next entry; false: there is none. */
  next(): boolean {
    const { stride, stamp, capacity } = this.#snapshot
    const stampWord = this.#stampWord
    for (;;) {
      const { i32 } = this
      const entries = this.#entries
      let at = this.at
      for (let entry = this.#entry + 1; entry < entries; entry++) {
        at += stride
        if (i32[at * 2 + stampWord] !== stamp) continue
        this.#entry = entry
        this.at = at
        return true
      }
      if ((this.#page + 1) * pageEntries >= capacity) {
        this.#entry = entries
        return false
      }
      this.#page++
      this.#entry = -1
      this.#open()
    }
  }

  /** Word offsets in `f64` of the next entries, up to `most` of them and of one page; answers how many, 0: there are no more. */
  nextSome(offsets: Int32Array, most: number): number {
    const { stride, stamp, capacity } = this.#snapshot
    const stampWord = this.#stampWord
    for (;;) {
      const { i32 } = this
      const entries = this.#entries
      let entry = this.#entry
      let at = this.at
      let count = 0
      while (count < most && ++entry < entries) {
        at += stride
        if (i32[at * 2 + stampWord] === stamp) offsets[count++] = at
      }
      this.#entry = Math.min(entry, entries)
      this.at = at
      if (count > 0) return count
      if (most === 0 || (this.#page + 1) * pageEntries >= capacity) return 0
      this.#page++
      this.#entry = -1
      this.#open()
    }
  }

  /** The page at hand may have been saved meanwhile. */
  resume(): void {
    this.#open()
  }

  /** The key of the entry at hand. */
  get key(): number {
    return this.#stampWord === 1 ? this.i32[this.at * 2]! : this.f64[this.at]!
  }

  #open(): void {
    const { stride, capacity, pages } = this.#snapshot
    const saved = pages.get(this.#page)
    this.f64 = saved ?? this.#memory.f64
    this.i32 = saved === undefined ? this.#memory.i32 : new Int32Array(saved.buffer)
    this.#entries = Math.min(pageEntries, capacity - this.#page * pageEntries)
    this.at = ((saved === undefined ? this.#page * pageEntries : 0) + this.#entry) * stride
  }
}
