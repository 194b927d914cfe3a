/**
 * The producer's side of a dictionary-coded string column: every distinct string gets an id from 0 upwards and keeps it;
 * its hash as a key is computed once. New entries go to each consumer as a utf8 block (values[known] to values[size - 1])
 * before the first batch that uses them; the consumer's side is an array of strings. A dictionary that stops paying is
 * given up for good, since by then its consumers' memory is what would grow.
 */
import { ownString } from '../core/own-string.ts'
import { hashString } from './key-hash.ts'

export interface DictionaryPolicy {
  /** More distinct strings than this and the column is plain text. */
  readonly maxEntries: number
  /** Rows to see before the share of distinct strings is judged. */
  readonly judgeAfterRows: number
  /** Distinct strings per row that are too many: a look-up must replace several encodings to be worth its 30 ns. */
  readonly maxDistinctShare: number
  /** A longer string ends the dictionary: entries live as long as the job. */
  readonly maxTextLength: number
}

export const dictionaryPolicy: DictionaryPolicy = {
  maxEntries: 32_768,
  judgeAfterRows: 16_384,
  maxDistinctShare: 0.25,
  maxTextLength: 1024,
}

export class StringDictionary {
  /** By id. */
  readonly values: string[] = []
  /** hashString of each value, by id; longer than `size`. */
  hashes: Int32Array = new Int32Array(256)
  readonly #ids = new Map<string, number>()
  readonly #policy: DictionaryPolicy
  #rows = 0
  #isOff = false

  constructor(policy: DictionaryPolicy = dictionaryPolicy) {
    this.#policy = policy
  }

  get size(): number {
    return this.values.length
  }

  /** True once the dictionary was given up; `encode` then answers false at once. */
  get isOff(): boolean {
    return this.#isOff
  }

  /**
   * Writes the id of each value to `ids`, 0 for a null row. False: the column does not pay as a dictionary (now or from
   * earlier), `ids` is not whole, and the batch goes out as plain text.
   */
  encode(values: readonly unknown[], nulls: Uint8Array | null, rowCount: number, ids: Int32Array): boolean {
    if (this.#isOff) return false
    const known = this.#ids
    for (let i = 0; i < rowCount; i++) {
      if (nulls !== null && nulls[i] === 1) {
        ids[i] = 0
        continue
      }
      const value = values[i] as string
      const id = known.get(value) ?? this.#add(value)
      if (id < 0) return this.#giveUp()
      ids[i] = id
    }
    this.#rows += rowCount
    const { judgeAfterRows, maxDistinctShare } = this.#policy
    return this.#rows < judgeAfterRows || this.size <= this.#rows * maxDistinctShare || this.#giveUp()
  }

  /** The new id, or -1 if there is no room for it. */
  #add(value: string): number {
    const id = this.values.length
    if (id === this.#policy.maxEntries || value.length > this.#policy.maxTextLength) return -1
    const kept = ownString(value)
    if (id === this.hashes.length) {
      const larger = new Int32Array(id * 2)
      larger.set(this.hashes)
      this.hashes = larger
    }
    this.hashes[id] = hashString(kept)
    this.values.push(kept)
    this.#ids.set(kept, id)
    return id
  }

  /** What was already sent stays known to consumers; nothing is looked up here any more. */
  #giveUp(): false {
    this.#isOff = true
    this.#ids.clear()
    return false
  }
}
