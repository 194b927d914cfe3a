/**
 * A task's operators as the chain sees them: a tree in topological order, each node with the operator it runs, what is
 * chained behind it, and the edges that leave it.
 */
import type { OperatorDescriptor } from '../../program/graph/operator-descriptor.ts'
import type { ResultPartition } from '../exchange/result-partition.ts'
import type { KeyedKernel } from '../operator/kernel/keyed-kernel.ts'
import type { OperatorContext, Output, StreamOperator } from '../operator/operator.ts'

/** Takes one row that an operator emitted. */
export type EmitRow = (row: any, timestamp: number) => void

/** Where one output (main, or a side output by tag) of a node goes. */
export interface NodeOutput {
  readonly tag: string | undefined
  /** Rows that went out; not counted for operators that emit one row for each (emitsOneForEach). */
  rows: number
  readonly children: readonly ChainNode[]
  readonly partitions: readonly ResultPartition[]
}

export interface ChainNode {
  /** Position in the vertex's operators. */
  readonly index: number
  readonly name: string
  readonly descriptor: OperatorDescriptor
  /** undefined for sources. */
  readonly operator: StreamOperator | undefined
  /** The operator, if it is a kernel. */
  readonly kernel: KeyedKernel | undefined
  /** The user's function of a map or filter, for generated loops. */
  readonly fn: ((row: any) => any) | undefined
  readonly ctx: OperatorContext
  readonly output: ChainOutput
  readonly outputs: readonly NodeOutput[]
}

/** The main output of a node, which may go nowhere. */
export const mainOutput = (node: ChainNode): NodeOutput =>
  node.outputs.find((output) => output.tag === undefined) ?? { tag: undefined, rows: 0, children: [], partitions: [] }

/** Operators whose output is as long as their input: nothing needs to count it. */
export const emitsOneForEach = (node: ChainNode): boolean => node.descriptor.kind === 'source' || node.descriptor.kind === 'map'

/** All partitions that rows of a node can reach. */
export function reachablePartitions(node: ChainNode): ResultPartition[] {
  return node.outputs.flatMap((output) => [...output.partitions, ...output.children.flatMap(reachablePartitions)])
}

/**
 * The Output that a plain operator emits into. What stands behind it is put in by the compiler or the interpreter, and
 * again whenever generated code is renewed.
 */
export class ChainOutput implements Output {
  target: EmitRow = dropRow
  sideTargets = new Map<string, EmitRow>()
  partitions: readonly ResultPartition[] = []
  /** Operators behind it that may be waiting for a promise. */
  waiters: readonly StreamOperator[] = []
  /** Given by the chain to operators that make their own time. */
  emitWatermark: (watermark: number) => void = ignore
  emitIdle: (idle: boolean) => void = ignore

  emit(row: unknown, timestamp: number): void {
    this.target(row, timestamp)
  }

  emitSide(tag: string, row: unknown, timestamp: number): void {
    this.sideTargets.get(tag)?.(row, timestamp)
  }

  get isFull(): boolean {
    for (const partition of this.partitions) if (partition.isFull) return true
    for (const waiter of this.waiters) if (waiter.pending !== undefined) return true
    return false
  }
}

function dropRow(): void {}

function ignore(): void {}
