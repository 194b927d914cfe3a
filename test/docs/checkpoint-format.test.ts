/** Runs the programs of docs/checkpoint-format.md over a checkpoint that was written as the engine writes them. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type RecordBatchFileReader, RecordBatchReader, tableFromIPC } from 'apache-arrow'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LocalFileSystem } from '../../src/base/filesystem/local-file-system.ts'
import { writeMetadata } from '../../src/runtime/checkpoint/checkpoint-storage.ts'
import { chunksOf, metadataOf, stateOf, writerOf } from '../runtime/checkpoint/written-checkpoint.ts'
import { type Python, preparePython } from '../support/python.ts'

const page = readFileSync(new URL('../../docs/checkpoint-format.md', import.meta.url), 'utf8')
const programs = [...page.matchAll(/^```python\n(.*?)^```\n\n```text\n(.*?)^```/gms)]
const folder = mkdtempSync(path.join(tmpdir(), 'headrace-test-'))
const directory = path.join(folder, 'checkpoints/4f2a/chk-12')
const operatorId = '4f2a9c010123456789abcdef01234567'
let python: Python

beforeAll(async () => {
  const fileSystem = new LocalFileSystem()
  const keyed = { scope: 'keyed', form: 'value' } as const
  const totals = [
    { keyGroup: 17, key: 'ann', value: { sum: 12.5, last: new Date('2026-01-01') } },
    { keyGroup: 90, key: 'bob', value: { sum: -3, last: new Date('2026-01-02') } },
  ]
  const fruit = [
    { keyGroup: 17, key: 'ann', value: { apple: 1 } },
    { keyGroup: 90, key: 'bob', value: { pear: 2.5 } },
  ]
  const { operators } = await writerOf(fileSystem, { directory }).write([
    {
      operatorId,
      watermark: null,
      states: [stateOf({ name: 'totals', ...keyed }, chunksOf(totals)), stateOf({ name: 'fruit', ...keyed }, chunksOf(fruit))],
    },
  ])
  const subtasks = operators.map(({ watermark, states }) => ({ finished: false, watermark, states }))
  const metadata = metadataOf([{ operatorId, name: 'totals', kind: 'process', parallelism: 1, maxParallelism: 128, subtasks }])
  await writeMetadata({ ...metadata, directory }, fileSystem)
  python = await preparePython()
  if (python.missing !== undefined) process.stderr.write(`docs/checkpoint-format.md: programs are skipped, ${python.missing}\n`)
}, 300_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('every program of the page says what it prints', () => {
  expect(programs.length).toBe(page.match(/^```python$/gm)!.length)
  expect(programs.length).toBe(3)
})

for (const [index, [, program, output]] of programs.entries()) {
  test(`the Python program ${index + 1} prints what the page says`, async ({ skip }) => {
    if (python.missing !== undefined) skip(python.missing)
    expect(await python.run(program!, folder)).toBe(output)
  })
}

test('plain apache-arrow opens a state file, with record batches of about 8,192 rows', async () => {
  const bytes = readFileSync(path.join(directory, '4f2a9c01-0-totals-0.arrow'))
  const table = tableFromIPC(bytes)
  expect(table.schema.fields.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'keyGroup Int32',
    'key Utf8',
    'value Struct<{sum:Float64, last:Timestamp<MILLISECOND>}>',
  ])
  expect(table.toArray().map((row) => JSON.parse(JSON.stringify(row)))).toEqual([
    { keyGroup: 17, key: 'ann', value: { sum: 12.5, last: Date.UTC(2026, 0, 1) } },
    { keyGroup: 90, key: 'bob', value: { sum: -3, last: Date.UTC(2026, 0, 2) } },
  ])
  const rows = Array.from({ length: 20_000 }, (_, value) => ({ value }))
  const { operators } = await writerOf(new LocalFileSystem(), { directory: path.join(folder, 'large') }).write([
    { operatorId, watermark: null, states: [stateOf({ name: 'large', scope: 'union', form: 'value' }, chunksOf(rows, 100))] },
  ])
  const large = readFileSync(path.join(folder, 'large', operators[0]!.states[0]!.files[0]!.path))
  const batches = [...(RecordBatchReader.from(large) as RecordBatchFileReader)]
  expect(batches.map(({ numRows }) => numRows)).toEqual([8200, 8200, 3600])
})
