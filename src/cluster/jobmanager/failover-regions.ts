/**
 * The parts of a job that fail and restart by themselves. Pure.
 *
 * A region is a connected component of the job graph by its edges, all of which are pipelined, and by slots: vertices of one
 * slot sharing group live in the same threads, and a thread dies as a whole. Pipelines of one program that shall fail by
 * themselves need slot sharing groups of their own. Regions are in the order of their first vertices.
 */
import type { JobGraph } from '../../program/graph/job-graph.ts'
import { slotsOfGroups } from '../../runtime/task/slot-sharing.ts'

export interface FailoverRegion {
  readonly vertices: readonly number[]
  readonly slots: readonly number[]
  /** Number of its subtasks. */
  readonly tasks: number
}

export function failoverRegions(jobGraph: JobGraph): readonly FailoverRegion[] {
  const { vertices, edges } = jobGraph
  const parent = vertices.map((_, vertex) => vertex)
  const root = (vertex: number): number => (parent[vertex] === vertex ? vertex : root(parent[vertex]!))
  const join = (a: number, b: number): void => {
    const [low, high] = [Math.min(root(a), root(b)), Math.max(root(a), root(b))]
    parent[high] = low
  }
  for (const { fromVertex, toVertex } of edges) join(fromVertex, toVertex)
  const firstOfGroup = new Map<string, number>()
  for (const { id, slotSharingGroup } of vertices) {
    const first = firstOfGroup.get(slotSharingGroup)
    if (first === undefined) firstOfGroup.set(slotSharingGroup, id)
    else join(first, id)
  }
  const groups = slotsOfGroups(jobGraph)
  return vertices
    .filter(({ id }) => root(id) === id)
    .map(({ id }) => {
      const members = vertices.filter((vertex) => root(vertex.id) === id)
      const ranges = [...new Set(members.map((vertex) => vertex.slotSharingGroup))].map((group) => groups.get(group)!)
      return {
        vertices: members.map((vertex) => vertex.id),
        slots: ranges.flatMap(({ first, count }) => Array.from({ length: count }, (_, n) => first + n)),
        tasks: members.reduce((sum, vertex) => sum + vertex.parallelism, 0),
      }
    })
}
