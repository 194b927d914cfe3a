import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LocalFileSystem } from '../../../src/base/filesystem/local-file-system.ts'
import { writeMetadata } from '../../../src/runtime/checkpoint/checkpoint-storage.ts'
import { chunksOf, metadataOf, operatorId, stateOf, writerOf } from '../../runtime/checkpoint/written-checkpoint.ts'
import { headrace } from './run-headrace.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'headrace-test-'))
const savepoint = path.join(folder, 'savepoint-job-x')

beforeAll(async () => {
  const fileSystem = new LocalFileSystem()
  const totals = chunksOf([
    { keyGroup: 3, key: 'a', value: { sum: 1.5, seen: new Map([['x', Number.NaN]]) } },
    { keyGroup: 9, key: 'b', value: { sum: -2, seen: new Map() } },
  ])
  const lists = chunksOf([
    { keyGroup: 3, key: 'a', value: 10n },
    { keyGroup: 3, key: 'c', value: 11n },
    { keyGroup: 3, key: 'a', value: 12n },
  ])
  const states = [
    stateOf({ name: 'totals', scope: 'keyed', form: 'value' }, totals),
    stateOf({ name: 'recent', scope: 'keyed', form: 'list' }, lists),
  ]
  const other = 'f'.repeat(32)
  const { operators } = await writerOf(fileSystem, { directory: savepoint }).write([
    { operatorId, watermark: 1000, states },
    {
      operatorId: other,
      watermark: null,
      states: [stateOf({ name: 'recent', scope: 'split', form: 'value' }, chunksOf([{ value: 'z' }]))],
    },
  ])
  const shared = { kind: 'process', parallelism: 1, maxParallelism: 128 }
  const subtasks = operators.map(({ watermark, states: written }) => [{ finished: false, watermark, states: written }])
  const metadata = metadataOf([
    { operatorId, uid: 'tot', name: 'per user', ...shared, subtasks: subtasks[0]! },
    { operatorId: other, name: 'sink', ...shared, subtasks: subtasks[1]! },
  ])
  await writeMetadata({ ...metadata, kind: 'savepoint', jobName: 'sales', directory: savepoint }, fileSystem)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('inspect shows operators, states, types, rows and keys', async () => {
  const { stdout, stderr, code } = await headrace('savepoint', 'inspect', savepoint)
  expect([stderr, code]).toEqual(['', 0])
  expect(stdout.replace(/[\d.]+ (kb|bytes)\b/g, 'N kb')).toBe(`savepoint 1 of job 'sales' (job)
  ${savepoint}
  completed 1970-01-01T00:00:02.000Z after 1000 ms, N kb of state, by headrace 0.1.0

per user (process, uid tot), parallelism 1 of 128
  id ${operatorId}
  totals: keyed value, 2 rows, 2 keys, N kb
    key t.utf8, value t.struct({ sum: t.float64, seen: t.any })
  recent: keyed list, 3 rows, 2 keys, N kb
    key t.utf8, value t.bigint

sink (process), parallelism 1 of 128
  id ${'f'.repeat(32)}
  recent: split value, 1 row, N kb
    value t.utf8
`)
})

test('inspect --json says the same to programs', async () => {
  const { stdout, code } = await headrace('savepoint', 'inspect', path.join(savepoint, '_metadata.json'), '--json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    kind: 'savepoint',
    jobName: 'sales',
    directory: savepoint,
    operators: [
      {
        uid: 'tot',
        watermarks: [1000],
        finishedSubtasks: 0,
        states: [
          { name: 'totals', rows: 2, keys: 2 },
          { name: 'recent', keys: 2 },
        ],
      },
      { name: 'sink', states: [{ name: 'recent', rows: 1, columns: [{ name: 'value', type: 't.utf8' }] }] },
    ],
  })
})

test('--state prints the rows of one state', async () => {
  for (const name of ['per user.totals', 'tot.totals']) {
    const { stdout, stderr } = await headrace('savepoint', 'inspect', savepoint, '--state', name)
    expect(stderr).toBe('')
    expect(stdout).toBe('{"key":"a","value":{"sum":1.5,"seen":[["x","NaN"]]}}\n{"key":"b","value":{"sum":-2,"seen":[]}}\n')
  }
  const { stdout } = await headrace('savepoint', 'inspect', savepoint, '--state=per user.recent')
  expect(stdout).toBe('{"key":"a","value":10}\n{"key":"c","value":11}\n{"key":"a","value":12}\n')
})

test('a state that is not there, or not one, is wrong usage and names those that are', async () => {
  const none = await headrace('savepoint', 'inspect', savepoint, '--state', 'total')
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('It holds per user.totals, per user.recent, sink.recent')])
  const two = await headrace('savepoint', 'inspect', savepoint, '--state', 'recent')
  expect([two.code, two.stderr]).toEqual([2, expect.stringContaining('Name one of them: per user.recent, sink.recent')])
})

test('what is no checkpoint fails with a word of why', async () => {
  const changed = path.join(folder, 'changed')
  cpSync(savepoint, changed, { recursive: true })
  const file = path.join(changed, readdirSync(changed).find((name) => name.includes('-totals-'))!)
  const bytes = readFileSync(file)
  bytes[bytes.length >> 1]! ^= 0xff
  writeFileSync(file, bytes)
  for (const more of [[], ['--state', 'totals']]) {
    const refused = await headrace('savepoint', 'inspect', changed, ...more)
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('it is corrupt (its checksum is ')])
  }
  const missing = await headrace('savepoint', 'inspect', path.join(folder, 'none'))
  expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('there is no checkpoint or savepoint at')])
  for (const words of [['savepoint'], ['savepoint', 'dispose', 'a', 'b']]) expect((await headrace(...words)).code).toBe(2)
})

test('dispose removes its files and nothing else', async () => {
  const copy = path.join(folder, 'copy')
  cpSync(savepoint, copy, { recursive: true })
  writeFileSync(path.join(copy, 'notes.txt'), 'mine')
  const { stdout, code } = await headrace('savepoint', 'dispose', copy)
  expect([code, stdout]).toEqual([0, `removed savepoint 1 of job 'sales': ${copy}\n`])
  expect(readdirSync(copy)).toEqual(['notes.txt'])
  expect(existsSync(path.join(savepoint, '_metadata.json'))).toBe(true)
  expect((await headrace('savepoint', 'dispose', copy)).code).toBe(1)
})
