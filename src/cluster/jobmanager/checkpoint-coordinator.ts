/**
 * Decides about the checkpoints of one job: when one begins, when it is complete, what is given up and what is deleted. Pure:
 * events and the time go in, decisions come out, in the order in which they must be performed.
 *
 * What always holds: ids rise, over restarts too; a checkpoint completes only when every task that ran at its trigger has
 * acknowledged it, or has finished, and its metadata is durable; an older one is deleted only after that; every checkpoint
 * ends, by its timeout at the latest; a savepoint is never subsumed and never deleted.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { SubtaskSnapshot } from '../../runtime/checkpoint/checkpoint-metadata.ts'
import { type CheckpointSettings, retains } from './checkpoint-settings.ts'
import { mixedUnionState } from './finished-tasks.ts'
import { type CheckpointRequest, PendingCheckpoint, type TaskId } from './pending-checkpoint.ts'

export type CheckpointEvent =
  | { readonly on: 'taskRunning'; readonly task: TaskId }
  /** It waits at its end for one more checkpoint. */
  | { readonly on: 'taskAwaits'; readonly task: TaskId }
  | { readonly on: 'taskFinished'; readonly task: TaskId }
  | { readonly on: 'acknowledged'; readonly task: TaskId; readonly checkpointId: number; readonly snapshot: SubtaskSnapshot }
  | { readonly on: 'declined'; readonly checkpointId: number; readonly error: StreamError; readonly task?: TaskId }
  /** `asked.request` names whoever waits for it. */
  | { readonly on: 'requested'; readonly asked: CheckpointRequest & { readonly request: number } }
  | { readonly on: 'stored'; readonly checkpointId: number }
  | { readonly on: 'storeFailed'; readonly checkpointId: number; readonly error: StreamError }
  | { readonly on: 'timePassed' }
  /** These tasks do not run any more, and will from the latest checkpoint. */
  | { readonly on: 'tasksFailed'; readonly tasks: readonly TaskId[]; readonly error: StreamError }
  | { readonly on: 'jobEnded'; readonly status: 'FINISHED' | 'CANCELED' | 'FAILED' }

export type CheckpointDecision =
  | { readonly do: 'trigger'; readonly pending: PendingCheckpoint }
  /** Everybody has acknowledged: its metadata is written now; `stored` or `storeFailed` answers. */
  | { readonly do: 'store'; readonly pending: PendingCheckpoint }
  | { readonly do: 'complete'; readonly pending: PendingCheckpoint }
  /** Slots are told, its files are removed. */
  | { readonly do: 'abort'; readonly pending: PendingCheckpoint; readonly error: StreamError }
  /** A request that came to no trigger. */
  | { readonly do: 'reject'; readonly request: number; readonly error: StreamError }
  /** An acknowledgement of a checkpoint that was given up before: its files are removed. */
  | { readonly do: 'removeLate'; readonly checkpointId: number; readonly snapshot: SubtaskSnapshot }
  /** A completed checkpoint is needed no more. */
  | { readonly do: 'delete'; readonly checkpointId: number }
  | { readonly do: 'failJob'; readonly error: StreamError }

export interface CheckpointCoordinatorOptions {
  readonly settings: CheckpointSettings
  readonly tasks: readonly TaskId[]
  readonly firstId?: number
  /** A checkpoint that the job owns from its start (CLAIM). */
  readonly claimed?: number
  /** Of the snapshot that the job starts from: tasks that had finished. */
  readonly finished?: ReadonlyMap<TaskId, SubtaskSnapshot>
}

/** awaiting: at its end, for a checkpoint; ending: that checkpoint is complete. */
type TaskPhase = 'starting' | 'running' | 'awaiting' | 'ending' | 'finished'

/** After a last checkpoint that failed the next is not tried at once. */
const lastRetryMs = 1000
/** Checkpoints that were given up and of which acknowledgements are still expected. */
const rememberedGivenUp = 100
const nothingHeld: SubtaskSnapshot = { finished: true, operators: [] }

export class CheckpointCoordinator {
  readonly #settings: CheckpointSettings
  readonly #tasks: Map<TaskId, TaskPhase>
  readonly #finished: Map<TaskId, SubtaskSnapshot>
  readonly #pending = new Map<number, PendingCheckpoint>()
  readonly #retained: number[]
  /** Of what the job started from; undefined: it is not the job's own. */
  readonly #claimed: number | undefined
  /** Given up, and by which tasks it may still be acknowledged. */
  readonly #givenUp = new Map<number, Set<TaskId>>()
  #requests: (CheckpointRequest & { readonly request: number })[] = []
  #nextId: number
  #nextPeriodicMs: number | undefined
  #lastEndMs = Number.NEGATIVE_INFINITY
  #lastFailedMs = Number.NEGATIVE_INFINITY
  #failures = 0
  #stop: 'none' | 'pending' | 'stopped' | 'ended' = 'none'

