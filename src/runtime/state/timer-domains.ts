/**
 * What is the same for every form of timers: a queue for each time domain, the watermark that event time has come to, and
 * the calls that are asked of the task for processing time. A watermark fires all that is due in order of time, those
 * included that are registered meanwhile; an event timer registered at or below the watermark fires with the next one, not
 * at once.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { TimeDomain } from '../../program/function/window.ts'

export interface TimerQueueOf {
  readonly size: number
  /** Time of the next timer, or +Infinity. */
  readonly nextTime: number
}

/** Event time before any watermark. */
const noWatermark = -(2 ** 63)

export class TimerDomains<Q extends TimerQueueOf> {
  readonly event: Q
  readonly processing: Q
  /** While timers fire it is already the watermark that fires them. */
  currentWatermark = noWatermark
  readonly #requestProcessingTimer: (atMs: number) => void
  /** The earliest call that has been asked for and has not come. */
  #requestedMs = Number.POSITIVE_INFINITY

  constructor(event: Q, processing: Q, requestProcessingTimer: (atMs: number) => void) {
    this.event = event
    this.processing = processing
    this.#requestProcessingTimer = requestProcessingTimer
  }

  /** `fireNext` takes the next timer out of the queue. False: `shouldStop` said so; call again with the same watermark. */
  advanceWatermark(watermark: number, fireNext: (queue: Q, domain: TimeDomain) => void, shouldStop: () => boolean): boolean {
    if (watermark > this.currentWatermark) this.currentWatermark = watermark
    return fireDue(this.event, 'event', this.currentWatermark, fireNext, shouldStop)
  }

  /** As advanceWatermark, for processing time. */
  fireProcessingTimers(nowMs: number, fireNext: (queue: Q, domain: TimeDomain) => void, shouldStop: () => boolean): boolean {
    if (this.#requestedMs <= nowMs) this.#requestedMs = Number.POSITIVE_INFINITY
    const done = fireDue(this.processing, 'processing', nowMs, fireNext, shouldStop)
    if (done) this.request()
    return done
  }

  /** After a processing timer was registered: asks for the call that it needs, if none is coming by then. */
  request(): void {
    const next = this.processing.nextTime
    if (next >= this.#requestedMs) return
    this.#requestedMs = next
    this.#requestProcessingTimer(next)
  }
}

function fireDue<Q extends TimerQueueOf>(
  queue: Q,
  domain: TimeDomain,
  time: number,
  fireNext: (queue: Q, domain: TimeDomain) => void,
  shouldStop: () => boolean,
): boolean {
  for (;;) {
    if (queue.nextTime > time) return true
    if (shouldStop()) return false
    fireNext(queue, domain)
  }
}

/** The time of a timer, which must be a number. */
export function checkedTime(time: number): number {
  if (typeof time === 'number' && !Number.isNaN(time)) return time
  throw new StreamError('INVALID_ARGUMENT', `A timer was registered for ${String(time)}, which is not a time`, {
    hint: 'A timer takes a number: ms since the epoch.',
  })
}
