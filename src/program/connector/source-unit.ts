/**
 * Units of rows or columns: their length, and slices of them without copying values.
 */
import type { SourceColumn, SourceUnit } from '../function/source.ts'

export type RowsOrColumns<T> = Exclude<SourceUnit<T>, { kind: 'range' }>

export const rowCountOf = (unit: RowsOrColumns<unknown>): number => (unit.kind === 'rows' ? unit.rows.length : unit.rowCount)

/** Rows `from` to `until`; the whole unit is returned as it is. */
export function sliceUnit<T>(unit: RowsOrColumns<T>, from: number, until: number): RowsOrColumns<T> {
  if (from === 0 && until === rowCountOf(unit)) return unit
  if (unit.kind === 'rows') return { kind: 'rows', rows: unit.rows.slice(from, until) }
  return {
    kind: 'columns',
    rowCount: until - from,
    columns: unit.columns.map((column) => ({ ...column, values: sliceValues(column.values, from, until) })),
  }
}

export function sliceValues(values: SourceColumn['values'], from: number, until: number): SourceColumn['values'] {
  return ArrayBuffer.isView(values) ? (values as Float64Array).subarray(from, until) : values.slice(from, until)
}
