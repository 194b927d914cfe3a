/**
 * Keyed entries of one key group in one SharedArrayBuffer: open addressing, linear probing, key and value fields of an
 * entry side by side, so that a look-up touches one cache line. Generated loops read and write `i32` and `f64` directly;
 * this class owns growth, clearing and snapshots.
 *
 * An entry is `stride` float64 words:
 *
 * | word            | int32 keys (numbers or interned ids)       | float64 keys            |
 * | --------------- | ------------------------------------------ | ----------------------- |
 * | 0               | int32 key, int32 stamp                     | key                     |
 * | 1               | first value field                          | int32 stamp, int32 zero |
 * | 2 ...           | more value fields                          | value fields            |
 *
 * An entry is live when its stamp equals the table's `stamp`: clearing bumps the stamp. Entries are never deleted one by
 * one; those that hold nothing any more (`isVacant`) are left out when the table is full. Slot of a hash: (hash >>> 7) & mask,
 * since the low bits chose the key group.
 *
 * Snapshot: beginSnapshot bumps an epoch and nothing else. From then on, writers call saveBefore(entry) ahead of each
 * write; the first one on a page of 2,048 entries keeps the page's live entries. Growth leaves the old memory to the snapshot. Several
 * snapshots may be in flight: they stand in a chain, the latest first.
 */
import { pageSlabs, type SavedPage } from './page-slabs.ts'

export type TableKeyKind = 'int32' | 'float64'

export const pageEntries = 2048
const smallestCapacity = 16

/** What a snapshot reads: `pages` override the memory they were saved from. */
export interface TableSnapshot {
  readonly memory: SharedArrayBuffer
  readonly keyKind: TableKeyKind
  readonly capacity: number
  readonly stride: number
  readonly stamp: number
  /** The entries of a page, those that are live at least. */
  readonly pages: Map<number, SavedPage>
  /** By page: 1 = it is among them, or nobody will read it. */
  readonly isSaved: Uint8Array
  /** The page that a reader is in the midst of: it must be saved with each entry in its place. -1: none. */
  reading: number
  /** One that began before and is still in flight. */
  older: TableSnapshot | undefined
}

export class TypedTable {
  readonly keyKind: TableKeyKind
  readonly stride: number
  /** Value fields an entry starts with. */
  readonly initial: Float64Array
  readonly hashOf: (key: number) => number
  capacity = smallestCapacity
  mask = smallestCapacity - 1
  size = 0
  stamp = 1
  i32: Int32Array
  f64: Float64Array
  /** Set while a snapshot is in flight. */
  snapshot: TableSnapshot | undefined
  /** Whether the entry at a word offset of these arrays may be dropped. Absent: none may. */
  isVacant?: (i32: Int32Array, f64: Float64Array, at: number) => boolean
  #memory: SharedArrayBuffer
  #reserve: number
  /** For a multiplication where each write while a snapshot is in flight would divide. */
  readonly #pagesPerWord: number

