import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rowReader } from '../../../src/base/columnar/column-batch.ts'
import type { DataType } from '../../../src/base/columnar/data-type.ts'
import { openColumn, readValue } from '../../../src/base/columnar/read-column.ts'
import { makeSchema } from '../../../src/base/columnar/schema.ts'
import { StagingBatch } from '../../../src/base/columnar/staging-batch.ts'
import { type ColumnSource, columnSizeBytes, segmentViews, writeColumn } from '../../../src/base/columnar/write-column.ts'
import { fields, recordOf, rowAsRead } from './arbitrary.ts'
import { throughSegment } from './round-trip.ts'

const stage = (type: DataType, nullable: boolean, values: readonly unknown[]): StagingBatch => {
  const staging = new StagingBatch(makeSchema('value', [{ name: 'value', type, nullable }], true))
  for (const value of values) expect(staging.append(value, Number.NaN)).toBe(true)
  return staging
}
const readAll = (staging: StagingBatch, rows: Int32Array | null = null, from = 0, count = staging.rowCount): unknown[] => {
  const read = rowReader(throughSegment(staging, rows, from, count))
  return Array.from({ length: count }, (_, i) => read(i))
}
const utf8: DataType = { kind: 'utf8' }

describe('column blocks', () => {
  it('give back every row of every declared type', () => {
    const rowsOfSchema = fields.chain((of) =>
      fc.tuple(fc.constant(of), fc.array(recordOf(of), { maxLength: 20 }), fc.infiniteStream(fc.nat())),
    )
    fc.assert(
      fc.property(rowsOfSchema, ([of, rows, numbers]) => {
        const staging = new StagingBatch(makeSchema('row', of, true))
        for (const row of rows) expect(staging.append(row, 0)).toBe(true)
        const order = Int32Array.from(rows, () => (rows.length === 0 ? 0 : (numbers.next().value as number) % rows.length))
        const from = rows.length >> 2
        const count = rows.length - from
        for (const selection of [null, order]) {
          const read = rowReader(throughSegment(staging, selection, from, count))
          for (let i = 0; i < count; i++) {
            const expected = rowAsRead(of, rows[selection === null ? from + i : selection[from + i]!]!)
            if (!isDeepStrictEqual(read(i), expected)) expect(read(i)).toStrictEqual(expected)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('keep whole numbers exact up to 2^53 on both sides of zero', () => {
    const values = [0, -1, 1, 2 ** 31, -(2 ** 31), 2 ** 32, -(2 ** 32) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]
    expect(readAll(stage({ kind: 'int64' }, false, values))).toStrictEqual(values)
  })

  it('encode text whose neighbours are halves of one character apart', () => {
    expect(readAll(stage(utf8, false, ['a\ud83d', '\ude00b', 'ü']))).toStrictEqual(['a\ufffd', '\ufffdb', 'ü'])
    expect(readAll(stage(utf8, false, ['\ud83d', 'x', '\ude00', '😀']))).toStrictEqual(['\ufffd', 'x', '\ufffd', '😀'])
  })

  it('have a validity bitmap only where a row is null', () => {
    const type: DataType = { kind: 'float64' }
    expect(throughSegment(stage(type, true, [1, 2])).columns[0]!.validity).toBeNull()
    const batch = throughSegment(stage(type, true, [1, null, undefined, 4]))
    expect(batch.columns[0]!.validity).not.toBeNull()
    expect([0, 1, 2, 3].map((i) => readValue(batch.columns[0]!, i))).toStrictEqual([1, null, null, 4])
  })

  it('read numbers from where they stand, without a view', () => {
    const views = segmentViews(new SharedArrayBuffer(256))
    const end = writeColumn(
      { type: { kind: 'float64' }, nullable: false, values: new Float64Array([1, 2]), nulls: null },
      null,
      0,
      2,
      views,
      128,
    )
    const column = openColumn({ kind: 'float64' }, views, 128, 2)
    expect(column.data).toBe(views.f64)
    expect(column.offset).toBe((128 + 16) / 8)
    expect(column.nextByteOffset).toBe(end)
  })

  it('leave what they decode independent of the segment', () => {
    const staging = stage({ kind: 'binary' }, false, [new Uint8Array([1, 2, 3])])
    const views = segmentViews(new SharedArrayBuffer(128))
    const { field, values, nulls } = staging.columns[0]!
    writeColumn({ ...field, values, nulls }, null, 0, 1, views, 0)
    const read = readValue(openColumn(field.type, views, 0, 1), 0) as Uint8Array
    views.u8.fill(9)
    expect([...read]).toEqual([1, 2, 3])
    expect(read.buffer).toBeInstanceOf(ArrayBuffer)
  })

  it('answer -1 at every limit too small, write nothing behind it, and fit at the exact size', () => {
    const columns: ColumnSource[] = [
      { type: { kind: 'int32' }, nullable: true, values: new Int32Array(9), nulls: new Uint8Array([0, 1, 0, 0, 0, 0, 0, 0, 1]) },
      { type: { kind: 'boolean' }, nullable: false, values: new Uint8Array(9), nulls: null },
      { type: utf8, nullable: false, values: Array.from({ length: 9 }, (_, i) => 'é'.repeat(i)), nulls: null },
      { type: utf8, nullable: false, values: Array.from({ length: 9 }, (_, i) => (i % 2 === 0 ? '\ud83d' : '\ude00')), nulls: null },
      {
        type: { kind: 'list', item: utf8, itemNullable: false },
        nullable: false,
        values: Array.from({ length: 9 }, () => ['x', 'yz']),
        nulls: null,
      },
      { type: { kind: 'any' }, nullable: false, values: Array.from({ length: 9 }, () => new Map([[1, 2]])), nulls: null },
    ]
    for (const column of columns) {
      const size = columnSizeBytes(column, null, 0, 9)
      const views = segmentViews(new SharedArrayBuffer(size + 64))
      const needed = writeColumn(column, null, 0, 9, views, 0)
      expect(needed).toBeGreaterThan(0)
      expect(needed).toBeLessThanOrEqual(size)
      for (views.limit = 0; views.limit < needed; views.limit += 8) {
        views.u8.fill(0x55)
        expect(writeColumn(column, null, 0, 9, views, 0)).toBe(-1)
        expect(views.u8.subarray(views.limit).every((byte) => byte === 0x55)).toBe(true)
      }
      views.limit = needed
      expect(writeColumn(column, null, 0, 9, views, 0)).toBe(needed)
    }
  })

  it('do not join text of which a segment could never hold the half', () => {
    const long = 'x'.repeat(2 ** 28)
    const views = segmentViews(new SharedArrayBuffer(1024))
    expect(writeColumn({ type: utf8, nullable: false, values: [long, long, long, long], nulls: null }, null, 0, 4, views, 0)).toBe(-1)
  })

  it('skip the decoding of a column nobody reads', () => {
    const batch = stage(utf8, false, ['a', 'b'])
    const views = segmentViews(new SharedArrayBuffer(128))
    const { field, values, nulls } = batch.columns[0]!
    const end = writeColumn({ ...field, values, nulls }, null, 0, 2, views, 0)
    const column = openColumn(field.type, views, 0, 2, false)
    expect(column.data).toEqual([])
    expect(column.nextByteOffset).toBe(end)
  })

  it('name the field of a value that cannot leave its thread', () => {
    const staging = new StagingBatch(
      makeSchema(
        'row',
        [{ name: 'order', type: { kind: 'struct', fields: [{ name: 'then', type: { kind: 'any' }, nullable: false }] }, nullable: false }],
        true,
      ),
    )
    expect(staging.append({ order: { then: () => 1 } }, 0)).toBe(true)
    const { field, values, nulls } = staging.columns[0]!
    const column = { ...field, values, nulls }
    const views = segmentViews(new SharedArrayBuffer(1024))
    expect(() => writeColumn(column, null, 0, 1, views, 0)).toThrow(
      expect.objectContaining({ code: 'TYPE_MISMATCH', message: expect.stringContaining("'order.then'") }),
    )
  })

  it('estimate text of many rows near its true size', () => {
    const values = Array.from({ length: 1000 }, (_, i) => `user-${i}`)
    const column = { type: utf8, nullable: false, values, nulls: null }
    const written = writeColumn(column, null, 0, 1000, segmentViews(new SharedArrayBuffer(64_000)), 0)
    expect(columnSizeBytes(column, null, 0, 1000)).toBe(written)
  })
})
