import { describe, expect, it } from 'vitest'
import type { FileSystem, FileWriter } from '../../../src/base/filesystem/file-system.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { csvSink } from '../../../src/program/connector/csv-sink.ts'
import { jsonLinesSink } from '../../../src/program/connector/json-lines-sink.ts'
import { textSink } from '../../../src/program/connector/text-sink.ts'
import type { Sink } from '../../../src/program/function/sink.ts'
import { readFile, writeFile } from '../../support/file-system-contract.ts'
import { publish } from '../../support/publish.ts'
import { testContext } from '../../support/test-context.ts'

const writeContext = { timestamp: null, currentWatermark: 0 }

async function writeAll<T>(sink: Sink<T>, records: readonly T[], options: Parameters<typeof testContext>[0] = {}): Promise<FileSystem> {
  const ctx = testContext(options)
  const writer = await sink.createWriter(ctx)
  try {
    for (const record of records) await writer.write(record, writeContext)
    await publish(sink, ctx, writer)
  } finally {
    await writer.close()
  }
  return ctx.fileSystem
}

const contentOf = async <T>(sink: Sink<T>, path: string, records: readonly T[]) => readFile(await writeAll(sink, records), path)
const namesIn = async (fileSystem: FileSystem, folder: string) => (await fileSystem.list(folder)).map(({ path }) => path)

describe('a file sink', () => {
  it('publishes one file at the end of input, and shows only a hidden one before', async () => {
    const ctx = testContext()
    const sink = textSink<string>({ path: '/out/lines.txt' })
    expect([sink.maxParallelism, sink.name]).toEqual([1, 'text /out/lines.txt'])
    const writer = await sink.createWriter(ctx)
    await writer.write('one', writeContext)
    await writer.flush(false)
    expect(await namesIn(ctx.fileSystem, '/out')).toEqual(['/out/.lines.txt.job-1-0.inprogress'])
    await publish(sink, ctx, writer)
    await writer.close()
    expect(await namesIn(ctx.fileSystem, '/out')).toEqual(['/out/lines.txt'])
    expect(await readFile(ctx.fileSystem, '/out/lines.txt')).toBe('one\n')
  })

  it('publishes nothing and leaves nothing behind when it is closed without an end', async () => {
    const fileSystem = new MemoryFileSystem()
    await writeFile(fileSystem, '/out/lines.txt', 'of an earlier run')
    const writer = await textSink<string>({ path: '/out/lines.txt' }).createWriter(testContext({ fileSystem }))
    await writer.write('x'.repeat(200_000), writeContext)
    await writer.close()
    expect(await namesIn(fileSystem, '/out')).toEqual(['/out/lines.txt'])
    expect(await readFile(fileSystem, '/out/lines.txt')).toBe('of an earlier run')
  })

  it('writes a folder of parts where the path ends in a slash', async () => {
    const fileSystem = new MemoryFileSystem()
    const sink = textSink<string>({ path: '/out/' })
    expect(sink.maxParallelism).toBeUndefined()
    for (const subtaskIndex of [0, 1]) await writeAll(sink, [`from ${subtaskIndex}`], { fileSystem, subtaskIndex, parallelism: 2 })
    expect(await namesIn(fileSystem, '/out')).toEqual(['/out/part-0-0', '/out/part-1-0'])
    expect(await readFile(fileSystem, '/out/part-1-0')).toBe('from 1\n')
  })

  it('refuses a folder in which a wider run left parts, and takes one of an equal run', async () => {
    const fileSystem = new MemoryFileSystem()
    const sink = textSink<string>({ path: '/out/' })
    await writeAll(sink, ['old'], { fileSystem, subtaskIndex: 1, parallelism: 2 })
    await expect(writeAll(sink, ['new'], { fileSystem })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('part-1-0'),
    })
    await writeAll(sink, ['new'], { fileSystem, subtaskIndex: 1, parallelism: 2 })
    expect(await readFile(fileSystem, '/out/part-1-0')).toBe('new\n')
  })

  it('refuses a path that may be a file or a folder, and an empty one', () => {
    expect(() => textSink({ path: 'out/result' })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', hint: expect.stringContaining('extension') }),
    )
    expect(() => textSink({ path: '' })).toThrow(/no path/)
    expect(() => textSink({ path: '..' })).toThrow(/cannot tell/)
  })

  it('waits for a slow disk only when both its buffers are full', async () => {
    const gate = Promise.withResolvers<void>()
    class SlowFileSystem extends MemoryFileSystem {
      override async create(path: string): Promise<FileWriter> {
        const writer = await super.create(path)
        return { ...writer, write: async (bytes) => gate.promise.then(() => writer.write(bytes)) }
      }
    }
    const ctx = testContext({ fileSystem: new SlowFileSystem() })
    const sink = textSink<string>({ path: '/x.txt' })
    const writer = await sink.createWriter(ctx)
    const line = 'a'.repeat(1_023)
    let accepted = 0
    let waiting: void | Promise<void>
    while ((waiting = writer.write(line, writeContext)) === undefined) accepted++
    expect(accepted * 1_024).toBeGreaterThanOrEqual(127 * 1_024)
    expect(accepted * 1_024).toBeLessThan(256 * 1_024)
    gate.resolve()
    await waiting
    await publish(sink, ctx, writer)
    expect((await ctx.fileSystem.status('/x.txt'))?.sizeBytes).toBe((accepted + 1) * 1_024)
  })

  it('fails a later write when the disk is full, with the path, and removes the rest', async () => {
    const fileSystem = new MemoryFileSystem({ capacityBytes: 100_000 })
    const failing = writeAll(
      textSink<string>({ path: '/x.txt' }),
      Array.from({ length: 2_000 }, () => 'a'.repeat(1_000)),
      { fileSystem },
    )
    await expect(failing).rejects.toMatchObject({ code: 'NO_SPACE', message: expect.stringContaining('x.txt') })
    expect(await namesIn(fileSystem, '/')).toEqual([])
  })
})

