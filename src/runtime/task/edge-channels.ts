/**
 * Which producer subtask of an edge has a channel to which consumer subtask. Pure; the order of the pairs is by producer,
 * then by consumer, so that all who compute it agree.
 *
 * forward is one to one. rescale is Flink's local round robin: each side of the edge falls into contiguous ranges, so that
 * with one parallelism a multiple of the other every subtask talks to a subset of its own. All other kinds connect
 * everybody with everybody; which of its channels a row takes is the partitioner's choice at run time.
 */
import { assert } from '../../base/core/stream-error.ts'
import type { PlanPartitioning } from '../../program/graph/job-graph.ts'

export type SubtaskPair = readonly [from: number, to: number]

export function edgeChannels(kind: PlanPartitioning['kind'], producers: number, consumers: number): readonly SubtaskPair[] {
  switch (kind) {
    case 'forward':
      assert(producers === consumers, `a forward edge connects ${producers} producers with ${consumers} consumers`)
      return Array.from({ length: producers }, (_, index): SubtaskPair => [index, index])
    case 'rescale':
      return rescaleChannels(producers, consumers)
    default:
      return Array.from({ length: producers * consumers }, (_, index): SubtaskPair => [Math.floor(index / consumers), index % consumers])
  }
}

/** How many they are. */
export function numChannels(kind: PlanPartitioning['kind'], producers: number, consumers: number): number {
  return kind === 'forward' || kind === 'rescale' ? edgeChannels(kind, producers, consumers).length : producers * consumers
}

function rescaleChannels(producers: number, consumers: number): readonly SubtaskPair[] {
  const pairs: SubtaskPair[] = []
  if (producers >= consumers) {
    for (let to = 0; to < consumers; to++) {
      const end = Math.floor(((to + 1) * producers) / consumers)
      for (let from = Math.floor((to * producers) / consumers); from < end; from++) pairs.push([from, to])
    }
    return pairs
  }
  for (let from = 0; from < producers; from++) {
    const end = Math.ceil(((from + 1) * consumers) / producers)
    for (let to = Math.ceil((from * consumers) / producers); to < end; to++) pairs.push([from, to])
  }
  return pairs
}
