/**
 * Writes selected rows of a staging column as one column block (the layout's table is in column-block.ts).
 */

import { align8, blockHeaderBytes, type ColumnSource, flagAscii, flagValidity, type SegmentViews, type Selection } from './column-block.ts'
import type { DataType, Field } from './data-type.ts'
import { makeColumn, setValue } from './staging-batch.ts'
import { bigintToBytes, serializeValue } from './value-bytes.ts'
import { fieldOf } from './value-type.ts'
import { writeBinary, writeStrings } from './write-bytes.ts'
import { countNulls, writeBits, writeFloat64, writeInt32, writeInt64, writeValidity } from './write-fixed.ts'

export { align8, type ColumnSource, type SegmentViews, segmentViews } from './column-block.ts'

const sampleRows = 16

/**
 * Writes one block at `byteOffset` (a multiple of 8) and returns the aligned offset behind it, or -1 if it would pass
 * target.limit (bytes below the limit may then have been written). The rows are rows[from] to rows[from + count - 1],
 * or, where rows is null, from to from + count - 1.
 */
export function writeColumn(
  column: ColumnSource,
  rows: Int32Array | null,
  from: number,
  count: number,
  target: SegmentViews,
  byteOffset: number,
): number {
  const selection = { rows, from, count }
  const nullCount = countNulls(column.nulls, selection)
  const dataAt = byteOffset + blockHeaderBytes + (nullCount > 0 ? align8((count + 7) >> 3) : 0)
  if (dataAt > target.limit) return -1
  if (nullCount > 0) writeValidity(column.nulls!, selection, target.u8, byteOffset + blockHeaderBytes)
  const header = byteOffset >> 2
  const { i32 } = target
  i32[header] = count
  i32[header + 1] = nullCount
  i32[header + 2] = nullCount > 0 ? flagValidity : 0
  const end = writeData(column, selection, target, dataAt, header)
  i32[header + 3] = end - byteOffset
  return end
}

function writeData(column: ColumnSource, selection: Selection, target: SegmentViews, offset: number, header: number): number {
  const { type, nulls, name } = column
  const values = column.values as readonly unknown[]
  switch (type.kind) {
    case 'utf8': {
      const { end, ascii } = writeStrings(values, selection, target, offset)
      if (ascii) target.i32[header + 2]! |= flagAscii
      return end
    }
    case 'binary':
      return writeBinary(values, (value) => value as Uint8Array, nulls, selection, target, offset)
    case 'bigint':
      return writeBinary(values, (value) => bigintToBytes(value as bigint), nulls, selection, target, offset)
    case 'any':
      return writeBinary(values, (value) => serializeValue(value, name), nulls, selection, target, offset)
    case 'struct':
      return writeStruct(type.fields, column, selection, target, offset)
    case 'list':
      return writeList({ name: name ?? 'item', type: type.item, nullable: type.itemNullable }, column, selection, target, offset)
    default:
      return writeFixed(column, selection, target, offset)
  }
}

function writeFixed({ type, values }: ColumnSource, selection: Selection, target: SegmentViews, offset: number): number {
  const end = offset + fixedBytes(type.kind, selection.count)
  if (end > target.limit) return -1
  switch (type.kind) {
    case 'boolean':
      writeBits(values as Uint8Array, selection, target.u8, offset)
      break
    case 'int32':
      writeInt32(values as Int32Array, selection, target.i32, offset >> 2)
      break
    case 'float64':
      writeFloat64(values as Float64Array, selection, target.f64, offset >> 3)
      break
    case 'int64':
    case 'timestamp':
    case 'date':
      writeInt64(values as Float64Array, selection, target.i32, offset >> 2)
  }
  return end
}

/** Bytes of the data of fixed-width kinds, aligned. */
function fixedBytes(kind: DataType['kind'], count: number): number {
  if (kind === 'null') return 0
  if (kind === 'boolean') return align8((count + 7) >> 3)
  return kind === 'int32' ? align8(count * 4) : count * 8
}

function writeStruct(fields: readonly Field[], column: ColumnSource, selection: Selection, target: SegmentViews, offset: number): number {
  let at = offset
  if (column.children !== undefined) {
    for (const child of column.children) {
      at = writeColumn(child, selection.rows, selection.from, selection.count, target, at)
      if (at < 0) return -1
    }
    return at
  }
  const objects = selected(column, selection)
  for (const field of fields) {
    at = writeItems(field, fieldValues(objects, field.name), `${column.name ?? 'value'}.${field.name}`, target, at)
    if (at < 0) return -1
  }
  return at
}

