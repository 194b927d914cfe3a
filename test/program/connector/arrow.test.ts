import * as arrow from 'apache-arrow'
import { beforeEach, describe, expect, it } from 'vitest'
import { t } from '../../../src/base/columnar/t.ts'
import { ManualClock } from '../../../src/base/core/clock.ts'
import { LocalFileSystem } from '../../../src/base/filesystem/local-file-system.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { arrowIpc } from '../../../src/program/connector/arrow-format.ts'
import { arrowSink } from '../../../src/program/connector/arrow-sink.ts'
import { fileSource } from '../../../src/program/connector/file-source.ts'
import type { Sink } from '../../../src/program/function/sink.ts'
import { SnapshotWriter } from '../../../src/runtime/checkpoint/snapshot-writer.ts'
import { writeFile } from '../../support/file-system-contract.ts'
import { publish } from '../../support/publish.ts'
import { readAll, SourceHarness } from '../../support/source-harness.ts'
import { testContext } from '../../support/test-context.ts'

let fileSystem: MemoryFileSystem
beforeEach(() => void (fileSystem = new MemoryFileSystem()))

async function writeRows<T>(sink: Sink<T>, rows: readonly T[]): Promise<void> {
  const ctx = testContext({ fileSystem })
  const writer = await sink.createWriter(ctx)
  try {
    for (const row of rows) await writer.write(row, { timestamp: null, currentWatermark: 0 })
    await publish(sink, ctx, writer)
  } finally {
    await writer.close()
  }
}

async function fileBytes(path: string): Promise<Uint8Array> {
  const reader = await fileSystem.open(path)
  return reader.read(0, reader.sizeBytes)
}

const read = (path = '/f.arrow', options = {}, splitBytes?: number) =>
  readAll(fileSource({ path, format: arrowIpc(options), splitBytes }), { fileSystem })

const table = () =>
  new arrow.Table({
    i8: arrow.vectorFromArray([1, -2, null], new arrow.Int8()),
    u32: arrow.vectorFromArray([1, 4_294_967_295, 3], new arrow.Uint32()),
    i64: arrow.vectorFromArray([1n, -5n, 2n ** 53n - 1n], new arrow.Int64()),
    f32: arrow.vectorFromArray([0.5, 1.5, null], new arrow.Float32()),
    text: arrow.vectorFromArray(['ascii', 'ümlaut', null], new arrow.Utf8()),
    dictionary: arrow.vectorFromArray(['a', 'b', 'a'], new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32())),
    flag: arrow.vectorFromArray([true, false, null], new arrow.Bool()),
    micros: arrow.vectorFromArray([1_500, 2_500, -500], new arrow.TimestampMicrosecond()),
    day: arrow.vectorFromArray([new Date(0), new Date(86_400_000), null], new arrow.DateDay()),
    list: arrow.vectorFromArray([[1, 2], [], null], new arrow.List(new arrow.Field('item', new arrow.Int32(), true))),
    struct: arrow.vectorFromArray([{ x: 1 }, { x: null }, null], new arrow.Struct([new arrow.Field('x', new arrow.Float64(), true)])),
  })

/** Of one state, as a checkpoint writes it. */
async function writeState(values: readonly unknown[]): Promise<string> {
  const writer = new SnapshotWriter({
    ...{ fileSystem, directory: '/chk-1', subtask: 0, clock: new ManualClock() },
    yieldTo: (callback) => void setImmediate(callback),
  })
  const columns = [
    { name: 'keyGroup', values: new Int32Array(values.length) },
    { name: 'key', values: values.map((_, i) => `k${i}`) },
    { name: 'value', values },
  ]
  const state = { name: 'held', scope: 'keyed', form: 'value', release: () => undefined } as const
  const chunks = function* () {
    yield { rowCount: values.length, columns }
  }
  const { operators } = await writer.write([{ operatorId: '4f2a9c01', watermark: null, states: [{ ...state, chunks }] }])
  return `/chk-1/${operators[0]!.states[0]!.files[0]!.path}`
}

