/**
 * Records in and out of each operator of a chain, from the few counters that its loops keep: an operator's input is what
 * its producer gave out, and what emits one row for each needs no counter.
 */
import { type ChainNode, emitsOneForEach } from '../chain/chain-node.ts'
import type { TaskMetrics } from './deployment.ts'

export function operatorCounts(
  nodes: readonly ChainNode[],
  nodeIds: readonly number[],
  headRecordsIn: number,
): NonNullable<TaskMetrics['operators']> {
  const recordsIn: number[] = nodes.map(() => 0)
  recordsIn[0] = headRecordsIn
  return nodes.map((node, index) => {
    let recordsOut = node.descriptor.kind === 'sink' ? recordsIn[index]! : 0
    for (const output of node.outputs) {
      const rows = emitsOneForEach(node) ? recordsIn[index]! : output.rows
      for (const child of output.children) recordsIn[child.index] = rows
      recordsOut += rows
    }
    return { nodeId: nodeIds[index]!, recordsIn: recordsIn[index]!, recordsOut, lateRecordsDropped: node.ctx.numLateRecordsDropped.value }
  })
}
