/**
 * What a job tells of itself, while it runs and after its end: its ExecutionGraph, checkpoints, failures and metrics as plain data. The
 * JobMaster makes it, REST shows it, the archive keeps it. Times are ms since the epoch.
 */
import type { ErrorPlace, WireError } from '../../base/core/stream-error.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import type { CheckpointDurations } from '../../runtime/checkpoint/checkpoint-metadata.ts'
import type { TaskMetrics } from '../../runtime/task/deployment.ts'

/** As in Flink. SUSPENDED and RECONCILING are those of a job between two leaders. */
export const jobStates = [
  'INITIALIZING',
  'CREATED',
  'RUNNING',
  'FAILING',
  'FAILED',
  'CANCELLING',
  'CANCELED',
  'FINISHED',
  'RESTARTING',
  'SUSPENDED',
  'RECONCILING',
] as const

export type JobState = (typeof jobStates)[number]

export const executionStates = [
  'CREATED',
  'SCHEDULED',
  'DEPLOYING',
  'INITIALIZING',
  'RUNNING',
  'FINISHED',
  'CANCELING',
  'CANCELED',
  'FAILED',
] as const

export type ExecutionState = (typeof executionStates)[number]

/** Where a slot is. */
export interface SlotLocation {
  /** `host:port-suffix`. */
  readonly taskManagerId: string
  readonly host: string
}

/** How fast a task's figures grow, each a second of time: averages over its last reports, some seconds at most. */
export interface TaskRates {
  readonly recordsIn: number
  readonly recordsOut: number
  /** Together 1000, of a task that has not ended. */
  readonly busyMs: number
  readonly idleMs: number
  readonly backPressuredMs: number
}

/** One attempt of one subtask. */
export interface ArchivedExecution {
  /** From 0. */
  readonly attempt: number
  readonly state: ExecutionState
  /** When it came into each state that it has been in. */
  readonly timestamps: { readonly [S in ExecutionState]?: number }
  /** Absent: it has no slot yet, or its slot is in the JobMaster's own process. */
  readonly location?: SlotLocation
  /** What it last reported; absent: nothing so far. */
  readonly metrics?: TaskMetrics
  /** Absent: unknown, as of a task that has ended or has just begun. */
  readonly rates?: TaskRates
  readonly failure?: WireError
}

export interface ArchivedSubtask {
  readonly subtask: number
  readonly current: ArchivedExecution
  /** Those before it, oldest first, the newest sixteen. */
  readonly earlier: readonly ArchivedExecution[]
}

/** One acknowledged subtask of a checkpoint. */
export interface AcknowledgedSubtask extends CheckpointDurations {
  readonly subtask: number
  readonly acknowledgedMs: number
}

export interface CheckpointTask {
  /** Position in JobGraph.vertices. */
  readonly vertex: number
  readonly parallelism: number
  /** In the order of their acknowledgements. Those of tasks that had finished are missing. */
  readonly acknowledged: readonly AcknowledgedSubtask[]
}

export interface CheckpointDetails {
  readonly checkpointId: number
  readonly kind: 'checkpoint' | 'savepoint'
  /** Of a savepoint that stops the job. */
  readonly stops: boolean
  readonly status: 'inProgress' | 'completed' | 'failed'
  readonly triggeredMs: number
  /** When it was complete or given up; absent: it is under way. */
  readonly endedMs?: number
  /** Its folder. */
  readonly path: string
  /** Of its files, metadata included; 0 until it is complete. */
  readonly sizeBytes: number
  /** Complete, and removed since. */
  readonly discarded: boolean
  readonly error?: WireError
  readonly tasks: readonly CheckpointTask[]
}

/** Of what is remembered: each list has one number a completed checkpoint, oldest first, the newest ten thousand. */
export interface CheckpointSummary {
  readonly durationMs: readonly number[]
  readonly sizeBytes: readonly number[]
}

export interface ArchivedCheckpoints {
  readonly counts: {
    readonly restored: number
    readonly total: number
    readonly inProgress: number
    readonly completed: number
    readonly failed: number
  }
  /** Oldest first, as many as web.checkpoints.history says. */
  readonly history: readonly CheckpointDetails[]
  readonly summary: CheckpointSummary
  readonly latestCompleted?: CheckpointDetails
  readonly latestSavepoint?: CheckpointDetails
  readonly latestFailed?: CheckpointDetails
  /** What the job went on from, at its start or after a failure. */
  readonly restored?: {
    readonly checkpointId: number
    readonly kind: 'checkpoint' | 'savepoint'
    readonly path: string
    readonly restoredMs: number
  }
}

export interface ArchivedFailure {
  readonly timestampMs: number
  readonly error: WireError
  /** `operator`, `subtask` as far as they are known. */
  readonly place: ErrorPlace
  /** Of the task that failed, where that is known. */
  readonly location?: SlotLocation
  /** Name of the task that failed with its subtask, as Flink writes it: `Map (2/4) - execution #0`. */
  readonly taskName?: string
  /** Number of the restart that followed, from 1; absent: the job failed of it. */
  readonly restart?: number
}

export interface ArchivedJob {
  readonly jobId: string
  readonly state: JobState
  /** When it came into each state, last of all, that it has been in. `INITIALIZING` is its start. */
  readonly timestamps: { readonly [S in JobState]?: number }
  /** The plan with its configuration, as it runs. */
  readonly jobGraph: JobGraph
  /** By vertex, then by subtask; positions as in the plan. */
  readonly vertices: readonly (readonly ArchivedSubtask[])[]
  readonly checkpoints: ArchivedCheckpoints
  /** Oldest first, the newest sixteen. */
  readonly failures: readonly ArchivedFailure[]
  /** Why it failed. */
  readonly failure?: WireError
  /** Counters of user functions, summed over all subtasks. */
  readonly counters: Readonly<Record<string, number>>
  readonly restarts: number
}