  constructor({ settings, tasks, firstId = 1, claimed, finished = new Map() }: CheckpointCoordinatorOptions) {
    this.#settings = settings
    this.#tasks = new Map(tasks.map((task) => [task, 'starting']))
    this.#finished = new Map(finished)
    this.#claimed = claimed
    this.#retained = claimed === undefined ? [] : [claimed]
    this.#nextId = firstId
  }

  /** When `timePassed` is wanted; undefined: not before something else happens. */
  get wakeAtMs(): number | undefined {
    const times = [...this.#pending.values()].map((pending) => pending.expiresMs)
    if (this.#allRun && this.#pending.size < this.#settings.maxConcurrent) {
      if (this.#mayTrigger && this.#nextPeriodicMs !== undefined)
        times.push(Math.max(this.#nextPeriodicMs, this.#lastEndMs + this.#settings.minPauseMs))
      if (this.#lastIsDue) times.push(this.#lastFailedMs + lastRetryMs)
    }
    return times.length === 0 ? undefined : Math.min(...times)
  }

  apply(event: CheckpointEvent, nowMs: number): readonly CheckpointDecision[] {
    if (this.#stop === 'ended') return this.#afterEnd(event)
    const decisions = this.#react(event, nowMs)
    return [...decisions, ...this.#storable(nowMs), ...this.#trigger(nowMs)]
  }

  #afterEnd(event: CheckpointEvent): readonly CheckpointDecision[] {
    if (event.on === 'acknowledged') return this.#late(event.checkpointId, event.task, event.snapshot)
    return event.on === 'requested' ? [{ do: 'reject', request: event.asked.request, error: this.#notNow() }] : []
  }

  #react(event: CheckpointEvent, nowMs: number): readonly CheckpointDecision[] {
    switch (event.on) {
      case 'taskRunning':
        this.#tasks.set(event.task, 'running')
        // An earlier attempt of it says nothing more.
        for (const [checkpointId, outstanding] of this.#givenUp) {
          if (outstanding.delete(event.task) && outstanding.size === 0) this.#givenUp.delete(checkpointId)
        }
        return []
      case 'taskAwaits':
        this.#tasks.set(event.task, 'awaiting')
        return []
      case 'taskFinished':
        this.#tasks.set(event.task, 'finished')
        for (const pending of this.#pending.values()) pending.carry(event.task, this.#finished.get(event.task) ?? nothingHeld)
        return []
      case 'acknowledged': {
        const pending = this.#pending.get(event.checkpointId)
        if (pending === undefined) return this.#late(event.checkpointId, event.task, event.snapshot)
        pending.acknowledge(event.task, event.snapshot)
        return []
      }
      case 'declined': {
        const outstanding = this.#givenUp.get(event.checkpointId)
        if (event.task !== undefined) outstanding?.delete(event.task)
        const counts = event.error.code !== 'CHECKPOINT_DECLINED' && event.error.code !== 'CANCELLED'
        return this.#abort(event.checkpointId, event.error, nowMs, counts)
      }
      case 'requested':
        return this.#request(event.asked)
      case 'stored':
        return this.#complete(event.checkpointId, nowMs)
      case 'storeFailed':
        return this.#abort(event.checkpointId, event.error, nowMs, true)
      case 'timePassed':
        return this.#expire(nowMs)
      case 'tasksFailed':
        return this.#tasksFailed(event.tasks, event.error, nowMs)
      case 'jobEnded':
        return this.#end(event.status, nowMs)
    }
  }

  #request(asked: CheckpointRequest & { readonly request: number }): readonly CheckpointDecision[] {
    if (!this.#mayTrigger) return [{ do: 'reject', request: asked.request, error: this.#notNow() }]
    if (asked.stop !== undefined) this.#stop = 'pending'
    this.#requests.push(asked)
    return []
  }

  #notNow(): StreamError {
    const why =
      this.#stop === 'ended'
        ? 'it has ended'
        : this.#stop !== 'none'
          ? 'it is being stopped with a savepoint'
          : [...this.#tasks.values()].includes('starting')
            ? 'not all of its tasks are running'
            : 'tasks of it have finished'
    return new StreamError('CHECKPOINT_DECLINED', `The job takes no checkpoint or savepoint now: ${why}`, {
      hint: 'Try again when the job runs.',
    })
  }

  #tasksFailed(tasks: readonly TaskId[], error: StreamError, nowMs: number): readonly CheckpointDecision[] {
    const given = this.#abortAll(
      new StreamError('CHECKPOINT_DECLINED', `A task failed meanwhile: ${error.message}`, { cause: error }),
      nowMs,
    )
    for (const task of tasks) this.#tasks.set(task, 'starting')
    this.#nextPeriodicMs = undefined
    this.#stop = 'none'
    return given
  }

  #end(status: 'FINISHED' | 'CANCELED' | 'FAILED', nowMs: number): readonly CheckpointDecision[] {
    const given = this.#abortAll(new StreamError('CHECKPOINT_DECLINED', `The job ended meanwhile: it is ${status}`), nowMs)
    this.#stop = 'ended'
    if (retains(this.#settings.retention, status)) return given
    // A job that came to no checkpoint of its own leaves what it began with as it found it, or nobody could begin again.
    if (status !== 'FINISHED' && this.#claimed !== undefined && this.#retained.at(-1) === this.#claimed) return given
    return [...given, ...this.#retained.splice(0).map((checkpointId) => ({ do: 'delete', checkpointId }) as const)]
  }

  #abortAll(error: StreamError, nowMs: number): readonly CheckpointDecision[] {
    const rejected = this.#requests.splice(0).map(({ request }) => ({ do: 'reject', request, error }) as const)
    return [...rejected, ...[...this.#pending.keys()].flatMap((checkpointId) => this.#abort(checkpointId, error, nowMs, false))]
  }

  #expire(nowMs: number): readonly CheckpointDecision[] {
    const expired = [...this.#pending.values()].filter((pending) => pending.expiresMs <= nowMs)
    return expired.flatMap(({ checkpointId, missing }) => {
      const waitedFor = missing.size === 0 ? 'its metadata to be written' : `${missing.size} of ${this.#tasks.size} tasks`
      const error = new StreamError(
        'CHECKPOINT_FAILED',
        `Checkpoint ${checkpointId} was not complete after ${this.#settings.timeoutMs} ms: it still waited for ${waitedFor}`,
        {
          hint: 'Backpressure holds barriers back: look for the slowest operator, or raise execution.checkpointing.timeout.',
          place: { option: 'execution.checkpointing.timeout' },
        },
      )
      return this.#abort(checkpointId, error, nowMs, true)
    })
  }

  #abort(checkpointId: number, error: StreamError, nowMs: number, counts: boolean): readonly CheckpointDecision[] {
    const pending = this.#pending.get(checkpointId)
    if (pending === undefined) return []
    pending.move('aborted')
    this.#pending.delete(checkpointId)
    this.#lastEndMs = this.#lastFailedMs = nowMs
    if (pending.missing.size > 0) this.#remember(checkpointId, pending.missing)
    if (pending.asked.stop !== undefined && this.#stop === 'pending') this.#stop = 'none'
    const abort: CheckpointDecision = { do: 'abort', pending, error }
    if (!counts || pending.asked.kind === 'savepoint' || ++this.#failures <= this.#settings.tolerableFailures) return [abort]
    return [abort, { do: 'failJob', error: this.#tooManyFailures(error) }]
  }

  /** Not for ever: tasks say nothing more of one once they have heard, and what is left of it goes with the job at the latest. */
  #remember(givenUp: number, missing: ReadonlySet<TaskId>): void {
    this.#givenUp.set(givenUp, new Set(missing))
    for (const oldest of this.#givenUp.keys()) {
      if (this.#givenUp.size <= rememberedGivenUp) return
      this.#givenUp.delete(oldest)
    }
  }

  #tooManyFailures(last: StreamError): StreamError {
    const failures = this.#failures
    this.#failures = 0
    const many = failures === 1 ? 'A checkpoint failed' : `${failures} checkpoints in a row failed`
    return new StreamError('CHECKPOINT_FAILED', `${many}, and ${this.#settings.tolerableFailures} are tolerated: ${last.message}`, {
      hint: 'Raise execution.checkpointing.tolerable-failed-checkpoints if a job shall go on without them.',
      place: { option: 'execution.checkpointing.tolerable-failed-checkpoints' },
      cause: last,
    })
  }

  #late(checkpointId: number, task: TaskId, snapshot: SubtaskSnapshot): readonly CheckpointDecision[] {
    const outstanding = this.#givenUp.get(checkpointId)
    if (outstanding === undefined || !outstanding.delete(task)) return []
    if (outstanding.size === 0) this.#givenUp.delete(checkpointId)
    return [{ do: 'removeLate', checkpointId, snapshot }]
  }

  /** Checkpoints that wait for no task any more. */
  #storable(nowMs: number): readonly CheckpointDecision[] {
    const whole = [...this.#pending.values()].filter(({ phase, missing }) => phase === 'collecting' && missing.size === 0)
    return whole.flatMap((pending): readonly CheckpointDecision[] => {
      const mixed = mixedUnionState(pending.snapshots)
      if (mixed !== undefined) return this.#abort(pending.checkpointId, mixed, nowMs, false)
      pending.move('storing')
      return [{ do: 'store', pending }]
    })
  }

  #complete(checkpointId: number, nowMs: number): readonly CheckpointDecision[] {
    const pending = this.#pending.get(checkpointId)
    if (pending === undefined) return []
    pending.move('completed')
    this.#pending.delete(checkpointId)
    this.#lastEndMs = nowMs
    const complete: CheckpointDecision = { do: 'complete', pending }
    if (pending.asked.stop !== undefined) this.#stop = 'stopped'
    if (!pending.commits) return [complete]
    for (const [task, snapshot] of pending.snapshots) {
      if (snapshot.finished) this.#finished.set(task, snapshot)
      else this.#finished.delete(task)
      // Files are copied from the latest complete checkpoint: what was carried from one before it is no longer what stands there.
      if (snapshot.finished) for (const later of this.#pending.values()) if (later.carried.has(task)) later.carry(task, snapshot)
      if (snapshot.finished && this.#tasks.get(task) === 'awaiting') this.#tasks.set(task, 'ending')
    }
    const error = new StreamError('CHECKPOINT_DECLINED', `Checkpoint ${checkpointId}, which is newer, is complete`)
    const older = [...this.#pending.values()].filter((other) => other.asked.kind === 'checkpoint' && other.checkpointId < checkpointId)
    const subsumed = older.flatMap((other) => this.#abort(other.checkpointId, error, nowMs, false))
    if (pending.asked.kind === 'savepoint') return [complete, ...subsumed]
    this.#failures = 0
    this.#retained.push(checkpointId)
    const old = this.#retained.splice(0, Math.max(0, this.#retained.length - this.#settings.numRetained))
    return [complete, ...subsumed, ...old.map((each) => ({ do: 'delete', checkpointId: each }) as const)]
  }

  #trigger(nowMs: number): readonly CheckpointDecision[] {
    if (!this.#allRun) return []
    this.#nextPeriodicMs ??= this.#settings.intervalMs === undefined ? undefined : nowMs + this.#settings.intervalMs
    const triggered: CheckpointDecision[] = []
    // Savepoints wait for nothing.
    for (const asked of this.#requests.filter(({ kind }) => kind === 'savepoint')) triggered.push(this.#begin(asked, nowMs))
    this.#requests = this.#requests.filter(({ kind }) => kind === 'checkpoint')
    while (this.#stop === 'none' && this.#pending.size < this.#settings.maxConcurrent) {
      const asked = this.#requests.shift() ?? this.#ownRequest(nowMs)
      if (asked === undefined) break
      triggered.push(this.#begin(asked, nowMs))
    }
    return triggered
  }

  #ownRequest(nowMs: number): CheckpointRequest | undefined {
    if (this.#lastIsDue && nowMs >= this.#lastFailedMs + lastRetryMs) return { kind: 'checkpoint' }
    if (!this.#mayTrigger || this.#nextPeriodicMs === undefined || nowMs < this.#nextPeriodicMs) return undefined
    if (nowMs < this.#lastEndMs + this.#settings.minPauseMs) return undefined
    this.#nextPeriodicMs = nowMs + this.#settings.intervalMs!
    return { kind: 'checkpoint' }
  }

  #begin(asked: CheckpointRequest, nowMs: number): CheckpointDecision {
    const checkpointId = this.#nextId++
    const running = [...this.#tasks].filter(([, phase]) => phase !== 'finished').map(([task]) => task)
    const pending = new PendingCheckpoint({
      checkpointId,
      asked,
      triggeredMs: nowMs,
      expiresMs: nowMs + this.#settings.timeoutMs,
      tasks: running,
    })
    for (const [task, phase] of this.#tasks) if (phase === 'finished') pending.carry(task, this.#finished.get(task) ?? nothingHeld)
    this.#pending.set(checkpointId, pending)
    return { do: 'trigger', pending }
  }

  /** All tasks run or have finished, and some are not at their end. */
  get #allRun(): boolean {
    const phases = [...this.#tasks.values()]
    return !phases.includes('starting') && (phases.includes('running') || phases.includes('awaiting'))
  }

  get #mayTrigger(): boolean {
    return this.#stop === 'none' && this.#allRun && (this.#settings.afterTasksFinish || ![...this.#tasks.values()].includes('finished'))
  }

  /** A task waits at its end, and no checkpoint under way may let it finish. */
  get #lastIsDue(): boolean {
    if (this.#stop !== 'none') return false
    const underWay = [...this.#pending.values()].filter((pending) => pending.commits)
    return [...this.#tasks].some(([task, phase]) => phase === 'awaiting' && underWay.every((pending) => pending.endsTask(task) === false))
  }
}
