import { gzipSync, zstdCompressSync } from 'node:zlib'
import * as arrow from 'apache-arrow'
import fc from 'fast-check'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { arrowIpc } from '../../../src/program/connector/arrow-format.ts'
import { collection } from '../../../src/program/connector/collection.ts'
import { csv } from '../../../src/program/connector/csv.ts'
import type { FileFormat } from '../../../src/program/connector/file-format.ts'
import { fileSource } from '../../../src/program/connector/file-source.ts'
import { generator } from '../../../src/program/connector/generator.ts'
import { jsonLines } from '../../../src/program/connector/json-lines.ts'
import { parquet } from '../../../src/program/connector/parquet.ts'
import { sequence } from '../../../src/program/connector/sequence.ts'
import { textLines } from '../../../src/program/connector/text-lines.ts'
import type { Source } from '../../../src/program/function/source.ts'
import { writeFile } from '../../support/file-system-contract.ts'
import { type RecordsBySplit, readWithCrashes } from '../../support/source-crashes.ts'
import { readAll } from '../../support/source-harness.ts'

/** What a run without crashes reads, in the order of each split. */
async function undisturbed(source: Source<any, any, any>, parallelism: number, fileSystem: MemoryFileSystem): Promise<RecordsBySplit> {
  return (await readWithCrashes(source, { seed: 0, parallelisms: [parallelism], fileSystem })).read
}

const sorted = (read: RecordsBySplit) => [...read].filter(([, records]) => records.length > 0).sort(([a], [b]) => (a < b ? -1 : 1))

/** Every record once, in the order of its split, whatever the schedule, the crashes and the parallelisms. */
async function survives(
  source: Source<any, any, any>,
  fileSystem: MemoryFileSystem,
  options: { numRuns: number; count?: number },
): Promise<void> {
  const count = options.count ?? (await readAll(source, { fileSystem })).records.length
  const expected = new Map<number, RecordsBySplit>()
  const parallelism = fc.integer({ min: 1, max: 4 })
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.array(parallelism, { minLength: 2, maxLength: 5 }), async (seed, parallelisms) => {
      const { read, begunWith } = await readWithCrashes(source, { seed, parallelisms, fileSystem })
      if (!expected.has(begunWith)) expected.set(begunWith, await undisturbed(source, begunWith, fileSystem))
      expect([...read.values()].flat().length).toBe(count)
      // Compared as text, as a difference of many thousand records is not worth showing.
      const [got, wanted] = [sorted(read), sorted(expected.get(begunWith)!)]
      expect(got.map(([split]) => split)).toEqual(wanted.map(([split]) => split))
      for (const [i, [split, records]] of got.entries()) expect(JSON.stringify(records) === JSON.stringify(wanted[i]![1]), split).toBe(true)
    }),
    { numRuns: options.numRuns },
  )
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

describe('the sources of indices read each record once over crashes', () => {
  const none = new MemoryFileSystem()
  it.each([
    ['collection', collection(upTo(20_000))],
    ['an empty collection', collection([])],
    ['sequence', sequence(-7, 60_000)],
    ['a sequence shorter than the parallelism', sequence(1, 2)],
    ['generator', generator((i) => ({ i }), { count: 50_001 })],
    ['a generator with a rate', generator((i) => i, { count: 2_000, ratePerSecond: 1_000 }), 2_000],
  ] as [string, Source<any, any, any>, number?][])('%s', async (_name, source, count) => survives(source, none, { numRuns: 40, count }))
})

const lines = (count: number, line: (i: number) => string, end = '\n') => upTo(count).map(line).join(end)
const odd = (i: number) => (i % 11 === 0 ? '' : `${i} ${'€😀ä'.repeat(i % 4)}`)
const json = (i: number) => (i % 13 === 0 ? '   ' : JSON.stringify({ i, text: odd(i) }))
const quoted = (i: number) => `${i},"a ""b""\r\n\n${'ü,'.repeat(i % 60)}",${i % 3 === 0 ? '' : i / 2}`
const table = (from: number) =>
  arrow.tableToIPC(
    new arrow.Table(
      [0, 5_000, 1, 4_097, 300].map(
        (rows, b) =>
          new arrow.Table({
            i: arrow.vectorFromArray(
              upTo(rows).map((i) => from + b * 10_000 + i),
              new arrow.Int32(),
            ),
          }).batches[0] ?? new arrow.RecordBatch({ i: arrow.makeData({ type: new arrow.Int32(), length: 0 }) }),
      ),
    ),
    'file',
  )
const rowGroups = (rows: number) =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'i', data: upTo(rows), type: 'INT32' },
        { name: 'text', data: upTo(rows).map((i) => (i % 7 === 0 ? null : `t${i % 50}`)), type: 'STRING' },
      ],
      rowGroupSize: 9_000,
      pageSize: 20_000,
    }),
  )

