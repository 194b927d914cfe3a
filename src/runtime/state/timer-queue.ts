/**
 * The timers of one time domain: one per (time, key, namespace). Many timers share a time (all keys of a window), so a
 * heap orders the distinct times and each time has a bucket of its timers. Timers of one time come out in the order
 * of their registration, namespace by namespace.
 */
import { canonicalKey, hashKey, keyGroupOf } from '../../base/columnar/key-hash.ts'
import type { TimeDomain } from '../../program/function/window.ts'
import { cloneValue } from './clone-value.ts'
import type { TimerRun, TimerSnapshots } from './gathered-timers.ts'
import type { Namespace } from './heap-keyed-state.ts'
import { TimeHeap } from './time-heap.ts'

export interface QueuedTimer<N extends Namespace> {
  readonly key: unknown
  readonly namespace: N
  readonly time: number
}

/** The keys, by canonical form, that have a timer at one time in one namespace. */
export interface KeySet<N> {
  readonly time: number
  readonly namespace: N
  epoch: number
  readonly keys: Map<string | number, unknown>
  cursor: MapIterator<[string | number, unknown]> | undefined
}

/** The timers of one time. Cursors are kept between two polls: a fresh iterator would step over all that was removed before. */
interface Bucket<N> {
  readonly sets: Map<N, KeySet<N>>
  cursor: MapIterator<KeySet<N>> | undefined
  current: KeySet<N> | undefined
}

export class TimerQueue<N extends Namespace> {
  readonly #heap = new TimeHeap()
  readonly #buckets = new Map<number, Bucket<N>>()
  #size = 0
  /** Most calls concern the key of the call before. */
  #lastKey: unknown
  #lastCanonical: string | number = 0
  /** Where the timer before went: many keys set theirs for one time. Undefined when that set is gone. */
  #lastSet: KeySet<N> | undefined
  #lastTime = 0
  readonly #domain: TimeDomain
  readonly #snapshots: TimerSnapshots<KeySet<N>> | undefined

  constructor(domain: TimeDomain = 'event', snapshots?: TimerSnapshots<KeySet<N>>) {
    this.#domain = domain
    this.#snapshots = snapshots
  }

  get size(): number {
    return this.#size
  }

  /** Time of the next timer, or +Infinity. */
  get nextTime(): number {
    const heap = this.#heap
    while (heap.size > 0 && !this.#buckets.has(heap.lowest)) heap.pop()
    return heap.lowest
  }

  add(key: unknown, namespace: N, time: number): void {
    const canonical = this.#canonicalOf(key)
    const set = this.#setFor(namespace, time)
    if (set.keys.has(canonical)) return
    this.#snapshots?.save(set, this.#domain)
    const own = cloneValue(key, 'The key of a timer')
    set.keys.set(own === canonical ? (own as string | number) : canonical, own)
    this.#size++
  }

  delete(key: unknown, namespace: N, time: number): void {
    const bucket = this.#buckets.get(time)
    const set = bucket?.sets.get(namespace)
    const canonical = this.#canonicalOf(key)
    if (bucket === undefined || !set?.keys.has(canonical)) return
    this.#snapshots?.save(set, this.#domain)
    set.keys.delete(canonical)
    this.#size--
    this.#dropIfEmpty(time, bucket, set)
    // The heap still holds the times of buckets that are gone; a timeout that is moved at each element would fill it.
    if (this.#heap.size > 64 && this.#heap.size > 2 * this.#buckets.size) this.#heap.rebuild(this.#buckets.keys())
  }

  /** Takes out the next timer at or below `time`; undefined when there is none. */
  poll(time: number): QueuedTimer<N> | undefined {
    const next = this.nextTime
    const bucket = next <= time ? this.#buckets.get(next) : undefined
    if (bucket === undefined) return undefined
    const set = currentSet(bucket)
    this.#snapshots?.save(set, this.#domain)
    const [canonical, key] = nextKey(set)
    set.keys.delete(canonical)
    this.#size--
    this.#dropIfEmpty(next, bucket, set)
    return { key, namespace: set.namespace, time: next }
  }

  /** What stands here, one by one, also while it changes. */
  *sets(): IterableIterator<KeySet<N>> {
    for (const bucket of this.#buckets.values()) yield* bucket.sets.values()
  }

  /** All timers with their key groups, in no promised order. */
  *entries(maxParallelism: number): IterableIterator<QueuedTimer<N> & { readonly keyGroup: number }> {
    for (const [time, bucket] of this.#buckets) {
      for (const { namespace, keys } of bucket.sets.values()) {
        for (const key of keys.values()) yield { keyGroup: keyGroupOf(hashKey(key), maxParallelism), key, namespace, time }
      }
    }
  }

  #setFor(namespace: N, time: number): KeySet<N> {
    if (this.#lastSet !== undefined && this.#lastTime === time && this.#lastSet.namespace === namespace) return this.#lastSet
    let bucket = this.#buckets.get(time)
    if (bucket === undefined) {
      bucket = { sets: new Map(), cursor: undefined, current: undefined }
      this.#buckets.set(time, bucket)
      this.#heap.push(time)
    }
    let set = bucket.sets.get(namespace)
    if (set === undefined) {
      set = { time, namespace, epoch: this.#snapshots?.epoch ?? 0, keys: new Map(), cursor: undefined }
      bucket.sets.set(namespace, set)
    }
    this.#lastSet = set
    this.#lastTime = time
    return set
  }

  #dropIfEmpty(time: number, bucket: Bucket<N>, set: KeySet<N>): void {
    if (set.keys.size > 0) return
    if (this.#lastSet === set) this.#lastSet = undefined
    bucket.sets.delete(set.namespace)
    if (bucket.sets.size === 0) this.#buckets.delete(time)
  }

  #canonicalOf(key: unknown): string | number {
    if (typeof key === 'number') return key === 0 ? 0 : key
    if (key === this.#lastKey && typeof key !== 'object' && key !== undefined) return this.#lastCanonical
    this.#lastCanonical = canonicalKey(key)
    this.#lastKey = key
    return this.#lastCanonical
  }
}

/** A copy of a set's timers. */
export function runOf<N extends Namespace>({ time, namespace, keys }: KeySet<N>, domain: TimeDomain): TimerRun {
  return { time, namespace, domain, keys: [...keys.values()], from: 0, to: keys.size }
}

/** The first namespace of a bucket that is not empty. */
function currentSet<N>(bucket: Bucket<N>): KeySet<N> {
  if (bucket.current !== undefined && bucket.current.keys.size > 0) return bucket.current
  let next = bucket.cursor?.next()
  if (next === undefined || next.done) {
    bucket.cursor = bucket.sets.values()
    next = bucket.cursor.next()
  }
  bucket.current = next.value!
  return bucket.current!
}

function nextKey<N>(set: KeySet<N>): [string | number, unknown] {
  let next = set.cursor?.next()
  if (next === undefined || next.done) {
    set.cursor = set.keys.entries()
    next = set.cursor.next()
  }
  return next.value!
}
