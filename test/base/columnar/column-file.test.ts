import fc from 'fast-check'
import { expect, test } from 'vitest'
import { columnSources, joinChunks, widenColumnType } from '../../../src/base/columnar/chunk-columns.ts'
import type { ColumnarUnit, ColumnBatch } from '../../../src/base/columnar/column-batch.ts'
import { rowReader } from '../../../src/base/columnar/column-batch.ts'
import { exactValue, openColumnFile } from '../../../src/base/columnar/column-file-reader.ts'
import { ColumnFileWriter, loadColumnFormat } from '../../../src/base/columnar/column-file-writer.ts'
import type { Field } from '../../../src/base/columnar/data-type.ts'
import { structColumn } from '../../../src/base/columnar/struct-column.ts'
import { asRead, fields, recordOf, rowAsRead } from './arbitrary.ts'

const format = await loadColumnFormat()

/** Writes the chunks into one file and reads them, with the types that they are found to have. */
async function throughFile(chunks: readonly ColumnarUnit[], declared: readonly Field[] = []) {
  const parts: Uint8Array[] = []
  let types = declared.map((field) => ({ ...field, declared: true }))
  for (const chunk of chunks)
    types = chunk.columns.map((column, c) => ({ name: column.name, ...widenColumnType(column, chunk.rowCount, types[c]) }))
  const writer = new ColumnFileWriter(
    format,
    types.map(({ name, type, nullable }) => ({ name, type, nullable })),
    (bytes) => void parts.push(bytes.slice()),
  )
  for (const chunk of chunks)
    writer.write(
      columnSources(chunk, 0, chunk.rowCount, writer.schema.fields, format.cbor, (name) => name),
      chunk.rowCount,
    )
  writer.finish()
  const bytes = new Uint8Array(Buffer.concat(parts))
  const file = await openColumnFile(format, { sizeBytes: bytes.length, read: async (at, length) => bytes.slice(at, at + length) }, 'it')
  const batches: ColumnBatch[] = []
  for (let i = 0; i < file.batchCount; i++) batches.push(await file.readBatch(i))
  return {
    file,
    bytes,
    batches,
    values: (c: number) => batches.flatMap((batch) => Array.from({ length: batch.rowCount }, (_, i) => exactValue(batch.columns[c]!, i))),
  }
}

const kinds = (of: readonly Field[]) => of.map(({ type, nullable }) => `${type.kind}${nullable ? '?' : ''}`)

test('columns of declared types come back as they read', async () => {
  const cases = fields.chain((of) => fc.tuple(fc.constant(of), fc.array(recordOf(of), { minLength: 1, maxLength: 6 })))
  await fc.assert(
    fc.asyncProperty(cases, async ([of, rows]) => {
      const chunk = {
        rowCount: rows.length,
        columns: of.map(({ name }, c) => ({
          name,
          values: rows.map((row) => Object.entries(row)[Object.keys(row).indexOf(of[c]!.name)]![1]),
        })),
      }
      const { values } = await throughFile([chunk], of)
      const read = rows.map((_, i) => Object.fromEntries(of.map(({ name }, c) => [name, asRead(of[c]!.type, values(c)[i])])))
      expect(read).toEqual(rows.map((row) => rowAsRead(of, row)))
    }),
    { numRuns: 300 },
  )
})

test('typed arrays are columns of their kind, shared memory included', async () => {
  const shared = new Float64Array(new SharedArrayBuffer(24))
  shared.set([0.5, -0, Number.NaN])
  const { file, values } = await throughFile([
    {
      rowCount: 3,
      columns: [
        { name: 'f', values: shared },
        { name: 'i', values: Int32Array.of(1, -2, 3, 99) },
        { name: 't', kind: 'timestamp', values: Float64Array.of(1, -2, 2 ** 52) },
        { name: 'b', values: Uint8Array.of(0, 1, 1) },
        { name: 's', values: Int32Array.of(1, 0, 1), dictionary: ['x', 'ü'] },
      ],
    },
  ])
  expect(kinds(file.schema.fields)).toEqual(['float64', 'int32', 'timestamp', 'boolean', 'utf8'])
  expect([0, 1, 2, 3, 4].map(values)).toEqual([
    [0.5, -0, Number.NaN],
    [1, -2, 3],
    [1, -2, 2 ** 52],
    [false, true, true],
    ['ü', 'x', 'ü'],
  ])
})

test('typed arrays and plain values of one column meet in the wider type', async () => {
  const column = (values: ColumnarUnit['columns'][number]['values']): ColumnarUnit => ({
    rowCount: values.length,
    columns: [{ name: 'v', values }],
  })
  for (const [chunks, kind, expected] of [
    [[column(Int32Array.of(1)), column(Float64Array.of(2.5))], 'float64', [1, 2.5]],
    [[column(Int32Array.of(1)), column([-0])], 'float64', [1, -0]],
    [[column(Float64Array.of(1)), column(['x'])], 'any', [1, 'x']],
    [[column(Uint8Array.of(1)), column([null])], 'boolean?', [true, null]],
    [[column(Uint8Array.of(1)), column([2])], 'any', [true, 2]],
    [[column([null]), column(Float64Array.of(3))], 'float64?', [null, 3]],
  ] as const) {
    for (const given of [chunks, [joinChunks(chunks)]]) {
      const { file, values } = await throughFile(given)
      expect([kinds(file.schema.fields), values(0)]).toEqual([[kind], expected])
    }
  }
})

