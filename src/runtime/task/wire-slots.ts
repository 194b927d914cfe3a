/**
 * The channels of those slots of an attempt that run in this process: one ring for both ends of a channel where both are here, a ring
 * for the one end where the other is on another machine. Allocates the rings; all else is computed from the plan, alike by all who do.
 */
import type { JobGraph } from '../../program/graph/job-graph.ts'
import { createRing } from '../exchange/ring.ts'
import type { ChannelDeployment, ChannelPlan, JobDeployment, SlotDeployment } from './deployment.ts'
import { edgeChannels } from './edge-channels.ts'
import { slotOfSubtask, slotsOf } from './slot-sharing.ts'

/** A channel of which one end is elsewhere. */
export interface RemoteChannel {
  readonly channel: ChannelPlan
  /** Which end is elsewhere. */
  readonly remote: 'from' | 'to'
  readonly ring: SharedArrayBuffer
}

export interface WiredSlots {
  readonly deployments: readonly SlotDeployment[]
  readonly remote: readonly RemoteChannel[]
  readonly sleepers: SharedArrayBuffer
}

/** The number that stands for whoever carries channels to other machines. */
export const carrierOf = (jobGraph: JobGraph): number => slotsOf(jobGraph)

export function wireSlots({ plan, slots }: JobDeployment): WiredSlots {
  const carrier = carrierOf(plan.jobGraph)
  const here = new Set(slots.map(({ slot }) => slot))
  const bySlot = new Map(slots.map(({ slot }): [number, ChannelDeployment[]] => [slot, []]))
  const remote: RemoteChannel[] = []
  for (const channel of channelsOf(plan)) {
    const { fromSlot, toSlot } = channel
    if (!here.has(fromSlot) && !here.has(toSlot)) continue
    const ring = createRing(plan.ring)
    if (!here.has(fromSlot)) remote.push({ channel, remote: 'from', ring })
    if (!here.has(toSlot)) remote.push({ channel, remote: 'to', ring })
    const deployed = { ...channel, fromSlot: here.has(fromSlot) ? fromSlot : carrier, toSlot: here.has(toSlot) ? toSlot : carrier, ring }
    bySlot.get(fromSlot)?.push(deployed)
    if (toSlot !== fromSlot) bySlot.get(toSlot)?.push(deployed)
  }
  const sleepers = new SharedArrayBuffer(4 * (carrier + 1))
  const deployments = slots.map((slot) => ({ ...plan, ...slot, channels: bySlot.get(slot.slot)!, sleepers }))
  return { deployments, remote, sleepers }
}

/** In the order of edges, producers, consumers. A region holds both ends of its edges, so its consumers tell what is deployed. */
function* channelsOf({ jobGraph, vertices }: JobDeployment['plan']): Iterable<ChannelPlan> {
  const slotOf = slotOfSubtask(jobGraph)
  for (const { id, fromVertex, toVertex, partitioning } of jobGraph.edges) {
    if (!vertices.includes(toVertex)) continue
    const [from, to] = [jobGraph.vertices[fromVertex]!, jobGraph.vertices[toVertex]!]
    for (const [fromSubtask, toSubtask] of edgeChannels(partitioning.kind, from.parallelism, to.parallelism)) {
      yield { edge: id, fromSubtask, toSubtask, fromSlot: slotOf(fromVertex, fromSubtask), toSlot: slotOf(toVertex, toSubtask) }
    }
  }
}
