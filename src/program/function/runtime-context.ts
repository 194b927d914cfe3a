/**
 * What a rich function, source or sink learns about where it runs.
 */

import type { Clock } from '../../base/core/clock.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'

/** Static facts of one subtask. */
export interface RuntimeContext {
  readonly jobId: string
  readonly jobName: string
  /** `delays`: the operator's name. */
  readonly operatorName: string
  readonly operatorUid: string | undefined
  /** Unique in the job, and the same in each of its attempts and in every job that goes on from it. */
  readonly operatorId: string
  /** From 0. */
  readonly subtaskIndex: number
  readonly parallelism: number
  readonly maxParallelism: number
  /** From 0; grows with each restart. */
  readonly attemptNumber: number
  /** Whether the job takes checkpoints. Without them what is written is committed once, at the end of bounded input. */
  readonly checkpointing: boolean
  /** The checkpoint or savepoint that this attempt goes on from; undefined where it begins at the beginning. */
  readonly restoredCheckpointId: number | undefined
  readonly clock: Clock
  readonly fileSystem: FileSystem
  /** Adds to a named counter of the operator, shown live and in the job's result. */
  addToCounter(name: string, delta: number): void
  /** Writes one line to the standard output or error of the process that started the job. */
  printLine(stream: 'stdout' | 'stderr', line: string): void
  /** Hands rows to the client that started the job (the collect sink). `channel` is the sink's collect id. */
  sendToClient(channel: string, rows: readonly unknown[]): void
}
