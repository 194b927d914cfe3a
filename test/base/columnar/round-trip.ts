/**
 * Staging -> segment -> batch, as an exchange does it, in one memory.
 */
import { expect } from 'vitest'
import type { ColumnBatch } from '../../../src/base/columnar/column-batch.ts'
import type { Schema } from '../../../src/base/columnar/data-type.ts'
import { openColumn } from '../../../src/base/columnar/read-column.ts'
import type { StagingBatch } from '../../../src/base/columnar/staging-batch.ts'
import { columnSizeBytes, type SegmentViews, segmentViews, writeColumn } from '../../../src/base/columnar/write-column.ts'

/** Writes the selected rows at `start` and opens them again; fails if a column takes more than it was said to. */
export function throughSegment(
  staging: StagingBatch,
  rows: Int32Array | null = null,
  from = 0,
  count = staging.rowCount,
  start = 64,
): ColumnBatch {
  const schema = staging.schema as Schema
  const columns = staging.columns.map(({ field, values, nulls }) => ({ ...field, values, nulls }))
  const sizes = columns.map((column) => columnSizeBytes(column, rows, from, count))
  // Text of many rows is only estimated, by at most a factor of three.
  const views = segmentViews(new SharedArrayBuffer(start + 3 * sizes.reduce((a, b) => a + b, 0) + 64))
  views.u8.fill(0xaa)
  let at = start
  for (const [c, column] of columns.entries()) {
    const end = writeColumn(column, rows, from, count, views, at)
    expect(end % 8).toBe(0)
    if (count <= 16) expect(end - at).toBeLessThanOrEqual(sizes[c]!)
    at = end
  }
  return openBatch(schema, views, start, count)
}

export function openBatch(schema: Schema, views: SegmentViews, start: number, rowCount: number): ColumnBatch {
  let at = start
  const columns = schema.fields.map((field) => {
    const column = openColumn(field.type, views, at, rowCount)
    at = column.nextByteOffset
    return column
  })
  return { schema, rowCount, columns, timestamps: null }
}
