/**
 * A JobGraph as deployments of slots: which subtasks share a slot and which channels connect them. Pure but for the memory
 * of the rings, which it allocates.
 *
 * A slot sharing group has as many slots as its widest vertex has subtasks, and subtask i of each of its vertices lives in
 * the group's slot i, so that a forward edge never leaves its thread. Groups have slots of their own, numbered in the order
 * in which the groups appear in the graph.
 */
import { assert } from '../../base/core/stream-error.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import { createRing } from '../../runtime/exchange/ring.ts'
import type { ChannelDeployment, SlotDeployment } from '../../runtime/task/deployment.ts'
import { edgeChannels } from './edge-channels.ts'
import { defaultNetworkMemory, type NetworkMemory, ringOptionsFor } from './network-memory.ts'

export interface DeployOptions {
  readonly jobId: string
  readonly attempt?: number
  readonly networkMemory?: NetworkMemory
  /** Added to the JobGraph's. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Absent: all. The others' slots are left out. */
  readonly vertices?: readonly number[]
  readonly checkpointing?: SlotDeployment['checkpointing']
  readonly restore?: SlotDeployment['restore']
}

/** First slot and number of slots of each slot sharing group. */
export interface SlotRange {
  readonly first: number
  readonly count: number
}

export function slotsOfGroups(jobGraph: JobGraph): ReadonlyMap<string, SlotRange> {
  const widest = new Map<string, number>()
  for (const vertex of jobGraph.vertices) {
    widest.set(vertex.slotSharingGroup, Math.max(widest.get(vertex.slotSharingGroup) ?? 0, vertex.parallelism))
  }
  const ranges = new Map<string, SlotRange>()
  let first = 0
  for (const [group, count] of widest) {
    ranges.set(group, { first, count })
    first += count
  }
  return ranges
}

/** How many slots a job takes. */
export const slotsOf = (jobGraph: JobGraph): number => [...slotsOfGroups(jobGraph).values()].reduce((sum, range) => sum + range.count, 0)

export function deployJob(jobGraph: JobGraph, options: DeployOptions): readonly SlotDeployment[] {
  const groups = slotsOfGroups(jobGraph)
  const slotOf = (vertex: number, subtask: number): number => {
    const range = groups.get(jobGraph.vertices[vertex]!.slotSharingGroup)
    assert(range !== undefined && subtask < range.count, `vertex ${vertex} has no slot for its subtask ${subtask}`)
    return range.first + subtask
  }
  const slots = slotsOf(jobGraph)
  const sleepers = new SharedArrayBuffer(4 * Math.max(1, slots))
  const isDeployed = (vertex: number): boolean => options.vertices?.includes(vertex) ?? true
  const channels = deployChannels(jobGraph, slotOf, isDeployed, options.networkMemory ?? defaultNetworkMemory)
  const tasks = Array.from({ length: slots }, (): { vertex: number; subtask: number }[] => [])
  for (const vertex of jobGraph.vertices) {
    if (!isDeployed(vertex.id)) continue
    for (let subtask = 0; subtask < vertex.parallelism; subtask++) tasks[slotOf(vertex.id, subtask)]!.push({ vertex: vertex.id, subtask })
  }
  const deployments = tasks.map((tasksOfSlot, slot) => ({
    jobId: options.jobId,
    jobGraph,
    attempt: options.attempt ?? 0,
    slot,
    tasks: tasksOfSlot,
    channels: channels.filter((channel) => channel.fromSlot === slot || channel.toSlot === slot),
    sleepers,
    config: { ...jobGraph.config, ...options.config },
    ...(options.checkpointing && { checkpointing: options.checkpointing }),
    ...(options.restore && { restore: options.restore }),
  }))
  return options.vertices === undefined ? deployments : deployments.filter(({ tasks: ofSlot }) => ofSlot.length > 0)
}

function deployChannels(
  jobGraph: JobGraph,
  slotOf: (vertex: number, subtask: number) => number,
  isDeployed: (vertex: number) => boolean,
  memory: NetworkMemory,
): readonly ChannelDeployment[] {
  const pairs = jobGraph.edges.flatMap((edge) => {
    const from = jobGraph.vertices[edge.fromVertex]!
    const to = jobGraph.vertices[edge.toVertex]!
    return edgeChannels(edge.partitioning.kind, from.parallelism, to.parallelism).map(([fromSubtask, toSubtask]) => ({
      edge: edge.id,
      fromSubtask,
      toSubtask,
      fromSlot: slotOf(from.id, fromSubtask),
      toSlot: slotOf(to.id, toSubtask),
    }))
  })
  const ring = ringOptionsFor(pairs.length, memory)
  return pairs.filter(({ edge }) => isDeployed(jobGraph.edges[edge]!.toVertex)).map((pair) => ({ ...pair, ring: createRing(ring) }))
}
