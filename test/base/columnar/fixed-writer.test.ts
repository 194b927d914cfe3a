import { expect, test } from 'vitest'
import type { DataType } from '../../../src/base/columnar/data-type.ts'
import { canWriteFixed, FixedWriter } from '../../../src/base/columnar/fixed-writer.ts'
import { type ColumnSource, segmentViews, writeColumn } from '../../../src/base/columnar/write-column.ts'

const rows = 1000
const kinds = ['int32', 'float64', 'int64', 'timestamp', 'date'] as const
const sourceOf = (kind: DataType['kind']): ColumnSource => ({
  type: { kind } as DataType,
  nullable: false,
  values: kind === 'int32' ? Int32Array.from({ length: rows }, (_, i) => i - 500) : Float64Array.from({ length: rows }, numberOf(kind)),
  nulls: null,
})
const numberOf = (kind: string) => (_: unknown, i: number) => (kind === 'float64' ? i / 7 - 50 : (i - 500) * 9_007_199_254)
const order = Int32Array.from({ length: rows }, (_, i) => (i * 7) % rows)

/** What the common writer puts there. */
function plainly(columns: readonly ColumnSource[], timestamps: Float64Array | undefined, from: number, count: number) {
  const views = segmentViews(new SharedArrayBuffer(65_536))
  let at = 64
  if (timestamps !== undefined) for (let i = 0; i < count; i++, at += 8) views.f64[at >> 3] = timestamps[order[from + i]!]!
  for (const column of columns) at = writeColumn(column, order, from, count, views, at)
  return { bytes: views.u8, end: at }
}

test.each([true, false])('what it writes is what the common writer writes, young and later, with timestamps: %s', (hasTimestamps) => {
  const columns = kinds.map(sourceOf)
  const timestamps = hasTimestamps ? Float64Array.from({ length: rows }, (_, i) => (i % 3 === 0 ? Number.NaN : i * 1.5)) : undefined
  const views = segmentViews(new SharedArrayBuffer(65_536))
  const writer = new FixedWriter({ columns, timestamps, rows: order }, views)
  for (let round = 0; round < 600; round++) {
    const from = (round * 37) % 500
    const count = round % 500
    views.u8.fill(0)
    const end = writer.write(from, count, 64, views.limit)
    if (round % 60 > 3) continue
    const plain = plainly(columns, timestamps, from, count)
    expect(end).toBe(plain.end)
    expect(Buffer.from(views.u8).equals(Buffer.from(plain.bytes))).toBe(true)
  }
})

test('what would pass the limit is not written', () => {
  const columns = [sourceOf('float64')]
  const views = segmentViews(new SharedArrayBuffer(1024))
  const writer = new FixedWriter({ columns, timestamps: undefined, rows: order }, views)
  expect(writer.write(0, 60, 0, 16 + 60 * 8)).toBe(16 + 60 * 8)
  expect(writer.write(0, 61, 0, 16 + 60 * 8)).toBe(-1)
  expect(writer.write(0, 60, 8, 16 + 60 * 8)).toBe(-1)
})

test('nulls, and values of any other kind, are for the common writer', () => {
  expect(canWriteFixed(kinds.map(sourceOf))).toBe(true)
  expect(canWriteFixed([{ ...sourceOf('int32'), nulls: new Uint8Array(rows) }])).toBe(false)
  for (const kind of ['boolean', 'utf8', 'binary', 'any', 'null'] as const)
    expect(canWriteFixed([sourceOf('int32'), { type: { kind }, nullable: false, values: [], nulls: null }])).toBe(false)
})

test('a writer is for the arrays that it was made for', () => {
  const columns = [sourceOf('int32'), sourceOf('float64')]
  const from = { columns, timestamps: undefined, rows: order }
  const writer = new FixedWriter(from, segmentViews(new SharedArrayBuffer(1024)))
  expect(writer.isFor({ ...from, columns: [...columns] })).toBe(true)
  expect(writer.isFor({ ...from, columns: [columns[0]!] })).toBe(false)
  expect(writer.isFor({ ...from, columns: [columns[0]!, sourceOf('float64')] })).toBe(false)
  expect(writer.isFor({ ...from, columns: [columns[0]!, { ...columns[1]!, type: { kind: 'int64' } }] })).toBe(false)
  expect(writer.isFor({ ...from, rows: order.slice() })).toBe(false)
  expect(writer.isFor({ ...from, timestamps: new Float64Array(rows) })).toBe(false)
})
