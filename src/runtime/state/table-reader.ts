/**
 * The entries of a typed table as they were when a snapshot of it began, one after the other: of a page that was saved since then
 * the copy, of any other the table's own memory. Whoever lets the table be written between two calls of `next` calls `resume` first.
 * The last reader of a snapshot leaves pages behind that need not be saved any more.
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
  readonly #isLast: boolean
  #page = 0
  /** Entry within the page. */
  #entry = -1
  #entries = 0

  /** `isLast`: nobody reads the snapshot after this reader. */
  constructor(snapshot: TableSnapshot, isLast = true) {
    const { memory, keyKind } = snapshot
    this.first = firstValueWord(keyKind)
    this.#snapshot = snapshot
    this.#memory = { f64: new Float64Array(memory), i32: new Int32Array(memory) }
    this.#stampWord = keyKind === 'int32' ? 1 : 2
    this.#isLast = isLast
    this.#open()
  }

  /** Goes to the next entry; false: there is none. */
  next(): boolean {
    const { stride, stamp } = this.#snapshot
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
      this.#entry = entries
      if (!this.#nextPage()) return false
    }
  }

  /** Word offsets in `f64` of the next entries, up to `most` of them and of one page; answers how many, 0: there are no more. */
  nextSome(offsets: Int32Array, most: number): number {
    const { stride, stamp } = this.#snapshot
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
      if (most === 0 || !this.#nextPage()) return 0
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

  /** false: there is none. */
  #nextPage(): boolean {
    const { isSaved, older, capacity } = this.#snapshot
    // One that is older and has not saved it would not be told of its first write.
    if (this.#isLast && (older === undefined || older.isSaved[this.#page] === 1)) isSaved[this.#page] = 1
    if ((this.#page + 1) * pageEntries >= capacity) return false
    this.#page++
    this.#entry = -1
    this.#open()
    return true
  }

  #open(): void {
    const snapshot = this.#snapshot
    const { stride, capacity, pages } = snapshot
    const saved = pages.get(this.#page)
    snapshot.reading = this.#page
    this.f64 = saved?.f64 ?? this.#memory.f64
    this.i32 = saved?.i32 ?? this.#memory.i32
    this.#entries = saved === undefined ? Math.min(pageEntries, capacity - this.#page * pageEntries) : saved.length / stride
    this.at = (saved === undefined ? this.#page * pageEntries * stride : saved.from) + this.#entry * stride
  }
}
