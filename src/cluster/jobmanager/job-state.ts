/**
 * What becomes of a job while its slots run: events go in, decisions come out. Pure: no time, no messages, no threads; the
 * coordinator around it performs the decisions.
 *
 * What always holds: a move that is not in the table is a bug; the first failure is the cause that is reported and later
 * ones are consequences; a job ends once, when every slot has ended and every enumerator is closed, so that nothing of it
 * runs any more when the client hears the result.
 */
import { assert, StreamError } from '../../base/core/stream-error.ts'
import type { JobStatus } from '../../program/api/executor.ts'

/** Every legal move. FINISHED, CANCELED and FAILED are final. */
export const legalMoves: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  CREATED: ['RUNNING', 'FAILING', 'CANCELLING'],
  RUNNING: ['FINISHED', 'FAILING', 'CANCELLING'],
  FAILING: ['FAILED'],
  CANCELLING: ['CANCELED'],
  FAILED: [],
  CANCELED: [],
  FINISHED: [],
}

export type JobEvent =
  | { readonly on: 'deployed' }
  | { readonly on: 'taskFinished' }
  /** A task, an enumerator or the coordinator itself failed. */
  | { readonly on: 'failed'; readonly error: StreamError }
  /** The slot ended by itself: its tasks are closed. */
  | { readonly on: 'slotDone'; readonly slot: number }
  /** The slot's thread is gone; `error` says what of it was running. */
  | { readonly on: 'slotLost'; readonly slot: number; readonly error: StreamError }
  | { readonly on: 'cancel' }
  | { readonly on: 'cancelTimeout' }
  | { readonly on: 'enumeratorsClosed' }

export type JobDecision =
  | { readonly do: 'cancelSlots'; readonly slots: readonly number[] }
  | { readonly do: 'startCancelTimer' }
  | { readonly do: 'killSlots'; readonly slots: readonly number[] }
  | { readonly do: 'closeEnumerators' }
  | { readonly do: 'end'; readonly status: 'FINISHED' | 'CANCELED' }
  | { readonly do: 'end'; readonly status: 'FAILED'; readonly error: StreamError }

export class JobState {
  #status: JobStatus = 'CREATED'
  #cause: StreamError | undefined
  #unfinishedTasks: number
  readonly #liveSlots: Set<number>
  #closing = false

  constructor(slots: number, tasks: number) {
    this.#liveSlots = new Set(Array.from({ length: slots }, (_, slot) => slot))
    this.#unfinishedTasks = tasks
  }

  get status(): JobStatus {
    return this.#status
  }

  get ended(): boolean {
    return legalMoves[this.#status].length === 0
  }

  /** The decisions in the order in which they must be performed. */
  apply(event: JobEvent): readonly JobDecision[] {
    if (this.ended) return []
    switch (event.on) {
      case 'deployed':
        if (this.#status === 'CREATED') this.#move('RUNNING')
        return []
      case 'taskFinished':
        this.#unfinishedTasks--
        return []
      case 'failed':
        return this.#fail(event.error)
      case 'slotDone':
        this.#liveSlots.delete(event.slot)
        return this.#whenAllSlotsEnded()
      case 'slotLost':
        if (!this.#liveSlots.delete(event.slot)) return []
        return [...this.#fail(event.error), ...this.#whenAllSlotsEnded()]
      case 'cancel':
        return this.#stop('CANCELLING')
      case 'cancelTimeout':
        return this.#liveSlots.size === 0 ? [] : [{ do: 'killSlots', slots: [...this.#liveSlots] }]
      case 'enumeratorsClosed':
        return this.#end()
    }
  }

  #fail(error: StreamError): readonly JobDecision[] {
    if (this.#status === 'FAILING' || this.#status === 'CANCELLING') return []
    this.#cause = error
    return this.#stop('FAILING')
  }

  #stop(towards: 'FAILING' | 'CANCELLING'): readonly JobDecision[] {
    if (this.#status === 'FAILING' || this.#status === 'CANCELLING') return []
    this.#move(towards)
    if (this.#liveSlots.size === 0) return this.#whenAllSlotsEnded()
    return [{ do: 'cancelSlots', slots: [...this.#liveSlots] }, { do: 'startCancelTimer' }]
  }

  #whenAllSlotsEnded(): readonly JobDecision[] {
    if (this.#liveSlots.size > 0 || this.#closing) return []
    if (this.#status === 'RUNNING' && this.#unfinishedTasks > 0) {
      this.#cause = new StreamError(
        'INTERNAL',
        `headrace bug: all slots ended, but ${this.#unfinishedTasks} tasks said neither that they finished nor that they failed`,
      )
      this.#move('FAILING')
    }
    this.#closing = true
    return [{ do: 'closeEnumerators' }]
  }

  #end(): readonly JobDecision[] {
    assert(this.#closing, 'enumerators were closed before the slots had ended')
    if (this.#status === 'FAILING') {
      this.#move('FAILED')
      return [{ do: 'end', status: 'FAILED', error: this.#cause! }]
    }
    const status = this.#status === 'CANCELLING' ? 'CANCELED' : 'FINISHED'
    this.#move(status)
    return [{ do: 'end', status }]
  }

  #move(to: JobStatus): void {
    assert(legalMoves[this.#status].includes(to), `a job cannot go from ${this.#status} to ${to}`)
    this.#status = to
  }
}
