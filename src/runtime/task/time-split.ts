/**
 * How a task's time divides into busy, idle and backpressured, which add up to all of it. Time from a step that got
 * something done to the next step is busy, its own turn in the thread included.
 */
import type { StepResult } from './task-options.ts'

export class TimeSplit {
  #sinceMs: number
  #state: 'busyMs' | 'idleMs' | 'backPressuredMs' = 'busyMs'
  #stopped = false
  readonly millis = { busyMs: 0, idleMs: 0, backPressuredMs: 0 }

  constructor(nowMs: number) {
    this.#sinceMs = nowMs
  }

  /** The step that ended now; undefined: only bring the figures up to date. */
  note(result: StepResult | undefined, nowMs: number): void {
    if (this.#stopped) return
    // The step itself is work if it got something done; else the time belongs to what the task was in before.
    const state = result === undefined ? this.#state : result === 'idle' ? 'idleMs' : result === 'blocked' ? 'backPressuredMs' : 'busyMs'
    this.millis[state === 'busyMs' ? 'busyMs' : this.#state] += nowMs - this.#sinceMs
    this.#sinceMs = nowMs
    this.#state = state
  }

  /** The task is over: time that passes from now on is not its own. */
  stop(nowMs: number): void {
    this.note(undefined, nowMs)
    this.#stopped = true
  }
}
