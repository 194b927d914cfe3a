/**
 * The enumerators of a job beside whoever calls them: in the thread of a local job's JobMaster, or in a job's own process.
 *
 * What always holds: of each vertex only the enumerator that was made last is called.
 */
import type { Clock } from '../../base/core/clock.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { JobGraph, JobVertex } from '../../program/graph/job-graph.ts'
import type { StreamGraph } from '../../program/graph/stream-graph.ts'
import type { HostSources, SourceEvents, SourceHost, SourceSnapshots } from '../rpc/source-host.ts'
import { SourceCoordinator } from './source-coordinator.ts'

export interface LocalSourcesOptions {
  readonly jobGraph: JobGraph
  readonly streamGraph: StreamGraph
  readonly clock: Clock
  readonly fileSystem: FileSystem
}

export const localSources =
  (options: LocalSourcesOptions): HostSources =>
  (events) =>
    new LocalSources(options, events)

class LocalSources implements SourceHost {
  readonly #options: LocalSourcesOptions
  readonly #events: SourceEvents
  readonly #sources = new Map<number, SourceCoordinator>()
  readonly #closing = new WeakMap<SourceCoordinator, Promise<void>>()

  constructor(options: LocalSourcesOptions, events: SourceEvents) {
    this.#options = options
    this.#events = events
  }

  make(vertices: readonly number[], restored: ReadonlyMap<number, unknown> | undefined): void {
    for (const vertex of vertices) this.#make(this.#options.jobGraph.vertices[vertex]!, restored?.get(vertex))
  }

  start(vertices: readonly number[]): void {
    for (const vertex of vertices) void this.#sources.get(vertex)?.start()
  }

  registerReader(vertex: number, subtask: number): void {
    this.#sources.get(vertex)?.registerReader(subtask)
  }

  requestSplit(vertex: number, subtask: number): void {
    this.#sources.get(vertex)?.requestSplit(subtask)
  }

  readerEvent(vertex: number, subtask: number, event: unknown): void {
    this.#sources.get(vertex)?.readerEvent(subtask, event)
  }

  snapshotAll(checkpointId: number, then: (answer: SourceSnapshots | StreamError) => void): void {
    const held = new Map<number, unknown>()
    try {
      for (const [vertex, source] of this.#sources) held.set(vertex, source.snapshot(checkpointId))
    } catch (thrown) {
      return then(StreamError.from(thrown))
    }
    then(held)
  }

  notifyCheckpointComplete(checkpointId: number): void {
    for (const source of this.#sources.values()) source.notifyCheckpointComplete(checkpointId)
  }

  async close(vertices: readonly number[]): Promise<void> {
    await Promise.all(vertices.map((vertex) => this.#close(this.#sources.get(vertex))))
  }

  /** Asked a second time, it waits for the same end. */
  #close(source: SourceCoordinator | undefined): Promise<void> | undefined {
    if (source === undefined) return undefined
    const closing = this.#closing.get(source) ?? source.close()
    this.#closing.set(source, closing)
    return closing
  }

  #make({ id, operators, parallelism }: JobVertex, restored: unknown): void {
    const { streamGraph, clock, fileSystem } = this.#options
    const { toReader: send, failed: fail } = this.#events
    for (const { nodeId, name } of operators) {
      const operator = streamGraph.nodes.find((node) => node.id === nodeId)?.operator
      if (operator?.kind !== 'source') continue
      const made = { source: operator.source, vertex: id, name, parallelism, clock, fileSystem, send, fail }
      this.#sources.set(id, new SourceCoordinator({ ...made, ...(restored !== undefined && { restored }) }))
    }
  }
}
