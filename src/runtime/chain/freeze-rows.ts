/**
 * `execution.check-mutation`: rows are frozen as soon as they are emitted, so that a function which changes one fails
 * there and then, instead of changing what its neighbours in the chain see. Used by inline execution and tests; where it
 * is off, nothing of this is called.
 */
import { isRecord } from '../../base/columnar/value-type.ts'
import type { ChainUnit } from './chain-input.ts'
import { ChainOutput } from './chain-node.ts'

/** The row itself, with all plain objects and arrays in it frozen. Dates, maps and typed arrays cannot be. */
export function freezeRow<T>(row: T): T {
  if (typeof row !== 'object' || row === null || Object.isFrozen(row)) return row
  if (!Array.isArray(row) && !isRecord(row)) return row
  Object.freeze(row)
  for (const value of Object.values(row)) freezeRow(value)
  return row
}

/** A source's unit whose rows are frozen. Those of a batch are made anew for each reader. */
export function freezeUnit(unit: ChainUnit): ChainUnit {
  if (unit.form === 'rows') unit.rows.forEach(freezeRow)
  if (unit.form !== 'range') return unit
  const { generate } = unit
  return { ...unit, generate: (index) => freezeRow(generate(index)) }
}

/** Freezes what an operator emits by call. */
export class FreezingOutput extends ChainOutput {
  override emit(row: unknown, timestamp: number): void {
    super.emit(freezeRow(row), timestamp)
  }

  override emitSide(tag: string, row: unknown, timestamp: number): void {
    super.emitSide(tag, freezeRow(row), timestamp)
  }
}
