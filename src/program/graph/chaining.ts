/**
 * Flink's chaining rule: an operator joins its producer's chain when it has one input edge, that edge is forward, both
 * have the same parallelism and slot sharing group, and their strategies allow it. The answer names the first reason
 * against, for plans that explain themselves.
 */
import type { StreamNode } from './stream-graph.ts'

/** undefined: `node` is chained to the producer of its one input. */
export function whyNotChained(node: StreamNode, producer: StreamNode, chainingEnabled: boolean): string | undefined {
  const [edge, ...others] = node.inputs
  if (edge === undefined) return 'it is a source'
  if (others.length > 0) return node.operator.kind === 'coProcess' ? 'it has two inputs' : 'it reads a union'
  if (edge.partitioning.kind !== 'forward') return `its input is ${edge.partitioning.kind}`
  if (!chainingEnabled) return 'chaining is switched off'
  if (producer.parallelism !== node.parallelism) return 'the parallelism differs'
  if (producer.slotSharingGroup !== node.slotSharingGroup) return 'the slot sharing group differs'
  if (node.chaining === 'never' || producer.chaining === 'never') return 'chaining is disabled'
  if (node.chaining === 'head') return 'it starts a new chain'
  return undefined
}
