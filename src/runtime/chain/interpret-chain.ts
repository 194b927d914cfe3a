/**
 * The chain without generated code: each row is read, and handed from operator to operator by calls. It behaves exactly
 * like the compiled form, and is used where code generation is not allowed (execution.codegen: false).
 */
import { rowReader } from '../../base/columnar/column-batch.ts'
import type { KeySpec } from '../../program/graph/operator-descriptor.ts'
import { keyOf } from '../operator/key-of.ts'
import type { ChainUnit } from './chain-input.ts'
import { type ChainNode, type EmitRow, mainOutput, type NodeOutput } from './chain-node.ts'
import type { ChainRuntime, RunUnit } from './compile-chain.ts'

/** Makes the emission of every operator plain, and the plain runner of the head. */
export function interpretChain(rt: ChainRuntime): RunUnit {
  const emitters = new Map<NodeOutput, EmitRow>()
  // From the last node to the first: what stands behind a node exists before the node's own output.
  for (const node of [...rt.nodes].reverse()) {
    for (const output of node.outputs) {
      const emit = emitter(output)
      emitters.set(output, emit)
      if (output.tag === undefined) node.output.target = emit
      else node.output.sideTargets.set(output.tag, emit)
    }
  }
  const head = rt.nodes[0]!
  const sinks = rt.nodes.flatMap(({ descriptor, operator }) => (descriptor.kind === 'sink' ? [operator!] : []))
  const isStopped = () =>
    rt.interrupted || rt.partitions.some((partition) => partition.isFull) || sinks.some((sink) => sink.pending !== undefined)
  return (unit, end) => {
    const read = rowsOf(unit)
    const time = timestampsOf(unit)
    const handle =
      head.descriptor.kind === 'source'
        ? sourceElement(unit, emitters.get(mainOutput(head)) ?? dropRow, rt)
        : headElement(head, unit, rt.headKeys[unit.input])
    let i = unit.cursor
    try {
      for (; i < end && !isStopped(); i++) handle(read(i), time(i))
    } catch (thrown) {
      rt.fail(thrown, head.index, unit, i)
    }
    return i
  }
}

function emitter(output: NodeOutput): EmitRow {
  const { children, partitions } = output
  return (row, timestamp) => {
    output.rows++
    for (const child of children) child.operator!.processElement(row, timestamp, undefined)
    for (const partition of partitions) partition.emit(row, timestamp)
  }
}

function rowsOf(unit: ChainUnit): (i: number) => unknown {
  if (unit.form === 'rows') return (i) => unit.rows[i]
  if (unit.form === 'range') return (i) => unit.generate(unit.from + i * unit.step)
  return rowReader(unit.batch)
}

function timestampsOf(unit: ChainUnit): (i: number) => number {
  if (unit.form === 'rows' && unit.timestamps !== undefined) {
    const { timestamps } = unit
    return (i) => timestamps[i]!
  }
  if (unit.form !== 'batch' || unit.batch.timestamps === null) return () => Number.NaN
  const { data, offset } = unit.batch.timestamps
  return (i) => data[offset + i]!
}

function sourceElement(unit: ChainUnit, emit: EmitRow, rt: ChainRuntime): EmitRow {
  const { watermarks } = unit
  if (watermarks === undefined) return emit
  return (row, recordTimestamp) => {
    const timestamp = watermarks.timestampOf(row, recordTimestamp)
    emit(row, timestamp)
    if (watermarks.onEvent(row, timestamp)) rt.interrupted = true
  }
}

function headElement(head: ChainNode, unit: ChainUnit, key: KeySpec | undefined): EmitRow {
  const operator = head.operator!
  const keyOfRow = key === undefined ? () => undefined : keyOf(key)
  if (unit.input === 1) return (row, timestamp) => operator.processElement2!(row, timestamp, keyOfRow(row))
  return (row, timestamp) => operator.processElement(row, timestamp, keyOfRow(row))
}

function dropRow(): void {}
