/**
 * What env.execute() hands the plan to. program/api knows only this interface; index.ts wires the local executor.
 */
import type { StreamError, WireError } from '../../base/core/stream-error.ts'
import type { JobGraph } from '../graph/job-graph.ts'
import type { StreamGraph } from '../graph/stream-graph.ts'
import type { RecordedClient } from './recorded-client.ts'

export interface JobProgress {
  readonly recordsIn: number
  readonly recordsPerSecond: number
  /** Lowest watermark of the sources; null while there is none. */
  readonly watermark: number | null
  readonly elapsedMs: number
}

export interface JobExecutionResult {
  readonly jobId: string
  readonly jobName: string
  readonly netRuntimeMs: number
  /** Counters of user functions, summed over subtasks. */
  readonly counters: Readonly<Record<string, number>>
  /** Records that each operator took in and gave out, by node name. */
  readonly operators: readonly {
    readonly name: string
    readonly recordsIn: number
    readonly recordsOut: number
    readonly lateRecordsDropped: number
  }[]
}

export type JobStatus = 'CREATED' | 'RUNNING' | 'RESTARTING' | 'FAILING' | 'FAILED' | 'CANCELLING' | 'CANCELED' | 'FINISHED'

/** One checkpoint or savepoint, as far as it has come. */
export interface CheckpointReport {
  readonly checkpointId: number
  readonly kind: 'checkpoint' | 'savepoint'
  readonly status: 'inProgress' | 'completed' | 'failed'
  /** Wall clock, ms since the epoch. */
  readonly triggeredMs: number
  /** From the trigger to the end, or until now. */
  readonly durationMs: number
  /** Of its files, metadata included; 0 until it is complete. */
  readonly sizeBytes: number
  /** Its folder. */
  readonly path: string
  /** Longest of its tasks: from the first barrier to the last, the time in which they took no input, and from there until their files were written. */
  readonly alignmentMs: number
  readonly syncMs: number
  readonly asyncMs: number
  /** Why it failed. */
  readonly error?: StreamError
}

/** One failure of a job that was not the consequence of another. */
export interface ExceptionReport {
  /** Wall clock, ms since the epoch. */
  readonly timestampMs: number
  readonly error: StreamError
  /** What failed, as far as it is known; absent: the job as a whole, or a thread. `subtask` is from 0. */
  readonly task?: { readonly operator?: string; readonly subtask?: number }
  /** Number of the restart that followed, from 1; absent: the job failed of it. */
  readonly restart?: number
}

/** What happens to a running job beside its progress. */
export type JobEvent =
  | {
      readonly on: 'restarting'
      /** From 1: the number of this restart. */
      readonly restart: number
      readonly cause: StreamError
      readonly delayMs: number
      /** What it goes on from; absent: it begins at the beginning. */
      readonly checkpointId?: number
    }
  /** It runs again. */
  | { readonly on: 'restarted'; readonly restart: number }
  | { readonly on: 'checkpointCompleted' | 'checkpointFailed'; readonly checkpoint: CheckpointReport }
  /** Files of a checkpoint that is needed no more could not be removed. */
  | { readonly on: 'cleanupFailed'; readonly path: string; readonly error: StreamError }

/** The snapshot that a job started from. */
export interface RestoredFrom {
  readonly kind: 'checkpoint' | 'savepoint'
  readonly checkpointId: number
  /** Its folder. */
  readonly path: string
  /** When it was complete, wall clock, ms since the epoch. */
  readonly completedMs: number
  /** State with rows that the program does not declare any more: it is not taken over, and later snapshots do not have it. */
  readonly dropped: readonly { readonly operator: string; readonly state: string }[]
}

export interface StopOptions {
  /** Input ends as if it had been bounded, so that windows fire; do not go on from such a savepoint. Default: false. */
  readonly drain?: boolean
  /** Folder in which the savepoint's own is made; absent: execution.checkpointing.savepoint-dir. */
  readonly directory?: string
}

export interface JobClient {
  readonly jobId: string
  readonly status: JobStatus
  /** Rejects with the StreamError that failed the job, or one with code CANCELLED. */
  readonly result: Promise<JobExecutionResult>
  readonly numRestarts: number
  /** Absent: it began at the beginning. */
  readonly restoredFrom?: RestoredFrom
  /** The newest checkpoints and savepoints (as many as web.checkpoints.history says), oldest first. */
  readonly checkpoints: readonly CheckpointReport[]
  /** The newest 16 failures, oldest first. */
  readonly exceptions: readonly ExceptionReport[]
  cancel(): Promise<void>
  /** Takes a checkpoint now; its folder. Rejects if it fails, or with CHECKPOINT_DECLINED while the job cannot take one. */
  triggerCheckpoint(): Promise<string>
  /** Takes a savepoint, which is the caller's: the job never deletes it. Its folder. `directory` as in StopOptions. */
  triggerSavepoint(directory?: string): Promise<string>
  /** Takes a savepoint behind which nothing runs, and ends the job as FINISHED. The savepoint's folder. */
  stopWithSavepoint(options?: StopOptions): Promise<string>
  onProgress(listener: (progress: JobProgress) => void): void
  onEvent(listener: (event: JobEvent) => void): void
}

/** What an earlier execute() of the same run of main came to: a task thread that plans a later job replays it. */
export interface RecordedExecution {
  /** Absent: it was still running when the later job was submitted. */
  readonly outcome?: { readonly result: JobExecutionResult } | { readonly error: WireError }
  /** Rows by collect id. */
  readonly collected: Readonly<Record<string, readonly unknown[]>>
  /** What main saw of it beside that, until the later job was submitted. */
  readonly client?: RecordedClient
}

export interface Executor {
  submit(job: {
    readonly streamGraph: StreamGraph
    readonly jobGraph: JobGraph
    /** Called with the rows of each collect sink, by its collect id; all of them before the client's result settles. */
    readonly onCollect?: (collectId: string, rows: readonly unknown[]) => void
    /** The executes of this main before this one, in order: this is number `earlier.length`, from 0. Plain data. */
    readonly earlier?: readonly RecordedExecution[]
  }): Promise<JobClient>
}
