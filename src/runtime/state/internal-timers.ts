/**
 * The timers of one keyed operator, in both time domains: one per (key, namespace, time, domain). A watermark fires all
 * event timers at or below it, in order of time, those included that are registered meanwhile; an event timer that is
 * registered at or below the watermark fires with the next one, not at once. Firing stops where the output is full.
 */

import { hashKey, keyGroupOf } from '../../base/columnar/key-hash.ts'
import type { TimeDomain } from '../../program/function/window.ts'
import { TimerSnapshots } from './gathered-timers.ts'
import type { Namespace } from './heap-keyed-state.ts'
import type { NamespaceColumns } from './heap-snapshots.ts'
import { restoredRows } from './restored-rows.ts'
import type { RestoredTable, StateSnapshot } from './snapshot.ts'
import { checkedTime, TimerDomains } from './timer-domains.ts'
import { type KeySet, type QueuedTimer, runOf, TimerQueue } from './timer-queue.ts'

export interface Timer<N extends Namespace> extends QueuedTimer<N> {
  readonly domain: TimeDomain
}

export type FireTimer<N extends Namespace> = (key: unknown, namespace: N, time: number, domain: TimeDomain) => void

export class InternalTimers<N extends Namespace = undefined> {
  readonly #domains: TimerDomains<TimerQueue<N>>
  readonly #snapshots = new TimerSnapshots<KeySet<N>>(runOf)

  constructor(requestProcessingTimer: (atMs: number) => void) {
    this.#domains = new TimerDomains(
      new TimerQueue<N>('event', this.#snapshots),
      new TimerQueue<N>('processing', this.#snapshots),
      requestProcessingTimer,
    )
  }

  /** While timers fire it is already the watermark that fires them. */
  get currentWatermark(): number {
    return this.#domains.currentWatermark
  }

  get numEventTimers(): number {
    return this.#domains.event.size
  }

  get numProcessingTimers(): number {
    return this.#domains.processing.size
  }

  registerEventTimer(key: unknown, namespace: N, time: number): void {
    this.#domains.event.add(key, namespace, checkedTime(time))
  }

  registerProcessingTimer(key: unknown, namespace: N, time: number): void {
    this.#domains.processing.add(key, namespace, checkedTime(time))
    this.#domains.request()
  }

  deleteEventTimer(key: unknown, namespace: N, time: number): void {
    this.#domains.event.delete(key, namespace, time)
  }

  deleteProcessingTimer(key: unknown, namespace: N, time: number): void {
    this.#domains.processing.delete(key, namespace, time)
  }

  /** Fires what is due. False: `shouldStop` said so, and the same call goes on where this one stopped. */
  advanceWatermark(watermark: number, fire: FireTimer<N>, shouldStop: () => boolean): boolean {
    return this.#domains.advanceWatermark(watermark, (queue, domain) => fireNext(queue, domain, fire), shouldStop)
  }

  /** As advanceWatermark, for processing time. */
  fireProcessingTimers(nowMs: number, fire: FireTimer<N>, shouldStop: () => boolean): boolean {
    return this.#domains.fireProcessingTimers(nowMs, (queue, domain) => fireNext(queue, domain, fire), shouldStop)
  }

  /** Whether timers are copied ahead of their changes. */
  get isSaving(): boolean {
    return this.#snapshots.isOpen
  }

  /** The timers as they are now; costs nothing that grows with them. */
  snapshot(maxParallelism: number, namespaces?: NamespaceColumns): StateSnapshot {
    const keys = { groupOf: (key: unknown) => keyGroupOf(hashKey(key), maxParallelism), column: (column: unknown[]) => column }
    return this.#snapshots.begin((domain) => this.#domains[domain].sets(), keys, maxParallelism, namespaces)
  }

  /** Event time goes on from `watermark`. */
  async restore(table: RestoredTable | undefined, watermark: number, namespaces?: NamespaceColumns): Promise<void> {
    this.#domains.currentWatermark = watermark
    if (table === undefined) return
    const names = ['time', 'domain', ...(namespaces?.names ?? [])]
    for await (const { keys, rows } of restoredRows(table, names)) {
      for (const [i, [time, domain, ...space]] of rows.entries()) {
        const namespace = namespaces?.fromColumns(space) as N
        this.#domains[domain as TimeDomain].add(keys[i], namespace, time as number)
      }
    }
    this.#domains.request()
  }

  /** All timers with their key groups. */
  *entries(maxParallelism: number): IterableIterator<Timer<N> & { readonly keyGroup: number }> {
    for (const timer of this.#domains.event.entries(maxParallelism)) yield { ...timer, domain: 'event' }
    for (const timer of this.#domains.processing.entries(maxParallelism)) yield { ...timer, domain: 'processing' }
  }
}

function fireNext<N extends Namespace>(queue: TimerQueue<N>, domain: TimeDomain, fire: FireTimer<N>): void {
  const { key, namespace, time } = queue.poll(queue.nextTime)!
  fire(key, namespace, time, domain)
}
