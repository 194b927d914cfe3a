/**
 * One checkpoint or savepoint between its trigger and its end: who has acknowledged it, and what may become of it. Pure.
 */
import { assert } from '../../base/core/stream-error.ts'
import type { SubtaskSnapshot } from '../../runtime/checkpoint/checkpoint-metadata.ts'

/** `vertex/subtask`. */
export type TaskId = string

export type PendingPhase = 'collecting' | 'storing' | 'completed' | 'aborted'

/** Every legal move: acknowledgements come in, the metadata is written, it is durable; or it is given up on the way. */
export const pendingMoves: Readonly<Record<PendingPhase, readonly PendingPhase[]>> = {
  collecting: ['storing', 'aborted'],
  storing: ['completed', 'aborted'],
  completed: [],
  aborted: [],
}

/** What is asked for. */
export interface CheckpointRequest {
  readonly kind: 'checkpoint' | 'savepoint'
  /** Absent: the engine's own; else who waits for it. */
  readonly request?: number
  /** Of a savepoint: the folder in which its own is made; absent: the configured one. */
  readonly directory?: string
  readonly stop?: 'drain' | 'suspend'
}

export class PendingCheckpoint {
  readonly checkpointId: number
  readonly asked: CheckpointRequest
  readonly triggeredMs: number
  readonly expiresMs: number
  readonly snapshots = new Map<TaskId, SubtaskSnapshot>()
  /** Tasks that had finished before: what stands for them is from an earlier checkpoint. */
  readonly carried = new Set<TaskId>()
  readonly #missing: Set<TaskId>
  #phase: PendingPhase = 'collecting'

  constructor(options: {
    readonly checkpointId: number
    readonly asked: CheckpointRequest
    readonly triggeredMs: number
    readonly expiresMs: number
    readonly tasks: Iterable<TaskId>
  }) {
    const { checkpointId, asked, triggeredMs, expiresMs, tasks } = options
    this.checkpointId = checkpointId
    this.asked = asked
    this.triggeredMs = triggeredMs
    this.expiresMs = expiresMs
    this.#missing = new Set(tasks)
  }

  get phase(): PendingPhase {
    return this.#phase
  }

  /** Tasks whose acknowledgement is still to come. */
  get missing(): ReadonlySet<TaskId> {
    return this.#missing
  }

  /** It commits what was written before it, and a job may go on from it. An intermediate savepoint does neither. */
  get commits(): boolean {
    return this.asked.kind === 'checkpoint' || this.asked.stop !== undefined
  }

  /** A second acknowledgement of a task changes nothing. */
  acknowledge(task: TaskId, snapshot: SubtaskSnapshot): void {
    if (this.#phase !== 'collecting' || !this.#missing.delete(task)) return
    this.snapshots.set(task, snapshot)
  }

  /** The task has finished: this stands for it without an acknowledgement, unless something newer is carried. */
  carry(task: TaskId, snapshot: SubtaskSnapshot): void {
    if (this.#phase !== 'collecting' || (this.snapshots.has(task) && !this.carried.has(task))) return
    this.#missing.delete(task)
    this.snapshots.set(task, snapshot)
    this.carried.add(task)
  }

  /** Whether its completion lets this task, which waits at its end, finish; undefined: its acknowledgement will tell. */
  endsTask(task: TaskId): boolean | undefined {
    return this.commits ? this.snapshots.get(task)?.finished : false
  }

  move(to: PendingPhase): void {
    assert(pendingMoves[this.#phase].includes(to), `checkpoint ${this.checkpointId} cannot go from ${this.#phase} to ${to}`)
    this.#phase = to
  }
}
