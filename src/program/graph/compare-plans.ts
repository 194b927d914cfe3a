/**
 * Two runs of the same main must give the same plan, else functions would be bound to the wrong operators. The fingerprint
 * says whether they did; this finds the first operator where they part.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import { canonicalJson } from './canonical.ts'
import type { JobGraph, JobVertex, PlanEdge, PlanOperator } from './job-graph.ts'

export interface PlanDifference {
  readonly operator: string
  /** What differs, in words that follow the operator's name. */
  readonly what: string
}

/** undefined: they are the same plan. */
export function firstDifference(first: JobGraph, second: JobGraph): PlanDifference | undefined {
  if (first.fingerprint === second.fingerprint) return undefined
  const secondOperators = operatorsOf(second)
  const pairs = operatorsOf(first).map((place, index) => [place, secondOperators[index]] as const)
  for (const [a, b] of pairs) {
    if (b === undefined) return { operator: a.operator.name, what: 'is missing in the second plan' }
    const what = operatorDifference(a, b)
    if (what !== undefined) return { operator: a.operator.name, what }
  }
  const added = secondOperators[pairs.length]
  if (added !== undefined) return { operator: added.operator.name, what: 'is only in the second plan' }
  return edgeDifference(first, second) ?? { operator: first.vertices[0]?.operators[0]?.name ?? '', what: 'differs in its plan' }
}

/** Throws PLAN_MISMATCH unless both are the same plan. */
export function assertSamePlan(expected: JobGraph, actual: JobGraph): void {
  const difference = firstDifference(expected, actual)
  if (difference === undefined) return
  const { operator, what } = difference
  throw new StreamError('PLAN_MISMATCH', `The program planned differently when it ran again: operator '${operator}' ${what}`, {
    hint: 'main runs once in each task thread and must give the same plan: let it depend on its arguments and on files shipped with it only.',
    place: { job: expected.jobName, operator },
  })
}

interface Place {
  readonly operator: PlanOperator
  readonly vertex: JobVertex
}

/** In the order in which the program made them. */
function operatorsOf(graph: JobGraph): Place[] {
  const places = graph.vertices.flatMap((vertex) => vertex.operators.map((operator) => ({ operator, vertex })))
  return places.sort((a, b) => a.operator.nodeId - b.operator.nodeId)
}

function operatorDifference(a: Place, b: Place): string | undefined {
  const facts = (place: Place): [string, unknown][] => [
    ['name', place.operator.name],
    ['kind', place.operator.kind],
    ['uid', place.operator.uid],
    ['parallelism', place.vertex.parallelism],
    ['max parallelism', place.vertex.maxParallelism],
    ['slot sharing group', place.vertex.slotSharingGroup],
    ...Object.entries(place.operator.details ?? {}),
    ['details', place.operator.details],
    ['chaining', place.operator.chaining],
    ['side output', place.operator.outputTag],
    ['position', [place.operator.nodeId, place.vertex.id, place.operator.chainedTo, place.operator.operatorId]],
  ]
  const others = new Map(facts(b))
  for (const [name, value] of facts(a)) {
    const before = canonicalJson(value)
    const after = canonicalJson(others.get(name))
    if (before === after) continue
    return name === 'position' ? 'reads other inputs' : `has ${name} ${shorten(before)} the first time and ${shorten(after)} the second`
  }
  return undefined
}

function edgeDifference(first: JobGraph, second: JobGraph): PlanDifference | undefined {
  const count = Math.max(first.edges.length, second.edges.length)
  for (let id = 0; id < count; id++) {
    const a = first.edges[id]
    const b = second.edges[id]
    if (canonicalJson(a) === canonicalJson(b)) continue
    const graph = a === undefined ? second : first
    const consumer = graph.vertices[(a ?? b)!.toVertex]!.operators[0]!.name
    return { operator: consumer, what: `is reached ${edgeWords(a)} the first time and ${edgeWords(b)} the second` }
  }
  return undefined
}

function edgeWords(edge: PlanEdge | undefined): string {
  if (edge === undefined) return 'by no such edge'
  const { kind, key } = edge.partitioning
  return `by ${kind}${key === undefined ? '' : ` of ${key === 'function' ? 'a function' : key.join(', ')}`} (buffer timeout ${edge.bufferTimeoutMs} ms)`
}

const shorten = (text: string): string => (text.length > 100 ? `${text.slice(0, 97)}...` : text)
