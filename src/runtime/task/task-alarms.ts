/**
 * When a task has something to do though nothing arrives: timers that were asked for, and the probe that has its input tell time.
 * A source that is far faster than the clock is probed by rows too, so that what waits for time is bounded in rows. Pure.
 */

const rowsPerProbe = 65_536

export class TaskAlarms {
  readonly #intervalMs: number
  #timerMs = Number.POSITIVE_INFINITY
  #probeMs: number
  #probeRows: number
  #wasBlocked = false

  /** `probeIntervalMs` 0: no probes. */
  constructor(probeIntervalMs: number, nowMs: number) {
    this.#intervalMs = probeIntervalMs
    this.#probeMs = probeIntervalMs > 0 ? nowMs + probeIntervalMs : Number.POSITIVE_INFINITY
    this.#probeRows = probeIntervalMs > 0 ? rowsPerProbe : Number.POSITIVE_INFINITY
  }

  nextMs(withProbe: boolean): number {
    return withProbe ? Math.min(this.#timerMs, this.#probeMs) : this.#timerMs
  }

  requestTimer(atMs: number): void {
    if (atMs < this.#timerMs) this.#timerMs = atMs
  }

  isTimerDue(nowMs: number): boolean {
    return nowMs >= this.#timerMs
  }

  /** The time that was asked for, which is forgotten: whoever fires asks for the next. */
  takeTimer(): number {
    const atMs = this.#timerMs
    this.#timerMs = Number.POSITIVE_INFINITY
    return atMs
  }

  /** The task could not go on. */
  noteBlocked(): void {
    this.#wasBlocked = true
  }

  isProbeDue(nowMs: number, rows: number): boolean {
    return nowMs >= this.#probeMs || rows >= this.#probeRows
  }

  /** A probe is made now; answers whether the task was blocked since the one before. */
  probed(nowMs: number, rows: number): boolean {
    const wasBlocked = this.#wasBlocked
    this.#probeMs = nowMs + this.#intervalMs
    this.#probeRows = rows + rowsPerProbe
    this.#wasBlocked = false
    return wasBlocked
  }
}
