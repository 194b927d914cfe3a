import { describe, expect, it } from 'vitest'
import type { Type } from '../../../src/base/columnar/data-type.ts'
import { t } from '../../../src/base/columnar/t.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { fileSource } from '../../../src/program/connector/file-source.ts'
import { jsonLines } from '../../../src/program/connector/json-lines.ts'
import { jsonLinesSink } from '../../../src/program/connector/json-lines-sink.ts'
import { writeFile } from '../../support/file-system-contract.ts'
import { publish } from '../../support/publish.ts'
import { readAll } from '../../support/source-harness.ts'
import { testContext } from '../../support/test-context.ts'

async function read<T>(line: string, type: Type<T>): Promise<unknown> {
  const fileSystem = new MemoryFileSystem()
  await writeFile(fileSystem, '/f.jsonl', line)
  return (await readAll(fileSource({ path: '/f.jsonl', format: jsonLines({ type }) }), { fileSystem })).records[0]
}

describe('jsonLines with a declared type', () => {
  it('reads back what jsonLinesSink wrote: dates, bigints, bytes, nested values', async () => {
    const type = t.row({
      at: t.date,
      big: t.bigint,
      bytes: t.binary,
      nested: t.struct({ list: t.list(t.nullable(t.bigint)) }),
      gone: t.nullable(t.utf8),
    })
    const rows = [
      { at: new Date(5), big: 2n ** 80n, bytes: new Uint8Array([1, 2]), nested: { list: [1n, null] }, gone: null },
      { at: new Date(-1), big: -7n, bytes: new Uint8Array([]), nested: { list: [] }, gone: 'x' },
    ]
    const ctx = testContext()
    const sink = jsonLinesSink<(typeof rows)[number]>({ path: '/f.jsonl' })
    const writer = await sink.createWriter(ctx)
    for (const row of rows) await writer.write(row, { timestamp: null, currentWatermark: 0 })
    await publish(sink, ctx, writer)
    const harness = await readAll(fileSource({ path: '/f.jsonl', format: jsonLines({ type }) }), { fileSystem: ctx.fileSystem })
    expect(harness.records).toEqual(rows)
  })

  it('takes ISO text or ms for a timestamp, and missing fields for null', async () => {
    const type = t.row({ a: t.timestamp, b: t.timestamp, c: t.nullable(t.int32) })
    expect(await read('{"a":"1970-01-01T00:00:01Z","b":2000,"more":1}', type)).toEqual({ a: 1_000, b: 2_000, c: null })
  })

  it('names the field that does not fit, and what stands there', async () => {
    const order = t.row({ order: t.struct({ lines: t.list(t.struct({ price: t.float64 })) }) })
    const cases: [string, Type<any>, RegExp][] = [
      ['{"order":{"lines":[{"price":"1"}]}}', order, /field 'order\.lines\[\]\.price' is a string, not a number/],
      ['{"a":1.5}', t.row({ a: t.int32 }), /field 'a' is number 1\.5, not a whole number of 32 bits/],
      ['{"a":9007199254740993}', t.row({ a: t.int64 }), /field 'a' is number .*, not a whole number/],
      ['{"a":"soon"}', t.row({ a: t.date }), /field 'a' is a string, not a time/],
      ['{}', t.row({ a: t.int32 }), /field 'a' is missing, but its type allows no null/],
      ['[1]', t.row({ a: t.int32 }), /the value is a list, not an object/],
    ]
    for (const [line, type, message] of cases) {
      await expect(read(line, type)).rejects.toMatchObject({
        code: 'MALFORMED_INPUT',
        message: expect.stringMatching(message),
        place: { line: 1 },
      })
    }
  })
})
