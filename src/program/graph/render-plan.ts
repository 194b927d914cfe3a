/**
 * A JobGraph for people (`headrace info`) and for programs (`headrace info --json`).
 */
import { slotsNeeded } from './create-job-graph.ts'
import type { JobGraph, JobVertex, PlanEdge, PlanOperator } from './job-graph.ts'

/** The JobGraph with what can be derived from it: slots, and edges and warnings where a reader looks for them. */
export interface PlanJson extends JobGraph {
  readonly slots: number
  readonly warnings: readonly string[]
}

export const planToJson = (graph: JobGraph): PlanJson => ({ ...graph, slots: slotsNeeded(graph), warnings: graph.warnings ?? [] })

/** Several lines, without a line end after the last. */
export function planToText(graph: JobGraph): string {
  const slots = slotsNeeded(graph)
  const lines = [
    `Job ${graph.jobName}: ${counted(graph.vertices.length, 'vertex', 'vertices')}, ${counted(slots, 'slot', 'slots')}`,
    `Fingerprint ${graph.fingerprint}`,
  ]
  for (const vertex of graph.vertices) lines.push('', ...vertexLines(graph, vertex))
  const warnings = graph.warnings ?? []
  if (warnings.length > 0) lines.push('', 'Warnings', ...warnings.map((warning) => `  ${warning}`))
  return lines.join('\n')
}

function vertexLines(graph: JobGraph, vertex: JobVertex): string[] {
  const group = vertex.slotSharingGroup === 'default' ? '' : `, slot sharing group ${vertex.slotSharingGroup}`
  const inputs = graph.edges.filter((edge) => edge.toVertex === vertex.id)
  const twoInputs = inputs.some((edge) => edge.input === 1)
  return [
    `Vertex ${vertex.id}: parallelism ${vertex.parallelism} (max ${vertex.maxParallelism})${group}`,
    ...inputs.map((edge) => `  reads ${inputWords(graph, edge, twoInputs)}`),
    ...operatorTree(vertex.operators, -1, '  '),
  ]
}

function inputWords(graph: JobGraph, edge: PlanEdge, twoInputs: boolean): string {
  const producer = graph.vertices[edge.fromVertex]!.operators[edge.fromOperator]!
  const side = edge.outputTag === undefined ? '' : `, side output ${edge.outputTag}`
  const input = twoInputs ? `, input ${edge.input + 1}` : ''
  return `vertex ${edge.fromVertex}, ${producer.name}${side}: ${partitioningWords(edge)}${input}`
}

function partitioningWords({ partitioning: { kind, key } }: PlanEdge): string {
  if (key === undefined) return kind
  return key === 'function' ? `${kind} by a function` : `${kind} by ${key.join(', ')}`
}

function operatorTree(operators: readonly PlanOperator[], parent: number, indent: string): string[] {
  return operators.flatMap((operator, index) => {
    if (operator.chainedTo !== parent) return []
    const facts = [
      operator.uid === undefined ? '' : `uid ${operator.uid}`,
      operator.outputTag === undefined ? '' : `of side output ${operator.outputTag}`,
      operator.stateful ? 'stateful' : '',
      operator.description ?? '',
    ].filter((fact) => fact !== '')
    const line = `${indent}${parent === -1 ? '' : '-> '}${operator.name}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`
    return [line, ...operatorTree(operators, index, `${indent}  `)]
  })
}

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`
