/**
 * Keys of several fields on their way to ids of a key space, without an object and its canonical text for each row. Every
 * field's value has an id of its own, a part (0: null or missing); two parts that stand side by side are looked up as a
 * pair, a third with that pair's id, and so on. The last pair's id is the key's id in the key space.
 */
import type { KeySpace } from './key-space.ts'

export class TupleKeys {
  /** For each field after the first: what stands before it, and it. */
  readonly pairs: readonly PairTable[]
  readonly #values: KeySpace

  constructor(fieldCount: number, values: KeySpace) {
    this.#values = values
    values.widenTo('interned')
    this.pairs = Array.from({ length: fieldCount - 1 }, () => new PairTable())
  }

  partOf(value: unknown): number {
    return value === null || value === undefined ? 0 : this.#values.intern(value) + 1
  }

  /** Ids of the entries of a producer's dictionary: entry d's part is `ids[d + 1] + 1`. */
  translate(dictionary: readonly string[]): Int32Array {
    return this.#values.translate(dictionary)
  }
}

const smallestCapacity = 64

/** Pairs of ids to ids, all from 0: open addressing, an entry being first, second, id + 1 and a spare word. */
export class PairTable {
  size = 0
  #entries = new Int32Array(smallestCapacity * 4)
  #mask = smallestCapacity - 1

  /** -1: not there. */
  find(first: number, second: number): number {
    const entries = this.#entries
    for (let slot = hashPair(first, second) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * 4
      const id = entries[at + 2]!
      if (id === 0) return -1
      if (entries[at] === first && entries[at + 1] === second) return id - 1
    }
  }

  /** A pair that is not there; answers its id. */
  add(first: number, second: number, id: number): number {
    if (++this.size * 2 > this.#mask) this.#grow()
    this.#put(first, second, id + 1)
    return id
  }

  #put(first: number, second: number, stored: number): void {
    const entries = this.#entries
    let slot = hashPair(first, second) & this.#mask
    while (entries[slot * 4 + 2] !== 0) slot = (slot + 1) & this.#mask
    entries[slot * 4] = first
    entries[slot * 4 + 1] = second
    entries[slot * 4 + 2] = stored
  }

  #grow(): void {
    const old = this.#entries
    this.#entries = new Int32Array(old.length * 2)
    this.#mask = this.#mask * 2 + 1
    for (let at = 0; at < old.length; at += 4) if (old[at + 2] !== 0) this.#put(old[at]!, old[at + 1]!, old[at + 2]!)
  }
}

function hashPair(first: number, second: number): number {
  const h = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b)
  return h ^ (h >>> 15)
}
