import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { restoredState } from '../../../src/runtime/checkpoint/restored-state.ts'
import type { StateChunk, StateDescription } from '../../../src/runtime/state/snapshot.ts'
import { chunksOf, directory, failingAt, operatorId, type Row, rowsOf, stateOf, writerOf, writtenBy } from './written-checkpoint.ts'

const union: StateDescription = { name: 'things', scope: 'union', form: 'value' }
const place = { subtask: 0, parallelism: 1, maxParallelism: 128 }
const filesIn = async (fileSystem: MemoryFileSystem): Promise<string[]> =>
  (await fileSystem.status(directory)) === undefined ? [] : (await fileSystem.list(directory)).map(({ path }) => path)

async function roundTrip(chunks: readonly StateChunk[], description = union): Promise<Row[]> {
  const fileSystem = new MemoryFileSystem()
  const metadata = await writtenBy(fileSystem, [[stateOf(description, chunks)]])
  return rowsOf(restoredState(metadata, operatorId, place, fileSystem)!.tables[0]!)
}

const values = async (given: readonly unknown[]): Promise<unknown[]> =>
  (
    await roundTrip(
      chunksOf(
        given.map((value) => ({ value })),
        3,
      ),
    )
  ).map(({ value }) => value)

test('numbers, text and nested values come back as they were', async () => {
  const cyclicFree = { a: [1, 2], b: { c: 'x', d: null } }
  for (const given of [
    [1, -0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60],
    ['', 'a', 'größe 😀', '\0'],
    ['\ud800', 'x\udc00y', '', 'plain', '\ud83d\ude00\ud83d'],
    [true, false, null],
    [1n, -(2n ** 90n), 0n],
    [new Date(0), new Date(-8.64e15), null],
    [Uint8Array.of(1, 2), new Uint8Array(0)],
    [cyclicFree, { a: [], b: { c: '', d: null } }],
    [[], [1, null], [[1], ['x']]],
    [new Map([[{ a: 1 }, new Set([1n])]]), new Date(Number.NaN), undefined, null, /x/g, new Float32Array([1.5])],
    [
      { when: new Date(5), what: new Map() },
      { when: new Date(6), what: undefined },
    ],
  ])
    expect(await values(given)).toStrictEqual(given)
})

test('an object that lacks a field does not get it', async () => {
  expect(await values([{ apple: 1 }, { pear: 2 }, { pear: 2, apple: 3 }, {}])).toStrictEqual([
    { apple: 1 },
    { pear: 2 },
    { pear: 2, apple: 3 },
    {},
  ])
})

test('a column whose type widens goes on in another file', async () => {
  const fileSystem = new MemoryFileSystem()
  let elapsedMs = 0
  const clock = Object.assign(new ManualClock(), { elapsed: () => elapsedMs++ })
  const rows = [1, 2, 'three', 4].map((value) => ({ value }))
  const state = stateOf(union, chunksOf(rows, 1))
  // Time that moves ends each slice, so that chunks are not put together.
  const writer = writerOf(fileSystem, { clock })
  const { operators, sizeBytes } = await writer.write([{ operatorId, watermark: 5, states: [state] }])
  const { files } = operators[0]!.states[0]!
  expect(files.map(({ path, rows: count }) => [path, count])).toEqual([
    ['01234567-0-things-0.arrow', 2],
    ['01234567-0-things-1.arrow', 2],
  ])
  expect(sizeBytes).toBe(files.reduce((sum, file) => sum + file.sizeBytes, 0))
  expect(operators[0]).toMatchObject({ operatorId, watermark: 5 })
  expect(state.released).toBe(1)
})

test('a state without rows has no file', async () => {
  const fileSystem = new MemoryFileSystem()
  const metadata = await writtenBy(fileSystem, [[stateOf(union, [])]])
  expect(metadata.operators[0]!.subtasks[0]!.states).toEqual([{ ...union, files: [] }])
  expect(await filesIn(fileSystem)).toEqual([])
})

test('small chunks become one record batch, typed arrays and dictionaries are joined', async () => {
  const chunk = (from: number): StateChunk => ({
    rowCount: 2,
    columns: [
      { name: 'keyGroup', values: Int32Array.of(from, from) },
      { name: 'key', values: Int32Array.of(1, 0), dictionary: ['a', 'b'] },
      { name: 'time', kind: 'timestamp', values: Float64Array.of(from, -1) },
      { name: 'on', values: Uint8Array.of(1, 0) },
    ],
  })
  expect(await roundTrip([chunk(1), chunk(2)])).toEqual([
    { keyGroup: 1, key: 'b', time: 1, on: true },
    { keyGroup: 1, key: 'a', time: -1, on: false },
    { keyGroup: 2, key: 'b', time: 2, on: true },
    { keyGroup: 2, key: 'a', time: -1, on: false },
  ])
})

test('what cannot be written names operator, state and column, leaves no file and is released', async () => {
  const fileSystem = new MemoryFileSystem()
  const state = stateOf(union, chunksOf([{ value: 1 }, { value: () => 1 }]))
  const other = stateOf({ ...union, name: 'other' }, chunksOf([{ value: 1 }]))
  const written = writerOf(fileSystem).write([{ operatorId, watermark: null, states: [other, state] }])
  await expect(written).rejects.toMatchObject({
    code: 'TYPE_MISMATCH',
    message: `column 'value' of state 'things' of operator ${operatorId} holds a function, which cannot be written to a checkpoint`,
  })
  expect(await filesIn(fileSystem)).toEqual([])
  expect([state.released, other.released]).toEqual([1, 1])
})

