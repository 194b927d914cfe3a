/**
 * How many records are due by now at a steady rate, the first at once. A reader that was held up catches up by at
 * most one second's worth, so that a pause is not followed by a flood.
 */
import type { Clock } from '../../base/core/clock.ts'

const catchUpMs = 1_000

export class RateLimit {
  readonly #perMs: number
  readonly #clock: Clock
  /** When the next record is due; set at the first question. */
  #nextMs: number | undefined

  constructor(perSecond: number, clock: Clock) {
    this.#perMs = perSecond / 1_000
    this.#clock = clock
  }

  /** Records that may be emitted now. */
  due(): number {
    const behindMs = this.#clock.elapsed() - this.#next()
    // A thousandth of a record is forgiven: sums of fractions would otherwise make a timer fire just too early.
    return behindMs * this.#perMs < -0.001 ? 0 : 1 + Math.floor(behindMs * this.#perMs + 0.001)
  }

  take(records: number): void {
    this.#nextMs = this.#next() + records / this.#perMs
  }

  /** Time until the next record is due; 0: it is. */
  delayMs(): number {
    return this.due() > 0 ? 0 : this.#next() - this.#clock.elapsed()
  }

  #next(): number {
    const nowMs = this.#clock.elapsed()
    this.#nextMs = Math.max(this.#nextMs ?? nowMs, nowMs - catchUpMs)
    return this.#nextMs
  }
}
