import { expect, test } from 'vitest'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { restoredState } from '../../../src/runtime/checkpoint/restored-state.ts'
import { restoredRows, splitState } from '../../../src/runtime/operator/operator-state.ts'
import { operatorId, writtenBy } from '../checkpoint/written-checkpoint.ts'

test('values of any shape come back from the files of a checkpoint as they were, with the columns beside them', async () => {
  const fileSystem = new MemoryFileSystem()
  const values = [
    { a: 1 },
    { b: undefined, c: null },
    'text',
    [1, 'x', { deep: [2n] }],
    new Uint8Array([1, 2]),
    new Date(5),
    { a: 'other' },
  ]
  const ids = values.map((_, i) => i * 2 ** 40)
  const metadata = await writtenBy(fileSystem, [
    [splitState('_x', values, { checkpointId: ids })],
    [splitState('_x', [], { checkpointId: [] })],
  ])
  const restored = restoredState(metadata, operatorId, { subtask: 0, parallelism: 1, maxParallelism: 128 }, fileSystem)!
  const rows = await restoredRows(restored, '_x')
  expect(rows.map(({ checkpointId }) => checkpointId)).toEqual(ids)
  expect(rows.map(({ value }) => value)).toEqual(values)
  expect(Object.keys(rows[0]!.value as object)).toEqual(['a'])
  expect(await restoredRows(restored, '_other')).toEqual([])
})

test('thousands of values are read in chunks, and are dealt out to more subtasks whole', async () => {
  const fileSystem = new MemoryFileSystem()
  const values = Array.from({ length: 2_500 }, (_, i) => ({ i, ...(i % 2 === 0 && { even: `${i}` }) }))
  const state = splitState('_x', values)
  expect([...state.chunks()].map(({ rowCount }) => rowCount)).toEqual([1024, 1024, 452])
  const metadata = await writtenBy(fileSystem, [[state]])
  const found: unknown[] = []
  for (const subtask of [0, 1, 2]) {
    const restored = restoredState(metadata, operatorId, { subtask, parallelism: 3, maxParallelism: 128 }, fileSystem)!
    found.push(...(await restoredRows(restored, '_x')).map(({ value }) => value))
  }
  expect(found).toEqual(values)
})