describe('textSink', () => {
  it('writes strings as they are, other values readably, and lines by a function', async () => {
    expect(await contentOf(textSink({ path: '/x.txt' }), '/x.txt', ['ä', 1, null, { a: [1n] }])).toBe('ä\n1\nnull\n{ a: [ 1n ] }\n')
    expect(await contentOf(textSink<number>({ path: '/x.txt', format: (n) => `#${n}` }), '/x.txt', [1, 2])).toBe('#1\n#2\n')
  })
})

describe('jsonLinesSink', () => {
  it('writes one line of JSON for each record, and what JSON cannot say as text or digits', async () => {
    const records = [
      { a: 1, b: 'ü\n', c: null, d: undefined },
      { big: 12345678901234567890n, nested: { list: [1n] } },
      { at: new Date(0), bytes: new Uint8Array([1, 2, 255]), nan: Number.NaN },
      'text',
      7n,
      undefined,
    ]
    expect(await contentOf(jsonLinesSink({ path: '/x.jsonl' }), '/x.jsonl', records)).toBe(
      [
        '{"a":1,"b":"ü\\n","c":null}',
        '{"big":12345678901234567890,"nested":{"list":[1]}}',
        '{"at":"1970-01-01T00:00:00.000Z","bytes":"AQL/","nan":null}',
        '"text"',
        '7',
        'null',
        '',
      ].join('\n'),
    )
  })
})

describe('csvSink', () => {
  it('quotes what needs it and tells null from the empty string', async () => {
    const records = [
      { id: 1, text: 'a,b', note: null as string | null },
      { id: 2, text: 'say "hi"\nthere', note: '' },
      { id: 3, text: ' padded', note: 'plain' },
    ]
    expect(await contentOf(csvSink({ path: '/x.csv' }), '/x.csv', records)).toBe(
      'id,text,note\n1,"a,b",\n2,"say ""hi""\nthere",""\n3," padded",plain\n',
    )
  })

  it('writes the named columns in their order, with another delimiter, without a header', async () => {
    const sink = csvSink<{ a: string; b: number }>({ path: '/x.csv', columns: ['b', 'a'], header: false, delimiter: ';' })
    expect(await contentOf(sink, '/x.csv', [{ a: 'x;y', b: 1 }])).toBe('1;"x;y"\n')
  })

  it('writes dates, bytes, bigints and nested values', async () => {
    const record = { at: new Date(0), bytes: new Uint8Array([1]), big: 10n, list: [1, 2], ok: true }
    expect(await contentOf(csvSink({ path: '/x.csv' }), '/x.csv', [record])).toBe(
      'at,bytes,big,list,ok\n1970-01-01T00:00:00.000Z,AQ==,10,"[1,2]",true\n',
    )
  })

  it('writes the header of an empty result where the columns are named', async () => {
    expect(await contentOf(csvSink<{ a: number }>({ path: '/x.csv', columns: ['a'] }), '/x.csv', [])).toBe('a\n')
    expect(await contentOf(csvSink<{ a: number }>({ path: '/x.csv' }), '/x.csv', [])).toBe('')
  })

  it('names the field that is new, and the one whose type changed', async () => {
    const sink = csvSink<Record<string, unknown>>({ path: '/x.csv' })
    await expect(writeAll(sink, [{ a: 1 }, { a: 2, late: 3 }])).rejects.toMatchObject({
      code: 'TYPE_MISMATCH',
      message: expect.stringContaining("'late'"),
    })
    await expect(writeAll(sink, [{ a: 1 }, { a: null }, { a: 'x' }])).rejects.toMatchObject({
      code: 'TYPE_MISMATCH',
      message: "cannot write /x.csv: field 'a' was a number and is now a string",
      hint: expect.stringContaining('columns'),
    })
    await expect(writeAll(sink as Sink<unknown>, [5])).rejects.toMatchObject({ message: expect.stringContaining('not an object') })
  })

  it('leaves a missing field empty', async () => {
    expect(await contentOf(csvSink<Record<string, unknown>>({ path: '/x.csv' }), '/x.csv', [{ a: 1, b: 2 }, { b: 3 }])).toBe(
      'a,b\n1,2\n,3\n',
    )
  })
})
