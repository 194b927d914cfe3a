/**
 * The keys that have a timer at one time, by table key, in the order of their registration. Few keys are searched one by
 * one; more have an index, open addressing over pairs of a key's hash and its place in the list.
 *
 * The list goes on behind what was taken: `cursor` is the next to take, and a key before it is as good as absent. A key
 * deleted out of an indexed list stays there until the list is rebuilt; its pair holds the place negated.
 */
/** How many keys are searched without an index. */
const fewKeys = 8
const smallestIndex = 32

export class TimerBucket {
  time = 0
  /** Since which snapshot's beginning it is copied, or new; see gathered-timers.ts. */
  epoch = 0
  /** Keys that are still to be taken. */
  size = 0
  readonly #hashOf: (key: number) => number
  /** The list; what stands at `#count` and behind is of no meaning. */
  #keys: number[] = []
  #count = 0
  #cursor = 0
  /** Someone reads the list: what stands in it stays, and it is copied ahead of any other change. */
  #isViewed = false
  /** Keys behind the cursor that were deleted. */
  #deleted = 0
  /** Kept while the bucket is spare; `#mask` is 0 while there is no index. */
  #pairs = new Int32Array(0)
  #mask = 0
  #used = 0

  constructor(hashOf: (key: number) => number) {
    this.#hashOf = hashOf
  }

  /** Empty again, for another time. */
  reset(time: number, epoch = this.epoch): void {
    this.time = time
    this.epoch = epoch
    this.size = 0
    this.#count = 0
    this.#cursor = 0
    this.#deleted = 0
    this.#mask = 0
    // A list that was long is not kept for what may be short.
    const wasLong = this.#keys.length > 1 << 20
    if (wasLong) this.#pairs = new Int32Array(0)
    if (wasLong || this.#isViewed) this.#keys = []
    this.#isViewed = false
  }

  /** False: the key is there already. */
  add(key: number, hash: number): boolean {
    if (this.#mask === 0) {
      if (this.#placeOf(key) >= 0) return false
      if (this.#count - this.#cursor < fewKeys) {
        this.#append(key)
        return true
      }
      this.#rebuild()
    }
    const at = this.#pairOf(key, hash)
    const place = this.#pairs[at + 1]!
    if (place > this.#cursor) return false
    this.#append(key)
    this.#pairs[at] = hash
    this.#pairs[at + 1] = this.#count
    if (place === 0 && ++this.#used * 2 > this.#mask) this.#rebuild()
    return true
  }

  /** False: the key was not there. */
  delete(key: number, hash: number): boolean {
    if (this.#mask === 0) {
      const place = this.#placeOf(key)
      if (place < 0) return false
      this.#endView()
      this.#keys.copyWithin(place, place + 1, this.#count)
      this.#count--
      this.size--
      return true
    }
    const at = this.#pairOf(key, hash)
    const place = this.#pairs[at + 1]!
    if (place <= this.#cursor) return false
    this.#pairs[at + 1] = -place
    this.size--
    this.#deleted++
    if (this.#deleted > 64 && this.#deleted > this.size) this.#rebuild()
    return true
  }

  /** Takes out the first key; there must be one. */
  take(): number {
    for (;;) {
      const key = this.#keys[this.#cursor++]!
      if (this.#deleted === 0 || this.#isThere(key, this.#cursor)) {
        this.size--
        return key
      }
      this.#deleted--
    }
  }

  /**
   * The keys that are still to be taken, in order, as they are now, whatever becomes of the bucket: `from` to before `to` of a list that
   * only grows behind them from now on. Not copied unless some of it are gone: there may be a million of one time.
   */
  view(): { readonly keys: readonly number[]; readonly from: number; readonly to: number } {
    if (this.#deleted > 0) {
      const keys = [...this.keys()]
      return { keys, from: 0, to: keys.length }
    }
    this.#isViewed = true
    return { keys: this.#keys, from: this.#cursor, to: this.#count }
  }

  /** Keys that are still to be taken, in order. */
  *keys(): IterableIterator<number> {
    for (let i = this.#cursor; i < this.#count; i++) if (this.#deleted === 0 || this.#isThere(this.#keys[i]!, i + 1)) yield this.#keys[i]!
  }

  /** Holds the same under other table keys. */
  rekey(keyOf: (key: number) => number): void {
    const keys = [...this.keys()].map(keyOf)
    this.reset(this.time)
    for (const key of keys) this.add(key, this.#hashOf(key))
  }

  /** From now on the list is nobody else's. */
  #endView(): void {
    if (this.#isViewed) this.#keys = this.#keys.slice(0, this.#count)
    this.#isViewed = false
  }

  #append(key: number): void {
    this.#keys[this.#count++] = key
    this.size++
  }

  /** Place of a key in a list without an index, or -1. */
  #placeOf(key: number): number {
    for (let i = this.#cursor; i < this.#count; i++) if (isSame(this.#keys[i]!, key)) return i
    return -1
  }

  /** Whether it is this place of the list that the index knows the key by. */
  #isThere(key: number, place: number): boolean {
    return this.#pairs[this.#pairOf(key, this.#hashOf(key)) + 1] === place
  }

  /** Index of the key's pair, or of the free one where it would be. */
  #pairOf(key: number, hash: number): number {
    const pairs = this.#pairs
    const mask = this.#mask
    for (let slot = (hash >>> 7) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * 2
      const place = pairs[at + 1]!
      if (place === 0 || (pairs[at] === hash && isSame(this.#keys[Math.abs(place) - 1]!, key))) return at
    }
  }

  /** The list without what is gone, and an index with room in it. */
  #rebuild(): void {
    this.#endView()
    const keys = this.#keys
    let count = 0
    for (let i = this.#cursor; i < this.#count; i++) if (this.#deleted === 0 || this.#isThere(keys[i]!, i + 1)) keys[count++] = keys[i]!
    this.#count = count
    this.#cursor = 0
    this.#deleted = 0
    this.#used = count
    let capacity = smallestIndex
    while (capacity < count * 4) capacity *= 2
    this.#mask = capacity - 1
    if (this.#pairs.length < capacity * 2) this.#pairs = new Int32Array(capacity * 2)
    else this.#pairs.fill(0, 0, capacity * 2)
    for (let i = 0; i < count; i++) {
      const hash = this.#hashOf(keys[i]!)
      const at = this.#pairOf(keys[i]!, hash)
      this.#pairs[at] = hash
      this.#pairs[at + 1] = i + 1
    }
  }
}

/** NaN is a key like any other. */
const isSame = (a: number, b: number): boolean => a === b || (a !== a && b !== b)
