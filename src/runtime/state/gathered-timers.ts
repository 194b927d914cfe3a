/**
 * The snapshots of one operator's timers that are open. Timers stand in buckets (those of one time and namespace). A bucket is copied
 * by the snapshot's reader, or ahead of its first change, whichever comes first: `epoch` says since which snapshot's beginning
 * it is copied, or new. When all are copied they are put in order of their key groups, by counting.
 */
import type { TimeDomain } from '../../program/function/window.ts'
import { chunkRows } from './chunk-rows.ts'
import type { Namespace } from './heap-keyed-state.ts'
import type { NamespaceColumns } from './heap-snapshots.ts'
import type { StateChunk, StateSnapshot } from './snapshot.ts'

export interface SnapshotBucket {
  epoch: number
}

/** Timers of one time and namespace. */
export interface TimerRun {
  readonly time: number
  readonly namespace: Namespace
  readonly domain: TimeDomain
  /** Those from `from` to before `to`. */
  readonly keys: readonly unknown[]
  readonly from: number
  readonly to: number
}

/** How the keys of runs are understood. */
export interface TimerKeys {
  groupOf(key: any): number
  /** The column of keys: what is given, or one made of it. */
  column(keys: unknown[]): Int32Array | Float64Array | readonly unknown[]
}

/** Timers copied, counted or placed between two chunks. */
const slice = 32_768
const timerDomains = ['event', 'processing'] as const

class Gathered {
  readonly runs: TimerRun[] = []
  size = 0
  readonly epoch: number

  constructor(epoch: number) {
    this.epoch = epoch
  }
}

/** `B` are the buckets of the operator's queues, which `runOf` copies. */
export class TimerSnapshots<B extends SnapshotBucket> {
  epoch = 0
  #open: Gathered[] = []
  readonly #runOf: (bucket: B, domain: TimeDomain) => TimerRun
  readonly #released: () => void

  constructor(runOf: (bucket: B, domain: TimeDomain) => TimerRun, released: () => void = () => {}) {
    this.#runOf = runOf
    this.#released = released
  }

  get isOpen(): boolean {
    return this.#open.length > 0
  }

  /** Ahead of each change of a bucket. */
  save(bucket: B, domain: TimeDomain): void {
    if (bucket.epoch >= this.epoch || this.#open.length === 0) return
    const run = this.#runOf(bucket, domain)
    for (const gathered of this.#open) {
      if (bucket.epoch >= gathered.epoch) continue
      gathered.runs.push(run)
      gathered.size += run.to - run.from
    }
    bucket.epoch = this.epoch
  }

  /** `buckets` gives those of a domain as they are when it is read, from one end to the other. */
  begin(
    buckets: (domain: TimeDomain) => Iterable<B>,
    keys: TimerKeys,
    maxParallelism: number,
    namespaces?: NamespaceColumns,
  ): StateSnapshot {
    const gathered = new Gathered(++this.epoch)
    this.#open.push(gathered)
    const snapshots = this
    return {
      ...{ name: '_timers', scope: 'keyed', form: 'timers' },
      *chunks() {
        const work = snapshots.#gather(gathered, buckets)
        while (!work.next().done) yield noTimers(keys, namespaces)
        yield* orderedChunks(gathered, keys, maxParallelism, namespaces)
      },
      release: () => {
        this.#open = this.#open.filter((other) => other !== gathered)
        this.#released()
      },
    }
  }

  *#gather(gathered: Gathered, buckets: (domain: TimeDomain) => Iterable<B>): IterableIterator<void> {
    let next = slice
    let seen = 0
    for (const domain of timerDomains) {
      for (const bucket of buckets(domain)) {
        this.save(bucket, domain)
        if (gathered.size + seen++ < next) continue
        next = gathered.size + seen + slice
        yield
      }
    }
  }
}

function* orderedChunks(
  { runs, size }: Gathered,
  keys: TimerKeys,
  maxParallelism: number,
  namespaces: NamespaceColumns | undefined,
): IterableIterator<StateChunk> {
  const groups = new Int32Array(size)
  const starts = new Int32Array(maxParallelism + 1)
  let i = 0
  for (const run of runs) {
    for (let at = run.from; at < run.to; at++) {
      const group = keys.groupOf(run.keys[at])
      groups[i++] = group
      starts[group + 1]!++
      if (i % slice === 0) yield noTimers(keys, namespaces)
    }
  }
  for (let group = 0; group < maxParallelism; group++) starts[group + 1]! += starts[group]!
  const runAt = new Int32Array(size)
  const keyAt = new Int32Array(size)
  i = 0
  for (const [r, run] of runs.entries()) {
    for (let at = run.from; at < run.to; at++) {
      const to = starts[groups[i]!]!++
      runAt[to] = r
      keyAt[to] = at
      if (++i % slice === 0) yield noTimers(keys, namespaces)
    }
  }
  // starts[g] is now where group g ends.
  let group = 0
  for (let from = 0; from < size; from += chunkRows) {
    const count = Math.min(chunkRows, size - from)
    const keyGroups = new Int32Array(count)
    const timers: TimerRun[] = []
    const chunkKeys: unknown[] = []
    for (i = 0; i < count; i++) {
      const at = from + i
      while (starts[group]! <= at) group++
      keyGroups[i] = group
      const run = runs[runAt[at]!]!
      timers.push(run)
      chunkKeys.push(run.keys[keyAt[at]!])
    }
    yield timerChunk(keyGroups, chunkKeys, timers, keys, namespaces)
  }
}

/** Work was done, and there is more. */
const noTimers = (keys: TimerKeys, namespaces: NamespaceColumns | undefined): StateChunk =>
  timerChunk(new Int32Array(0), [], [], keys, namespaces)

function timerChunk(
  keyGroups: Int32Array,
  chunkKeys: unknown[],
  runs: readonly TimerRun[],
  keys: TimerKeys,
  namespaces: NamespaceColumns | undefined,
): StateChunk {
  const rowCount = runs.length
  const times = new Float64Array(rowCount)
  const domains = new Int32Array(rowCount)
  for (let i = 0; i < rowCount; i++) {
    times[i] = runs[i]!.time
    domains[i] = runs[i]!.domain === 'event' ? 0 : 1
  }
  const spaces = namespaces === undefined ? [] : runs.map(({ namespace }) => namespaces.toColumns(namespace))
  return {
    rowCount,
    columns: [
      { name: 'keyGroup', values: keyGroups },
      { name: 'key', values: keys.column(chunkKeys) },
      { name: 'time', values: times },
      { name: 'domain', values: domains, kind: 'utf8', dictionary: timerDomains },
      ...(namespaces?.names ?? []).map((name, c) => ({ name, values: spaces.map((values) => values[c]) })),
    ],
  }
}
