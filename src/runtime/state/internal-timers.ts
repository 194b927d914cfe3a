/**
 * The timers of one keyed operator, in both time domains: one per (key, namespace, time, domain). A watermark fires all
 * event timers at or below it, in order of time, those included that are registered meanwhile; an event timer that is
 * registered at or below the watermark fires with the next one, not at once. Firing stops where the output is full.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { TimeDomain } from '../../program/function/window.ts'
import type { Namespace } from './heap-keyed-state.ts'
import { type QueuedTimer, TimerQueue } from './timer-queue.ts'

export interface Timer<N extends Namespace> extends QueuedTimer<N> {
  readonly domain: TimeDomain
}

export type FireTimer<N extends Namespace> = (key: unknown, namespace: N, time: number, domain: TimeDomain) => void

/** Event time before any watermark. */
const noWatermark = -(2 ** 63)

export class InternalTimers<N extends Namespace = undefined> {
  readonly #event = new TimerQueue<N>()
  readonly #processing = new TimerQueue<N>()
  readonly #requestProcessingTimer: (atMs: number) => void
  /** The earliest call that has been asked for and has not come. */
  #requestedMs = Number.POSITIVE_INFINITY
  #watermark = noWatermark

  constructor(requestProcessingTimer: (atMs: number) => void) {
    this.#requestProcessingTimer = requestProcessingTimer
  }

  /** While timers fire it is already the watermark that fires them. */
  get currentWatermark(): number {
    return this.#watermark
  }

  get numEventTimers(): number {
    return this.#event.size
  }

  get numProcessingTimers(): number {
    return this.#processing.size
  }

  registerEventTimer(key: unknown, namespace: N, time: number): void {
    this.#event.add(key, namespace, checked(time))
  }

  registerProcessingTimer(key: unknown, namespace: N, time: number): void {
    this.#processing.add(key, namespace, checked(time))
    this.#request()
  }

  deleteEventTimer(key: unknown, namespace: N, time: number): void {
    this.#event.delete(key, namespace, time)
  }

  deleteProcessingTimer(key: unknown, namespace: N, time: number): void {
    this.#processing.delete(key, namespace, time)
  }

  /** Fires what is due. False: `shouldStop` said so, and the same call goes on where this one stopped. */
  advanceWatermark(watermark: number, fire: FireTimer<N>, shouldStop: () => boolean): boolean {
    if (watermark > this.#watermark) this.#watermark = watermark
    return fireDue(this.#event, 'event', this.#watermark, fire, shouldStop)
  }

  /** As advanceWatermark, for processing time. */
  fireProcessingTimers(nowMs: number, fire: FireTimer<N>, shouldStop: () => boolean): boolean {
    if (this.#requestedMs <= nowMs) this.#requestedMs = Number.POSITIVE_INFINITY
    const done = fireDue(this.#processing, 'processing', nowMs, fire, shouldStop)
    if (done) this.#request()
    return done
  }

  /** All timers with their key groups. */
  *entries(maxParallelism: number): IterableIterator<Timer<N> & { readonly keyGroup: number }> {
    for (const timer of this.#event.entries(maxParallelism)) yield { ...timer, domain: 'event' }
    for (const timer of this.#processing.entries(maxParallelism)) yield { ...timer, domain: 'processing' }
  }

  #request(): void {
    const next = this.#processing.nextTime
    if (next >= this.#requestedMs) return
    this.#requestedMs = next
    this.#requestProcessingTimer(next)
  }
}

function fireDue<N extends Namespace>(
  queue: TimerQueue<N>,
  domain: TimeDomain,
  time: number,
  fire: FireTimer<N>,
  shouldStop: () => boolean,
): boolean {
  for (;;) {
    if (queue.nextTime > time) return true
    if (shouldStop()) return false
    const timer = queue.poll(time)!
    fire(timer.key, timer.namespace, timer.time, domain)
  }
}

function checked(time: number): number {
  if (typeof time === 'number' && !Number.isNaN(time)) return time
  throw new StreamError('INVALID_ARGUMENT', `A timer was registered for ${String(time)}, which is not a time`, {
    hint: 'A timer takes a number: ms since the epoch.',
  })
}
