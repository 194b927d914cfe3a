/**
 * The checkpoints of one task, from the barrier to the acknowledgement. A checkpoint passes these states; `step` takes it one
 * further and never waits.
 *
 * | state      | what holds                                                                   | left when                           |
 * | ---------- | ---------------------------------------------------------------------------- | ----------------------------------- |
 * | aligned    | the barrier has come; no input is taken, no timer fires                      | the coordinator's mail is here, and the state of the one before is read |
 * | preparing  | operators are told, from head to tail; they may emit                         | the last one is through             |
 * | scattering | rows move into segments                                                      | all have credit                     |
 * | writing    | barrier sent, state taken in one go; the task goes on, the writer reads it   | acknowledged, declined or aborted   |
 *
 * What always holds: at most one checkpoint is between barrier and writing; state of at most one is unread; barriers leave
 * in the order in which they came.
 */
import type { Clock } from '../../base/core/clock.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { OperatorStates, SnapshotWriter } from '../checkpoint/snapshot-writer.ts'
import type { ResultPartition } from '../exchange/result-partition.ts'
import { minWatermark, type StreamOperator } from '../operator/operator.ts'
import type { CheckpointStart, StateSnapshot } from '../state/snapshot.ts'
import type { FromSlot } from './deployment.ts'
import type { OutgoingEdges } from './outgoing-edges.ts'
import type { TaskInput } from './task-input.ts'

/** Writes what one task holds for one checkpoint; released are all states that were given, whatever becomes of it. */
export type StateWriter = Pick<SnapshotWriter, 'write' | 'abort'>

/** An operator as a checkpoint sees it. */
export interface CheckpointedOperator {
  readonly operatorId: string
  /** undefined: a source, whose state its input holds. */
  readonly operator: StreamOperator | undefined
  /** Its outgoing edges, in the order of the plan. */
  readonly partitions: readonly ResultPartition[]
}

export interface TaskCheckpointsOptions {
  readonly vertex: number
  readonly subtask: number
  /** Head first. */
  readonly operators: readonly CheckpointedOperator[]
  readonly edges: OutgoingEdges
  readonly input: TaskInput
  readonly clock: Clock
  readonly openWriter: (start: CheckpointStart) => StateWriter
  readonly say: (message: FromSlot) => void
  readonly wake: () => void
  readonly onFailure: (thrown: unknown) => void
}

interface Barrier {
  readonly checkpointId: number
  readonly alignmentMs: number
  preparedFromMs: number | undefined
  /** Operators that were told. */
  prepared: number
}

interface Written {
  readonly start: CheckpointStart
  readonly writer: StateWriter
  isAcknowledged: boolean
}

export class TaskCheckpoints {
  readonly #options: TaskCheckpointsOptions
  /** Begun by the coordinator, and not taken yet. */
  #isDrained = false
  readonly #started = new Map<number, CheckpointStart>()
  /** Intermediate savepoints: their completion is nobody's business here. */
  readonly #savepoints = new Set<number>()
  /** Under way, or acknowledged and not known to be complete: their files are removed if they are given up. */
  readonly #written = new Map<number, Written>()
  readonly #notices: { readonly checkpointId: number; readonly isComplete: boolean }[] = []
  readonly #answers = new Set<Promise<void>>()
  #barrier: Barrier | undefined
  /** States that no writer has read yet. */
  #unread = 0
  /** The first checkpoint that was taken after the task's end: with it, or a later one, the task may finish. */
  #endsWith = Number.POSITIVE_INFINITY
  #mayFinish = false

  constructor(options: TaskCheckpointsOptions) {
    this.#options = options
  }

  /** A barrier has been taken from the input and its checkpoint is not done with: the input must not be asked. */
  get isUnderWay(): boolean {
    return this.#barrier !== undefined
  }

