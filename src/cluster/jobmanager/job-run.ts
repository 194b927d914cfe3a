/**
 * What of a job runs now: the slots and enumerators of each region's current attempt. Adapts the SlotPool and the SourceHost to
 * the JobMaster, which decides.
 */
import { assert, type StreamError } from '../../base/core/stream-error.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import type { ToSlot } from '../../runtime/task/deployment.ts'
import type { DeployedSlots, SlotEvents, SlotPool } from '../rpc/slot-pool.ts'
import type { HostSources, SourceHost } from '../rpc/source-host.ts'
import { type DeployOptions, deployJob } from './deploy-job.ts'

export interface JobRunOptions {
  readonly jobGraph: JobGraph
  readonly slotPool: SlotPool
  readonly hostSources: HostSources
  readonly deploy: Pick<DeployOptions, 'jobId' | 'networkMemory' | 'config' | 'checkpointing'>
  readonly events: SlotEvents
  /** An enumerator failed. */
  readonly sourceFailed: (error: StreamError) => void
}

export interface Attempt {
  readonly attempt: number
  readonly vertices: readonly number[]
  readonly restore?: DeployOptions['restore']
  /** What the enumerators of these vertices go on from. */
  readonly enumerators?: ReadonlyMap<number, unknown>
}

export class JobRun {
  /** The enumerators of the job. */
  readonly sources: SourceHost
  readonly #options: JobRunOptions
  readonly #slots = new Map<number, DeployedSlots>()
  readonly #slotOfTask = new Map<string, number>()

  constructor(options: JobRunOptions) {
    this.#options = options
    this.sources = options.hostSources({
      toReader: (message) => {
        const slot = this.#slotOfTask.get(`${message.vertex}/${message.subtask}`)
        assert(slot !== undefined, `no slot runs subtask ${message.subtask} of vertex ${message.vertex}`)
        this.send(slot, message)
      },
      failed: options.sourceFailed,
    })
  }

  /** Deploys the vertices; their enumerators exist, and start with startSources. */
  deploy({ attempt, vertices, restore, enumerators }: Attempt): void {
    const { jobGraph, slotPool, deploy, events } = this.#options
    const deployment = deployJob(jobGraph, { ...deploy, attempt, vertices, ...(restore && { restore }) })
    this.sources.make(vertices, enumerators)
    for (const { slot, tasks } of deployment.slots) {
      for (const { vertex, subtask } of tasks) this.#slotOfTask.set(`${vertex}/${subtask}`, slot)
    }
    const deployed = slotPool.deploy(deployment, events)
    for (const { slot } of deployment.slots) this.#slots.set(slot, deployed)
  }

  send(slot: number, message: ToSlot): void {
    this.#slots.get(slot)?.send(slot, message)
  }

  sendToAll(message: ToSlot): void {
    for (const [slot, deployed] of this.#slots) deployed.send(slot, message)
  }

  kill(slot: number): void {
    this.#slots.get(slot)?.kill(slot)
  }
}
