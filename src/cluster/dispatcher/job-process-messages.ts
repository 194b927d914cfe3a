/**
 * What the JobManager and a job process say to each other, in order, by Node's IPC. Plain data. Jobs of one process are numbered from 0,
 * in the order in which its main executes them.
 */
import type { Config } from '../../base/core/config-options.ts'
import type { PlanSeed } from '../../base/core/deterministic-globals.ts'
import type { WireError } from '../../base/core/stream-error.ts'
import type {
  CheckpointReport,
  JobExecutionResult,
  JobProgress,
  JobStatus,
  RecordedExecution,
  RestoredFrom,
  StopOptions,
} from '../../program/api/executor.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import type { JobRestore } from '../jobmanager/restore-job.ts'
import type { ToReader } from '../rpc/source-host.ts'

/** A program as it is run or planned in its process. */
export interface ProgramToRun {
  /** An ES module in TypeScript or JavaScript. */
  readonly bytes: Uint8Array
  /** The user's name for it. */
  readonly file: string
  /** Which of its exports is main; absent: the default one. */
  readonly entry?: string
  readonly args: unknown
  readonly seed: PlanSeed
  readonly config: Config
  /** Only its plans are wanted. */
  readonly plan: boolean
}

/** A job as its process has planned it: all of it that is data. */
export interface PlannedJob {
  readonly jobGraph: JobGraph
  /** The vertex of each collect sink, by its id. */
  readonly collects: ReadonlyMap<string, number>
  readonly restored?: JobRestore
  readonly earlier: readonly RecordedExecution[]
}

/** SourceHost's calls. */
export type SourceCall =
  | { readonly call: 'make'; readonly vertices: readonly number[]; readonly restored: ReadonlyMap<number, unknown> | undefined }
  | { readonly call: 'start'; readonly vertices: readonly number[] }
  | { readonly call: 'registerReader' | 'requestSplit'; readonly vertex: number; readonly subtask: number }
  | { readonly call: 'readerEvent'; readonly vertex: number; readonly subtask: number; readonly event: unknown }
  | { readonly call: 'snapshotAll' | 'notifyCheckpointComplete'; readonly checkpointId: number }
  | { readonly call: 'close'; readonly request: number; readonly vertices: readonly number[] }

export type SourceAnswer =
  | { readonly tell: 'toReader'; readonly message: ToReader }
  | { readonly tell: 'failed'; readonly error: WireError }
  | { readonly tell: 'snapshot'; readonly held: ReadonlyMap<number, unknown> }
  | { readonly tell: 'noSnapshot'; readonly error: WireError }
  | { readonly tell: 'closed'; readonly request: number }

/** JobEvent with its errors as data. */
export type WireJobEvent =
  | {
      readonly on: 'restarting'
      readonly restart: number
      readonly cause: WireError
      readonly delayMs: number
      readonly checkpointId?: number
    }
  | { readonly on: 'restarted'; readonly restart: number }
  | {
      readonly on: 'checkpointCompleted' | 'checkpointFailed'
      readonly checkpoint: Omit<CheckpointReport, 'error'> & { readonly error?: WireError }
    }
  | { readonly on: 'cleanupFailed'; readonly path: string; readonly error: WireError }

/** What main asks of its job. */
export type ClientCall =
  | { readonly ask: 'cancel' | 'checkpoint' }
  | { readonly ask: 'savepoint'; readonly directory?: string }
  | { readonly ask: 'stop'; readonly options: StopOptions }

export type ToJobProcess =
  | { readonly do: 'run'; readonly program: ProgramToRun }
  | { readonly do: 'accepted'; readonly job: number; readonly jobId: string; readonly restoredFrom?: RestoredFrom }
  | { readonly do: 'refused'; readonly job: number; readonly error: WireError }
  | { readonly do: 'sources'; readonly job: number; readonly call: SourceCall }
  | { readonly do: 'collected'; readonly job: number; readonly id: string; readonly rows: readonly unknown[] }
  | { readonly do: 'status'; readonly job: number; readonly status: JobStatus; readonly numRestarts: number }
  | { readonly do: 'progress'; readonly job: number; readonly progress: JobProgress }
  | { readonly do: 'event'; readonly job: number; readonly event: WireJobEvent }
  | { readonly do: 'finished'; readonly job: number; readonly result: JobExecutionResult }
  | { readonly do: 'failed'; readonly job: number; readonly status: JobStatus; readonly error: WireError }
  | { readonly do: 'answer'; readonly request: number; readonly path?: string; readonly error?: WireError }
  | { readonly do: 'ping'; readonly number: number }
  /** Nobody needs it any more. */
  | { readonly do: 'exit' }

export type FromJobProcess =
  /** The program is bundled; `bytes` is what task threads load. */
  | { readonly say: 'bundled'; readonly bytes: Uint8Array; readonly warnings: readonly string[] }
  | { readonly say: 'planned'; readonly jobGraph: JobGraph }
  | { readonly say: 'submit'; readonly job: number; readonly planned: PlannedJob }
  | { readonly say: 'sources'; readonly job: number; readonly answer: SourceAnswer }
  | { readonly say: 'ask'; readonly job: number; readonly request: number; readonly call: ClientCall }
  | { readonly say: 'pong'; readonly number: number }
  /** main has ended; with an error: it threw that. */
  | { readonly say: 'mainEnded'; readonly error?: WireError }
