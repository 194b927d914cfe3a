/**
 * Rows that tasks hand to the client (collect). In a job with checkpoints they are held back until one that covers them is complete,
 * and dropped when their task is restarted, which makes them again; without, they go on at once. Pure but for `handOn`.
 */
import type { JobGraph } from '../../program/graph/job-graph.ts'
import type { StreamGraph } from '../../program/graph/stream-graph.ts'

interface Held {
  readonly channel: string
  readonly rows: readonly unknown[]
  /** The first checkpoint whose barrier came behind them. */
  coveredBy: number
}

export class HeldRows {
  readonly #holds: boolean
  readonly #handOn: (channel: string, rows: readonly unknown[]) => void
  readonly #held = new Map<string, Held[]>()
  readonly #handedOn = new Set<number>()

  constructor(options: { readonly holds: boolean; readonly handOn: (channel: string, rows: readonly unknown[]) => void }) {
    this.#holds = options.holds
    this.#handOn = options.handOn
  }

  collected(vertex: number, slot: number, channel: string, rows: readonly unknown[]): void {
    if (!this.#holds) {
      this.#handedOn.add(slot)
      return this.#handOn(channel, rows)
    }
    const key = `${vertex}/${slot}`
    const held = this.#held.get(key) ?? []
    this.#held.set(key, held)
    held.push({ channel, rows, coveredBy: Number.POSITIVE_INFINITY })
  }

  /** The task of this vertex in this slot has passed the barrier. */
  passed(vertex: number, slot: number, checkpointId: number): void {
    for (const held of this.#held.get(`${vertex}/${slot}`) ?? []) held.coveredBy = Math.min(held.coveredBy, checkpointId)
  }

  completed(checkpointId: number): void {
    for (const [key, all] of this.#held) {
      const covered = all.filter(({ coveredBy }) => coveredBy <= checkpointId)
      this.#held.set(
        key,
        all.filter(({ coveredBy }) => coveredBy > checkpointId),
      )
      for (const { channel, rows } of covered) this.#handOn(channel, rows)
    }
  }

  /** Their tasks run again from the latest checkpoint. */
  drop(slots: readonly number[]): void {
    for (const key of [...this.#held.keys()]) if (slots.includes(slotOf(key))) this.#held.delete(key)
  }

  /** The client has rows of these slots already, which would come a second time. */
  hasHandedOn(slots: readonly number[]): boolean {
    return slots.some((slot) => this.#handedOn.has(slot))
  }
}

const slotOf = (key: string): number => Number(key.slice(key.indexOf('/') + 1))

/** The vertex of each collect id: told by whoever plans the job, since the JobGraph does not say it. */
export function collectVertices(streamGraph: StreamGraph, jobGraph: JobGraph): ReadonlyMap<string, number> {
  const vertices = new Map<string, number>()
  for (const vertex of jobGraph.vertices) {
    for (const { nodeId } of vertex.operators) {
      const operator = streamGraph.nodes.find(({ id }) => id === nodeId)?.operator
      if (operator?.kind === 'sink' && operator.sink.collectId !== undefined) vertices.set(operator.sink.collectId, vertex.id)
    }
  }
  return vertices
}
