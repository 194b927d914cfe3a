/**
 * Objects of numbers as a column of columns, on their way to a file: their owner has them by field, and making an object a row only to
 * take it apart again would be most of the work.
 */
import type { ColumnarUnitColumn, NumberField } from './column-batch.ts'
import type { ColumnSource } from './column-block.ts'
import type { DataType, Field } from './data-type.ts'

/** The column; `values`, the same as objects, is made for whoever reads it. */
export function structColumn(name: string, fields: readonly NumberField[], rowCount: number): ColumnarUnitColumn {
  let rows: readonly unknown[] | undefined
  return {
    name,
    fields,
    get values() {
      rows ??= Array.from({ length: rowCount }, (_, i) => Object.fromEntries(fields.map((field) => [field.name, field.values[i]])))
      return rows
    },
  }
}

/** Whether the rows come back equal from a column of the type, and structSource can write them. */
export function structFits(type: DataType, fields: readonly NumberField[], rowCount: number): boolean {
  return isStructOf(type, fields) && type.fields.every((field, f) => numbersFit(field.type, fields[f]!.values, rowCount))
}

function isStructOf(type: DataType, fields: readonly NumberField[]): type is DataType & { readonly kind: 'struct' } {
  return (
    type.kind === 'struct' &&
    type.fields.length === fields.length &&
    type.fields.every((field, f) => field.name === fields[f]!.name && numeric.has(field.type.kind))
  )
}

const numeric: ReadonlySet<string> = new Set(['float64', 'int32', 'int64', 'timestamp'])

function numbersFit({ kind }: DataType, values: Float64Array, rowCount: number): boolean {
  if (kind === 'float64') return true
  const most = kind === 'int32' ? 0x7fffffff : Number.MAX_SAFE_INTEGER
  const least = kind === 'int32' ? -0x80000000 : Number.MIN_SAFE_INTEGER
  for (let i = 0; i < rowCount; i++) {
    const value = values[i]!
    // The last: -0 has no place among whole numbers.
    if (Math.floor(value) !== value || value > most || value < least || (value === 0 && 1 / value < 0)) return false
  }
  return true
}

/** Rows of it in the form that blocks are written from; undefined: the type is no struct of such numbers. */
export function structSource(field: Field, fields: readonly NumberField[], from: number, count: number): ColumnSource | undefined {
  const { type } = field
  if (!isStructOf(type, fields)) return undefined
  const children = type.fields.map((child, f): ColumnSource => {
    const values = fields[f]!.values.subarray(from, from + count)
    return { ...child, values: child.type.kind === 'int32' ? new Int32Array(values) : values, nulls: null }
  })
  return { ...field, values: noValues, nulls: null, children }
}

const noValues: readonly unknown[] = []

/** One behind the other; undefined where the columns have not the same fields. */
export function joinStructs(
  columns: readonly ColumnarUnitColumn[],
  rowCounts: readonly number[],
  rowCount: number,
): ColumnarUnitColumn | undefined {
  const [first] = columns
  const names = first?.fields?.map(({ name }) => name)
  if (names === undefined) return undefined
  const isAlike = columns.every(({ fields }) => fields?.length === names.length && fields.every(({ name }, f) => name === names[f]))
  if (!isAlike) return undefined
  const fields = names.map((name, f) => {
    const values = new Float64Array(rowCount)
    let at = 0
    for (const [c, column] of columns.entries()) {
      values.set(column.fields![f]!.values.subarray(0, rowCounts[c]), at)
      at += rowCounts[c]!
    }
    return { name, values }
  })
  return structColumn(first!.name, fields, rowCount)
}
