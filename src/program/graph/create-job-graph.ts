/**
 * StreamGraph to JobGraph: chains become vertices, the edges between chains remain. Pure; the same StreamGraph always
 * gives the same JobGraph, in another thread too.
 */
import { configValue } from '../../base/core/config-options.ts'
import { hash32Hex } from './canonical.ts'
import { whyNotChained } from './chaining.ts'
import { type JobGraph, type JobVertex, jobGraphVersion, type PlanEdge, type PlanOperator, type PlanPartitioning } from './job-graph.ts'
import { defaultMaxParallelism } from './max-parallelism.ts'
import type { KeySpec, Partitioning } from './operator-descriptor.ts'
import { isStateful, operatorDetails } from './operator-details.ts'
import { operatorIds } from './operator-id.ts'
import { sideOutputTypes } from './side-output-types.ts'
import type { StreamGraph, StreamNode } from './stream-graph.ts'

export function createJobGraph(graph: StreamGraph): JobGraph {
  const chains = chainsOf(graph)
  const ids = operatorIds(graph)
  const vertices = chains.map((chain, id) => vertexOf(chain, id, ids, graph))
  const edges = edgesOf(graph, chains)
  const warnings = [...(graph.warnings ?? []), ...uidWarnings(vertices)]
  return {
    version: jobGraphVersion,
    jobName: graph.jobName,
    vertices,
    edges,
    config: graph.config,
    fingerprint: fingerprintOf(vertices, edges),
    ...(warnings.length > 0 && { warnings }),
  }
}

/** Slots the job needs: per sharing group the widest vertex, summed. */
export function slotsNeeded(graph: JobGraph): number {
  const widest = new Map<string, number>()
  for (const { slotSharingGroup, parallelism } of graph.vertices) {
    widest.set(slotSharingGroup, Math.max(parallelism, widest.get(slotSharingGroup) ?? 0))
  }
  return [...widest.values()].reduce((sum, slots) => sum + slots, 0)
}

/** A chain's nodes by id, which puts each after the one it is chained to; chains by their heads, which is topological. */
function chainsOf(graph: StreamGraph): StreamNode[][] {
  const enabled = configValue(graph.config, 'pipeline.operator-chaining.enabled')
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]))
  const chainOf = new Map<number, StreamNode[]>()
  const chains: StreamNode[][] = []
  for (const node of graph.nodes) {
    const producer = nodes.get(node.inputs[0]?.from ?? 0)
    const joins = producer !== undefined && whyNotChained(node, producer, enabled) === undefined
    const chain = joins ? chainOf.get(producer.id)! : []
    if (!joins) chains.push(chain)
    chain.push(node)
    chainOf.set(node.id, chain)
  }
  return chains
}

function vertexOf(chain: readonly StreamNode[], id: number, ids: ReadonlyMap<number, string>, { nodes }: StreamGraph): JobVertex {
  const head = chain[0]!
  const operators = chain.map((node, index) =>
    planOperator(node, index === 0 ? undefined : chain, ids, operatorDetails(node, sideOutputTypes(nodes, node.id))),
  )
  return {
    id,
    vertexId: ids.get(head.id)!,
    name: chainName(operators, 0),
    parallelism: head.parallelism,
    maxParallelism: head.maxParallelism ?? defaultMaxParallelism(head.parallelism),
    slotSharingGroup: head.slotSharingGroup,
    operators,
  }
}

function planOperator(
  node: StreamNode,
  chain: readonly StreamNode[] | undefined,
  ids: ReadonlyMap<number, string>,
  details: PlanOperator['details'],
): PlanOperator {
  const edge = chain && node.inputs[0]!
  return {
    nodeId: node.id,
    operatorId: ids.get(node.id)!,
    ...(node.uid !== undefined && { uid: node.uid }),
    name: node.name,
    kind: node.operator.kind,
    ...(node.description !== undefined && { description: node.description }),
    chainedTo: edge === undefined ? -1 : chain!.findIndex((other) => other.id === edge.from),
    ...(edge?.outputTag !== undefined && { outputTag: edge.outputTag }),
    chaining: node.chaining,
    stateful: isStateful(node),
    ...(details !== undefined && { details }),
  }
}

/** `Source: a -> Map -> (Filter, Sink: b)`. */
function chainName(operators: readonly PlanOperator[], index: number): string {
  const next = operators.flatMap((operator, at) => (operator.chainedTo === index ? [chainName(operators, at)] : []))
  const { name } = operators[index]!
  if (next.length === 0) return name
  return next.length === 1 ? `${name} -> ${next[0]}` : `${name} -> (${next.join(', ')})`
}

function edgesOf(graph: StreamGraph, chains: readonly (readonly StreamNode[])[]): PlanEdge[] {
  const places = new Map<number, { vertex: number; operator: number }>()
  chains.forEach((chain, vertex) => {
    chain.forEach((node, operator) => places.set(node.id, { vertex, operator }))
  })
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]))
  const edges: PlanEdge[] = []
  chains.forEach((chain, toVertex) => {
    for (const edge of chain[0]!.inputs) {
      const from = places.get(edge.from)!
      edges.push({
        id: edges.length,
        fromVertex: from.vertex,
        fromOperator: from.operator,
        ...(edge.outputTag !== undefined && { outputTag: edge.outputTag }),
        toVertex,
        input: edge.input,
        partitioning: planPartitioning(edge.partitioning),
        bufferTimeoutMs: nodes.get(edge.from)!.bufferTimeoutMs ?? configuredBufferTimeout(graph),
      })
    }
  })
  return edges
}

function configuredBufferTimeout({ config }: StreamGraph): number {
  return configValue(config, 'execution.buffer-timeout.enabled') ? configValue(config, 'execution.buffer-timeout.interval') : -1
}

function planPartitioning(partitioning: Partitioning): PlanPartitioning {
  return partitioning.kind === 'hash' ? { kind: 'hash', key: planKey(partitioning.key) } : { kind: partitioning.kind }
}

function planKey(key: KeySpec): readonly string[] | 'function' {
  return key.kind === 'field' ? [key.field] : key.kind === 'fields' ? key.fields : 'function'
}

/** All that decides the plan. The job's name and its configuration do not: a client may change both. */
function fingerprintOf(vertices: readonly JobVertex[], edges: readonly PlanEdge[]): string {
  const shape = vertices.map(({ operators, ...vertex }) => ({
    ...vertex,
    operators: operators.map(({ description: _, ...operator }) => operator),
  }))
  return hash32Hex({ version: jobGraphVersion, vertices: shape, edges })
}

function uidWarnings(vertices: readonly JobVertex[]): string[] {
  const stateful = vertices.flatMap((vertex) => vertex.operators).filter((operator) => operator.stateful && operator.uid === undefined)
  if (stateful.length === 0) return []
  const names = [...new Set(stateful.map(({ name }) => `'${name}'`))]
  const who = names.length === 1 ? `Operator ${names[0]} keeps state but has` : `Operators ${names.join(', ')} keep state but have`
  return [`${who} no uid: after a change of the program such state may not be found again.`]
}
