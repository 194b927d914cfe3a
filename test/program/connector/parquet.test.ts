import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { type ColumnSource, type ParquetWriteOptions, parquetWriteBuffer } from 'hyparquet-writer'
import { beforeEach, describe, expect, it } from 'vitest'
import { LocalFileSystem } from '../../../src/base/filesystem/local-file-system.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { fileSource } from '../../../src/program/connector/file-source.ts'
import { type ParquetOptions, parquet } from '../../../src/program/connector/parquet.ts'
import { writeFile } from '../../support/file-system-contract.ts'
import { readAll, SourceHarness } from '../../support/source-harness.ts'

let fileSystem: MemoryFileSystem
beforeEach(() => void (fileSystem = new MemoryFileSystem()))

async function write(columnData: ColumnSource[], options: Partial<ParquetWriteOptions> = {}): Promise<ArrayBuffer> {
  const file = parquetWriteBuffer({ columnData, ...options })
  await writeFile(fileSystem, '/f.parquet', new Uint8Array(file))
  return file
}
const read = (options: ParquetOptions = {}, path = '/f.parquet') => readAll(fileSource({ path, format: parquet(options) }), { fileSystem })

const flightsPath = 'node_modules/vega-datasets/data/flights-3m.parquet'
const flights = () => fileSource({ path: flightsPath, format: parquet() })

