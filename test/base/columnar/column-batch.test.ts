import { describe, expect, it } from 'vitest'
import { batchOfColumns, rowReader, timestampAt } from '../../../src/base/columnar/column-batch.ts'
import { typeName } from '../../../src/base/columnar/schema.ts'
import type { SourceColumns } from '../../../src/program/function/source.ts'

const unit = (columns: SourceColumns['columns'], rowCount = 2, timestamps?: Float64Array): SourceColumns => ({
  kind: 'columns',
  rowCount,
  columns,
  timestamps,
})
const rows = (source: SourceColumns): unknown[] => {
  const batch = batchOfColumns(source)
  return Array.from({ length: batch.rowCount }, (_, i) => rowReader(batch)(i))
}

describe('the columns of a source as a batch', () => {
  it('read as rows, each typed array without a copy', () => {
    const f = new Float64Array([1.5, 2.5])
    const source = unit([
      { name: 'f', values: f },
      { name: 'i', values: new Int32Array([1, 2]) },
      { name: 'b', values: new Uint8Array([1, 0]) },
      { name: 'ts', values: new Float64Array([10, 20]), kind: 'timestamp' },
      { name: 's', values: ['x', null] },
      { name: 'd', values: new Int32Array([1, 0]), kind: 'utf8', dictionary: ['zero', 'one'] },
      { name: '__proto__', values: [1n, 2n] },
    ])
    const batch = batchOfColumns(source)
    expect(batch.columns[0]!.data).toBe(f)
    expect(batch.schema.fields.map((field) => typeName(field.type, field.nullable))).toEqual([
      't.float64',
      't.int32',
      't.boolean',
      't.timestamp',
      't.nullable(t.utf8)',
      't.utf8',
      't.bigint',
    ])
    expect(rows(source)).toStrictEqual([
      { f: 1.5, i: 1, b: true, ts: 10, s: 'x', d: 'one', ['__proto__']: 1n },
      { f: 2.5, i: 2, b: false, ts: 20, s: null, d: 'zero', ['__proto__']: 2n },
    ])
  })

  it('give each row a fresh object', () => {
    const read = rowReader(batchOfColumns(unit([{ name: 'a', values: [1, 2] }])))
    expect(read(0)).not.toBe(read(0))
  })

  it('carry timestamps, where there are any', () => {
    expect(timestampAt(batchOfColumns(unit([], 2, new Float64Array([5, Number.NaN]))), 0)).toBe(5)
    expect(timestampAt(batchOfColumns(unit([], 2, new Float64Array([5, Number.NaN]))), 1)).toBeNull()
    expect(timestampAt(batchOfColumns(unit([])), 0)).toBeNull()
  })

  it('are refused where they are shorter than the batch or not what they say', () => {
    expect(() => batchOfColumns(unit([{ name: 'a', values: [1] }]))).toThrow(
      "column 'a' of a columnar source has 1 values, but its batch has 2 rows",
    )
    expect(() => batchOfColumns(unit([{ name: 'a', values: new Float64Array([1, 1.5]), kind: 'int64' }]))).toThrow('row 1 holds 1.5')
  })
})
