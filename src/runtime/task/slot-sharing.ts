/**
 * Which slot of a job a subtask runs in. Pure.
 *
 * A slot sharing group has as many slots as its widest vertex has subtasks, and subtask i of each of its vertices lives in
 * the group's slot i, so that a forward edge never leaves its thread. Groups have slots of their own, numbered in the order
 * in which the groups appear in the graph.
 */
import { assert } from '../../base/core/stream-error.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'

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

/** The slot of each subtask of the job. */
export function slotOfSubtask(jobGraph: JobGraph): (vertex: number, subtask: number) => number {
  const groups = slotsOfGroups(jobGraph)
  return (vertex, subtask) => {
    const range = groups.get(jobGraph.vertices[vertex]!.slotSharingGroup)
    assert(range !== undefined && subtask < range.count, `vertex ${vertex} has no slot for its subtask ${subtask}`)
    return range.first + subtask
  }
}
