/**
 * The keys of one operator subtask as numbers, which typed tables hold: a numeric key is itself, any other key is interned to a
 * dense id with its hash beside it. The kind only ever widens: int32 -> float64 -> interned; whoever holds tables of
 * an older kind converts them (the hash is by value, so a key stays in its group).
 *
 * Interned keys that nothing holds any more are found by a sweep: whoever holds ids marks them, the others are given up and
 * given out again. So memory follows the keys that live, however many come and go.
 */
import { canonicalKey, hashFloat64, hashInt32, hashKey } from '../../base/columnar/key-hash.ts'
import { assert } from '../../base/core/stream-error.ts'
import { ownRow } from './clone-value.ts'
import { ownString } from './own-string.ts'
import { TupleKeys } from './tuple-keys.ts'
import type { TableKeyKind } from './typed-table.ts'

export type KeySpaceKind = 'int32' | 'float64' | 'interned'

/** With fewer ids than this a sweep is not worth its time. */
const smallestSweep = 16_384

const rank = { int32: 0, float64: 1, interned: 2 } as const

export class KeySpace {
  kind: KeySpaceKind = 'int32'
  /** Of interned keys, by id. */
  readonly values: unknown[] = []
  hashes = new Int32Array(64)
  readonly #ids = new Map<number | string, number>()
  readonly #translations = new WeakMap<readonly string[], Int32Array>()
  /** Whose dictionaries have translations. */
  #dictionaries: WeakRef<readonly string[]>[] = []
  #tuples: TupleKeys | undefined
  /** Ids below `values.length` that stand for no key. */
  #free: number[] = []
  #keptBySweep = 0
  /** Snapshots that read ids. */
  #holds = 0

  get tableKeyKind(): TableKeyKind {
    return this.kind === 'float64' ? 'float64' : 'int32'
  }

  /** True when `kind` is more than what tables hold now: they must be converted after widenTo. */
  isBelow(kind: KeySpaceKind): boolean {
    return rank[this.kind] < rank[kind]
  }

  widenTo(kind: KeySpaceKind): void {
    if (this.isBelow(kind)) this.kind = kind
  }

  readonly hashOf = (key: number): number => {
    if (this.kind === 'interned') return this.hashes[key]!
    return this.kind === 'int32' ? hashInt32(key) : hashFloat64(key)
  }

  /** The user's key that a table key stands for. */
  keyOf(key: number): unknown {
    return this.kind === 'interned' ? this.values[key] : key
  }

  /** The table key of a user's key; refuses null. The space must be wide enough. */
  idOf(key: unknown): number {
    return this.kind === 'interned' ? this.intern(key) : (key as number)
  }

  intern(key: unknown): number {
    const canonical = canonicalKey(key)
    const known = this.#ids.get(canonical)
    return known ?? this.#add(typeof canonical === 'string' ? ownString(canonical) : canonical, key)
  }

  /** Ids of the entries of a producer's dictionary; the dictionary may have grown since the last call. */
  translate(dictionary: readonly string[]): Int32Array {
    let ids = this.#translations.get(dictionary)
    const known = ids === undefined ? 0 : ids[0]!
    if (known === dictionary.length && ids !== undefined) return ids
    if (ids === undefined || ids.length <= dictionary.length) {
      const grown = new Int32Array(Math.max(64, dictionary.length * 2))
      if (ids !== undefined) grown.set(ids)
      else this.#dictionaries.push(new WeakRef(dictionary))
      ids = grown
      this.#translations.set(dictionary, ids)
    }
    for (let i = known; i < dictionary.length; i++) ids[i + 1] = this.intern(dictionary[i])
    ids[0] = dictionary.length
    return ids
  }

  /** The faster way to the ids of keys of several fields; the number of fields is that of every key. */
  tuples(fieldCount: number): TupleKeys {
    this.#tuples ??= new TupleKeys(fieldCount, new KeySpace())
    return this.#tuples
  }

  /** Interned keys. */
  get size(): number {
    return this.#ids.size
  }

  /** Whether there are so many more ids than the last sweep left that another may pay. */
  get wantsSweep(): boolean {
    return this.#holds === 0 && this.#ids.size > Math.max(smallestSweep, 2 * this.#keptBySweep)
  }

  /** Until as many calls of `release`, every id stands for the key that it stands for now. */
  hold(): void {
    this.#holds++
  }

  release(): void {
    this.#holds--
  }

  /**
   * Gives up all ids but those that `mark` names and those of producers' dictionaries, which stay what they are. Generated loops
   * hold translations while they run, so never call it from within one.
   */
  sweep(mark: (use: (id: number) => void) => void): void {
    assert(this.#holds === 0, 'ids are given up while no snapshot reads them')
    const used = new Uint8Array(this.values.length)
    let end = 0
    const use = (id: number): void => {
      used[id] = 1
      if (id >= end) end = id + 1
    }
    mark(use)
    this.#dictionaries = this.#dictionaries.filter((reference) => {
      const dictionary = reference.deref()
      const ids = dictionary === undefined ? undefined : this.#translations.get(dictionary)
      if (ids !== undefined) for (let i = 1; i <= ids[0]!; i++) use(ids[i]!)
      return ids !== undefined
    })
    // It knows ids by parts of keys, and is cheaper made anew than swept.
    this.#tuples = undefined
    for (const [canonical, id] of this.#ids) if (used[id] === 0) this.#ids.delete(canonical)
    this.values.length = end
    this.#free = []
    for (let id = end - 1; id >= 0; id--) {
      if (used[id] === 1) continue
      this.values[id] = undefined
      this.#free.push(id)
    }
    if (this.hashes.length > 4 * Math.max(end, smallestSweep)) this.hashes = this.hashes.slice(0, 2 * Math.max(end, smallestSweep))
    this.#keptBySweep = this.#ids.size
  }

  #add(canonical: number | string, key: unknown): number {
    const id = this.#free.pop() ?? this.values.length
    if (id === this.hashes.length) {
      const grown = new Int32Array(id * 2)
      grown.set(this.hashes)
      this.hashes = grown
    }
    this.hashes[id] = hashKey(key)
    this.values[id] = typeof key === 'string' ? (canonical === key ? canonical : ownString(key)) : ownRow(key)
    this.#ids.set(canonical, id)
    return id
  }
}
