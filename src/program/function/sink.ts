/**
 * Sinks. A writer runs in each sink subtask. write and flush may be async: the task then awaits them, which is
 * backpressure. Two-phase commit (prepareCommit, committer) joins this with checkpoints.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import type { RuntimeContext } from './runtime-context.ts'

export interface Sink<T> {
  /** `JSON lines out/delays.jsonl`: for plans and messages. */
  readonly name: string
  readonly type?: Type<T>
  /** A sink into one file says 1. */
  readonly maxParallelism?: number
  /** Rows go nowhere: the engine counts them and need not make them. */
  readonly discards?: boolean
  /** Rows are handed to the client under this id (collect). */
  readonly collectId?: string
  createWriter(ctx: RuntimeContext): SinkWriter<T> | Promise<SinkWriter<T>>
}

export interface SinkWriteContext {
  /** null: the record has none. */
  readonly timestamp: number | null
  readonly currentWatermark: number
}

export interface SinkWriter<T> {
  write(element: T, ctx: SinkWriteContext): void | Promise<void>
  writeWatermark?(timestamp: number): void
  /** Before each checkpoint, and with endOfInput once at the end of bounded input, which publishes what was written. */
  flush(endOfInput: boolean): void | Promise<void>
  /** Always, also after a failure: releases handles; unpublished output stays unpublished. */
  close(): void | Promise<void>
}
