/**
 * Takes the checkpoints of one job: performs what the CheckpointCoordinator decides, between the slots, the enumerators, the files and
 * whoever asked.
 *
 * What always holds: `startCheckpoint` goes to every slot in the turn in which the enumerators' snapshots are there, in the order of ids; slots hear of a completion only
 * when its metadata is durable; `latest` is a complete checkpoint, or what the job started from.
 */
import type { Clock, TimerHandle } from '../../base/core/clock.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { CheckpointReport, JobEvent } from '../../program/api/executor.ts'
import type { JobGraph, JobVertex } from '../../program/graph/job-graph.ts'
import type { CheckpointMetadata, StateTable } from '../../runtime/checkpoint/checkpoint-metadata.ts'
import type { FromSlot, ToSlot } from '../../runtime/task/deployment.ts'
import type { ArchivedCheckpoints } from '../rpc/job-archive.ts'
import type { SourceHost, SourceSnapshots } from '../rpc/source-host.ts'
import { assembleMetadata, finishedTasks } from './assemble-metadata.ts'
import { CheckpointCoordinator, type CheckpointDecision, type CheckpointEvent } from './checkpoint-coordinator.ts'
import type { CheckpointFiles } from './checkpoint-files.ts'
import { CheckpointHistory } from './checkpoint-history.ts'
import type { CheckpointSettings } from './checkpoint-settings.ts'
import { type EnumeratorFiles, writeEnumerators } from './enumerator-state.ts'
import type { CheckpointRequest, PendingCheckpoint, TaskId } from './pending-checkpoint.ts'

export interface CheckpointerOptions extends EnumeratorFiles {
  readonly jobId: string
  readonly jobGraph: JobGraph
  /** Version of the package. */
  readonly headrace: string
  readonly settings: CheckpointSettings
  readonly files: CheckpointFiles
  readonly clock: Clock
  /** How many checkpoints are remembered for the client. */
  readonly remembered: number
  /** What the job starts from; `claimed`: it is the job's own from now on. */
  readonly restored?: { readonly metadata: CheckpointMetadata; readonly claimed: boolean }
  readonly sources: Pick<SourceHost, 'snapshotAll' | 'notifyCheckpointComplete'>
  readonly sendToAll: (message: ToSlot) => void
  /** A checkpoint that commits is complete: sinks have been told. `stops`: it is a savepoint that stops the job. */
  readonly onCommitted: (checkpointId: number, stops: boolean) => void
  readonly onEvent: (event: JobEvent) => void
  readonly failJob: (error: StreamError) => void
}

/** A checkpoint from its trigger on. */
interface UnderWay {
  readonly directory: string
  readonly triggeredMs: number
  readonly enumerators: Promise<ReadonlyMap<number, StateTable>>
  metadata?: CheckpointMetadata
  sizeBytes: number
  /** Settles when its metadata is written, or is gone; false: it may still be there. */
  storing?: Promise<boolean>
}

/** The end of a job waits so long for a disk. */
const patienceMs = 30_000

type Answer = { resolve(path: string): void; reject(error: StreamError): void }

export class Checkpointer {
  readonly #options: CheckpointerOptions
  readonly #coordinator: CheckpointCoordinator
  readonly #history: CheckpointHistory
  readonly #underWay = new Map<number, UnderWay>()
  /** Complete checkpoints that the job owns. */
  readonly #owned = new Map<number, CheckpointMetadata>()
  readonly #answers = new Map<number, Answer>()
  /** Of checkpoints that are under way or were given up, whose tasks may still be writing. */
  readonly #directories = new Map<number, string>()
  readonly #background = new Set<Promise<unknown>>()
  readonly #events: CheckpointEvent[] = []
  #isApplying = false
  #requests = 0
  #latest: CheckpointMetadata | undefined
  #timer: TimerHandle | undefined

