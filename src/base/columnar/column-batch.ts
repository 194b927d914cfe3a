/**
 * A batch as its consumer sees it: columns over a segment, or over the arrays of a columnar source. Valid until the
 * segment is given back; what `rowReader` returns shares nothing with it.
 */
import { StreamError } from '../core/stream-error.ts'
import type { DataType, Field, Schema } from './data-type.ts'
import { type ReadColumn, readValue, setField } from './read-column.ts'
import { makeSchema, restIndex } from './schema.ts'
import { inferType, joinTypes, type ValueType } from './value-type.ts'

export interface ColumnBatch {
  readonly schema: Schema
  readonly rowCount: number
  readonly columns: readonly ReadColumn[]
  /** NaN: the row has none. null: no row has one. */
  readonly timestamps: { readonly data: Float64Array; readonly offset: number } | null
}

/** Reads row i as a fresh object, or as the value itself for a schema of values. The slow, general way. */
export function rowReader(batch: ColumnBatch): (i: number) => unknown {
  const { schema, columns } = batch
  if (schema.root === 'value') return (i) => readValue(columns[0]!, i)
  const rest = restIndex(schema)
  const count = rest < 0 ? columns.length : rest
  return (i) => {
    const row: Record<string, unknown> = {}
    for (let c = 0; c < count; c++) setField(row, schema.fields[c]!.name, readValue(columns[c]!, i))
    if (rest >= 0) spreadRest(row, readValue(columns[rest]!, i))
    return row
  }
}

/** Puts the fields that the rest column carried back into their row. */
export function spreadRest(row: Record<string, unknown>, rest: unknown): void {
  if (rest !== null) for (const [name, value] of Object.entries(rest as object)) setField(row, name, value)
}

/** The timestamp of row i, or null. */
export function timestampAt({ timestamps }: ColumnBatch, i: number): number | null {
  const timestamp = timestamps === null ? Number.NaN : timestamps.data[timestamps.offset + i]!
  return Number.isNaN(timestamp) ? null : timestamp
}

/** Columns as a columnar source gives them (SourceColumns of program/function). */
export interface ColumnarUnit {
  readonly rowCount: number
  readonly columns: readonly ColumnarUnitColumn[]
  readonly timestamps?: Float64Array
}

export interface ColumnarUnitColumn {
  readonly name: string
  readonly values: Float64Array | Int32Array | Uint8Array | readonly unknown[]
  readonly kind?: 'float64' | 'int32' | 'int64' | 'timestamp' | 'boolean' | 'utf8'
  readonly dictionary?: readonly string[]
  /** The rows are objects of these fields (struct-column.ts), and `values` the same once more. Of state only. */
  readonly fields?: readonly NumberField[]
}

/** A field of all rows of a column of objects. */
export interface NumberField {
  readonly name: string
  readonly values: Float64Array
}

/** A source's columns as a batch, without copying what is a typed array. The schema says what the columns hold. */
export function batchOfColumns(unit: ColumnarUnit): ColumnBatch {
  const { rowCount, timestamps } = unit
  const opened = unit.columns.map((column) => openSourceColumn(column, rowCount))
  const fields = opened.map(({ field }) => field)
  return {
    schema: makeSchema('row', fields, false),
    rowCount,
    columns: opened.map(({ column }) => column),
    timestamps: timestamps === undefined ? null : { data: timestamps, offset: 0 },
  }
}

function openSourceColumn(source: ColumnarUnitColumn, rowCount: number): { field: Field; column: ReadColumn } {
  const { name, values, kind, dictionary } = source
  if (values.length < rowCount)
    throw new StreamError(
      'INVALID_ARGUMENT',
      `column '${name}' of a columnar source has ${values.length} values, but its batch has ${rowCount} rows`,
      {
        hint: 'Give every column of one batch the same number of values.',
      },
    )
  const column = (layout: ReadColumn['layout'], data: ReadColumn['data']): ReadColumn => ({
    layout,
    data,
    offset: 0,
    validity: null,
    validityBit: 0,
    nextByteOffset: 0,
  })
  if (dictionary !== undefined && values instanceof Int32Array)
    return { field: { name, type: { kind: 'utf8' }, nullable: false }, column: { ...column('i32', values), dictionary } }
  if (values instanceof Float64Array) {
    const type: DataType = { kind: kind ?? 'float64' }
    if (type.kind === 'int64' || type.kind === 'timestamp') checkWhole(name, type.kind, values, rowCount)
    return { field: { name, type, nullable: false }, column: column('f64', values) }
  }
  if (values instanceof Int32Array)
    return { field: { name, type: { kind: kind ?? 'int32' }, nullable: false }, column: column('i32', values) }
  if (values instanceof Uint8Array) return { field: { name, type: { kind: 'boolean' }, nullable: false }, column: column('u8', values) }
  const { type, nullable } =
    kind === undefined ? inferColumn(values, rowCount) : { type: { kind } as DataType, nullable: hasNull(values, rowCount) }
  return { field: { name, type, nullable }, column: column('objects', values) }
}

function inferColumn(values: readonly unknown[], rowCount: number): ValueType {
  let joined: ValueType = { type: { kind: 'null' }, nullable: false }
  for (let i = 0; i < rowCount; i++) joined = joinTypes(joined, inferType(values[i]))
  return joined
}

function hasNull(values: readonly unknown[], rowCount: number): boolean {
  for (let i = 0; i < rowCount; i++) if (values[i] === null || values[i] === undefined) return true
  return false
}

function checkWhole(name: string, kind: string, values: Float64Array, rowCount: number): void {
  for (let i = 0; i < rowCount; i++)
    if (!Number.isSafeInteger(values[i]))
      throw new StreamError(
        'TYPE_MISMATCH',
        `column '${name}' of a columnar source is said to be ${kind}, but row ${i} holds ${values[i]}`,
        {
          hint: 'Whole numbers of at most 2^53 are needed: give the column the kind float64.',
        },
      )
}
