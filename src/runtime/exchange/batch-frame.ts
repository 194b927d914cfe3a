/**
 * Writes one batch frame (the layout's table is in frame.ts): into a segment as far as it has room, or one row that no
 * segment can hold into memory of its own.
 */
import type { Schema } from '../../base/columnar/data-type.ts'
import type { StringDictionary } from '../../base/columnar/dictionary.ts'
import type { FixedWriter } from '../../base/columnar/fixed-writer.ts'
import { type ColumnSource, columnSizeBytes, type SegmentViews, segmentViews, writeColumn } from '../../base/columnar/write-column.ts'
import { assert } from '../../base/core/stream-error.ts'
import { alignTo8, frameHeaderBytes, frameKind } from './frame.ts'

/** A staged batch as the scatter hands it to channels. */
export interface OutgoingBatch {
  readonly schema: Schema
  /** A dictionary-coded column holds its ids here, as int32. */
  readonly columns: readonly ColumnSource[]
  readonly dictionaries: readonly (StringDictionary | undefined)[]
  /** undefined when no row has one. */
  readonly timestamps: Float64Array | undefined
}

/** The rows of one frame: order[from] to order[from + count - 1], or from to from + count - 1 without an order. */
export interface FrameRows {
  readonly order: Int32Array | null
  readonly from: number
  readonly count: number
}

/** Answers where the next frame begins, or -1 if this one would pass `limit`. `fixed`: a writer made for the batch, if it has one. */
export function writeBatchFrame(
  batch: OutgoingBatch,
  schemaIndex: number,
  rows: FrameRows,
  views: SegmentViews,
  start: number,
  limit: number,
  fixed?: FixedWriter,
): number {
  const { from, count } = rows
  const body = start + frameHeaderBytes
  const at = fixed === undefined ? writeColumns(batch, rows, views, body, limit) : fixed.write(from, count, body, limit)
  if (at < 0) return -1
  let dictionaryBits = 0
  for (let c = 0; c < batch.columns.length; c++) if (batch.dictionaries[c] !== undefined) dictionaryBits |= 1 << c
  const word = start >> 2
  const { i32 } = views
  i32[word] = frameKind.batch
  i32[word + 1] = at - start
  i32[word + 2] = count
  i32[word + 3] = schemaIndex
  i32[word + 4] = batch.timestamps === undefined ? 0 : 1
  i32[word + 5] = dictionaryBits
  return at
}

function writeColumns(batch: OutgoingBatch, rows: FrameRows, views: SegmentViews, body: number, limit: number): number {
  const { order, from, count } = rows
  let at = body
  if (batch.timestamps !== undefined) {
    if (at + count * 8 > limit) return -1
    gather(batch.timestamps, rows, views.f64, at >> 3)
    at += count * 8
  }
  const target = limit === views.limit ? views : { ...views, limit }
  for (const column of batch.columns) {
    at = writeColumn(column, order, from, count, target, at)
    if (at < 0) return -1
  }
  return at
}

/** About the bytes of a frame with these rows; exact for up to 16 rows, and wherever all columns are of fixed width. */
export function batchFrameBytes(batch: OutgoingBatch, { order, from, count }: FrameRows): number {
  let bytes = frameHeaderBytes + (batch.timestamps === undefined ? 0 : count * 8)
  for (const column of batch.columns) bytes += alignTo8(columnSizeBytes(column, order, from, count))
  return bytes
}

/** The frame of one row, in memory of its own. */
export function largeRowFrame(batch: OutgoingBatch, schemaIndex: number, row: FrameRows, bytes: number): Uint8Array {
  const views = segmentViews(new ArrayBuffer(alignTo8(bytes)))
  const end = writeBatchFrame(batch, schemaIndex, row, views, 0, views.limit)
  assert(end > 0, 'a large record outgrew its measured size')
  return views.u8.subarray(0, end)
}

/** target[to..] = the rows' values. */
function gather(values: Float64Array, { order, from, count }: FrameRows, target: Float64Array, to: number): void {
  if (order === null) target.set(values.subarray(from, from + count), to)
  else for (let i = 0; i < count; i++) target[to + i] = values[order[from + i]!]!
}