test.each([0, 1, 2, 5, 40])('an abort in turn %i leaves no file and releases everything', async (turns) => {
  const fileSystem = new MemoryFileSystem()
  let elapsedMs = 0
  const clock = Object.assign(new ManualClock(), { elapsed: () => elapsedMs++ })
  const states = [1, 2].map((n) => stateOf({ ...union, name: `s${n}` }, chunksOf(Array.from({ length: 20 }, (_, value) => ({ value })))))
  let left = turns
  // The abort waits for the write, so the turn does not wait for it.
  const abortable = writerOf(fileSystem, {
    clock,
    yieldTo: (callback) => {
      if (left-- === 0) void abortable.abort()
      setImmediate(callback)
    },
  })
  const outcome = await abortable.write([{ operatorId, watermark: null, states }]).then(
    () => 'written',
    (error) => error.code,
  )
  await abortable.abort()
  expect(outcome).toBe(turns === 40 ? 'written' : 'CANCELLED')
  expect(await filesIn(fileSystem)).toEqual([])
  expect(states.map(({ released }) => released)).toEqual([1, 1])
})

test('a disk that is full fails the write, with nothing left', async () => {
  const fileSystem = new MemoryFileSystem({ capacityBytes: 700 })
  const state = stateOf(union, chunksOf(Array.from({ length: 2000 }, (_, value) => ({ value }))))
  await expect(writerOf(fileSystem).write([{ operatorId, watermark: null, states: [state] }])).rejects.toMatchObject({ code: 'NO_SPACE' })
  expect(await filesIn(fileSystem)).toEqual([])
  expect(state.released).toBe(1)
})

test('a file system that fails at any call fails the write, with nothing left and everything released', async () => {
  let failed = 0
  for (let call = 0; ; call++) {
    const fileSystem = new MemoryFileSystem()
    const states = [1, 2, 3].map((n) => stateOf({ ...union, name: `s${n}` }, chunksOf([{ value: 1 }, { value: 2 }])))
    const outcome = await writerOf(failingAt(fileSystem, call))
      .write([{ operatorId, watermark: null, states }])
      .then(
        () => 'written',
        (error) => error.message,
      )
    expect(states.map(({ released }) => released)).toEqual([1, 1, 1])
    if (outcome === 'written') break
    expect(outcome).toBe('the disk is gone')
    expect(await filesIn(fileSystem)).toEqual([])
    failed++
  }
  expect(failed).toBe(3 * 4)
})

test('the event loop has its turn about every millisecond', async () => {
  const clock = new ManualClock()
  const lengths: number[] = []
  let startMs = 0
  const state = {
    ...stateOf(union, []),
    *chunks() {
      for (let value = 0; value < 100; value++) {
        clock.advance(0.2)
        yield { rowCount: 1, columns: [{ name: 'value', values: [value] }] }
      }
    },
  }
  const yieldTo = (callback: () => void) => {
    lengths.push(clock.elapsed() - startMs)
    startMs = clock.elapsed()
    setImmediate(callback)
  }
  await writerOf(new MemoryFileSystem(), { clock, yieldTo }).write([{ operatorId, watermark: null, states: [state] }])
  expect(lengths.length).toBeGreaterThan(12)
  expect(Math.max(...lengths)).toBeLessThan(1.5)
})

const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<unknown>(null, undefined, -0, Number.NaN, '', '\ud800', true, 5n, new Date(3)),
    fc.double(),
    fc.integer(),
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.bigInt(),
    fc.uint8Array({ maxLength: 4 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'toString', 'größe'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 2 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 2 }).map((items) => new Set(items)),
  ),
})).value

test('any rows come back equal, however they are cut into chunks', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anything, { maxLength: 12 }), fc.integer({ min: 1, max: 5 }), async (given, chunkRows) => {
      const rows = given.map((value, key) => ({ keyGroup: key, key, value }))
      expect(await roundTrip(chunksOf(rows, chunkRows))).toStrictEqual(rows)
    }),
    { numRuns: 300 },
  )
})

test('a slow disk is waited for when 2 MB are on their way to it, and the file is whole in the end', async () => {
  const fileSystem = new MemoryFileSystem()
  const answer: (() => void)[] = []
  const create = fileSystem.create.bind(fileSystem)
  fileSystem.create = async (path, options) => {
    const file = await create(path, options)
    const write = file.write.bind(file)
    file.write = async (bytes) => {
      await new Promise<void>((resolve) => answer.push(resolve))
      await write(bytes)
    }
    return file
  }
  const bytes = new Uint8Array(256 * 1024)
  let given = 0
  // A chunk takes a slice, so that none are put together.
  const clock = new ManualClock()
  const chunks = Array.from({ length: 40 }, (_, i): StateChunk => ({ rowCount: 1, columns: [{ name: 'value', values: [bytes.fill(i)] }] }))
  const state = {
    ...stateOf(union, chunks),
    *chunks() {
      for (const chunk of chunks) {
        given++
        clock.advance(1)
        yield chunk
      }
    },
  }
  const written = writerOf(fileSystem, { clock }).write([{ operatorId, watermark: null, states: [state] }])
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(given).toBeGreaterThan(8)
  expect(given).toBeLessThan(14)
  expect(answer).toHaveLength(1)
  let isDone = false
  void written.then(() => (isDone = true))
  while (!isDone) {
    for (const each of answer.splice(0)) each()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const [file] = (await written).operators[0]!.states[0]!.files
  expect((await fileSystem.status(`${directory}/${file!.path}`))!.sizeBytes).toBe(file!.sizeBytes)
  expect(given).toBe(40)
})
