/**
 * What of a job runs now: the slots and enumerators of each region's current attempt. Adapts the SlotPool and SourceCoordinators to
 * the JobMaster, which decides.
 */

import type { Clock } from '../../base/core/clock.ts'
import { assert, type StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { JobGraph, JobVertex } from '../../program/graph/job-graph.ts'
import type { StreamGraph } from '../../program/graph/stream-graph.ts'
import type { ToSlot } from '../../runtime/task/deployment.ts'
import type { DeployedSlots, SlotEvents, SlotPool } from '../rpc/slot-pool.ts'
import { type DeployOptions, deployJob } from './deploy-job.ts'
import { SourceCoordinator } from './source-coordinator.ts'

export interface JobRunOptions {
  readonly streamGraph: StreamGraph
  readonly jobGraph: JobGraph
  readonly slotPool: SlotPool
  readonly clock: Clock
  readonly fileSystem: FileSystem
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
  readonly #options: JobRunOptions
  readonly #slots = new Map<number, DeployedSlots>()
  readonly #slotOfTask = new Map<string, number>()
  readonly #sources = new Map<number, SourceCoordinator>()
  readonly #closing = new WeakMap<SourceCoordinator, Promise<void>>()

  constructor(options: JobRunOptions) {
    this.#options = options
  }

  /** Deploys the vertices; their enumerators exist, and start with startSources. */
  deploy({ attempt, vertices, restore, enumerators }: Attempt): void {
    const { jobGraph, streamGraph, slotPool, deploy, events } = this.#options
    const deployment = deployJob(jobGraph, { ...deploy, attempt, vertices, ...(restore && { restore }) })
    for (const vertex of vertices) this.#makeSource(jobGraph.vertices[vertex]!, enumerators?.get(vertex))
    for (const { slot, tasks } of deployment.slots) {
      for (const { vertex, subtask } of tasks) this.#slotOfTask.set(`${vertex}/${subtask}`, slot)
    }
    const deployed = slotPool.deploy(deployment, streamGraph, events)
    for (const { slot } of deployment.slots) this.#slots.set(slot, deployed)
  }

  startSources(vertices: readonly number[]): void {
    for (const vertex of vertices) void this.#sources.get(vertex)?.start()
  }

  /** Resolves when the enumerators of these vertices are closed; never rejects. */
  async closeSources(vertices: readonly number[]): Promise<void> {
    await Promise.all(vertices.map((vertex) => this.#close(this.#sources.get(vertex))))
  }

  /** Asked a second time, it waits for the same end. */
  #close(source: SourceCoordinator | undefined): Promise<void> | undefined {
    if (source === undefined) return undefined
    const closing = this.#closing.get(source) ?? source.close()
    this.#closing.set(source, closing)
    return closing
  }

  /** By vertex. */
  get sources(): ReadonlyMap<number, SourceCoordinator> {
    return this.#sources
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

  #makeSource({ id, operators, parallelism }: JobVertex, restored: unknown): void {
    const { streamGraph, clock, fileSystem, sourceFailed } = this.#options
    for (const { nodeId, name } of operators) {
      const operator = streamGraph.nodes.find((node) => node.id === nodeId)?.operator
      if (operator?.kind !== 'source') continue
      const { source } = operator
      const send = (message: ToSlot & { readonly subtask: number }): void => {
        const slot = this.#slotOfTask.get(`${id}/${message.subtask}`)
        assert(slot !== undefined, `no slot runs subtask ${message.subtask} of vertex ${id}`)
        this.send(slot, message)
      }
      const made = { source, vertex: id, name, parallelism, clock, fileSystem, send, fail: sourceFailed }
      this.#sources.set(id, new SourceCoordinator({ ...made, ...(restored !== undefined && { restored }) }))
    }
  }
}
