/**
 * What becomes of a job while its slots run: events go in, decisions come out. Pure: no messages, no threads, and the time is
 * handed in; the JobMaster around it performs the decisions.
 *
 * What always holds: a move that is not in the table (execution-moves.ts) is a bug; the first failure that is not followed by a restart is the cause
 * that is reported, and later ones are consequences; a region runs again only when every slot of it has ended and its
 * enumerators are closed; a job ends once, when that holds for all of it, so that nothing of it runs any more when the client
 * hears the result.
 */
import { assert, StreamError } from '../../base/core/stream-error.ts'
import type { JobStatus } from '../../program/api/executor.ts'
import { jobMoves } from './execution-moves.ts'
import type { FailoverRegion } from './failover-regions.ts'
import { notRestarted } from './place-error.ts'
import type { RestartStrategy } from './restart-strategy.ts'

export type JobEvent =
  | { readonly on: 'deployed' }
  | { readonly on: 'taskFinished'; readonly region: number }
  /** A task of the region failed; without one, an enumerator or the JobMaster itself. `fatal`: a restart cannot help. */
  | { readonly on: 'failed'; readonly error: StreamError; readonly region?: number; readonly fatal?: boolean }
  /** The slot ended by itself: its tasks are closed. */
  | { readonly on: 'slotDone'; readonly slot: number }
  /** The slot's thread is gone; `error` says what of it was running. `fatal` as above. */
  | { readonly on: 'slotLost'; readonly slot: number; readonly error: StreamError; readonly fatal?: boolean }
  | { readonly on: 'cancel' }
  | { readonly on: 'cancelTimeout' }
  /** `round`, `restart`: those of the decision that this answers. */
  | { readonly on: 'enumeratorsClosed'; readonly round: number }
  | { readonly on: 'restartDue'; readonly restart: number }
  | { readonly on: 'redeployed'; readonly restart: number }
  /** A savepoint that stops the job is complete: regions may have ended that have more to read, should it go on after all. */
  | { readonly on: 'stopped' }
  /** What the regions go on from cannot be read. */
  | { readonly on: 'redeployFailed'; readonly restart: number; readonly error: StreamError }

export type JobDecision =
  | { readonly do: 'cancelSlots'; readonly slots: readonly number[] }
  /** From the beginning, if it runs already. */
  | { readonly do: 'startCancelTimer' }
  | { readonly do: 'killSlots'; readonly slots: readonly number[] }
  | { readonly do: 'closeEnumerators'; readonly regions: readonly number[]; readonly round: number }
  /** These regions have failed now and will run again. */
  | { readonly do: 'restart'; readonly regions: readonly number[]; readonly error: StreamError; readonly atMs: number }
  | { readonly do: 'startRestartTimer'; readonly atMs: number; readonly restart: number }
  | { readonly do: 'redeploy'; readonly regions: readonly number[]; readonly restart: number }
  /** The job has failed now, and for good. */
  | { readonly do: 'giveUp'; readonly error: StreamError }
  | { readonly do: 'end'; readonly status: 'FINISHED' | 'CANCELED' }
  | { readonly do: 'end'; readonly status: 'FAILED'; readonly error: StreamError }

export interface JobStateOptions {
  readonly regions: readonly Pick<FailoverRegion, 'slots' | 'tasks'>[]
  readonly restarts: RestartStrategy
  /** full: a failure restarts all regions. */
  readonly failover: 'region' | 'full'
}

/** Regions on their way to run again, together. */
interface Restart {
  readonly regions: Set<number>
  readonly atMs: number
  /** Changes with each region that joins: what was under way for fewer of them is answered in vain. */
  number: number
  phase: 'cancelling' | 'closing' | 'waiting' | 'deploying'
}

export class JobState {
  readonly #options: JobStateOptions
  readonly #live: readonly Set<number>[]
  readonly #unfinished: number[]
  #status: JobStatus = 'CREATED'
  #cause: StreamError | undefined
  #restart: Restart | undefined
  #restarts = 0
  #round = 0
  #closing = false
  /** A failure restarts all of it, those that have ended too. */
  #isStopped = false