describe('arrowIpc', () => {
  it('reads the state files of checkpoints, opaque values among them', async () => {
    const opaque = [new Map([['apple', 1]]), new Set([1, 2]), { a: undefined }]
    const plain = [{ at: new Date(5), sum: 2n ** 70n, tags: ['x'], deep: { when: new Date(7), n: null } }]
    const rowsOf = (values: readonly unknown[]) => values.map((value, i) => ({ keyGroup: 0, key: `k${i}`, value }))
    for (const values of [opaque, plain]) expect((await read(await writeState(values))).records).toEqual(rowsOf(values))
    const path = await writeState(opaque)
    expect((await read(path, { columns: ['value'] })).records).toEqual(opaque.map((value) => ({ value })))
    await expect(read(path, { columns: ['other'] })).rejects.toThrow("it has no column 'other'; it has keyGroup, key, value")
  })

  for (const kind of ['file', 'stream'] as const) {
    it(`reads what apache-arrow wrote as a ${kind}`, async () => {
      await writeFile(fileSystem, '/f.arrow', arrow.tableToIPC(table(), kind))
      expect((await read()).records).toEqual([
        {
          i8: 1,
          u32: 1,
          i64: 1,
          f32: 0.5,
          text: 'ascii',
          dictionary: 'a',
          flag: true,
          micros: 1_500,
          day: new Date(0),
          list: [1, 2],
          struct: { x: 1 },
        },
        {
          i8: -2,
          u32: 4_294_967_295,
          i64: -5,
          f32: 1.5,
          text: 'ümlaut',
          dictionary: 'b',
          flag: false,
          micros: 2_500,
          day: new Date(86_400_000),
          list: [],
          struct: { x: null },
        },
        {
          i8: null,
          u32: 3,
          i64: 2 ** 53 - 1,
          f32: null,
          text: null,
          dictionary: 'a',
          flag: null,
          micros: -500,
          day: null,
          list: null,
          struct: null,
        },
      ])
    })
  }

  it('keeps numbers and dictionaries as typed arrays', async () => {
    await writeFile(fileSystem, '/f.arrow', arrow.tableToIPC(table(), 'file'))
    const unit = (await read('/f.arrow', { columns: ['dictionary', 'u32'] })).outputs[0]?.units[0]?.unit
    expect(unit).toMatchObject({
      kind: 'columns',
      columns: [
        { name: 'dictionary', kind: 'utf8', values: new Int32Array([0, 1, 0]), dictionary: ['a', 'b'] },
        { name: 'u32', kind: 'int64', values: new Float64Array([1, 4_294_967_295, 3]) },
      ],
    })
  })

  it('reads real data and goes on right after the last record', async () => {
    const path = 'node_modules/vega-datasets/data/flights-200k.arrow'
    const local = new LocalFileSystem()
    const source = fileSource({ path, format: arrowIpc() })
    const whole = (await readAll(source, { fileSystem: local })).records
    const reader = await local.open(path)
    const expected = arrow.tableFromIPC(await reader.read(0, reader.sizeBytes))
    await reader.close()
    expect(whole).toHaveLength(expected.numRows)
    expect(whole[123_456]).toEqual(expected.get(123_456)?.toJSON())
    const first = await new SourceHarness(source, { fileSystem: local }).start()
    await first.pollUntil(() => (first.outputs[0]?.units.length ?? 0) >= 7)
    const snapshot = first.snapshot()
    await first.close()
    const second = await readAll(source, { fileSystem: local, restored: snapshot })
    expect([...first.records, ...second.records]).toEqual(whole)
  })

  it('fails on a 64-bit integer beyond 2^53, on a column that is not there, and on what is no Arrow file', async () => {
    await writeFile(
      fileSystem,
      '/f.arrow',
      arrow.tableToIPC(new arrow.Table({ id: arrow.vectorFromArray([2n ** 60n], new arrow.Int64()) }), 'file'),
    )
    await expect(read()).rejects.toMatchObject({
      code: 'TYPE_MISMATCH',
      message: expect.stringContaining("'id': the value 1152921504606846976"),
    })
    await expect(read('/f.arrow', { columns: ['no'] })).rejects.toMatchObject({
      code: 'TYPE_MISMATCH',
      message: expect.stringContaining("no column 'no'; it has id"),
    })
    await writeFile(fileSystem, '/text.arrow', 'this is some text, and no Arrow at all, however long it may be')
    await expect(read('/text.arrow')).rejects.toMatchObject({ code: 'MALFORMED_INPUT', message: expect.stringContaining('/text.arrow') })
    await writeFile(fileSystem, '/cut.arrow', arrow.tableToIPC(table(), 'file').subarray(0, 500))
    await expect(read('/cut.arrow')).rejects.toMatchObject({ code: 'MALFORMED_INPUT', message: expect.stringContaining('/cut.arrow') })
  })
})

describe('arrowSink', () => {
  const rows = Array.from({ length: 5_000 }, (_, i) => ({
    i,
    text: i % 3 === 0 ? null : `text ${i}`,
    at: new Date(i),
    big: BigInt(i) ** 5n,
    list: [i, 0.5],
    ok: i % 2 === 0,
  }))

  it('writes files that apache-arrow opens', async () => {
    await writeRows(arrowSink({ path: '/f.arrow' }), rows)
    const opened = arrow.tableFromIPC(await fileBytes('/f.arrow'))
    expect(opened.numRows).toBe(5_000)
    expect(opened.get(4_999)?.toJSON()).toMatchObject({ i: 4_999, text: 'text 4999', ok: false, at: 4_999 })
  })

  it('writes files that arrowIpc reads back as they were, batch by batch in splits', async () => {
    await writeRows(arrowSink({ path: '/f.arrow' }), rows)
    const harness = await read('/f.arrow', {}, 100_000)
    expect(harness.assigned.length).toBe(3)
    expect(harness.records).toEqual(rows)
  })

  it('writes records that are no objects, and the schema alone where there are none', async () => {
    await writeRows(arrowSink<string>({ path: '/f.arrow' }), ['a', 'b'])
    expect((await read()).records).toEqual(['a', 'b'])
    await writeRows(arrowSink({ path: '/f.arrow', type: t.row({ a: t.int32 }) }), [])
    expect(arrow.tableFromIPC(await fileBytes('/f.arrow')).schema.fields.map(String)).toEqual(['a: Int32'])
    await writeRows(arrowSink({ path: '/f.arrow' }), [])
    expect((await read()).records).toEqual([])
  })

  it('takes the least schema that holds the first records, and names the field of a later one that does not fit', async () => {
    const mixed = [{ a: 1 }, { a: null }, { b: 'x' }]
    await writeRows(arrowSink<object>({ path: '/f.arrow' }), mixed)
    expect((await read()).records).toEqual([
      { a: 1, b: null },
      { a: null, b: null },
      { a: null, b: 'x' },
    ])
    const late = [...Array.from({ length: 3_000 }, () => ({ a: 1 })), { a: 'text' }]
    await expect(writeRows(arrowSink<object>({ path: '/g.arrow' }), late)).rejects.toMatchObject({
      code: 'TYPE_MISMATCH',
      message: expect.stringMatching(/\/g\.arrow: field 'a' should be .*, and a record came with/),
      hint: expect.stringContaining('arrowSink({ type'),
    })
    expect(await fileSystem.status('/g.arrow')).toBeUndefined()
  })
})
