/**
 * What can only be judged when the whole program is known: uids, parallelism against partitioning and key groups. Throws
 * INVALID_PROGRAM at the first offence, naming the operator.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import { schemaOf, typeName } from '../../base/columnar/schema.ts'
import { configValue } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { defaultMaxParallelism, highestMaxParallelism, isParallelism } from './max-parallelism.ts'
import { sideOutputTypes } from './side-output-types.ts'
import type { StreamGraph, StreamNode } from './stream-graph.ts'

export function validateStreamGraph(graph: StreamGraph): void {
  const names = new Map(graph.nodes.map((node) => [node.id, node]))
  for (const node of graph.nodes) {
    checkParallelism(node)
    for (const edge of node.inputs) {
      if (edge.partitioning.kind === 'forward') checkForward(names.get(edge.from)!, node)
    }
  }
  checkUids(graph)
  checkSideOutputs(graph)
}

function checkParallelism(node: StreamNode): void {
  if (!isParallelism(node.parallelism)) {
    throw invalid(node, `has parallelism ${node.parallelism}`, `It must be a whole number from 1 to ${highestMaxParallelism}.`)
  }
  const max = node.maxParallelism ?? defaultMaxParallelism(node.parallelism)
  if (!isParallelism(max)) {
    throw invalid(node, `has max parallelism ${max}`, `It must be a whole number from 1 to ${highestMaxParallelism}.`)
  }
  if (node.parallelism > max) {
    throw invalid(
      node,
      `has parallelism ${node.parallelism}, more than its max parallelism of ${max}`,
      'Max parallelism is the number of key groups, and each subtask needs one: raise it, or lower the parallelism.',
    )
  }
}

function checkForward(from: StreamNode, to: StreamNode): void {
  if (from.parallelism === to.parallelism) return
  throw invalid(
    to,
    `reads '${from.name}' by forward(), but their parallelism differs (${from.parallelism} and ${to.parallelism})`,
    'Give both the same parallelism, or use rebalance() or rescale() instead of forward().',
  )
}

function checkUids(graph: StreamGraph): void {
  const seen = new Map<string, StreamNode>()
  const required = !configValue(graph.config, 'pipeline.auto-generate-uids')
  for (const node of graph.nodes) {
    if (node.uid === undefined) {
      if (!required) continue
      throw invalid(node, 'has no uid, and pipeline.auto-generate-uids is false', "Give it one: { uid: '...' }, unique in the job.")
    }
    const other = seen.get(node.uid)
    if (other !== undefined) {
      throw invalid(
        node,
        `has the uid '${node.uid}', which operator '${other.name}' has already`,
        'State is found by its uid, so each operator needs one of its own.',
      )
    }
    seen.set(node.uid, node)
  }
}

/** Two tags of one id are one output, which has one type. */
function checkSideOutputs({ nodes }: StreamGraph): void {
  for (const node of nodes) {
    for (const [tag, [first, ...others]] of sideOutputTypes(nodes, node.id)) {
      const other = others.find((type) => schemaOf(type).id !== schemaOf(first!).id)
      if (other === undefined) continue
      throw invalid(
        node,
        `has a side output '${tag}' of two types, ${said(first!)} and ${said(other)}`,
        'Tags of one id are one output: use one tag for both, or give them ids of their own.',
      )
    }
  }
}

const said = ({ dataType, nullable }: Type<unknown>): string => typeName(dataType, nullable)

function invalid(node: StreamNode, what: string, hint: string): StreamError {
  return new StreamError('INVALID_PROGRAM', `Operator '${node.name}' ${what}`, { hint, place: { operator: node.name } })
}
