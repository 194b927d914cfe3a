/**
 * Sinks. A writer runs in each sink subtask. write and flush may be async: the task then awaits them, which is
 * backpressure. What becomes visible only when a checkpoint is complete goes through a committer (two-phase commit):
 *
 *     flush(false) -> prepareCommit(n) -> snapshotState(n)   at the barrier of checkpoint n
 *     commit(what prepareCommit(1..n) gave)                  when checkpoint n is complete
 *
 * Committables and writer states are plain data (JSON, and bigint, Date, Uint8Array): they are written into checkpoints and come back
 * as equals, perhaps in another subtask. A job that goes on from checkpoint n first commits again what n holds, so a commit must
 * have the same effect however often it is made.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import type { RuntimeContext } from './runtime-context.ts'

/**
 * C: what the writer hands to the committer; S: what the writer keeps in a checkpoint. A sink that only writes needs neither.
 *
 * A sink whose batches become visible once, when a checkpoint is complete:
 *
 * ```ts
 * import { collection, getEnvironment, type Sink } from 'headrace'
 *
 * const published = new Map<string, number[]>()
 *
 * const batches: Sink<number, { id: string; rows: number[] }> = {
 *   name: 'batches',
 *   createWriter(ctx) {
 *     let rows: number[] = []
 *     return {
 *       write: (row) => void rows.push(row),
 *       flush() {},
 *       prepareCommit(checkpointId) {
 *         const batch = { id: `${ctx.jobId}-${ctx.subtaskIndex}-${checkpointId}`, rows }
 *         rows = []
 *         return [batch]
 *       },
 *       close() {},
 *     }
 *   },
 *   // The same id again changes nothing: a commit may be repeated after a failure.
 *   createCommitter: () => ({
 *     commit(requests) {
 *       for (const { committable } of requests) published.set(committable.id, committable.rows)
 *     },
 *   }),
 * }
 *
 * const env = getEnvironment()
 * env.fromSource(collection([1, 2, 3]), { name: 'numbers' }).sinkTo(batches)
 * await env.execute()
 * ```
 */
export interface Sink<T, C = unknown, S = unknown> {
  /** `JSON lines out/delays.jsonl`: for plans and messages. */
  readonly name: string
  readonly type?: Type<T>
  /** A sink into one file says 1. */
  readonly maxParallelism?: number
  /** Rows go nowhere: the engine counts them and need not make them. */
  readonly discards?: boolean
  /** Rows are handed to the client under this id (collect). */
  readonly collectId?: string
  createWriter(ctx: RuntimeContext): SinkWriter<T, C, S> | Promise<SinkWriter<T, C, S>>
  /**
   * Instead of createWriter where the snapshot that the job goes on from has states for this subtask, at least one. They may come from
   * several subtasks, or from another one, when the parallelism has changed. Needed where the writer has snapshotState.
   */
  restoreWriter?(ctx: RuntimeContext, states: readonly S[]): SinkWriter<T, C, S> | Promise<SinkWriter<T, C, S>>
  /** One a subtask. Needed where the writer has prepareCommit. */
  createCommitter?(ctx: RuntimeContext): SinkCommitter<C> | Promise<SinkCommitter<C>>
}

export interface SinkWriteContext {
  /** null: the record has none. */
  readonly timestamp: number | null
  readonly currentWatermark: number
}

export interface SinkWriter<T, C = unknown, S = unknown> {
  write(element: T, ctx: SinkWriteContext): void | Promise<void>
  writeWatermark?(timestamp: number): void
  /**
   * Before each checkpoint: what was written has reached its destination when it resolves, which makes a sink at-least-once. With
   * endOfInput once, at the end of bounded input: no write follows.
   */
  flush(endOfInput: boolean): void | Promise<void>
  /**
   * Behind flush: what this checkpoint may commit. Called for each checkpoint, at the end too; without checkpointing once, with 1, at the
   * end of bounded input, and committed at once.
   */
  prepareCommit?(checkpointId: number): readonly C[] | Promise<readonly C[]>
  /** Behind prepareCommit: what the writer needs to go on from here. The engine keeps what it is given, so it must not change later. */
  snapshotState?(checkpointId: number): readonly S[]
  /** Always, also after a failure: releases handles; uncommitted output stays invisible. */
  close(): void | Promise<void>
}

export interface SinkCommitter<C> {
  /**
   * Committables of one checkpoint, in the order in which prepareCommit gave them. Each counts as committed unless its request says
   * otherwise before the promise resolves; what is thrown fails the task, and all are committed again when it has been restarted.
   */
  commit(requests: readonly CommitRequest<C>[]): void | Promise<void>
  close?(): void | Promise<void>
}

/** One committable on its way. At most one of the methods is called for it. */
export interface CommitRequest<C> {
  readonly committable: C
  /** 0 at first. */
  readonly numberOfRetries: number
  /** Calls commit with it again after a while (0.1 s, then twice as long each time, up to 10 s); the job fails after 10 retries. */
  retryLater(): void
  /** The same with another committable: what is left of it, for example. */
  updateAndRetryLater(committable: C): void
  /** It had been committed before, by an attempt that did not live to see it acknowledged. Counted apart. */
  signalAlreadyCommitted(): void
  /** It can never be committed, and the job goes on without it: said on standard error and counted as `commitsFailed`. */
  signalFailedWithKnownReason(error: unknown): void
  /** It failed and nobody knows why: fails the job. */
  signalFailedWithUnknownReason(error: unknown): void
}
