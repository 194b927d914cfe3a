/**
 * The plan that is deployed: chains of operators as vertices, edges between them. JSON-able, versioned, fingerprinted;
 * functions stay behind in the StreamGraph of whoever ran main.
 */
import type { ChainingStrategy } from './stream-graph.ts'

export const jobGraphVersion = 1

/** Partitioning without its functions. */
export interface PlanPartitioning {
  readonly kind: 'forward' | 'rebalance' | 'rescale' | 'shuffle' | 'broadcast' | 'global' | 'hash' | 'custom'
  /** For hash: the fields, or 'function'. */
  readonly key?: readonly string[] | 'function'
}

export interface PlanOperator {
  /** The StreamNode's id. */
  readonly nodeId: number
  /** 32 hex digits: from the uid where there is one, else from the position in the graph. State is found by it. */
  readonly operatorId: string
  readonly uid?: string
  readonly name: string
  readonly kind: string
  readonly description?: string
  /** Index in `operators` of the operator of this chain whose output it takes; -1: the vertex's inputs (or it is a source). */
  readonly chainedTo: number
  /** Side output of `chainedTo` that it takes; absent: the main output. */
  readonly outputTag?: string
  readonly chaining: ChainingStrategy
  readonly stateful: boolean
  /** What else of it decides the plan, as plain data: windows, aggregates, declared state and types; 'function' stands for code. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** One consumer-side edge of a vertex. */
export interface PlanEdge {
  /** Position in JobGraph.edges. */
  readonly id: number
  readonly fromVertex: number
  /** Index of the producing operator in the producing vertex's chain. */
  readonly fromOperator: number
  readonly outputTag?: string
  readonly toVertex: number
  /** Which input of the head operator: 0 or 1. */
  readonly input: 0 | 1
  readonly partitioning: PlanPartitioning
  readonly bufferTimeoutMs: number
}

export interface JobVertex {
  /** Position in JobGraph.vertices, which are in topological order. */
  readonly id: number
  /** 32 hex digits, that of its head operator. */
  readonly vertexId: string
  readonly name: string
  readonly parallelism: number
  readonly maxParallelism: number
  readonly slotSharingGroup: string
  /** Head first, each after the operator it is chained to. */
  readonly operators: readonly PlanOperator[]
}

export interface JobGraph {
  readonly version: typeof jobGraphVersion
  readonly jobName: string
  readonly vertices: readonly JobVertex[]
  readonly edges: readonly PlanEdge[]
  readonly config: Readonly<Record<string, unknown>>
  /** Hash of all that decides the plan; a second run of main that gives another one is refused. */
  readonly fingerprint: string
  /** For a person: what will hurt later, such as state without a uid. Not part of the fingerprint. */
  readonly warnings?: readonly string[]
}
