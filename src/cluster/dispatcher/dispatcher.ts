/**
 * Takes programs, runs a JobMaster for each job that their mains execute, and knows every job, those that have ended too.
 *
 * What always holds: a job is known from the moment its id is told until its archive is dropped; a program that hangs, fails or is killed
 * touches its own jobs only. See docs/design/cluster.md.
 */
import type { Config } from '../../base/core/config-options.ts'
import type { PlanSeed } from '../../base/core/deterministic-globals.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { programArguments } from '../../program/api/program-arguments.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import { readMetadata, removeCheckpoint } from '../../runtime/checkpoint/checkpoint-storage.ts'
import { overviewOf } from '../jobmanager/job-overview.ts'
import type { DispatcherGateway, JobOverview, SubmittedProgram } from '../rpc/dispatcher-gateway.ts'
import type { ArchivedJob } from '../rpc/job-archive.ts'
import type { ArchiveStore } from './archive-store.ts'
import type { ClusterJob, JobEnvironment } from './cluster-job.ts'
import type { StartProcess } from './job-process.ts'
import type { PackageStore } from './package-store.ts'
import { RunningProgram } from './running-program.ts'

export interface DispatcherOptions {
  readonly environment: JobEnvironment
  readonly packages: PackageStore
  readonly archives: ArchiveStore
  /** What jobs' own settings go over. */
  readonly config: Config
  readonly mainTimeoutMs: number
  readonly newJobId: () => string
  readonly newSeed: () => PlanSeed
  /** Starts the process of one program. `file` is the user's name for it. */
  readonly startProcess: (file: string) => StartProcess
  readonly onWarning: (text: string) => void
  /** One line an event, for the log. */
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void
}

/** The part of the gateway that is about jobs. */
export type JobsGateway = Pick<
  DispatcherGateway,
  'jobs' | 'job' | 'submit' | 'plan' | 'cancel' | 'triggerCheckpoint' | 'triggerSavepoint' | 'stopWithSavepoint' | 'disposeSavepoint'
>

export class Dispatcher implements JobsGateway {
  readonly #options: DispatcherOptions
  readonly #jobs = new Map<string, ClusterJob>()
  readonly #programs = new Set<RunningProgram>()
  #closed = false

  constructor(options: DispatcherOptions) {
    this.#options = options
  }

  async jobs(): Promise<readonly JobOverview[]> {
    const running = [...this.#jobs.values()].map(({ master }) => master.archive())
    return [...running, ...this.#options.archives.all.filter(({ jobId }) => !this.#jobs.has(jobId))].map(overviewOf)
  }

  async job(jobId: string): Promise<ArchivedJob> {
    const job = this.#jobs.get(jobId)?.master.archive() ?? this.#options.archives.get(jobId)
    if (job === undefined) throw unknownJob(jobId)
    return job
  }

  submit(submitted: SubmittedProgram): Promise<{ readonly jobId: string }> {
    return this.#run(submitted, false).firstJob
  }

  async plan(submitted: SubmittedProgram): Promise<JobGraph> {
    return this.#run(submitted, true).planned
  }

  async cancel(jobId: string): Promise<void> {
    const job = await this.#running(jobId)
    void job?.master.cancel()
  }

  async triggerCheckpoint(jobId: string): Promise<{ readonly checkpointId: number; readonly path: string }> {
    const { master } = await this.#mustRun(jobId)
    const path = await master.triggerCheckpoint()
    const checkpointId = master.checkpoints.find((checkpoint) => checkpoint.path === path)?.checkpointId
    return { checkpointId: checkpointId ?? Number(/chk-(\d+)$/.exec(path)?.[1]), path }
  }

  async triggerSavepoint(jobId: string, options: { readonly directory?: string; readonly cancel?: boolean }): Promise<string> {
    const { master } = await this.#mustRun(jobId)
    const path = await master.triggerSavepoint(options.directory)
    if (options.cancel === true) await master.cancel()
    return path
  }

  async stopWithSavepoint(jobId: string, options: { readonly directory?: string; readonly drain?: boolean }): Promise<string> {
    const { master } = await this.#mustRun(jobId)
    return master.stopWithSavepoint(options)
  }

  async disposeSavepoint(path: string): Promise<void> {
    const { fileSystem } = this.#options.environment
    await removeCheckpoint(await readMetadata(path, fileSystem, { verify: 'none' }), fileSystem)
  }

  /** Ends every process and what runs of its jobs. */
  close(reason: StreamError): void {
    this.#closed = true
    for (const program of this.#programs) program.kill(reason)
  }

  #run({ bytes, file, entry, args, config, jobId }: SubmittedProgram, plan: boolean): RunningProgram {
    if (this.#closed) throw new StreamError('PEER_REFUSED', 'The cluster is shutting down, and takes no program')
    if (jobId !== undefined && (this.#jobs.has(jobId) || this.#options.archives.get(jobId) !== undefined))
      throw new StreamError('INVALID_ARGUMENT', `There is a job ${jobId} already`, { hint: 'Leave the id out: the cluster makes one.' })
    const { environment, packages, mainTimeoutMs, newSeed, newJobId, startProcess, onWarning, log } = this.#options
    const ids = jobId === undefined ? [] : [jobId]
    const program: RunningProgram = new RunningProgram({
      ...{ environment, packages, mainTimeoutMs, onWarning },
      program: {
        ...{ bytes, file, plan, seed: newSeed(), args: programArguments(args) },
        config: { ...this.#options.config, ...config },
        ...(entry !== undefined && { entry }),
      },
      start: startProcess(file),
      newJobId: () => ids.shift() ?? newJobId(),
      onJob: (job) => {
        this.#jobs.set(job.jobId, job)
        log('job submitted', { jobId: job.jobId, file })
      },
      onJobEnded: (job) => void this.#ended(job),
      onOver: (error) => {
        this.#programs.delete(program)
        log('program over', { file, ...(error && { error: error.message }) })
      },
    })
    this.#programs.add(program)
    return program
  }

  async #ended(job: ClusterJob): Promise<void> {
    const archived = job.master.archive()
    this.#options.log('job ended', {
      jobId: job.jobId,
      state: archived.state,
      ...(archived.failure && { error: archived.failure.message }),
    })
    await this.#options.archives.put(archived)
    this.#jobs.delete(job.jobId)
  }

  /** undefined: it has ended. */
  async #running(jobId: string): Promise<ClusterJob | undefined> {
    const job = this.#jobs.get(jobId)
    if (job === undefined && this.#options.archives.get(jobId) === undefined) throw unknownJob(jobId)
    return job
  }

  async #mustRun(jobId: string): Promise<ClusterJob> {
    const job = await this.#running(jobId)
    if (job !== undefined) return job
    throw new StreamError('CHECKPOINT_DECLINED', `Job ${jobId} has ended, and takes no checkpoint or savepoint`, { place: { job: jobId } })
  }
}

const unknownJob = (jobId: string): StreamError =>
  new StreamError('JOB_NOT_FOUND', `There is no job ${jobId.slice(0, 80)}`, {
    hint: 'headrace list shows the jobs of the cluster.',
  })
