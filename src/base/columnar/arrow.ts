/**
 * Batches as Arrow record batches. Column blocks have Arrow's physical layout, so numbers, text and nested columns are
 * wrapped where they stand: the record batch is a set of views and is valid as long as the memory is. Columns that were
 * decoded into objects are encoded again.
 */
import type * as Arrow from 'apache-arrow'
import { type ArrowModule, toArrowSchema, toArrowType } from './arrow-schema.ts'
import type { ColumnBatch } from './column-batch.ts'
import { align8, blockHeaderBytes, flagValidity, type SegmentViews, segmentViews } from './column-block.ts'
import type { DataType, Field, Schema } from './data-type.ts'
import { type ReadColumn, readValue } from './read-column.ts'
import { makeColumn, setValue } from './staging-batch.ts'
import { columnSizeBytes, writeColumn } from './write-column.ts'

/** The column blocks of one batch, which stand one behind the other from byteOffset, as a record batch without a copy. */
export function wrapBlocks(
  arrow: ArrowModule,
  schema: Schema,
  views: SegmentViews,
  byteOffset: number,
  rowCount: number,
): Arrow.RecordBatch {
  const { children } = wrapFields(arrow, schema.fields, views, byteOffset, rowCount)
  return recordBatch(arrow, schema, children, rowCount)
}

/** A batch as a record batch: without a copy for columns of numbers, encoded for all else. */
export function toRecordBatch(arrow: ArrowModule, batch: ColumnBatch): Arrow.RecordBatch {
  const { schema, columns, rowCount } = batch
  const children = schema.fields.map(
    (field, c) => wrapNumbers(arrow, field.type, columns[c]!, rowCount) ?? encode(arrow, field, columns[c]!, rowCount),
  )
  return recordBatch(arrow, schema, children, rowCount)
}

function recordBatch(arrow: ArrowModule, schema: Schema, children: Arrow.Data[], rowCount: number): Arrow.RecordBatch {
  const arrowSchema = toArrowSchema(arrow, schema)
  return new arrow.RecordBatch(
    arrowSchema,
    arrow.makeData({ type: new arrow.Struct(arrowSchema.fields), length: rowCount, nullCount: 0, children }),
  )
}

function wrapNumbers(arrow: ArrowModule, type: DataType, column: ReadColumn, length: number): Arrow.Data | null {
  const { layout, offset, validity, validityBit } = column
  const data = column.data as Float64Array
  // Bitmaps of blocks begin at a byte; anything else must be shifted, hence copied.
  if ((validityBit & 7) !== 0 || (layout === 'bits' && (offset & 7) !== 0)) return null
  const nulls =
    validity === null
      ? { nullCount: 0 }
      : { nullCount: -1, nullBitmap: validity.subarray(validityBit >>> 3, (validityBit + length + 7) >>> 3) }
  const of = { length, ...nulls }
  if (layout === 'f64' && type.kind === 'float64')
    return arrow.makeData({ type: new arrow.Float64(), data: data.subarray(offset, offset + length), ...of })
  if (layout === 'i32' && type.kind === 'int32')
    return arrow.makeData({ type: new arrow.Int32(), data: (column.data as Int32Array).subarray(offset, offset + length), ...of })
  if (layout === 'bits')
    return arrow.makeData({
      type: new arrow.Bool(),
      data: (column.data as Uint8Array).subarray(offset >>> 3, (offset + length + 7) >>> 3),
      ...of,
    })
  if (layout !== 'i64' || (type.kind !== 'int64' && type.kind !== 'timestamp')) return null
  return arrow.makeData({
    type: toArrowType(arrow, type) as Arrow.Int64,
    data: new BigInt64Array(data.buffer, data.byteOffset + offset * 4, length),
    ...of,
  })
}

/** Encodes a column into memory of its own and wraps that. */
function encode(arrow: ArrowModule, field: Field, column: ReadColumn, rowCount: number): Arrow.Data {
  const staged = makeColumn(field, rowCount)
  for (let i = 0; i < rowCount; i++) setValue(staged, i, readValue(column, i))
  const source = { ...field, values: staged.values, nulls: staged.nulls }
  for (let sizeBytes = columnSizeBytes(source, null, 0, rowCount); ; sizeBytes = align8(sizeBytes * 2)) {
    const views = segmentViews(new ArrayBuffer(sizeBytes))
    if (writeColumn(source, null, 0, rowCount, views, 0) >= 0) return wrapBlock(arrow, field.type, views, 0, rowCount).data
  }
}

interface Wrapped {
  readonly data: Arrow.Data
  readonly end: number
}

function wrapFields(
  arrow: ArrowModule,
  fields: readonly Field[],
  views: SegmentViews,
  byteOffset: number,
  rowCount: number,
): { children: Arrow.Data[]; end: number } {
  let end = byteOffset
  const children = fields.map(({ type }) => {
    const wrapped = wrapBlock(arrow, type, views, end, rowCount)
    end = wrapped.end
    return wrapped.data
  })
  return { children, end }
}

function wrapBlock(arrow: ArrowModule, type: DataType, views: SegmentViews, byteOffset: number, length: number): Wrapped {
  const { i32, f64, u8 } = views
  const header = byteOffset >> 2
  const nullCount = i32[header + 1]!
  const end = byteOffset + i32[header + 3]!
  const bitmapAt = byteOffset + blockHeaderBytes
  const bitmapBytes = (length + 7) >> 3
  const hasBitmap = (i32[header + 2]! & flagValidity) !== 0
  const at = hasBitmap ? bitmapAt + align8(bitmapBytes) : bitmapAt
  const of = { length, nullCount, ...(hasBitmap && { nullBitmap: u8.subarray(bitmapAt, bitmapAt + bitmapBytes) }) }
  const arrowType = toArrowType(arrow, type)
  const offsetsEnd = (at >> 2) + length + 1
  switch (type.kind) {
    case 'null':
      return { data: arrow.makeData({ type: arrowType as Arrow.Null, length }), end }
    case 'boolean':
      return { data: arrow.makeData({ type: arrowType as Arrow.Bool, data: u8.subarray(at, at + bitmapBytes), ...of }), end }
    case 'int32':
      return { data: arrow.makeData({ type: arrowType as Arrow.Int32, data: i32.subarray(at >> 2, (at >> 2) + length), ...of }), end }
    case 'float64':
      return { data: arrow.makeData({ type: arrowType as Arrow.Float64, data: f64.subarray(at >> 3, (at >> 3) + length), ...of }), end }
    case 'int64':
    case 'timestamp':
    case 'date':
      return {
        data: arrow.makeData({ type: arrowType as Arrow.Int64, data: new BigInt64Array(u8.buffer, u8.byteOffset + at, length), ...of }),
        end,
      }
    case 'struct':
      return {
        data: arrow.makeData({
          type: arrowType as Arrow.Struct,
          children: wrapFields(arrow, type.fields, views, at, length).children,
          ...of,
        }),
        end,
      }
    case 'list': {
      const valueOffsets = i32.subarray(at >> 2, offsetsEnd)
      const child = wrapBlock(arrow, type.item, views, at + align8((length + 1) * 4), valueOffsets[length]!).data
      return { data: arrow.makeData({ type: arrowType as Arrow.List, valueOffsets, child, ...of }), end }
    }
    default: {
      const valueOffsets = i32.subarray(at >> 2, offsetsEnd)
      const bytesAt = at + align8((length + 1) * 4)
      const data = u8.subarray(bytesAt, bytesAt + valueOffsets[length]!)
      return { data: arrow.makeData({ type: arrowType as Arrow.Binary, valueOffsets, data, ...of }), end }
    }
  }
}
