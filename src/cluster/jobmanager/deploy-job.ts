/**
 * A JobGraph as a deployment: which subtasks share a slot, and how large the rings between them are. Pure; whoever runs slots
 * makes the channels (runtime/task/wire-slots.ts).
 */
import type { JobGraph } from '../../program/graph/job-graph.ts'
import type { DeploymentPlan, JobDeployment, SlotPlan } from '../../runtime/task/deployment.ts'
import { numChannels } from '../../runtime/task/edge-channels.ts'
import { slotOfSubtask, slotsOf } from '../../runtime/task/slot-sharing.ts'
import { defaultNetworkMemory, type NetworkMemory, ringOptionsFor } from './network-memory.ts'

export interface DeployOptions extends Partial<Pick<DeploymentPlan, 'attempt' | 'vertices' | 'checkpointing' | 'restore'>> {
  readonly jobId: string
  readonly networkMemory?: NetworkMemory
  /** Added to the JobGraph's. */
  readonly config?: Readonly<Record<string, unknown>>
}

/** Only the slots in which something of `options.vertices` (absent: all) runs. */
export function deployJob(jobGraph: JobGraph, options: DeployOptions): JobDeployment {
  const { jobId, attempt = 0, networkMemory = defaultNetworkMemory, config, checkpointing, restore } = options
  const vertices = options.vertices ?? jobGraph.vertices.map(({ id }) => id)
  const slotOf = slotOfSubtask(jobGraph)
  const tasks = Array.from({ length: slotsOf(jobGraph) }, (): SlotPlan['tasks'][number][] => [])
  for (const vertex of vertices) {
    const { parallelism } = jobGraph.vertices[vertex]!
    for (let subtask = 0; subtask < parallelism; subtask++) tasks[slotOf(vertex, subtask)]!.push({ vertex, subtask })
  }
  const channels = jobGraph.edges.reduce((sum, edge) => {
    const [from, to] = [jobGraph.vertices[edge.fromVertex]!, jobGraph.vertices[edge.toVertex]!]
    return sum + numChannels(edge.partitioning.kind, from.parallelism, to.parallelism)
  }, 0)
  return {
    plan: {
      ...{ jobId, jobGraph, attempt, vertices },
      ring: ringOptionsFor(channels, networkMemory),
      config: { ...jobGraph.config, ...config },
      ...(checkpointing && { checkpointing }),
      ...(restore && { restore }),
    },
    slots: tasks.map((ofSlot, slot) => ({ slot, tasks: ofSlot })).filter((each) => each.tasks.length > 0),
  }
}