test('joined chunks keep typed arrays and dictionaries', () => {
  const dictionary = ['a', 'b']
  const chunk = (from: number) => ({
    rowCount: 1,
    columns: [
      { name: 'n', values: Float64Array.of(from, 99) },
      { name: 's', values: Int32Array.of(from), dictionary },
    ],
  })
  expect(joinChunks([chunk(0), chunk(1)])).toEqual({
    rowCount: 2,
    columns: [
      { name: 'n', values: Float64Array.of(0, 1) },
      { name: 's', values: Int32Array.of(0, 1), dictionary },
    ],
  })
})

test('a declared type that is broken gives way to an opaque column', async () => {
  const { file, values } = await throughFile(
    [{ rowCount: 2, columns: [{ name: 's', values: ['fine', 'half\ud800'] }] }],
    [{ name: 's', type: { kind: 'utf8' }, nullable: false }],
  )
  expect(kinds(file.schema.fields)).toEqual(['any'])
  expect(values(0)).toEqual(['fine', 'half\ud800'])
})

test('batches read by rowReader are the rows', async () => {
  const { batches } = await throughFile([
    {
      rowCount: 1,
      columns: [
        { name: 'a', values: [{ b: [1n] }] },
        { name: 'c', values: ['x'] },
      ],
    },
  ])
  expect(rowReader(batches[0]!)(0)).toEqual({ a: { b: [1n] }, c: 'x' })
})

test("another program's Arrow file is refused", async () => {
  const { tableFromArrays, tableToIPC } = format.arrow
  const bytes = tableToIPC(tableFromArrays({ a: [1] }), 'file')
  const file = { sizeBytes: bytes.length, read: async (at: number, length: number) => bytes.slice(at, at + length) }
  await expect(openColumnFile(format, file, 'f.arrow')).rejects.toMatchObject({
    code: 'MALFORMED_INPUT',
    message: expect.stringContaining('no state file of headrace'),
  })
})

test('a batch whose values are large is cut in several', async () => {
  const large = [30, 0, 40, 1].map((megabytes) => new Uint8Array(megabytes << 20).fill(megabytes))
  const { file, values } = await throughFile([{ rowCount: 4, columns: [{ name: 'v', values: large }] }])
  expect(file.batchCount).toBe(2)
  expect(values(0).map((bytes) => [(bytes as Uint8Array).length >> 20, (bytes as Uint8Array).at(-1)])).toEqual([
    [30, 30],
    [0, undefined],
    [40, 40],
    [1, 1],
  ])
})

test('objects given by their fields come back as those given one by one, whatever the numbers and the types', async () => {
  const number = fc.oneof(
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.constantFrom(-0, 2 ** 31, -(2 ** 31), 2 ** 53, Number.NaN, Infinity),
  )
  const kind = fc.constantFrom('float64' as const, 'int32' as const, 'int64' as const, 'timestamp' as const)
  const whole = fc.array(fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer()), { maxLength: 20 })
  const chunk = fc.oneof(whole, fc.array(fc.tuple(number, number), { maxLength: 20 }))
  await fc.assert(
    fc.asyncProperty(fc.tuple(kind, kind), fc.boolean(), fc.array(chunk, { minLength: 1, maxLength: 3 }), async ([a, b], joins, chunks) => {
      const type = { kind: 'struct', fields: [a, b].map((each, f) => ({ name: 'ab'[f]!, type: { kind: each }, nullable: false })) } as const
      const declared = [{ name: 's', type, nullable: true }]
      const given = chunks.map((rows): ColumnarUnit => {
        // Arrays may be longer than there are rows.
        const fieldsOf = [0, 1].map((f) => ({ name: 'ab'[f]!, values: Float64Array.from([...rows.map((row) => row[f]!), 0.5, 0.5]) }))
        return { rowCount: rows.length, columns: [structColumn('s', fieldsOf, rows.length)] }
      })
      const objects = given.map(({ rowCount, columns }) => ({ rowCount, columns: [{ name: 's', values: columns[0]!.values }] }))
      const joined = (units: readonly ColumnarUnit[]) => (joins ? [joinChunks(units)] : units)
      const read = await throughFile(joined(given), declared)
      expect(read.values(0)).toEqual(chunks.flat().map((row) => ({ a: row[0], b: row[1] })))
      const plain = await throughFile(joined(objects), declared)
      expect(read.file.schema).toEqual(plain.file.schema)
      expect(read.bytes).toEqual(plain.bytes)
    }),
    { numRuns: 300 },
  )
})
