/**
 * The timers of one time domain by table key: one per (time, key). A heap orders the distinct times and each has a bucket
 * of its keys, since many timers share a time. Timers of one time come out in the order of their registration.
 */
import type { TimeDomain } from '../../program/function/window.ts'
import type { TimerRun, TimerSnapshots } from './gathered-timers.ts'
import { TimeHeap } from './time-heap.ts'
import { TimerBucket } from './timer-bucket.ts'

/** Emptied buckets that are kept for the times to come. */
const spareBuckets = 4

export class TableTimerQueue {
  size = 0
  readonly #hashOf: (key: number) => number
  readonly #heap = new TimeHeap()
  readonly #buckets = new Map<number, TimerBucket>()
  readonly #spare: TimerBucket[] = []
  /** Where the timer before went: many keys set theirs for one time. */
  #last: TimerBucket | undefined

  readonly #domain: TimeDomain
  readonly #snapshots: TimerSnapshots<TimerBucket> | undefined

  constructor(hashOf: (key: number) => number, domain: TimeDomain = 'event', snapshots?: TimerSnapshots<TimerBucket>) {
    this.#hashOf = hashOf
    this.#domain = domain
    this.#snapshots = snapshots
  }

  /** Time of the next timer, or +Infinity. */
  get nextTime(): number {
    const heap = this.#heap
    while (heap.size > 0 && !this.#buckets.has(heap.lowest)) heap.pop()
    return heap.lowest
  }

  add(key: number, hash: number, time: number): void {
    const last = this.#last
    const bucket = last !== undefined && last.time === time ? last : this.#bucketOf(time)
    this.#snapshots?.save(bucket, this.#domain)
    if (bucket.add(key, hash)) this.size++
  }

  delete(key: number, hash: number, time: number): void {
    const bucket = this.#buckets.get(time)
    if (bucket === undefined) return
    this.#snapshots?.save(bucket, this.#domain)
    if (!bucket.delete(key, hash)) return
    this.size--
    this.#dropIfEmpty(bucket)
    // The heap still holds the times of buckets that are gone; a timeout that is moved at each element would fill it.
    if (this.#heap.size > 64 && this.#heap.size > 2 * this.#buckets.size) this.#heap.rebuild(this.#buckets.keys())
  }

  /** Takes out the first timer of `nextTime`, which must not be +Infinity, and answers its key. */
  take(time: number): number {
    const bucket = this.#buckets.get(time)!
    this.#snapshots?.save(bucket, this.#domain)
    const key = bucket.take()
    this.size--
    this.#dropIfEmpty(bucket)
    return key
  }

  *entries(): IterableIterator<{ readonly key: number; readonly time: number }> {
    for (const [time, bucket] of this.#buckets) for (const key of bucket.keys()) yield { key, time }
  }

  /** Holds the same under other table keys. */
  rekey(keyOf: (key: number) => number): void {
    for (const bucket of this.#buckets.values()) {
      this.#snapshots?.save(bucket, this.#domain)
      bucket.rekey(keyOf)
    }
  }

  /** What stands here, one by one, also while it changes. */
  buckets(): Iterable<TimerBucket> {
    return this.#buckets.values()
  }

  #bucketOf(time: number): TimerBucket {
    let bucket = this.#buckets.get(time)
    if (bucket === undefined) {
      bucket = this.#spare.pop() ?? new TimerBucket(this.#hashOf)
      bucket.reset(time, this.#snapshots?.epoch)
      this.#buckets.set(time, bucket)
      this.#heap.push(time)
    }
    this.#last = bucket
    return bucket
  }

  #dropIfEmpty(bucket: TimerBucket): void {
    if (bucket.size > 0) return
    if (this.#last === bucket) this.#last = undefined
    this.#buckets.delete(bucket.time)
    if (this.#spare.length < spareBuckets) this.#spare.push(bucket)
  }
}

/** A bucket's timers as they are now. */
export const runOf = (bucket: TimerBucket, domain: TimeDomain): TimerRun => ({
  ...{ time: bucket.time, namespace: undefined, domain },
  ...bucket.view(),
})
