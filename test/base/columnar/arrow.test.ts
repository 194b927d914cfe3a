import * as arrow from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toRecordBatch, wrapBlocks } from '../../../src/base/columnar/arrow.ts'
import { fromArrowSchema, toArrowSchema } from '../../../src/base/columnar/arrow-schema.ts'
import { batchOfColumns, rowReader } from '../../../src/base/columnar/column-batch.ts'
import type { DataType, Schema } from '../../../src/base/columnar/data-type.ts'
import { makeSchema, schemaOf } from '../../../src/base/columnar/schema.ts'
import { StagingBatch } from '../../../src/base/columnar/staging-batch.ts'
import { t } from '../../../src/base/columnar/t.ts'
import { bytesToBigint, deserializeValue } from '../../../src/base/columnar/value-bytes.ts'
import { segmentViews, writeColumn } from '../../../src/base/columnar/write-column.ts'
import { fields, recordOf, rowAsRead } from './arbitrary.ts'
import { openBatch, throughSegment } from './round-trip.ts'

const stage = (schema: Schema, rows: readonly unknown[]): StagingBatch => {
  const staging = new StagingBatch(schema)
  for (const row of rows) expect(staging.append(row, 0)).toBe(true)
  return staging
}

/** An Arrow value as ours, told by our type. */
function fromArrow(type: DataType, value: unknown): unknown {
  if (value === null || value === undefined) return null
  switch (type.kind) {
    case 'int64':
    case 'timestamp':
      return Number(value)
    case 'date':
      return new Date(Number(value))
    case 'bigint':
      return bytesToBigint(value as Uint8Array)
    case 'any':
      return deserializeValue(new Uint8Array(value as Uint8Array))
    case 'binary':
      return new Uint8Array(value as Uint8Array)
    case 'list':
      return Array.from(value as Iterable<unknown>, (item) => fromArrow(type.item, item))
    case 'struct':
      return Object.fromEntries(type.fields.map((field, i) => [field.name, fromArrow(field.type, Object.values(value as object)[i])]))
    default:
      return value
  }
}

/** Arrow's struct rows are read by name; these are names that it reads as a plain object has them. */
const plainNames = (of: readonly { name: string; type: DataType }[]): boolean =>
  of.every(
    ({ name, type }) =>
      /^[a-d]$/.test(name) &&
      (type.kind !== 'struct' || plainNames(type.fields)) &&
      (type.kind !== 'list' || plainNames([{ name: 'a', type: type.item }])),
  )

describe('schemas as Arrow schemas', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fields, fc.boolean(), (of, declared) => {
        const schema = makeSchema(
          'row',
          of.map((field) => ({ ...field, nullable: field.nullable || field.type.kind === 'null' })),
          declared,
        )
        const back = fromArrowSchema(arrow, toArrowSchema(arrow, schema))
        // Arrow calls a null item nullable whatever was said of it.
        fc.pre(!JSON.stringify(of).includes('"null"'))
        expect(back.id).toBe(schema.id)
      }),
    )
    expect(fromArrowSchema(arrow, toArrowSchema(arrow, schemaOf(t.int32))).id).toBe(schemaOf(t.int32).id)
  })

  it('of others are read as the nearest of ours', () => {
    const foreign = new arrow.Schema([
      arrow.Field.new('small', new arrow.Int8()),
      arrow.Field.new('u32', new arrow.Uint32()),
      arrow.Field.new('f', new arrow.Float32(), true),
      arrow.Field.new('d', new arrow.DateDay()),
      arrow.Field.new('word', new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32())),
    ])
    expect(fromArrowSchema(arrow, foreign).fields.map((field) => [field.type.kind, field.nullable])).toEqual([
      ['int32', false],
      ['int64', false],
      ['float64', true],
      ['timestamp', false],
      ['utf8', false],
    ])
    expect(() => fromArrowSchema(arrow, new arrow.Schema([arrow.Field.new('i', new arrow.IntervalYearMonth())]))).toThrow(
      "column 'i' has the Arrow type",
    )
  })
})

describe('batches as record batches', () => {
  it('hold what the rows hold, read by Arrow itself after a stream of its own', () => {
    const rowsOf = fields
      .filter(plainNames)
      .chain((of) => fc.tuple(fc.constant(of), fc.array(recordOf(of), { minLength: 1, maxLength: 10 })))
    fc.assert(
      fc.property(rowsOf, ([of, rows]) => {
        const batch = throughSegment(stage(makeSchema('row', of, true), rows))
        const table = arrow.tableFromIPC(arrow.tableToIPC(new arrow.Table(toRecordBatch(arrow, batch))))
        for (const [i, row] of rows.entries()) {
          const read = Object.fromEntries(of.map((field, c) => [field.name, fromArrow(field.type, table.getChildAt(c)!.get(i))]))
          expect(read).toStrictEqual(rowAsRead(of, row))
        }
      }),
      { numRuns: 100 },
    )
  })

  it('share the memory of the segment', () => {
    const schema = schemaOf(t.row({ f: t.float64, s: t.utf8, n: t.nullable(t.int64), l: t.list(t.int32) }))
    const staging = stage(schema, [
      { f: 1, s: 'ab', n: null, l: [1, 2] },
      { f: 2, s: 'ü', n: 2 ** 40, l: [] },
    ])
    const views = segmentViews(new SharedArrayBuffer(1024))
    let at = 128
    for (const { field, values, nulls } of staging.columns) at = writeColumn({ ...field, values, nulls }, null, 0, 2, views, at)
    const wrapped = wrapBlocks(arrow, schema, views, 128, 2)
    const [f, s, n, l] = wrapped.data.children
    for (const array of [f!.values, s!.values, s!.valueOffsets, n!.values, n!.nullBitmap, l!.valueOffsets, l!.children[0]!.values])
      expect((array as Uint8Array).buffer).toBe(views.u8.buffer)
    expect(wrapped.getChildAt(1)!.toArray()).toEqual(['ab', 'ü'])
    expect([...wrapped.getChildAt(2)!]).toEqual([null, 2n ** 40n])
    const f64 = openBatch(schema, views, 128, 2).columns[0]!
    ;(f64.data as Float64Array)[f64.offset] = 7
    expect(wrapped.getChildAt(0)!.get(0)).toBe(7)
    expect(toRecordBatch(arrow, openBatch(schema, views, 128, 2)).data.children[0]!.values.buffer).toBe(views.u8.buffer)
  })

  it('take the columns of a source and of a dictionary too', () => {
    const batch = batchOfColumns({
      rowCount: 2,
      columns: [
        { name: 'ts', values: new Float64Array([1, 2]), kind: 'timestamp' },
        { name: 'b', values: new Uint8Array([1, 0]) },
        { name: 'd', values: new Int32Array([1, 0]), kind: 'utf8', dictionary: ['zero', 'one'] },
      ],
    })
    const wrapped = toRecordBatch(arrow, batch)
    expect([0, 1].map((i) => [0, 1, 2].map((c) => wrapped.getChildAt(c)!.get(i)))).toEqual([
      [1, true, 'one'],
      [2, false, 'zero'],
    ])
    expect(rowReader(batch)(0)).toEqual({ ts: 1, b: true, d: 'one' })
  })
})
