/**
 * Heartbeats of one end of a link: sends one every interval, and finds out that the other end has been silent for too long.
 *
 * What always holds: `silent` is called at most once, and not after stop(). An end that was itself stopped for a while (its timer came
 * late) accuses nobody before it has listened for one more interval: what the other end said meanwhile may still wait to be read.
 */
import type { Clock, TimerHandle } from '../../base/core/clock.ts'

export interface HeartbeatSettings {
  /** heartbeat.interval */
  readonly intervalMs: number
  /** heartbeat.timeout */
  readonly timeoutMs: number
}

export interface HeartbeatOptions extends HeartbeatSettings {
  readonly clock: Clock
  readonly beat: () => void
  readonly silent: (forMs: number) => void
}

export class Heartbeat {
  readonly #options: HeartbeatOptions
  #heardMs: number
  #timer: TimerHandle | undefined

  constructor(options: HeartbeatOptions) {
    this.#options = options
    this.#heardMs = options.clock.elapsed()
    this.#schedule(this.#heardMs + options.intervalMs)
  }

  /** The other end has said something. */
  heard(): void {
    this.#heardMs = this.#options.clock.elapsed()
  }

  /** For how long it has said nothing. */
  get silentMs(): number {
    return this.#options.clock.elapsed() - this.#heardMs
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #schedule(dueMs: number): void {
    const { clock, intervalMs } = this.#options
    this.#timer = clock.setTimer(intervalMs, () => this.#tick(dueMs))
  }

  #tick(dueMs: number): void {
    const { clock, intervalMs, timeoutMs, beat, silent } = this.#options
    const nowMs = clock.elapsed()
    const cameLate = nowMs - dueMs >= intervalMs
    const { silentMs } = this
    if (silentMs >= timeoutMs && !cameLate) {
      this.stop()
      silent(silentMs)
      return
    }
    this.#schedule(nowMs + intervalMs)
    beat()
  }
}