  /** What it held at a barrier is being written. */
  get isWriting(): boolean {
    for (const { isAcknowledged } of this.#written.values()) if (!isAcknowledged) return true
    return false
  }

  /** State of the checkpoint before is read: a barrier that came now would have to wait. */
  get holdsBarriers(): boolean {
    return this.#unread > 0
  }

  /** Input ends early, for a savepoint that comes behind its end. */
  get isDrained(): boolean {
    return this.#isDrained
  }

  get mayFinish(): boolean {
    return this.#mayFinish
  }

  start(checkpoint: CheckpointStart): void {
    this.#started.set(checkpoint.checkpointId, checkpoint)
    if (checkpoint.stop === 'drain') this.#isDrained = true
    if (checkpoint.kind === 'savepoint' && checkpoint.stop === undefined) this.#savepoints.add(checkpoint.checkpointId)
  }

  begin({ checkpointId, alignmentMs }: { readonly checkpointId: number; readonly alignmentMs: number }): void {
    this.#barrier = { checkpointId, alignmentMs, preparedFromMs: undefined, prepared: 0 }
  }

  /** A newer one came before it was whole. */
  overtaken(checkpointId: number): void {
    this.#started.delete(checkpointId)
    this.#decline(
      checkpointId,
      new StreamError('CHECKPOINT_DECLINED', `Checkpoint ${checkpointId} was overtaken by a newer one before all its barriers had come`),
    )
  }

