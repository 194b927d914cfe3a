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
  /** Distinct strings per row that are too many by then. What only starts so (10,000 keys seen once or twice) must pass. */
  readonly maxDistinctShare: number
  /** A longer string ends the dictionary: entries live as long as the job. */
  readonly maxTextLength: number
}

export const dictionaryPolicy: DictionaryPolicy = {
  maxEntries: 32_768,
  judgeAfterRows: 16_384,
  maxDistinctShare: 0.9,
  maxTextLength: 1024,
}

const smallestCache = 256
const largestCache = 32_768

export class StringDictionary {
  /** By id. */
  readonly values: string[] = []
  /** hashString of each value, by id; longer than `size`. */
  hashes: Int32Array = new Int32Array(256)
  readonly #ids = new Map<string, number>()
  /**
   * Strings at the place that placeOf gives them, and their ids (-1: none), ahead of the Map: a string just cut out of a line
   * has no hash yet, and V8 takes twice as long to find one as a few characters and a comparison do.
   */
  #cached: string[] = []
  #cachedIds = new Int32Array(0)
  /** Codes of other dictionaries' strings, as long as those are in use. */
  readonly #codes = new WeakMap<readonly string[], Int32Array>()
  readonly #policy: DictionaryPolicy
  #rows = 0
  #isOff = false

  constructor(policy: DictionaryPolicy = dictionaryPolicy) {
    this.#policy = policy
    this.#makeCache(smallestCache)
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
   * earlier), `ids` is not whole, and the batch goes out as plain text. `codes`: of rows that have one, as codesFor gave it.
   */
  encode(
    values: readonly unknown[],
    nulls: Uint8Array | null,
    rowCount: number,
    ids: Int32Array,
    codes: Int32Array | null = null,
  ): boolean {
    if (this.#isOff) return false
    const fits = codes === null ? this.#encodeTexts(values, nulls, rowCount, ids) : this.#encodeCodes(values, nulls, rowCount, ids, codes)
    if (!fits) return this.#giveUp()
    this.#rows += rowCount
    const { judgeAfterRows, maxDistinctShare } = this.#policy
    return this.#rows < judgeAfterRows || this.size <= this.#rows * maxDistinctShare || this.#giveUp()
  }

  /**
   * What another dictionary's strings are here, by their index there: the id + 1, or 0 where `learn` has to be asked. Good for
   * the strings that `source` holds now. Below 0 once this dictionary was given up.
   */
  codesFor(source: readonly string[]): Int32Array {
    const known = this.#codes.get(source)
    if (known !== undefined && known.length >= source.length) return known
    const codes = new Int32Array(Math.max(source.length, (known?.length ?? 0) * 2))
    if (known !== undefined) codes.set(known)
    this.#codes.set(source, codes)
    return codes
  }

  /** The code of source[index], put into the `codes` of that source. */
  learn(codes: Int32Array, index: number, text: string): number {
    const id = this.#isOff ? -1 : (this.#ids.get(text) ?? this.#add(text))
    if (id < 0) this.#giveUp()
    return (codes[index] = id < 0 ? -1 : id + 1)
  }

  #encodeCodes(values: readonly unknown[], nulls: Uint8Array | null, rowCount: number, ids: Int32Array, codes: Int32Array): boolean {
    for (let i = 0; i < rowCount; i++) {
      const code = codes[i]!
      if (code > 0) ids[i] = code - 1
      else if (nulls !== null && nulls[i] === 1) ids[i] = 0
      else {
        const value = values[i] as string
        const id = this.#ids.get(value) ?? this.#add(value)
        if (id < 0) return false
        ids[i] = id
      }
    }
    return true
  }

  #encodeTexts(values: readonly unknown[], nulls: Uint8Array | null, rowCount: number, ids: Int32Array): boolean {
    // Twice as many places as strings, so that few meet.
    if (this.size * 2 > this.#cached.length && this.#cached.length < largestCache)
      this.#makeCache(Math.min(largestCache, this.#cached.length * 4))
    const cached = this.#cached
    const cachedIds = this.#cachedIds
    const mask = cached.length - 1
    for (let i = 0; i < rowCount; i++) {
      if (nulls !== null && nulls[i] === 1) {
        ids[i] = 0
        continue
      }
      const value = values[i] as string
      const place = placeOf(value) & mask
      if (cached[place] === value && cachedIds[place]! >= 0) {
        ids[i] = cachedIds[place]!
        continue
      }
      const id = this.#ids.get(value) ?? this.#add(value)
      if (id < 0) return false
      cached[place] = this.values[id]!
      cachedIds[place] = id
      ids[i] = id
    }
    return true
  }

  #makeCache(places: number): void {
    this.#cached = new Array<string>(places).fill('')
    this.#cachedIds = new Int32Array(places).fill(-1)
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
    this.#makeCache(0)
    return false
  }
}

/** From the length, the first two characters and the last four, where keys that are numbered differ. */
function placeOf(text: string): number {
  const { length } = text
  if (length > 3) {
    const end = text.charCodeAt(length - 1) | (text.charCodeAt(length - 2) << 8) | (text.charCodeAt(length - 3) << 16)
    const start = (text.charCodeAt(0) << 8) | text.charCodeAt(1) | (length << 16)
    const h = Math.imul(end | (text.charCodeAt(length - 4) << 24), 0x85ebca6b) + Math.imul(start, 0xc2b2ae35)
    return (h >>> 16) ^ (h >>> 3)
  }
  if (length === 0) return 0
  const h = Math.imul(text.charCodeAt(0) | (text.charCodeAt(length >> 1) << 8) | (text.charCodeAt(length - 1) << 16), 0x85ebca6b)
  return (h >>> 16) ^ (h >>> 3)
}
