/**
 * One submitted program: its process, its package, the jobs that its main executes.
 *
 * What always holds: `firstJob` settles once, with the id of the first job that the Dispatcher has, or with what kept main from one; the
 * package is held until the process is gone and every job of it has ended.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import { ClusterJob, type JobEnvironment } from './cluster-job.ts'
import { JobProcess, type StartProcess } from './job-process.ts'
import type { PlannedJob, ProgramToRun } from './job-process-messages.ts'
import type { PackageStore } from './package-store.ts'
import type { RemoteSources } from './remote-sources.ts'

export interface RunningProgramOptions {
  readonly program: ProgramToRun
  readonly environment: JobEnvironment
  readonly packages: PackageStore
  readonly mainTimeoutMs: number
  readonly start: StartProcess
  readonly newJobId: () => string
  readonly onJob: (job: ClusterJob) => void
  readonly onJobEnded: (job: ClusterJob) => void
  /** It is not needed any more. `error`: main threw it, or its process came to that end. */
  readonly onOver: (error?: StreamError) => void
  readonly onWarning: (text: string) => void
}

export class RunningProgram {
  readonly firstJob: Promise<{ readonly jobId: string }>
  readonly planned: Promise<JobGraph>
  readonly #options: RunningProgramOptions
  readonly #process: JobProcess
  readonly #first = Promise.withResolvers<{ readonly jobId: string }>()
  readonly #plan = Promise.withResolvers<JobGraph>()
  readonly #jobs = new Map<number, ClusterJob>()
  #running = 0
  #package: Promise<{ readonly id: string; readonly sizeBytes: number }> | undefined
  #exited = false
  #error: StreamError | undefined

  constructor(options: RunningProgramOptions) {
    const { program, environment, packages, mainTimeoutMs, start, onWarning } = options
    this.#options = options
    this.firstJob = this.#first.promise
    this.planned = this.#plan.promise
    // Whoever wants the one does not look at the other.
    this.firstJob.catch(() => undefined)
    this.planned.catch(() => undefined)
    this.#process = new JobProcess({
      ...{ program, clock: environment.clock, mainTimeoutMs, start },
      onBundled: (bytes, warnings) => {
        for (const warning of warnings) onWarning(warning)
        this.#package = packages.hold(bytes, program.file).then((id) => ({ id, sizeBytes: bytes.length }))
        // It is told when the first job needs it.
        this.#package.catch(() => undefined)
      },
      onPlanned: (jobGraph) => this.#plan.resolve(jobGraph),
      onSubmit: (job, planned, sources) => void this.#submit(job, planned, sources),
      onAsked: (job, request, call) => void this.#jobs.get(job)?.asked(request, call),
      onMainEnded: (error) => this.#mainEnded(error),
      onExited: () => {
        this.#exited = true
        this.#releaseWhenOver()
      },
    })
  }

  kill(reason: StreamError): void {
    this.#process.kill(reason)
  }

  async #submit(job: number, planned: PlannedJob, sources: RemoteSources): Promise<void> {
    const { program, environment, newJobId, onJob, onJobEnded } = this.#options
    this.#running++
    try {
      const { id, sizeBytes } = await this.#package!
      const { file, args, seed, config } = program
      const jobId = newJobId()
      const created = new ClusterJob(
        {
          ...{ jobId, job, planned, sources, owner: () => this.#process },
          program: { ...{ id, sizeBytes, file, args, seed, config }, earlier: planned.earlier },
          onEnded: (ended) => {
            this.#jobEnded()
            onJobEnded(ended)
          },
        },
        environment,
      )
      this.#jobs.set(job, created)
      const refused = await created.start()
      if (refused !== undefined) return this.#jobEnded()
      onJob(created)
      this.#first.resolve({ jobId })
    } catch (thrown) {
      this.#process.over(job, { do: 'refused', job, error: StreamError.from(thrown).toWire() })
      this.#jobEnded()
    }
  }

  #jobEnded(): void {
    this.#running--
    this.#releaseWhenOver()
  }

  #mainEnded(error?: StreamError): void {
    const { program } = this.#options
    this.#error = error
    const none =
      error ?? new StreamError('INVALID_PROGRAM', `${program.file}: main ended before it came to a job`, { place: { file: program.file } })
    this.#first.reject(none)
    this.#plan.reject(none)
  }

  #releaseWhenOver(): void {
    if (!this.#exited || this.#running > 0) return
    const { packages, onOver } = this.#options
    void this.#package?.then(
      ({ id }) => packages.release(id),
      () => undefined,
    )
    onOver(this.#error)
  }
}
