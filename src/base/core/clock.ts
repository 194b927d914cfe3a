/**
 * Time as the engine sees it. Every manager and task is given a Clock; only adapters read the machine's.
 */
export interface Clock {
  /** Wall clock, ms since the epoch. */
  now(): number
  /** Monotonic time in ms with fractions, for durations. */
  elapsed(): number
  /** Calls back once after delayMs; the handle cancels it. */
  setTimer(delayMs: number, callback: () => void): TimerHandle
}

export interface TimerHandle {
  cancel(): void
}

/** A clock that moves only when told to: for tests and simulation. */
export class ManualClock implements Clock {
  #nowMs: number
  #timers: { readonly atMs: number; readonly order: number; readonly callback: () => void }[] = []
  #order = 0

  constructor(startMs = 0) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  elapsed(): number {
    return this.#nowMs
  }

  setTimer(delayMs: number, callback: () => void): TimerHandle {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) }
  }

  /** Moves time on and runs, in order of their time, the timers that fall due, those included that they set. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (;;) {
      const due = this.#timers.filter((timer) => timer.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0]
      if (due === undefined) break
      this.#timers = this.#timers.filter((timer) => timer !== due)
      this.#nowMs = Math.max(this.#nowMs, due.atMs)
      due.callback()
    }
    this.#nowMs = untilMs
  }
}