describe('files are read once over crashes', () => {
  const cases: [string, FileFormat<any>, Record<string, string | Uint8Array>, number?][] = [
    [
      'text',
      textLines(),
      { '/in/a': lines(30_000, odd), '/in/b': lines(9_000, odd, '\r\n'), '/in/c': '', '/in/d': '\n\n', '/in/e': '\uFEFFx' },
      90_001,
    ],
    // Blocks are of 1 MB, so that characters of several bytes lie over their ends.
    [
      'text of several blocks',
      textLines(),
      { '/in/a': lines(110_000, (i) => `${'€😀ä'.repeat(2)}${i}`), '/in/b': `a${'😀'.repeat(400_000)}\nlast` },
      1_100_003,
    ],
    [
      'compressed text',
      textLines(),
      { '/in/a.gz': gzipSync(lines(30_000, odd)), '/in/b.zst': zstdCompressSync(lines(9_000, odd, '\r\n')), '/in/c.gz': gzipSync('') },
    ],
    [
      'JSON lines',
      jsonLines(),
      { '/in/a.jsonl': lines(12_000, json), '/in/b.jsonl': lines(3_000, json, '\r\n'), '/in/c.jsonl': '' },
      60_000,
    ],
    [
      'CSV',
      csv(),
      {
        '/in/a.csv': `\uFEFFid,text,half\n${lines(9_000, quoted)}`,
        '/in/b.csv': `id,text,half\r\n${lines(400, quoted, '\r\n')}\r\n`,
        '/in/c.csv': '',
        '/in/d.csv': 'id,text,half',
      },
    ],
    [
      'CSV in splits',
      csv({ multiline: false }),
      { '/in/a.csv': `id;x,y\n${lines(30_000, (i) => `"${i}",${i % 2 ? 'ä' : ''}`)}`, '/in/b.csv.gz': gzipSync('id,y\n1,2\n\n3,4') },
      50_000,
    ],
    ['Arrow IPC', arrowIpc(), { '/in/a.arrow': table(0), '/in/b.arrow': table(1e6) }, 20_000],
    ['Parquet', parquet(), { '/in/a.parquet': rowGroups(30_000), '/in/b.parquet': rowGroups(100) }],
  ]
  for (const [name, format, files, splitBytes] of cases) {
    it(name, async () => {
      const fileSystem = new MemoryFileSystem()
      for (const [path, content] of Object.entries(files)) await writeFile(fileSystem, path, content)
      await survives(fileSource({ path: '/in', format, splitBytes }), fileSystem, { numRuns: 15 })
    })
  }
})

it('files that come while the source monitors are read once over crashes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 4 }), async (seed, parallelisms) => {
      const fileSystem = new MemoryFileSystem()
      const source = fileSource({ path: '/in', format: textLines(), monitorInterval: 100, splitBytes: 30_000 })
      for (const name of ['a', 'b'])
        await writeFile(
          fileSystem,
          `/in/${name}`,
          lines(5_000, (i) => `${name}${i}`),
        )
      const expected = ['a', 'b', 'late'].flatMap((name) => upTo(5_000).map((i) => `${name}${i}`))
      const reading = readWithCrashes(source, { seed, parallelisms, fileSystem, records: expected.length })
      await writeFile(
        fileSystem,
        '/in/late',
        lines(5_000, (i) => `late${i}`),
      )
      const { read } = await reading
      expect([...read.values()].flat().length).toBe(expected.length)
      expect(new Set([...read.values()].flat())).toEqual(new Set(expected))
    }),
    { numRuns: 20 },
  )
})

describe('the harness finds', () => {
  type Planted = Pick<Source<any, any, any>, 'createReader' | 'createEnumerator'>
  const source = sequence(0, 40_000)
  const bugs: [string, Partial<Planted>][] = [
    ['a reader that forgets where it was', { createReader: (ctx) => planted(source.createReader(ctx), { snapshotState: () => [] }) }],
    [
      'a reader that goes on a record too early',
      {
        createReader: (ctx) => {
          const reader = source.createReader(ctx)
          return planted(reader, {
            snapshotState: (id: number) => reader.snapshotState(id).map((split) => ({ ...split, next: Math.max(0, split.next - 1) })),
          })
        },
      },
    ],
    [
      'an enumerator that forgets what it has not assigned',
      { createEnumerator: (ctx, restored) => planted(source.createEnumerator(ctx, restored), { snapshotState: () => [] }) },
    ],
    ['an enumerator that assigns everything anew', { createEnumerator: (ctx) => source.createEnumerator(ctx, undefined) }],
  ]
  it.each(bugs)('%s', async (_name, bug) => {
    await expect(survives({ ...source, ...bug }, new MemoryFileSystem(), { numRuns: 60, count: 40_001 })).rejects.toThrow()
  })
})

/** The object with some of its methods replaced: its class keeps its fields to itself. */
function planted<T extends object>(object: T, replaced: Record<string, unknown>): T {
  return new Proxy(object, {
    get(target, name) {
      if (typeof name === 'string' && name in replaced) return replaced[name]
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
