/**
 * Memory for pages that tables save while snapshots are in flight: the pages of one snapshot after another go into the same slabs, so
 * that checkpoints allocate nothing once their first is over. A slab is free again when no snapshot holds a page in it. One set for a
 * thread; when nothing is held any more, it keeps as many slabs as were in use at a time since nothing was held before.
 */

/** Words of a slab: 1 MB. */
const slabWords = 1 << 17

interface Slab {
  readonly f64: Float64Array<ArrayBuffer>
  readonly i32: Int32Array<ArrayBuffer>
  /** Words that are taken. */
  filled: number
  /** Pages in it, once for each snapshot that holds them. */
  holders: number
}

/** A page that was saved, or what of it is live: words `from` to `from + length` of the views. */
export interface SavedPage {
  readonly f64: Float64Array
  readonly i32: Int32Array
  readonly from: number
  readonly length: number
}

interface SlabPage extends SavedPage {
  readonly slab: Slab
}

export class PageSlabs {
  #open: Slab | undefined
  #free: Slab[] = []
  #inUse = 0
  #mostInUse = 0

  /** Views with room for so many words behind `from`; `take` says how many of them there are. */
  room(words: number): { readonly f64: Float64Array; readonly i32: Int32Array; readonly from: number } {
    if (this.#open === undefined || this.#open.filled + words > this.#open.f64.length) this.#open = this.#next(words)
    const { f64, i32, filled } = this.#open
    return { f64, i32, from: filled }
  }

  /** What was written to the room that was given last, in the name of so many snapshots. */
  take(length: number, holders: number): SavedPage {
    const slab = this.#open!
    const page: SlabPage = { f64: slab.f64, i32: slab.i32, from: slab.filled, length, slab }
    slab.filled += length
    slab.holders += holders
    return page
  }

  /** One snapshot holds it no longer. */
  release(page: SavedPage): void {
    const { slab } = page as SlabPage
    if (--slab.holders > 0) return
    if (this.#open === slab) this.#open = undefined
    this.#inUse--
    slab.filled = 0
    if (slab.f64.length === slabWords) this.#free.push(slab)
    if (this.#inUse > 0) return
    this.#free.length = Math.min(this.#free.length, this.#mostInUse)
    this.#mostInUse = 0
  }

  #next(words: number): Slab {
    if (++this.#inUse > this.#mostInUse) this.#mostInUse = this.#inUse
    const free = words <= slabWords ? this.#free.pop() : undefined
    if (free !== undefined) return free
    const memory = new ArrayBuffer(Math.max(words, slabWords) * 8)
    return { f64: new Float64Array(memory), i32: new Int32Array(memory), filled: 0, holders: 0 }
  }
}

export const pageSlabs = new PageSlabs()
