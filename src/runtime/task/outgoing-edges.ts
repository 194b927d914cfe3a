/**
 * The outgoing edges of one task: when what was gathered goes on its way, and events in order with it. Nothing here waits:
 * what has no credit stays, and `wakeAtMs` says when to look again.
 */
import type { ChannelEvent } from '../exchange/frame.ts'
import type { ResultPartition } from '../exchange/result-partition.ts'
import type { Pace } from './pace.ts'

export interface OutgoingEdge {
  readonly partition: ResultPartition
  /** -1: only when full; 0: after each unit. */
  readonly bufferTimeoutMs: number
  /** When rows in it must be on their way; Infinity while there are none, `overdue` where they wait for credit only. */
  flushAtMs: number
  /** Of the rows that move into segments at once: those that are staged stand ahead of a barrier. */
  readonly pace: Pace
  /** Of the rows that began to move last; 0: they are through, and noted. */
  movingRows: number
  movingFromMs: number
}

/** No time will do it: credit wakes the task, and each step tries. */
const overdue = Number.NEGATIVE_INFINITY

export class OutgoingEdges {
  readonly edges: readonly OutgoingEdge[]

  constructor(edges: readonly OutgoingEdge[]) {
    this.edges = edges
  }

  get wakeAtMs(): number {
    let at = Number.POSITIVE_INFINITY
    for (const { flushAtMs } of this.edges) if (flushAtMs !== overdue) at = Math.min(at, flushAtMs)
    return at
  }

  flushDue(nowMs: number): void {
    for (const edge of this.edges) if (nowMs >= edge.flushAtMs) flush(edge)
  }

  /** Some rows of a unit have been run, all of them if `isDone`. */
  afterRows(isDone: boolean, nowMs: number): void {
    for (const edge of this.edges) {
      keepPace(edge, nowMs)
      if (edge.bufferTimeoutMs < 0 || !edge.partition.hasUnsent) continue
      if (edge.bufferTimeoutMs === 0) {
        if (isDone) flush(edge)
      } else if (edge.flushAtMs === Number.POSITIVE_INFINITY) edge.flushAtMs = nowMs + edge.bufferTimeoutMs
    }
  }

  afterTime(nowMs: number): void {
    for (const edge of this.edges) {
      if (edge.bufferTimeoutMs === 0) flush(edge)
      else if (edge.flushAtMs === Number.POSITIVE_INFINITY && edge.bufferTimeoutMs > 0) edge.flushAtMs = nowMs + edge.bufferTimeoutMs
    }
  }

  /** There is nothing to read: what was gathered goes out at once to consumers that have nothing either. */
  flushToIdle(): void {
    for (const edge of this.edges) {
      if (edge.bufferTimeoutMs >= 0 && edge.partition.hasUnsent && edge.partition.isConsumerIdle) flush(edge)
    }
  }

  /** Moves all rows into segments; false: some channel has no credit, call again. */
  scatter(): boolean {
    let done = true
    for (const { partition } of this.edges) if (!partition.scatter()) done = false
    return done
  }

  /** Behind all rows, at once: only after scatter() answered true. */
  broadcast(event: ChannelEvent): void {
    for (const edge of this.edges) {
      edge.partition.broadcastEvent(event)
      flush(edge)
    }
  }

  /** Publishes what is left; true when nothing waits anywhere. */
  drain(): boolean {
    // All of them, so that one stuck consumer does not keep the end from the others.
    for (const { partition } of this.edges) partition.flush()
    if (!this.edges.every(({ partition }) => partition.isDrained && !partition.hasUnsent)) return false
    for (const edge of this.edges) edge.flushAtMs = Number.POSITIVE_INFINITY
    return true
  }

  get rowsOut(): number {
    return this.edges.reduce((sum, { partition }) => sum + partition.rowsOut + partition.staging.rowCount, 0)
  }
}

function flush(edge: OutgoingEdge): void {
  const { partition } = edge
  partition.scatter()
  partition.flush()
  edge.flushAtMs = Number.POSITIVE_INFINITY
  // Rows of an edge without a timeout wait for more of their kind; events never do.
  if (partition.hasUnsent && (edge.bufferTimeoutMs >= 0 || partition.hasWaitingEvents)) edge.flushAtMs = overdue
}

/** Rows have been run, so what began to move before is through: moves those that are staged, if they are many for a slow consumer. */
function keepPace(edge: OutgoingEdge, nowMs: number): void {
  const { partition, pace } = edge
  pace.note(edge.movingRows, nowMs - edge.movingFromMs)
  edge.movingRows = 0
  const staged = partition.staging.rowCount
  if (staged < pace.rows) return
  edge.movingRows = staged
  edge.movingFromMs = nowMs
  partition.scatter()
}