describe('parquet', () => {
  it('reads every kind of column as numbers, strings, dates and times', async () => {
    await write([
      { name: 'i32', data: [1, -2, 3], type: 'INT32' },
      { name: 'i64', data: [1n, -5n, 2n ** 53n - 1n], type: 'INT64' },
      { name: 'float', data: [0.5, -1.5, 2], type: 'FLOAT' },
      { name: 'double', data: [0.1, -0, 1e300], type: 'DOUBLE' },
      { name: 'flag', data: [true, false, true], type: 'BOOLEAN' },
      { name: 'text', data: ['ascii', 'ümlaut', ''], type: 'STRING' },
      { name: 'bytes', data: [new Uint8Array([1]), new Uint8Array([]), new Uint8Array([255, 0])], type: 'BYTE_ARRAY' },
      { name: 'time', data: [new Date(0), new Date(1_500), new Date(-1_500)], type: 'TIMESTAMP' },
      { name: 'json', data: [{ a: 1 }, [2], 'x'], type: 'JSON' },
      {
        name: 'uuid',
        data: ['00112233-4455-6677-8899-aabbccddeeff', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '00000000-0000-0000-0000-000000000000'],
        type: 'UUID',
      },
    ])
    expect((await read()).records).toEqual([
      {
        i32: 1,
        i64: 1,
        float: 0.5,
        double: 0.1,
        flag: true,
        text: 'ascii',
        bytes: new Uint8Array([1]),
        time: 0,
        json: { a: 1 },
        uuid: '00112233-4455-6677-8899-aabbccddeeff',
      },
      {
        i32: -2,
        i64: -5,
        float: -1.5,
        double: -0,
        flag: false,
        text: 'ümlaut',
        bytes: new Uint8Array([]),
        time: 1_500,
        json: [2],
        uuid: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
      },
      {
        i32: 3,
        i64: 2 ** 53 - 1,
        float: 2,
        double: 1e300,
        flag: true,
        text: '',
        bytes: new Uint8Array([255, 0]),
        time: -1_500,
        json: 'x',
        uuid: '00000000-0000-0000-0000-000000000000',
      },
    ])
  })

  it('gives typed arrays and dictionary indices, with their kinds', async () => {
    await write([
      { name: 'n', data: [1n, 2n, 3n, 1n], type: 'INT64', nullable: false },
      { name: 'time', data: Array.from({ length: 4 }, () => new Date(5)), type: 'TIMESTAMP' },
      { name: 'text', data: ['a', 'b', 'a', 'b'], type: 'STRING', encoding: 'RLE_DICTIONARY' },
    ])
    expect((await read()).outputs[0]?.units[0]?.unit).toMatchObject({
      kind: 'columns',
      rowCount: 4,
      columns: [
        { name: 'n', kind: 'int64', values: new Float64Array([1, 2, 3, 1]) },
        { name: 'time', kind: 'timestamp', values: new Float64Array([5, 5, 5, 5]) },
        { name: 'text', kind: 'utf8', values: new Int32Array([0, 1, 0, 1]), dictionary: ['a', 'b'] },
      ],
    })
  })

  it('reads DATE as Dates and DECIMAL as the nearest number', async () => {
    await write(
      [
        { name: 'day', data: [0, 18_262] },
        { name: 'price', data: [19.95, -0.05] },
      ],
      {
        schema: [
          { name: 'root', num_children: 2 },
          { name: 'day', type: 'INT32', converted_type: 'DATE', repetition_type: 'REQUIRED' },
          { name: 'price', type: 'INT32', converted_type: 'DECIMAL', scale: 2, precision: 9, repetition_type: 'REQUIRED' },
        ],
      },
    )
    expect((await read()).records).toEqual([
      { day: new Date(0), price: 19.95 },
      { day: new Date('2020-01-01'), price: -0.05 },
    ])
  })

  it('reads timestamps in nanoseconds exactly, before 1970 too', async () => {
    const nanos = [1_700_000_000_123_999_999n, 1_700_000_000_124_000_000n, -1n, -1_000_000n, -1_000_001n]
    await write([{ name: 'at', data: nanos }], {
      schema: [
        { name: 'root', num_children: 1 },
        {
          name: 'at',
          type: 'INT64',
          logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' },
          repetition_type: 'REQUIRED',
        },
      ],
    })
    expect((await read()).records).toEqual([1_700_000_000_123, 1_700_000_000_124, -1, -1, -2].map((at) => ({ at })))
  })

  it('reads nested columns as objects and arrays beside flat ones', async () => {
    const file = await write(
      [
        { name: 'id', data: [1, 2, 3] },
        { name: 'tags', data: [['a', 'b'], [], ['c']] },
      ],
      {
        schema: [
          { name: 'root', num_children: 2 },
          { name: 'id', type: 'INT32', repetition_type: 'REQUIRED' },
          { name: 'tags', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
          { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
          { name: 'element', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
        ],
      },
    )
    expect(await parquetReadObjects({ file })).toHaveLength(3)
    expect((await read()).records).toEqual([
      { id: 1, tags: ['a', 'b'] },
      { id: 2, tags: [] },
      { id: 3, tags: ['c'] },
    ])
  })

  it('agrees with hyparquet on random columns, nulls, encodings, codecs, pages and row groups', async () => {
    const values = {
      INT32: fc.integer(),
      INT64: fc.maxSafeInteger().map(BigInt),
      DOUBLE: fc.double({ noNaN: true }),
      BOOLEAN: fc.boolean(),
      STRING: fc.oneof(fc.constantFrom('a', 'bb', ''), fc.string({ unit: 'grapheme', maxLength: 20 })),
    }
    const column = fc.constantFrom(...(Object.keys(values) as (keyof typeof values)[])).chain((type) =>
      fc.record({
        type: fc.constant(type),
        pool: fc.array(fc.option(values[type] as fc.Arbitrary<unknown>, { freq: 6 }), { minLength: 1, maxLength: 30 }),
        plain: fc.boolean(),
      }),
    )
    const codec = fc.constantFrom('UNCOMPRESSED', 'SNAPPY', 'GZIP', 'ZSTD')
    await fc.assert(
      fc.asyncProperty(
        fc.array(column, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 400 }),
        codec,
        fc.integer({ min: 20, max: 2_000 }),
        async (columns, rows, codecName, pageSize) => {
          const columnData = columns.map(
            ({ type, pool, plain }, i): ColumnSource => ({
              name: `c${i}`,
              type,
              data: Array.from({ length: rows }, (_, row) => pool[(row * 7 + (row >> 3)) % pool.length]),
              ...(plain && { encoding: 'PLAIN' }),
            }),
          )
          const file = await write(columnData, {
            codec: codecName as never,
            compressors: { GZIP: (bytes) => new Uint8Array(gzipSync(bytes)), ZSTD: (bytes) => new Uint8Array(zstdCompressSync(bytes)) },
            pageSize,
            rowGroupSize: 150,
          })
          const expected = (await parquetReadObjects({ file, compressors })).map((record) =>
            Object.fromEntries(
              Object.entries(record).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : (value ?? null)]),
            ),
          )
          expect((await read()).records).toEqual(expected)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('reads the named columns only, in their order', async () => {
    await write([
      { name: 'a', data: [1] },
      { name: 'b', data: ['x'] },
      { name: 'c', data: [true] },
    ])
    const unit = (await read({ columns: ['c', 'a'] })).outputs[0]?.units[0]?.unit
    expect(unit?.kind === 'columns' && unit.columns.map(({ name }) => name)).toEqual(['c', 'a'])
    await expect(read({ columns: ['d'] })).rejects.toMatchObject({
      code: 'TYPE_MISMATCH',
      message: expect.stringContaining("no column 'd'; it has a, b, c"),
    })
    expect(() => parquet({ columns: [] })).toThrow(/empty/)
  })

  it('fails on a 64-bit integer beyond 2^53 with the column, and reads it as bigint when told to', async () => {
    await write([{ name: 'id', data: [1n, 2n ** 60n], type: 'INT64' }])
    await expect(read()).rejects.toMatchObject({
      code: 'TYPE_MISMATCH',
      message: "cannot read /f.parquet column 'id': the value 1152921504606846976 is beyond 2^53 and does not fit a number",
      hint: expect.stringContaining('bigints'),
    })
    expect((await read({ bigints: ['id'] })).records).toEqual([{ id: 1n }, { id: 2n ** 60n }])
  })

  it('makes a split of each row group and goes on at the exact row', async () => {
    const data = Array.from({ length: 30_000 }, (_, i) => i)
    await write(
      [
        { name: 'i', data, type: 'INT32', encoding: 'PLAIN' },
        { name: 's', data: data.map((i) => `${i % 100}`), type: 'STRING' },
      ],
      { rowGroupSize: 10_000, pageSize: 3_000 },
    )
    const source = fileSource({ path: '/f.parquet', format: parquet() })
    for (const units of [0, 1, 3, 20]) {
      const first = await new SourceHarness(source, { fileSystem }).start()
      await first.pollUntil(() => (first.outputs[0]?.units.length ?? 0) >= units)
      const snapshot = first.snapshot()
      await first.close()
      const second = await readAll(source, { fileSystem, restored: snapshot })
      expect([...first.records, ...second.records]).toEqual(data.map((i) => ({ i, s: `${i % 100}` })))
      if (units === 0) expect(second.assigned.length + snapshot.splits.flat().length).toBe(3)
    }
  })

  it('names file, row group and column of what is damaged, and files that are no Parquet', async () => {
    const file = new Uint8Array(await write([{ name: 'text', data: Array.from({ length: 1_000 }, (_, i) => `value ${i}`) }]))
    const damaged = file.slice()
    damaged.fill(0xff, 40, 2_000)
    await writeFile(fileSystem, '/f.parquet', damaged)
    await expect(read()).rejects.toMatchObject({
      code: 'MALFORMED_INPUT',
      message: expect.stringMatching(/\/f\.parquet row group 0 column 'text'/),
    })
    for (const content of ['', 'PAR1', 'some text that is long enough to be a file', file.slice(0, file.length - 20)]) {
      await writeFile(fileSystem, '/f.parquet', content)
      await expect(read()).rejects.toMatchObject({
        code: 'MALFORMED_INPUT',
        message: expect.stringContaining('/f.parquet'),
        hint: expect.stringContaining('Parquet'),
      })
    }
  })

  it('notices a file that changes between finding and reading it', async () => {
    await write([{ name: 'a', data: [1, 2, 3] }])
    const harness = await new SourceHarness(fileSource({ path: '/f.parquet', format: parquet() }), { fileSystem }).start()
    await write([{ name: 'a', data: Array.from({ length: 1_000 }, (_, i) => i) }])
    await expect(harness.drain()).rejects.toMatchObject({
      code: 'IO_FAILED',
      message: expect.stringMatching(/\/f\.parquet: it had \d+ bytes/),
    })
    await harness.close()
  })

  it('reads three million real flights as hyparquet does', async () => {
    const local = new LocalFileSystem()
    const reader = await local.open(flightsPath)
    const bytes = await reader.read(0, reader.sizeBytes)
    await reader.close()
    const file = bytes.buffer as ArrayBuffer
    const metadata = await parquetMetadataAsync({ byteLength: file.byteLength, slice: (start, end) => file.slice(start, end) })
    const expected = await parquetReadObjects({ file, metadata, compressors, rowStart: 299_990, rowEnd: 300_010 })
    const harness = await readAll(flights(), { fileSystem: local, parallelism: 2 })
    let [rows, delays] = [0, 0]
    for (const { unit } of harness.outputs.flatMap((output) => output.units)) {
      if (unit.kind !== 'columns') throw new Error('a unit is no columns')
      rows += unit.rowCount
      for (const delay of unit.columns[1]!.values as Float64Array) delays += delay
    }
    expect([rows, harness.assigned.length]).toEqual([3_000_000, 11])
    expect(delays).toBeGreaterThan(0)
    const restored = {
      enumerator: { pending: [], enumerated: true, seen: [] },
      splits: [[{ ...(harness.assigned[1]?.split as object), position: { row: 299_990 - 272_727 } }]],
    }
    const part = await new SourceHarness(flights(), { fileSystem: local, restored }).start()
    await part.pollUntil(() => part.records.length > 0)
    await part.close()
    expect(part.records.slice(0, 20)).toEqual(
      expected.map(({ date, delay, distance, ...rest }) => ({
        date: date.getTime(),
        delay: Number(delay),
        distance: Number(distance),
        ...rest,
      })),
    )
  })
})
