/**
 * One attempt of one subtask: its state with the time of each move, where it runs, what it last reported. Pure; time is handed in.
 *
 * What always holds: moves are those of the table; an execution that has ended changes no more.
 */
import { assert, type WireError } from '../../base/core/stream-error.ts'
import type { TaskMetrics } from '../../runtime/task/deployment.ts'
import type { ArchivedExecution, ExecutionState, SlotLocation, TaskRates } from '../rpc/job-archive.ts'
import { executionMoves, executionWay, isFinal } from './execution-moves.ts'

/** Rates are averages over so long at least, and twice as long at most. */
const rateWindowMs = 2_500

interface Report {
  readonly atMs: number
  readonly metrics: TaskMetrics
}

export class Execution {
  readonly attempt: number
  readonly #timestamps: { [S in ExecutionState]?: number }
  #state: ExecutionState = 'CREATED'
  #location: SlotLocation | undefined
  #failure: WireError | undefined
  /** Rates are from the first to the last; the second becomes the first when it is old enough. */
  #reports: { first: Report; second: Report; last: Report } | undefined

  constructor(attempt: number, nowMs: number) {
    this.attempt = attempt
    this.#timestamps = { CREATED: nowMs }
  }

  get state(): ExecutionState {
    return this.#state
  }

  get location(): SlotLocation | undefined {
    return this.#location
  }

  /** Goes to that state by way of those before it; nothing happens if it is there, behind it or on its way to an end. */
  reach(state: ExecutionState, nowMs: number): void {
    const [from, to] = [executionWay.indexOf(this.#state), executionWay.indexOf(state)]
    if (from === -1 || isFinal(this.#state)) return
    for (const next of executionWay.slice(from + 1, to + 1)) this.#move(next, nowMs)
  }

  placed(location: SlotLocation): void {
    this.#location = location
  }

  /** It was told to end. What has no slot yet has ended with that. */
  cancel(nowMs: number): void {
    if (isFinal(this.#state) || this.#state === 'CANCELING') return
    this.#move(executionMoves[this.#state].includes('CANCELING') ? 'CANCELING' : 'CANCELED', nowMs)
  }

  /** It has ended without having finished; one that said that it had, while it was being cancelled, too. */
  ended(nowMs: number): void {
    this.cancel(nowMs)
    if (this.#state === 'CANCELING') this.#move('CANCELED', nowMs)
  }

  fail(error: WireError, nowMs: number): void {
    if (isFinal(this.#state)) return
    this.#failure = error
    this.#move('FAILED', nowMs)
  }

  /** The last report comes with the end. */
  report(metrics: TaskMetrics, nowMs: number): void {
    const last = { atMs: nowMs, metrics }
    if (this.#reports === undefined) this.#reports = { first: last, second: last, last }
    else if (nowMs - this.#reports.second.atMs >= rateWindowMs) this.#reports = { first: this.#reports.second, second: last, last }
    else this.#reports.last = last
  }

  archive(): ArchivedExecution {
    const rates = isFinal(this.#state) ? undefined : this.#rates()
    return {
      attempt: this.attempt,
      state: this.#state,
      timestamps: { ...this.#timestamps },
      ...(this.#location && { location: this.#location }),
      ...(this.#reports && { metrics: this.#reports.last.metrics }),
      ...(rates && { rates }),
      ...(this.#failure && { failure: this.#failure }),
    }
  }

  #rates(): TaskRates | undefined {
    if (this.#reports === undefined) return undefined
    const { first, last } = this.#reports
    const grown = (field: keyof TaskRates) => last.metrics[field] - first.metrics[field]
    // The task's own time, so that its parts add up to all of it however late reports arrive.
    const sinceMs = grown('busyMs') + grown('idleMs') + grown('backPressuredMs')
    if (sinceMs <= 0) return undefined
    const rate = (field: keyof TaskRates) => (grown(field) * 1000) / sinceMs
    const fields = ['recordsIn', 'recordsOut', 'busyMs', 'idleMs', 'backPressuredMs'] as const
    return Object.fromEntries(fields.map((field) => [field, rate(field)])) as Record<keyof TaskRates, number>
  }

  #move(to: ExecutionState, nowMs: number): void {
    assert(executionMoves[this.#state].includes(to), `an execution cannot go from ${this.#state} to ${to}`)
    this.#state = to
    this.#timestamps[to] = nowMs
  }
}
