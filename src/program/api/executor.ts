/**
 * What env.execute() hands the plan to. program/api knows only this interface; index.ts wires the local executor.
 */
import type { WireError } from '../../base/core/stream-error.ts'
import type { JobGraph } from '../graph/job-graph.ts'
import type { StreamGraph } from '../graph/stream-graph.ts'

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

export type JobStatus = 'CREATED' | 'RUNNING' | 'FAILING' | 'FAILED' | 'CANCELLING' | 'CANCELED' | 'FINISHED'

export interface JobClient {
  readonly jobId: string
  readonly status: JobStatus
  /** Rejects with the StreamError that failed the job, or one with code CANCELLED. */
  readonly result: Promise<JobExecutionResult>
  cancel(): Promise<void>
  onProgress(listener: (progress: JobProgress) => void): void
}

/** What an earlier execute() of the same run of main came to: a task thread that plans a later job replays it. */
export interface RecordedExecution {
  /** Absent: it was still running when the later job was submitted. */
  readonly outcome?: { readonly result: JobExecutionResult } | { readonly error: WireError }
  /** Rows by collect id. */
  readonly collected: Readonly<Record<string, readonly unknown[]>>
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