  /**
   * Takes the checkpoint under way one step further; a promise must be awaited before the next. `hasEnded`: the task has told its
   * operators of their end. Answers the checkpoint when it has been taken.
   */
  step(hasEnded: boolean): 'progressed' | 'blocked' | 'awaiting' | Promise<void> | CheckpointStart {
    const barrier = this.#barrier!
    const { clock, operators, edges } = this.#options
    const start = this.#started.get(barrier.checkpointId)
    if (start === undefined || this.#unread > 0) return 'awaiting'
    barrier.preparedFromMs ??= clock.elapsed()
    if (barrier.prepared < operators.length) {
      return operators[barrier.prepared++]!.operator?.prepareSnapshot?.(start) ?? 'progressed'
    }
    if (!edges.scatter()) return 'blocked'
    this.#take(start, barrier, hasEnded)
    return start
  }

  #take(start: CheckpointStart, { alignmentMs, preparedFromMs }: Barrier, hasEnded: boolean): void {
    const { vertex, subtask, clock, edges, openWriter, say } = this.#options
    const { checkpointId } = start
    this.#barrier = undefined
    this.#started.delete(checkpointId)
    edges.broadcast({ kind: 'barrier', checkpointId })
    const syncFromMs = clock.elapsed()
    const operators = this.#snapshot(start)
    const asyncFromMs = clock.elapsed()
    // An intermediate savepoint commits nothing, so it ends nothing.
    if ((hasEnded || start.stop !== undefined) && !this.#savepoints.has(checkpointId))
      this.#endsWith = Math.min(this.#endsWith, checkpointId)
    say({ say: 'checkpointPassed', vertex, subtask, checkpointId })
    const written: Written = { start, writer: openWriter(start), isAcknowledged: false }
    this.#written.set(checkpointId, written)
    const isGivenUp = (): boolean => {
      for (const { states } of operators) for (const state of states) state.release()
      return this.#written.get(checkpointId) !== written
    }
    const writing = written.writer.write(operators).then(
      (files) => {
        if (isGivenUp()) return
        written.isAcknowledged = true
        const durations = {
          alignmentMs,
          prepareMs: syncFromMs - preparedFromMs!,
          syncMs: asyncFromMs - syncFromMs,
          asyncMs: clock.elapsed() - asyncFromMs,
          sizeBytes: files.sizeBytes,
        }
        const snapshot = { finished: hasEnded, operators: files.operators }
        say({ say: 'checkpointAcknowledged', vertex, subtask, checkpointId, snapshot, durations })
      },
      (thrown: unknown) => {
        if (isGivenUp()) return
        this.#written.delete(checkpointId)
        this.#decline(checkpointId, StreamError.from(thrown, 'CHECKPOINT_FAILED'))
      },
    )
    // One that is at its end waits for that.
    void writing.then(() => this.#options.wake())
  }

  /** The synchronous step. */
  #snapshot(start: CheckpointStart): OperatorStates[] {
    const { operators, input } = this.#options
    return operators.map(({ operatorId, operator, partitions }, index) => {
      const states = [...(operator?.snapshotState?.(start) ?? []), ...(index === 0 ? (input.snapshotState?.(start) ?? []) : [])]
      const watermark = operator === undefined ? input.watermark : operator.currentWatermark
      const schemas = partitions.map((partition) => partition.learnedSchema)
      return {
        operatorId,
        watermark: watermark === undefined || watermark <= minWatermark ? null : watermark,
        states: states.map((state) => this.#watched(state)),
        ...(schemas.some((schema) => schema !== null) && { schemas }),
      }
    })
  }

  /** The state, whose release is counted, once. */
  #watched(state: StateSnapshot): StateSnapshot {
    this.#unread++
    let isReleased = false
    const { name, scope, form, declared, meta } = state
    return {
      ...{ name, scope, form, ...(declared && { declared }), ...(meta && { meta }) },
      chunks: () => state.chunks(),
      release: () => {
        if (isReleased) return
        isReleased = true
        state.release()
        if (--this.#unread === 0) this.#options.wake()
      },
    }
  }

  #decline(checkpointId: number, error: StreamError): void {
    const { vertex, subtask, say } = this.#options
    const wire = error.toWire()
    say({ say: 'checkpointDeclined', vertex, subtask, checkpointId, error: { ...wire, place: { subtask, ...wire.place } } })
  }

  /** The coordinator has given it up. */
  abort(checkpointId: number): void {
    this.#started.delete(checkpointId)
    this.#savepoints.delete(checkpointId)
    if (this.#barrier?.checkpointId === checkpointId) this.#barrier = undefined
    const written = this.#written.get(checkpointId)
    this.#written.delete(checkpointId)
    this.#remove(written)
    this.#notices.push({ checkpointId, isComplete: false })
  }

  /** Goes on behind a savepoint that was to stop the task and was given up. */
  resume(): void {
    this.#endsWith = Number.POSITIVE_INFINITY
  }

  complete(checkpointId: number): void {
    for (const [id, { start }] of this.#written) {
      // Older checkpoints are subsumed: their files are the coordinator's by now.
      if (id === checkpointId || (id < checkpointId && start.kind === 'checkpoint')) this.#written.delete(id)
    }
    if (!this.#savepoints.delete(checkpointId)) this.#notices.push({ checkpointId, isComplete: true })
  }

  /** Tells operators what became of checkpoints: in the task's turn, never while one of them is awaited. */
  tellOperators(): void {
    const { operators, input } = this.#options
    for (let notice = this.#notices.shift(); notice !== undefined; notice = this.#notices.shift()) {
      const { checkpointId, isComplete } = notice
      for (const { operator } of operators) {
        if (isComplete) this.#answer(operator?.notifyCheckpointComplete?.(checkpointId))
        else operator?.notifyCheckpointAborted?.(checkpointId)
      }
      if (!isComplete) continue
      this.#answer(input.notifyCheckpointComplete?.(checkpointId))
      if (checkpointId >= this.#endsWith) this.#mayFinish = true
    }
  }

  /** What operators and writers have still to do; undefined: nothing. A failure of it has failed the task. */
  get answers(): Promise<void> | undefined {
    return this.#answers.size === 0 ? undefined : Promise.allSettled(this.#answers).then(() => undefined)
  }

  /** What cannot be removed stays in a folder without metadata, which is no checkpoint: no reason to fail a task. */
  #remove(written: Written | undefined): void {
    this.#answer(written?.writer.abort().catch(() => undefined))
  }

  #answer(promise: void | Promise<void>): void {
    if (promise === undefined) return
    const answer = Promise.resolve(promise).then(
      () => void this.#answers.delete(answer),
      (thrown: unknown) => {
        this.#answers.delete(answer)
        this.#options.onFailure(thrown)
      },
    )
    this.#answers.add(answer)
  }

  /** The task is over before its checkpoints are. */
  stop(): void {
    for (const [id, written] of this.#written) {
      if (written.isAcknowledged) continue
      this.#written.delete(id)
      this.#remove(written)
    }
    this.#barrier = undefined
  }
}
