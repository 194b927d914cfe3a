import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { schemaFromRow } from '../../../src/base/columnar/schema.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { restoredSchemas, restoredState } from '../../../src/runtime/checkpoint/restored-state.ts'
import type { StateDescription } from '../../../src/runtime/state/snapshot.ts'
import { chunksOf, directory, keyedRows, operatorId, type Row, rowsOf, stateOf, writtenBy } from './written-checkpoint.ts'

const counts: StateDescription = { name: 'counts', scope: 'keyed', form: 'value' }
const entry = fc.tuple(fc.oneof(fc.integer(), fc.string(), fc.record({ a: fc.integer() })), fc.double())

/** What each subtask gets back of the one state. */
async function restoredRows(subtasks: readonly (readonly Row[])[], description: StateDescription, parallelism: number): Promise<Row[][]> {
  const fileSystem = new MemoryFileSystem()
  const metadata = await writtenBy(
    fileSystem,
    subtasks.map((rows) => [stateOf(description, chunksOf(rows))]),
  )
  const all: Row[][] = []
  for (let subtask = 0; subtask < parallelism; subtask++) {
    const { tables } = restoredState(metadata, operatorId, { subtask, parallelism, maxParallelism: 128 }, fileSystem)!
    expect(tables).toMatchObject([description])
    all.push(await rowsOf(tables[0]!))
  }
  return all
}

const values = (rows: readonly Row[]): unknown[] => rows.map(({ value }) => value)
const elements = (...given: number[]): Row[] => given.map((value) => ({ value }))

test('keyed rows reach the subtask that owns their key group, at any parallelism', async () => {
  const parallelism = fc.integer({ min: 1, max: 7 })
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 40 }), parallelism, parallelism, async (entries, before, after) => {
      const restored = await restoredRows(keyedRows(entries, before, 128), counts, after)
      const byGroup = (rows: readonly Row[]) => rows.toSorted((a, b) => (a.keyGroup as number) - (b.keyGroup as number))
      expect(restored.map(byGroup)).toEqual(keyedRows(entries, after, 128))
    }),
    { numRuns: 100 },
  )
})

test('elements are spread evenly at another parallelism, and stay where they were at the same', async () => {
  const split: StateDescription = { name: 'splits', scope: 'split', form: 'value' }
  const before = [elements(1, 2, 3, 4, 5, 6, 7, 8, 9), [], elements(10)]
  expect((await restoredRows(before, split, 3)).map(values)).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9], [], [10]])
  const spread = (await restoredRows(before, split, 4)).map(values)
  expect(spread.flat()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(spread.map(({ length }) => length)).toEqual([2, 3, 2, 3])
  expect((await restoredRows(before, split, 1)).map(values)).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]])
})

test('union state goes to every subtask whole, broadcast state once', async () => {
  const before = [elements(1, 2), elements(3)]
  const union = await restoredRows(before, { name: 'u', scope: 'union', form: 'value' }, 3)
  expect(union.map(values)).toEqual([
    [1, 2, 3],
    [1, 2, 3],
    [1, 2, 3],
  ])
  const broadcast = await restoredRows([elements(7), elements(7)], { name: 'b', scope: 'broadcast', form: 'value' }, 3)
  expect(broadcast.map(values)).toEqual([[7], [7], [7]])
})

test('another max parallelism is refused, and the message names both', async () => {
  const fileSystem = new MemoryFileSystem()
  const metadata = await writtenBy(fileSystem, [[stateOf(counts, chunksOf([{ keyGroup: 0, key: 1, value: 2 }]))]], { maxParallelism: 64 })
  expect(() => restoredState(metadata, operatorId, { subtask: 0, parallelism: 1, maxParallelism: 128 }, fileSystem)).toThrow(
    expect.objectContaining({ code: 'STATE_INCOMPATIBLE', message: expect.stringMatching(/'counts'.*'counts'.* 64, .* 128/) }),
  )
})