  constructor(options: CheckpointerOptions) {
    const { settings, jobGraph, restored, remembered } = options
    this.#options = options
    this.#history = new CheckpointHistory(remembered, jobGraph.vertices)
    if (restored !== undefined) this.#history.restored(restored.metadata, options.clock.now())
    this.#latest = restored?.metadata
    if (restored?.claimed === true) {
      this.#owned.set(restored.metadata.checkpointId, restored.metadata)
      options.files.takeOver(restored.metadata)
    }
    this.#coordinator = new CheckpointCoordinator({
      settings,
      tasks: jobGraph.vertices.flatMap(({ id, parallelism }) => Array.from({ length: parallelism }, (_, subtask) => `${id}/${subtask}`)),
      ...(restored && {
        firstId: restored.metadata.checkpointId + 1,
        finished: finishedTasks(restored.metadata, jobGraph),
        ...(restored.claimed && { claimed: restored.metadata.checkpointId }),
      }),
    })
  }

  /** What the job goes on from after a failure; undefined: the beginning. */
  get latest(): CheckpointMetadata | undefined {
    return this.#latest
  }

  get reports(): readonly CheckpointReport[] {
    return this.#history.reports(this.#options.clock.now())
  }

  /** Some regions go on from `latest` now, after a failure. */
  restoredLatest(): void {
    if (this.#latest !== undefined) this.#history.restored(this.#latest, this.#options.clock.now())
  }

  archive(): ArchivedCheckpoints {
    return this.#history.archive()
  }

  receive(message: FromSlot): void {
    switch (message.say) {
      case 'taskState':
        if (message.state === 'running') this.#apply({ on: 'taskRunning', task: taskOf(message) })
        if (message.state === 'finished') this.#apply({ on: 'taskFinished', task: taskOf(message) })
        return
      case 'awaitsCheckpoint':
        return this.#apply({ on: 'taskAwaits', task: taskOf(message) })
      case 'checkpointAcknowledged': {
        const { checkpointId, snapshot, durations } = message
        this.#history.acknowledged(checkpointId, message, durations, this.#options.clock.now())
        return this.#apply({ on: 'acknowledged', task: taskOf(message), checkpointId, snapshot })
      }
      case 'checkpointDeclined': {
        const error = StreamError.fromWire(message.error)
        return this.#apply({ on: 'declined', task: taskOf(message), checkpointId: message.checkpointId, error })
      }
    }
  }

  /** The folder of what was asked for, when it is complete. */
  request(asked: Omit<CheckpointRequest, 'request'>): Promise<string> {
    const request = ++this.#requests
    return new Promise((resolve, reject) => {
      // A folder is missing now, not when the barriers are under way.
      const directory = asked.kind === 'savepoint' ? this.#options.files.savepoint(asked.directory) : undefined
      this.#answers.set(request, { resolve, reject })
      this.#apply({ on: 'requested', asked: { ...asked, request, ...(directory !== undefined && { directory }) } })
    })
  }

  tasksFailed(vertices: readonly number[], error: StreamError): void {
    const tasks = vertices.flatMap((vertex) =>
      Array.from({ length: this.#options.jobGraph.vertices[vertex]!.parallelism }, (_, subtask) => `${vertex}/${subtask}`),
    )
    this.#apply({ on: 'tasksFailed', tasks, error })
  }

  /**
   * Resolves when nothing of the job's checkpoints is written or removed any more, or a disk has not answered for so long that nobody waits
   * for it: then it is told where something may be left.
   */
  async end(status: 'FINISHED' | 'CANCELED' | 'FAILED'): Promise<void> {
    this.#apply({ on: 'jobEnded', status })
    this.#timer?.cancel()
    const { clock, files, onEvent } = this.#options
    let patience: TimerHandle | undefined
    const isSettled = await Promise.race([
      this.#settled().then(() => true),
      new Promise<false>((resolve) => {
        patience = clock.setTimer(patienceMs, () => resolve(false))
      }),
    ])
    patience?.cancel()
    if (isSettled) return
    const message = `The files of its checkpoints were not written or removed within ${patienceMs / 1000} s after the job had ended`
    onEvent({ on: 'cleanupFailed', path: files.folder, error: new StreamError('IO_FAILED', message) })
  }

  async #settled(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background)
    await this.#options.files.settled()
  }

  /** What happens while decisions are performed, a listener's request among it, waits for its turn: barriers leave in the order of their ids. */
  #apply(event: CheckpointEvent): void {
    this.#events.push(event)
    if (this.#isApplying) return
    this.#isApplying = true
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        for (const decision of this.#coordinator.apply(next, this.#options.clock.elapsed())) this.#perform(decision)
      }
    } finally {
      this.#isApplying = false
    }
    this.#setTimer()
  }

  #setTimer(): void {
    this.#timer?.cancel()
    const { clock } = this.#options
    const atMs = this.#coordinator.wakeAtMs
    if (atMs === undefined) return
    this.#timer = clock.setTimer(Math.max(0, atMs - clock.elapsed()), () => this.#apply({ on: 'timePassed' }))
  }

  #perform(decision: CheckpointDecision): void {
    switch (decision.do) {
      case 'trigger':
        return this.#trigger(decision.pending)
      case 'store': {
        const underWay = this.#underWay.get(decision.pending.checkpointId)!
        underWay.storing = this.#store(decision.pending, underWay)
        return this.#inBackground(underWay.storing)
      }
      case 'complete':
        return this.#complete(decision.pending)
      case 'abort':
        return this.#abort(decision.pending, decision.error)
      case 'reject':
        return this.#answer(decision.request)?.reject(decision.error)
      case 'removeLate':
        return this.#options.files.abandon(this.#directories.get(decision.checkpointId)!)
      case 'delete': {
        const owned = this.#owned.get(decision.checkpointId)
        this.#owned.delete(decision.checkpointId)
        this.#history.discarded(decision.checkpointId)
        // What is being stored may be copying from it.
        const stores = [...this.#underWay.values()].map(({ storing }) => storing)
        return owned && this.#options.files.remove(owned, Promise.all(stores))
      }
      case 'failJob':
        return this.#options.failJob(decision.error)
    }
  }

  #trigger(pending: PendingCheckpoint): void {
    const { checkpointId, asked } = pending
    const { clock, files, sources } = this.#options
    const directory = asked.directory ?? files.checkpoint(checkpointId)
    const timestampMs = clock.now()
    this.#history.triggered(checkpointId, { kind: asked.kind, path: directory, stops: asked.stop !== undefined }, timestampMs)
    const asks = Promise.withResolvers<ReadonlyMap<number, StateTable>>()
    // What it fails of is applied where it fails.
    asks.promise.catch(() => undefined)
    this.#directories.set(checkpointId, directory)
    this.#underWay.set(checkpointId, { directory, triggeredMs: timestampMs, enumerators: asks.promise, sizeBytes: 0 })
    sources.snapshotAll(checkpointId, (answer) => {
      if (answer instanceof StreamError) {
        // No slot has heard of it, and nothing is written.
        this.#underWay.delete(checkpointId)
        asks.reject(answer)
        return this.#apply({ on: 'declined', checkpointId, error: answer })
      }
      // It came to its end while the enumerators were asked.
      if (pending.phase === 'aborted') return asks.resolve(new Map())
      this.#begin(pending, directory, timestampMs, answer).then(asks.resolve, (thrown) => {
        asks.reject(thrown)
        this.#apply({ on: 'storeFailed', checkpointId, error: StreamError.from(thrown, 'IO_FAILED') })
      })
    })
  }

  #begin(
    { checkpointId, asked }: PendingCheckpoint,
    directory: string,
    timestampMs: number,
    snapshots: SourceSnapshots,
  ): Promise<ReadonlyMap<number, StateTable>> {
    const { sendToAll, jobGraph } = this.#options
    const held = new Map<JobVertex, unknown>()
    for (const [vertex, state] of snapshots) held.set(jobGraph.vertices[vertex]!, state)
    sendToAll({
      do: 'startCheckpoint',
      checkpoint: { checkpointId, timestampMs, kind: asked.kind, directory, ...(asked.stop && { stop: asked.stop }) },
    })
    return writeEnumerators(held, directory, this.#options)
  }

  /** Answers false where a folder with metadata may be left of a checkpoint that came to nothing. Never rejects. */
  async #store(pending: PendingCheckpoint, underWay: UnderWay): Promise<boolean> {
    const { checkpointId, asked, snapshots, carried } = pending
    const { jobId, jobGraph, headrace, files, clock } = this.#options
    const { directory, triggeredMs } = underWay
    try {
      const parts = { headrace, jobId, jobGraph, checkpointId, kind: asked.kind, directory, triggeredMs, snapshots }
      const metadata = assembleMetadata({ ...parts, completedMs: clock.now(), enumerators: await underWay.enumerators })
      const held = [...carried].map((task) => snapshots.get(task)!)
      underWay.sizeBytes = await files.store(metadata, held, this.#latest?.directory)
      underWay.metadata = metadata
    } catch (thrown) {
      // An error may come behind a rename that was made: nobody must find the metadata while files that it names are removed.
      const isGone = await files.withdraw(directory)
      this.#apply({ on: 'storeFailed', checkpointId, error: StreamError.from(thrown, 'IO_FAILED') })
      return isGone
    }
    if (pending.phase === 'aborted') return files.withdraw(directory)
    this.#apply({ on: 'stored', checkpointId })
    return true
  }

  #complete({ checkpointId, asked, commits }: PendingCheckpoint): void {
    const { sendToAll, sources, clock, onCommitted, onEvent } = this.#options
    const { metadata, sizeBytes } = this.#underWay.get(checkpointId)!
    this.#underWay.delete(checkpointId)
    this.#directories.delete(checkpointId)
    this.#options.files.retry()
    if (commits) this.#latest = metadata
    if (asked.kind === 'checkpoint') this.#owned.set(checkpointId, metadata!)
    sendToAll({ do: 'checkpointComplete', checkpointId })
    if (commits) {
      sources.notifyCheckpointComplete(checkpointId)
      onCommitted(checkpointId, asked.stop !== undefined)
    }
    const checkpoint = this.#history.completed(checkpointId, sizeBytes, clock.now())
    if (checkpoint !== undefined) onEvent({ on: 'checkpointCompleted', checkpoint })
    this.#answer(asked.request)?.resolve(metadata!.directory)
  }

  #abort({ checkpointId, asked }: PendingCheckpoint, error: StreamError): void {
    const { clock, onEvent } = this.#options
    const underWay = this.#underWay.get(checkpointId)
    this.#underWay.delete(checkpointId)
    if (underWay !== undefined) this.#inBackground(this.#giveUp(checkpointId, underWay))
    const checkpoint = this.#history.failed(checkpointId, error, clock.now())
    if (checkpoint !== undefined) onEvent({ on: 'checkpointFailed', checkpoint })
    this.#answer(asked.request)?.reject(error)
  }

  /** Slots remove what they wrote when they are told, so they are told of metadata under way only when that is gone; in doubt all stays. */
  async #giveUp(checkpointId: number, { storing, enumerators, directory }: UnderWay): Promise<void> {
    const { sendToAll, files } = this.#options
    if (storing === undefined) sendToAll({ do: 'checkpointAborted', checkpointId })
    // Files of enumerators are not to appear behind it. That they failed has been applied as storeFailed.
    await enumerators.catch(() => undefined)
    if (storing !== undefined && (await storing)) sendToAll({ do: 'checkpointAborted', checkpointId })
    files.abandon(directory)
  }

  #inBackground(work: Promise<unknown>): void {
    const tracked: Promise<unknown> = work.finally(() => this.#background.delete(tracked))
    this.#background.add(tracked)
  }

  #answer(request: number | undefined): Answer | undefined {
    const answer = request === undefined ? undefined : this.#answers.get(request)
    if (request !== undefined) this.#answers.delete(request)
    return answer
  }
}

const taskOf = ({ vertex, subtask }: { readonly vertex: number; readonly subtask: number }): TaskId => `${vertex}/${subtask}`