function writeList(item: Field, column: ColumnSource, selection: Selection, target: SegmentViews, offset: number): number {
  const { i32, limit } = target
  const itemsAt = offset + align8((selection.count + 1) * 4)
  if (itemsAt > limit) return -1
  const items: unknown[] = []
  let index = offset >> 2
  for (const list of selected(column, selection)) {
    i32[index++] = items.length
    if (list !== null) for (let i = 0; i < (list as unknown[]).length; i++) items.push((list as unknown[])[i])
  }
  i32[index] = items.length
  return writeItems(item, items, `${column.name ?? 'value'}[]`, target, itemsAt)
}

/** The values of the selected rows, null where there is none. */
function selected({ values, nulls }: ColumnSource, { rows, from, count }: Selection): unknown[] {
  const result = new Array<unknown>(count)
  for (let i = 0; i < count; i++) {
    const row = rows === null ? from + i : rows[from + i]!
    result[i] = nulls?.[row] === 1 ? null : (values[row] ?? null)
  }
  return result
}

const fieldValues = (objects: readonly unknown[], name: string): unknown[] =>
  objects.map((object) => (object === null ? null : fieldOf(object as Record<string, unknown>, name)))

/** Loose values as the arrays of a column. */
function columnOf(field: Field, items: readonly unknown[]): Pick<ColumnSource, 'values' | 'nulls'> {
  const column = makeColumn(field, items.length)
  for (let i = 0; i < items.length; i++) setValue(column, i, items[i])
  return { values: column.values, nulls: column.nulls }
}

function writeItems(field: Field, items: readonly unknown[], path: string, target: SegmentViews, offset: number): number {
  return writeColumn({ ...field, name: path, ...columnOf(field, items) }, null, 0, items.length, target, offset)
}

/**
 * About what writeColumn takes. Exact for fixed width and binary (but for the validity bitmap, which is counted wherever
 * nulls are possible), and never too little for up to 16 rows; text of more rows is judged by a sample, so writeColumn
 * may yet answer -1. Nested and opaque values are walked, opaque ones serialised.
 */
export function columnSizeBytes(column: ColumnSource, rows: Int32Array | null, from: number, count: number): number {
  return sizeOf(column, { rows, from, count }, count <= sampleRows)
}

function sizeOf(column: ColumnSource, selection: Selection, exact: boolean): number {
  const { type, nulls, name } = column
  const { count } = selection
  const values = column.values as readonly unknown[]
  const head = blockHeaderBytes + (nulls === null ? 0 : align8((count + 7) >> 3))
  const bytesHead = head + align8((count + 1) * 4)
  switch (type.kind) {
    case 'utf8':
      return bytesHead + align8(exact ? sum(values, selection, utf8Length) : textSize(values, selection))
    case 'binary':
      return bytesHead + align8(sum(values, selection, (value) => (value as Uint8Array).length))
    case 'bigint':
      return bytesHead + align8(sum(values, selection, (value) => bigintToBytes(value as bigint).length))
    case 'any':
      return bytesHead + align8(sum(values, selection, (value) => serializeValue(value, name).length))
    case 'struct': {
      const objects = selected(column, selection)
      return type.fields.reduce((total, field) => total + itemsSize(field, fieldValues(objects, field.name), exact), head)
    }
    case 'list': {
      const items = selected(column, selection).flatMap((list) => (list === null ? [] : Array.from(list as unknown[])))
      return bytesHead + itemsSize({ name: name ?? 'item', type: type.item, nullable: type.itemNullable }, items, exact)
    }
    default:
      return head + fixedBytes(type.kind, count)
  }
}

const utf8Length = (value: unknown): number => Buffer.byteLength(value as string)

/** One byte a character if a sample is ASCII, else three, which is the most that UTF-8 needs. */
function textSize(values: readonly unknown[], selection: Selection): number {
  const length = sum(values, selection, (value) => (value as string).length)
  const step = Math.max(1, Math.floor(selection.count / sampleRows))
  for (let i = 0; i < selection.count; i += step) {
    const sampled = { ...selection, from: selection.from + i, count: 1 }
    if (sum(values, sampled, (value) => utf8Length(value) - (value as string).length) > 0) return 3 * length
  }
  return length
}

function itemsSize(field: Field, items: readonly unknown[], exact: boolean): number {
  return sizeOf({ ...field, ...columnOf(field, items) }, { rows: null, from: 0, count: items.length }, exact)
}

function sum(values: readonly unknown[], { rows, from, count }: Selection, size: (value: unknown) => number): number {
  let total = 0
  for (let i = from, end = from + count; i < end; i++) {
    const value = values[rows === null ? i : rows[i]!]
    if (value !== null && value !== undefined) total += size(value)
  }
  return total
}
