/**
 * What the user said: one node per transformation, in the order of their making. union, partitioning and side outputs
 * are properties of edges, as in Flink. Plain objects, but for the functions inside descriptors.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import type { KeySpec, OperatorDescriptor, Partitioning } from './operator-descriptor.ts'

export type ChainingStrategy = 'always' | 'head' | 'never'

export interface StreamEdge {
  /** Node id of the producer. */
  readonly from: number
  /** Which input of the consumer: 0, or 1 for the second stream of connect. Several edges into one input are a union. */
  readonly input: 0 | 1
  readonly partitioning: Partitioning
  /** Absent: the main output. */
  readonly outputTag?: string
  /** Declared by the tag of a side output. */
  readonly outputType?: Type<unknown>
}

export interface StreamNode {
  /** From 1, in the order of the calls that made the nodes: the same in each run of the same main. */
  readonly id: number
  readonly operator: OperatorDescriptor
  name: string
  uid?: string
  description?: string
  parallelism: number
  maxParallelism?: number
  slotSharingGroup: string
  chaining: ChainingStrategy
  bufferTimeoutMs?: number
  readonly inputs: readonly StreamEdge[]
  /** Per input; absent: not keyed. */
  readonly keys: readonly (KeySpec | undefined)[]
  /** Declared type of the main output, where the user gave one. */
  outputType?: Type<unknown>
}

export interface StreamGraph {
  readonly jobName: string
  readonly nodes: readonly StreamNode[]
  readonly config: Readonly<Record<string, unknown>>
  /** What the API noticed while the program was written down. */
  readonly warnings?: readonly string[]
}
