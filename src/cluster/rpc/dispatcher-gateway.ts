/**
 * What REST asks of the cluster: the Dispatcher answers it, with what ResourceManager and JobMasters tell. All of it is plain data, so
 * that REST may live in another process.
 *
 * What always holds: a method about a job that the Dispatcher does not know rejects with JOB_NOT_FOUND, one about a process that it does
 * not know with FILE_NOT_FOUND; finished jobs are known as long as their archives are kept. Nothing here waits for a job to do anything
 * unless it says so.
 */
import type { Config } from '../../base/core/config-options.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import type { ArchivedJob, ExecutionState, JobState } from './job-archive.ts'
import type { Hardware, SlotReport } from './protocols.ts'

/** One line about a job. Times are ms since the epoch. */
export interface JobOverview {
  readonly jobId: string
  readonly jobName: string
  readonly state: JobState
  readonly startedMs: number
  /** Absent: it has not ended. */
  readonly endedMs?: number
  /** When its state was another one last. */
  readonly changedMs: number
  /** How many subtasks are in each state; states without any may be missing. */
  readonly tasks: { readonly [S in ExecutionState]?: number }
}

export interface TaskManagerOverview {
  /** `host:port-suffix`. */
  readonly taskManagerId: string
  readonly host: string
  /** `host:port` where its partitions are served. */
  readonly dataAddress: string
  readonly pid: number
  readonly hardware: Hardware
  readonly slots: readonly SlotReport[]
  readonly lastHeartbeatMs: number
  /** It broke off or missed heartbeats, and gets no new task. */
  readonly suspected: boolean
  /** By Flink's names, as of the last heartbeat. */
  readonly metrics: Readonly<Record<string, number>>
}

/** A file that the JobManager or a TaskManager writes for people. */
export interface LogFile {
  readonly name: string
  readonly sizeBytes: number
  readonly modifiedMs: number
  /** Which of them is the process's own log, and which has what it and the users' code write to the console. */
  readonly purpose?: 'log' | 'stdout'
}

/** A process of the cluster: the JobManager, or a TaskManager by its id. */
export type ProcessName = 'jobmanager' | { readonly taskManagerId: string }

/** A program to be run: its one module as it was sent, which nobody has looked at yet. */
export interface SubmittedProgram {
  /** An ES module in TypeScript or JavaScript, or a .zip or .tgz with a package.json that names one; its text decides. */
  readonly bytes: Uint8Array
  /** The user's name for it, in messages. */
  readonly file: string
  /** Which of its exports is main; absent: the default one. */
  readonly entry?: string
  /** The words behind `--` on a command line; main gets them as an object (`--input a.csv` is `{ input: 'a.csv' }`). */
  readonly args: readonly string[]
  /** On top of the cluster's own: parallelism, savepoint path, and whatever else the submitter says. */
  readonly config: Config
  /** 32 hex digits; absent: the Dispatcher makes one. */
  readonly jobId?: string
}

/** What the cluster itself is made with. */
export interface ClusterConfig {
  /** Every option that was set, secrets included: whoever shows them masks them. */
  readonly options: Config
  /** Version of the package, and the commit that it was built from where that is known. */
  readonly version: string
  readonly commit?: string
}

export interface ProcessFacts {
  readonly pid: number
  /** `v24.1.0`. */
  readonly nodeVersion: string
  /** `linux x64`. */
  readonly platform: string
  /** Options that Node was started with. */
  readonly options: readonly string[]
  /** By Flink's names: `Status.JVM.CPU.Load`, `numRegisteredTaskManagers`. */
  readonly metrics: Readonly<Record<string, number>>
}

/** How many subtasks a vertex may have. */
export interface ParallelismBounds {
  readonly lowerBound: number
  readonly upperBound: number
}

export interface DispatcherGateway {
  /** Those that run and those whose archives are kept. */
  jobs(): Promise<readonly JobOverview[]>
  job(jobId: string): Promise<ArchivedJob>
  taskManagers(): Promise<readonly TaskManagerOverview[]>
  config(): Promise<ClusterConfig>
  jobManager(): Promise<ProcessFacts>

  /** Plans the program, in a process of its own, and runs its first job: resolves with its id when the Dispatcher has it. */
  submit(program: SubmittedProgram): Promise<{ readonly jobId: string }>
  /** Plans the program, in a process of its own, and runs nothing. */
  plan(program: SubmittedProgram): Promise<JobGraph>

  /** Resolves when the job has been told. A job that has ended: nothing happens. */
  cancel(jobId: string): Promise<void>
  /** Takes a checkpoint now. Resolves when it is complete, with its id and folder. */
  triggerCheckpoint(jobId: string): Promise<{ readonly checkpointId: number; readonly path: string }>
  /** Resolves with the savepoint's folder when it is complete. `directory` absent: execution.checkpointing.savepoint-dir. */
  triggerSavepoint(jobId: string, options: { readonly directory?: string; readonly cancel?: boolean }): Promise<string>
  /** Resolves with the savepoint's folder when the job has finished. */
  stopWithSavepoint(jobId: string, options: { readonly directory?: string; readonly drain?: boolean }): Promise<string>
  /** Removes a savepoint's files. FILE_NOT_FOUND: there is none. */
  disposeSavepoint(path: string): Promise<void>
  /** Absent: the cluster cannot rescale running jobs. By vertex id, 32 hex digits. */
  rescale?(jobId: string, bounds: Readonly<Record<string, ParallelismBounds>>): Promise<void>

  logFiles(of: ProcessName): Promise<readonly LogFile[]>
  /** One of `logFiles`, in pieces. FILE_NOT_FOUND: it is not among them. */
  readLogFile(of: ProcessName, name: string): Promise<AsyncIterable<Uint8Array>>
  /** What its threads do now. Absent: nobody can say. */
  threadDump?(of: ProcessName): Promise<readonly { readonly name: string; readonly text: string }[]>

  /** Cancels nothing: jobs of a cluster that shuts down are suspended with it. Resolves when it has begun. */
  shutDown(): Promise<void>
}