  constructor(options: JobStateOptions) {
    this.#options = options
    this.#live = options.regions.map(({ slots }) => new Set(slots))
    this.#unfinished = options.regions.map(({ tasks }) => tasks)
  }

  get status(): JobStatus {
    return this.#status
  }

  get ended(): boolean {
    return jobMoves[this.#status].length === 0
  }

  /** The regions that a failure of this one concerns, or a failure of none. */
  affectedBy(region: number | undefined): readonly number[] {
    return region === undefined || this.#isStopped || this.#options.failover === 'full' ? this.#all : [region]
  }

  /** Whether the region has failed and does not run again yet. */
  isRestarting(region: number): boolean {
    return this.#restart?.regions.has(region) === true
  }

  /** Whether what was asked of the JobMaster with `redeploy` is still wanted. */
  isDeploying(restart: number): boolean {
    return this.#restart?.phase === 'deploying' && this.#restart.number === restart
  }

  /** The decisions in the order in which they must be performed. */
  apply(event: JobEvent, nowMs: number): readonly JobDecision[] {
    if (this.ended) return []
    switch (event.on) {
      case 'deployed':
        if (this.#status === 'CREATED') this.#move('RUNNING')
        return []
      case 'taskFinished':
        this.#unfinished[event.region]!--
        return []
      case 'failed':
        return this.#fail(event, event.region, nowMs)
      case 'slotDone':
        this.#live[this.#regionOf(event.slot)]!.delete(event.slot)
        return this.#whenSlotsEnded()
      case 'slotLost': {
        const region = this.#regionOf(event.slot)
        if (!this.#live[region]!.delete(event.slot)) return []
        return [...this.#fail(event, region, nowMs), ...this.#whenSlotsEnded()]
      }
      case 'cancel':
        return this.#stop('CANCELLING')
      case 'cancelTimeout': {
        const slots = this.#restart === undefined ? this.#liveOf(this.#all) : this.#liveOf([...this.#restart.regions])
        return slots.length === 0 ? [] : [{ do: 'killSlots', slots }]
      }
      case 'enumeratorsClosed':
        return this.#closed(event.round)
      case 'stopped':
        this.#isStopped = true
        return []
      case 'restartDue':
      case 'redeployed':
      case 'redeployFailed':
        return this.#restartGoesOn(event, nowMs)
    }
  }

  #fail({ error, fatal }: { error: StreamError; fatal?: boolean }, region: number | undefined, nowMs: number): readonly JobDecision[] {
    if (this.#status === 'FAILING' || this.#status === 'CANCELLING') return []
    const affected = this.affectedBy(region)
    // What fails of being cancelled, or closed, is a consequence.
    if (affected.every((each) => this.isRestarting(each))) return []
    const mayRestart = this.#status !== 'CREATED' && !this.#closing && fatal !== true
    return this.#restartOrGiveUp(affected, error, mayRestart, nowMs)
  }

  #restartOrGiveUp(regions: readonly number[], error: StreamError, mayRestart: boolean, nowMs: number): readonly JobDecision[] {
    const verdict = mayRestart && error.retry !== 'never' ? this.#options.restarts.onFailure(nowMs) : undefined
    if (verdict?.restart === true) return this.#startRestart(regions, error, verdict.atMs)
    return this.#giveUp(notRestarted(error, verdict?.reason))
  }

  #giveUp(cause: StreamError): readonly JobDecision[] {
    this.#cause = cause
    return [{ do: 'giveUp', error: cause }, ...this.#stop('FAILING')]
  }

  #startRestart(affected: readonly number[], error: StreamError, atMs: number): readonly JobDecision[] {
    if (this.#restart === undefined) {
      if (this.#status === 'RUNNING') this.#move('RESTARTING')
      this.#restart = { regions: new Set(), atMs, number: 0, phase: 'cancelling' }
    }
    const joining = affected.filter((region) => !this.isRestarting(region))
    for (const region of joining) this.#restart.regions.add(region)
    this.#restart.number = ++this.#restarts
    this.#restart.phase = 'cancelling'
    return [{ do: 'restart', regions: joining, error, atMs: this.#restart.atMs }, ...this.#cancel(joining), ...this.#whenSlotsEnded()]
  }

  #stop(towards: 'FAILING' | 'CANCELLING'): readonly JobDecision[] {
    if (this.#status === 'FAILING' || this.#status === 'CANCELLING') return []
    this.#move(towards)
    this.#restart = undefined
    const slots = this.#cancel(this.#all)
    return slots.length === 0 ? this.#whenSlotsEnded() : slots
  }

  #cancel(regions: readonly number[]): readonly JobDecision[] {
    const slots = this.#liveOf(regions)
    return slots.length === 0 ? [] : [{ do: 'cancelSlots', slots }, { do: 'startCancelTimer' }]
  }

  #whenSlotsEnded(): readonly JobDecision[] {
    const restart = this.#restart
    if (restart !== undefined) {
      if (restart.phase !== 'cancelling' || this.#liveOf([...restart.regions]).length > 0) return []
      restart.phase = 'closing'
      return [{ do: 'closeEnumerators', regions: [...restart.regions], round: ++this.#round }]
    }
    if (this.#closing || this.#liveOf(this.#all).length > 0) return []
    const wrong = this.#status === 'RUNNING' ? this.#unfinishedTasks() : []
    this.#closing = true
    return [...wrong, { do: 'closeEnumerators', regions: this.#all, round: ++this.#round }]
  }

  #unfinishedTasks(): readonly JobDecision[] {
    const unfinished = this.#unfinished.reduce((sum, tasks) => sum + tasks, 0)
    if (unfinished === 0) return []
    this.#cause = new StreamError(
      'INTERNAL',
      `headrace bug: all slots ended, but ${unfinished} tasks said neither that they finished nor that they failed`,
    )
    this.#move('FAILING')
    return [{ do: 'giveUp', error: this.#cause }]
  }

  #closed(round: number): readonly JobDecision[] {
    if (round !== this.#round) return []
    const restart = this.#restart
    if (restart === undefined) return this.#closing ? this.#end() : []
    if (restart.phase !== 'closing') return []
    restart.phase = 'waiting'
    return [{ do: 'startRestartTimer', atMs: restart.atMs, restart: restart.number }]
  }

  #restartGoesOn(event: JobEvent & { restart: number }, nowMs: number): readonly JobDecision[] {
    const restart = this.#restart
    if (restart === undefined || restart.number !== event.restart) return []
    if (event.on === 'restartDue') {
      restart.phase = 'deploying'
      return [{ do: 'redeploy', regions: [...restart.regions], restart: restart.number }]
    }
    this.#restart = undefined
    this.#options.restarts.restarted()
    if (event.on === 'redeployed') this.#isStopped = false
    // A restart that failed is a failure of its own.
    if (event.on === 'redeployFailed') return this.#restartOrGiveUp([...restart.regions], event.error, true, nowMs)
    for (const region of restart.regions) {
      for (const slot of this.#options.regions[region]!.slots) this.#live[region]!.add(slot)
      this.#unfinished[region] = this.#options.regions[region]!.tasks
    }
    this.#move('RUNNING')
    return []
  }

  #end(): readonly JobDecision[] {
    if (this.#status === 'FAILING') {
      this.#move('FAILED')
      return [{ do: 'end', status: 'FAILED', error: this.#cause! }]
    }
    const status = this.#status === 'CANCELLING' ? 'CANCELED' : 'FINISHED'
    this.#move(status)
    return [{ do: 'end', status }]
  }

  get #all(): readonly number[] {
    return this.#options.regions.map((_, region) => region)
  }

  #liveOf(regions: readonly number[]): readonly number[] {
    return regions.flatMap((region) => [...this.#live[region]!])
  }

  #regionOf(slot: number): number {
    const region = this.#options.regions.findIndex(({ slots }) => slots.includes(slot))
    assert(region !== -1, `slot ${slot} is in no region`)
    return region
  }

  #move(to: JobStatus): void {
    assert(jobMoves[this.#status].includes(to), `a job cannot go from ${this.#status} to ${to}`)
    this.#status = to
  }
}