test('a snapshot without the operator has nothing of it', async () => {
  const fileSystem = new MemoryFileSystem()
  const metadata = await writtenBy(fileSystem, [[]])
  const place = { subtask: 0, parallelism: 1, maxParallelism: 128 }
  expect(restoredState(metadata, 'f'.repeat(32), place, fileSystem)).toBeUndefined()
  expect(restoredSchemas(metadata, 'f'.repeat(32))).toBeUndefined()
  expect(restoredState(metadata, operatorId, place, fileSystem)).toEqual({ checkpointId: 1, watermark: -(2 ** 63), tables: [] })
})

describe('the watermark', () => {
  const watermarkOf = async (watermarks: readonly (number | null)[], subtask: number, parallelism: number, scope: 'keyed' | 'split') => {
    const fileSystem = new MemoryFileSystem()
    const state = () => stateOf({ ...counts, scope }, [])
    const metadata = await writtenBy(
      fileSystem,
      watermarks.map(() => [state()]),
      { watermarks },
    )
    return restoredState(metadata, operatorId, { subtask, parallelism, maxParallelism: 128 }, fileSystem)!.watermark
  }

  test('is the least of the subtasks whose key groups are taken over', async () => {
    expect(await watermarkOf([30, 20, 10, 40], 0, 2, 'keyed')).toBe(20)
    expect(await watermarkOf([30, 20, 10, 40], 1, 2, 'keyed')).toBe(10)
    expect(await watermarkOf([30, 20], 3, 4, 'keyed')).toBe(20)
    expect(await watermarkOf([30, 20], 0, 2, 'keyed')).toBe(30)
  })

  test('is the least of all where elements may come from any', async () => {
    expect(await watermarkOf([30, 20, 10, 40], 0, 2, 'split')).toBe(10)
  })

  test('has not begun where it had not for one of them', async () => {
    expect(await watermarkOf([30, null], 0, 1, 'keyed')).toBe(-(2 ** 63))
  })
})

test('learned schemas are joined over the subtasks', async () => {
  const fileSystem = new MemoryFileSystem()
  const metadata = await writtenBy(fileSystem, [[]], { schemas: [schemaFromRow({ a: 1 }), null] })
  const [operator] = metadata.operators
  const subtasks = [operator!.subtasks[0]!, { ...operator!.subtasks[0]!, schemas: [schemaFromRow({ a: 'x' }), schemaFromRow(5)] }]
  const joined = restoredSchemas({ ...metadata, operators: [{ ...operator!, subtasks }] }, operatorId)!
  expect(joined.map((schema) => schema?.fields.map(({ name, type }) => [name, type.kind]))).toEqual([
    [['a', 'any']],
    [['value', 'float64']],
  ])
})

test('a state file with any one byte changed, or cut anywhere, is an error and never other rows', async () => {
  const fileSystem = new MemoryFileSystem()
  const rows = keyedRows([[1, 2.5]], 1, 128)[0]!
  const metadata = await writtenBy(fileSystem, [[stateOf(counts, chunksOf(rows))]])
  const [file] = metadata.operators[0]!.subtasks[0]!.states[0]!.files
  const path = `${directory}/${file!.path}`
  const whole = await (await fileSystem.open(path)).read(0, file!.sizeBytes)
  const readWith = async (bytes: Uint8Array) => {
    const writer = await fileSystem.create(path)
    await writer.write(bytes)
    return rowsOf(restoredState(metadata, operatorId, { subtask: 0, parallelism: 1, maxParallelism: 128 }, fileSystem)!.tables[0]!)
  }
  expect(await readWith(whole)).toEqual(rows)
  for (let i = 0; i < whole.length; i++) {
    await expect(readWith(whole.with(i, whole[i]! ^ (1 << (i & 7)))), `byte ${i}`).rejects.toMatchObject({ code: 'STATE_INCOMPATIBLE' })
    await expect(readWith(whole.slice(0, i)), `cut at ${i}`).rejects.toMatchObject({ code: 'STATE_INCOMPATIBLE' })
  }
  await fileSystem.remove(path)
  await expect(
    rowsOf(restoredState(metadata, operatorId, { subtask: 0, parallelism: 1, maxParallelism: 128 }, fileSystem)!.tables[0]!),
  ).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
})
