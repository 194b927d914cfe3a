/**
 * One job of the cluster: its JobMaster, its slots, and the process that its main and enumerators live in.
 *
 * What always holds: what the process hears of the job comes in order, its rows and events before its end; slots are given back once,
 * when nothing of the job runs any more.
 */
import type { Clock } from '../../base/core/clock.ts'
import { configValue } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { JobStatus } from '../../program/api/executor.ts'
import { checkpointPlaceOf } from '../jobmanager/checkpoint-files.ts'
import { JobMaster } from '../jobmanager/job-master.ts'
import type { ProgramPackage } from '../rpc/program-package.ts'
import type { SlotPool } from '../rpc/slot-pool.ts'
import type { JobProcess } from './job-process.ts'
import type { ClientCall, PlannedJob } from './job-process-messages.ts'
import type { RemoteSources } from './remote-sources.ts'
import { eventToWire } from './wire-job-event.ts'

/** The slots of one job. */
export interface JobSlots {
  readonly pool: SlotPool
  /** The job has ended: all go back. */
  close(): void
}

export type SlotsForJob = (job: { readonly jobId: string; readonly jobName: string; readonly program: ProgramPackage }) => JobSlots

/** What every job of a cluster is run with. */
export interface JobEnvironment {
  readonly clock: Clock
  readonly fileSystem: FileSystem
  /** Numbers from 0 to 1. */
  readonly random: () => number
  readonly yieldTo: (callback: () => void) => void
  /** Version of the package. */
  readonly headrace: string
  /** Where checkpoints go that the job gives no folder. */
  readonly temporaryFolder: string
  readonly print: (jobId: string, stream: 'stdout' | 'stderr', line: string) => void
  readonly slotsFor: SlotsForJob
}

export interface ClusterJobOptions {
  readonly jobId: string
  /** Its number in its process. */
  readonly job: number
  readonly planned: PlannedJob
  readonly program: ProgramPackage
  readonly sources: RemoteSources
  /** Where its main is. */
  readonly owner: () => JobProcess
  readonly onEnded: (job: ClusterJob) => void
}

export class ClusterJob {
  readonly master: JobMaster
  readonly #options: ClusterJobOptions
  readonly #slots: JobSlots
  #told: JobStatus | undefined

  constructor(options: ClusterJobOptions, environment: JobEnvironment) {
    const { jobId, job, planned, program, sources } = options
    const { jobGraph, collects, restored } = planned
    const { slotsFor, print, temporaryFolder, ...common } = environment
    this.#options = options
    this.#slots = slotsFor({ jobId, jobName: jobGraph.jobName, program })
    this.master = new JobMaster({
      ...common,
      ...{ jobId, jobGraph, collects, slotPool: this.#slots.pool },
      hostSources: (events) => sources.host(events),
      onCollect: (id, rows) => options.owner().send({ do: 'collected', job, id, rows }),
      print: (stream, line) => print(jobId, stream, line),
      place: checkpointPlaceOf(jobGraph.config, jobId, temporaryFolder),
      cancelTimeoutMs: configValue(jobGraph.config, 'task.cancellation.timeout'),
      deploy: {
        networkMemory: {
          segmentSizeBytes: configValue(jobGraph.config, 'taskmanager.memory.segment-size'),
          maxBytes: configValue(jobGraph.config, 'taskmanager.memory.network.max'),
        },
        config: { 'execution.check-mutation': configValue(jobGraph.config, 'execution.check-mutation') ?? false },
      },
      ...(restored && { restored }),
    })
  }

  /** Never rejects: a job that cannot begin is refused to its main, which is told why. */
  async start(): Promise<StreamError | undefined> {
    const { job, jobId, owner, onEnded } = this.#options
    try {
      await this.master.start()
    } catch (thrown) {
      const error = StreamError.from(thrown)
      this.#slots.close()
      owner().over(job, { do: 'refused', job, error: error.toWire() })
      return error
    }
    const { restoredFrom } = this.master
    owner().accepted(job, { jobId, ...(restoredFrom && { restoredFrom }) })
    this.#tellStatus()
    this.master.onEvent((event) => {
      this.#tellStatus()
      owner().send({ do: 'event', job, event: eventToWire(event) })
    })
    this.master.onProgress((progress) => {
      this.#tellStatus()
      owner().send({ do: 'progress', job, progress })
    })
    this.master.result
      .then(
        (result) => owner().over(job, { do: 'finished', job, result }),
        (error) => owner().over(job, { do: 'failed', job, status: this.master.status, error: StreamError.from(error).toWire() }),
      )
      .finally(() => {
        this.#slots.close()
        onEnded(this)
      })
    return undefined
  }

  get jobId(): string {
    return this.#options.jobId
  }

  /** What main asks of it. */
  async asked(request: number, call: ClientCall): Promise<void> {
    const owner = this.#options.owner()
    try {
      const path = await this.#perform(call)
      owner.send({ do: 'answer', request, ...(path !== undefined && { path }) })
    } catch (thrown) {
      owner.send({ do: 'answer', request, error: StreamError.from(thrown).toWire() })
    }
  }

  async #perform(call: ClientCall): Promise<string | undefined> {
    switch (call.ask) {
      case 'cancel':
        return void this.master.cancel()
      case 'checkpoint':
        return this.master.triggerCheckpoint()
      case 'savepoint':
        return this.master.triggerSavepoint(call.directory)
      case 'stop':
        return this.master.stopWithSavepoint(call.options)
    }
  }

  #tellStatus(): void {
    const { job, owner } = this.#options
    const { status, numRestarts } = this.master
    if (status === this.#told) return
    this.#told = status
    owner().send({ do: 'status', job, status, numRestarts })
  }
}