  constructor(keyKind: TableKeyKind, initial: Float64Array, hashOf: (key: number) => number, capacity = smallestCapacity) {
    this.keyKind = keyKind
    this.initial = initial
    this.hashOf = hashOf
    this.stride = firstValueWord(keyKind) + initial.length
    this.#reserve = capacity
    this.#pagesPerWord = 1 / (pageEntries * this.stride)
    this.capacity = capacity
    this.mask = capacity - 1
    this.#memory = new SharedArrayBuffer(capacity * this.stride * 8)
    this.i32 = new Int32Array(this.#memory)
    this.f64 = new Float64Array(this.#memory)
  }

  get sizeBytes(): number {
    return this.#memory.byteLength
  }

  /** Word offset (in f64) of the key's entry, made if it is not there. */
  upsert(key: number, hash: number): number {
    const found = this.find(key, hash)
    return found >= 0 ? found : this.insert(key, hash)
  }

  /** Word offset of the key's entry, or -1. */
  find(key: number, hash: number): number {
    const { i32, f64, stride, mask, stamp } = this
    const int = this.keyKind === 'int32'
    for (let slot = (hash >>> 7) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * stride
      if (int) {
        if (i32[at * 2 + 1] !== stamp) return -1
        if (i32[at * 2] === key) return at
      } else {
        if (i32[at * 2 + 2] !== stamp) return -1
        const held = f64[at]!
        if (held === key || (held !== held && key !== key)) return at
      }
    }
  }

  /** Makes the entry of a key that is not there; makes room when half full. Offsets from before are void. */
  insert(key: number, hash: number): number {
    if ((this.size + 1) * 2 > this.capacity) this.#makeRoom()
    const at = this.#freeSlot(hash)
    if (this.snapshot !== undefined) this.saveBefore(at)
    if (this.keyKind === 'int32') {
      this.i32[at * 2] = key
      this.i32[at * 2 + 1] = this.stamp
    } else {
      this.f64[at] = key
      this.i32[at * 2 + 2] = this.stamp
    }
    this.f64.set(this.initial, at + firstValueWord(this.keyKind))
    this.size++
    return at
  }

  #freeSlot(hash: number): number {
    const { i32, stride, mask, stamp } = this
    const stampWord = this.keyKind === 'int32' ? 1 : 2
    let slot = (hash >>> 7) & mask
    while (i32[slot * stride * 2 + stampWord] === stamp) slot = (slot + 1) & mask
    return slot * stride
  }

  #makeRoom(): void {
    const { i32, f64, stride, stamp, capacity, isVacant } = this
    const occupied = this.#countOccupied()
    this.snapshot = undefined // what is in flight keeps the old memory, which nobody writes any more
    // Where most were vacant the capacity stays, or shrinks: a quarter is in use at most.
    this.capacity = occupied * 4 > capacity ? capacity * 2 : occupied * 16 < capacity ? Math.max(this.#reserve, capacity / 2) : capacity
    this.mask = this.capacity - 1
    this.size = occupied
    this.#memory = new SharedArrayBuffer(this.capacity * stride * 8)
    this.i32 = new Int32Array(this.#memory)
    this.f64 = new Float64Array(this.#memory)
    const int = this.keyKind === 'int32'
    for (let slot = 0; slot < capacity; slot++) {
      const at = slot * stride
      if (i32[at * 2 + (int ? 1 : 2)] !== stamp || isVacant?.(i32, f64, at) === true) continue
      const to = this.#freeSlot(this.hashOf(int ? i32[at * 2]! : f64[at]!))
      for (let word = 0; word < stride; word++) this.f64[to + word] = f64[at + word]!
      if (int) {
        // a float64 copy of two int32 halves may canonicalise a NaN pattern: copy them as what they are
        this.i32[to * 2] = i32[at * 2]!
        this.i32[to * 2 + 1] = stamp
      } else this.i32[to * 2 + 2] = stamp
    }
  }

  #countOccupied(): number {
    const { i32, f64, isVacant } = this
    if (isVacant === undefined) return this.size
    let occupied = 0
    this.forEach((at) => {
      if (!isVacant(i32, f64, at)) occupied++
    })
    return occupied
  }

  /** The same entries under other keys of equal hash, as where a kind of key has turned out too narrow. */
  rekeyed(keyKind: TableKeyKind, keyOf: (key: number) => number): TypedTable {
    const table = new TypedTable(keyKind, this.initial, this.hashOf)
    const from = firstValueWord(this.keyKind)
    const to = firstValueWord(keyKind)
    this.forEach((at) => {
      const key = keyOf(this.keyAt(at))
      const entry = table.upsert(key, this.hashOf(key))
      table.f64.set(this.f64.subarray(at + from, at + this.stride), entry + to)
    })
    return table
  }

  /** Forgets all entries; the memory stays. A table that was far larger than it is now needed gives memory back. */
  clear(): void {
    if (this.capacity > this.#reserve * 4 && this.size * 16 < this.capacity) this.#shrink()
    this.size = 0
    if (this.stamp === 0x7fffffff) {
      this.stamp = 1
      if (this.snapshot === undefined) this.i32.fill(0)
      else this.#shrink()
    } else this.stamp++
  }

  #shrink(): void {
    this.snapshot = undefined
    this.capacity = this.#reserve
    this.mask = this.capacity - 1
    this.#memory = new SharedArrayBuffer(this.capacity * this.stride * 8)
    this.i32 = new Int32Array(this.#memory)
    this.f64 = new Float64Array(this.#memory)
  }

  /** Fixes what the table holds now for a reader; costs the same whatever its size. */
  beginSnapshot(): TableSnapshot {
    const { keyKind, capacity, stride, stamp, snapshot: older } = this
    this.snapshot = {
      memory: this.#memory,
      keyKind,
      capacity,
      stride,
      stamp,
      pages: new Map(),
      isSaved: new Uint8Array(Math.ceil(capacity / pageEntries)),
      reading: -1,
      older,
    }
    return this.snapshot
  }

  /** The reader is done with what beginSnapshot gave. */
  endSnapshot(snapshot: TableSnapshot): void {
    for (const page of snapshot.pages.values()) pageSlabs.release(page)
    snapshot.pages.clear()
    if (this.snapshot === snapshot) this.snapshot = snapshot.older
    else
      for (let newer = this.snapshot; newer !== undefined; newer = newer.older) if (newer.older === snapshot) newer.older = snapshot.older
  }

  /** Call ahead of each write to the entry at this word offset while `snapshot` is set. */
  saveBefore(at: number): void {
    const { snapshot } = this
    if (snapshot === undefined) return
    // The half keeps it off the border between two pages, whatever is lost in rounding.
    const page = ((at + 0.5) * this.#pagesPerWord) | 0
    if (snapshot.isSaved[page] === 0) this.#savePage(snapshot, page)
  }

  #savePage(latest: TableSnapshot, page: number): void {
    let holders = 0
    let isWhole = false
    // What an older one has not saved was not written since the latest began.
    for (let each: TableSnapshot | undefined = latest; each !== undefined; each = each.older) {
      if (each.isSaved[page] === 1) continue
      holders++
      isWhole ||= each.reading === page || each.stamp !== latest.stamp
    }
    const from = page * pageEntries * this.stride
    const words = Math.min(pageEntries * this.stride, this.f64.length - from)
    const room = pageSlabs.room(words)
    if (isWhole) room.f64.set(this.f64.subarray(from, from + words), room.from)
    const saved = pageSlabs.take(isWhole ? words : this.#copyLive(from, from + words, latest.stamp, room), holders)
    for (let each: TableSnapshot | undefined = latest; each !== undefined; each = each.older) {
      if (each.isSaved[page] === 1) continue
      each.pages.set(page, saved)
      each.isSaved[page] = 1
    }
  }

  /** Copies the entries with a stamp between two words one behind the other; answers how many words they are. */
  #copyLive(from: number, to: number, stamp: number, target: Pick<SavedPage, 'f64' | 'i32' | 'from'>): number {
    const { i32, f64, stride } = this
    const { f64: toF64, i32: toI32 } = target
    const int = this.keyKind === 'int32'
    const stampAt = int ? 1 : 2
    let next = target.from
    for (let at = from; at < to; at += stride) {
      if (i32[at * 2 + stampAt] !== stamp) continue
      for (let word = 0; word < stride; word++) toF64[next + word] = f64[at + word]!
      // As above: two int32 halves are copied as what they are.
      toI32[next * 2 + stampAt] = stamp
      if (int) toI32[next * 2] = i32[at * 2]!
      next += stride
    }
    return next - target.from
  }

  /** Calls with the word offset of every live entry. */
  forEach(visit: (at: number) => void): void {
    const { i32, stride, stamp, capacity } = this
    const stampWord = this.keyKind === 'int32' ? 1 : 2
    for (let slot = 0; slot < capacity; slot++) if (i32[slot * stride * 2 + stampWord] === stamp) visit(slot * stride)
  }

  keyAt(at: number): number {
    return this.keyKind === 'int32' ? this.i32[at * 2]! : this.f64[at]!
  }
}

/** Index of the first value field within an entry. */
export const firstValueWord = (keyKind: TableKeyKind): number => (keyKind === 'int32' ? 1 : 2)
