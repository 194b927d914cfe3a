import { beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { csvSink } from '../../../src/program/connector/csv-sink.ts'
import { formatTime } from '../../../src/program/connector/file-buckets.ts'
import { jsonLinesSink } from '../../../src/program/connector/json-lines-sink.ts'
import { textSink } from '../../../src/program/connector/text-sink.ts'
import { readFile } from '../../support/file-system-contract.ts'
import { SinkTask, type SinkTaskOptions } from '../../support/sink-driver.ts'
import { filesBelow } from '../../support/sink-job.ts'

let fileSystem: MemoryFileSystem
let clock: ManualClock
beforeEach(() => {
  clock = new ManualClock(Date.UTC(2026, 0, 5, 12, 30))
  fileSystem = new MemoryFileSystem({ clock })
})

const open = <T>(sink: ReturnType<typeof textSink<T>>, options: SinkTaskOptions = {}) =>
  new SinkTask<T>(sink, { fileSystem, clock, ...options }).open()
const visible = async () => (await filesBelow(fileSystem, '/out')).visible
const hidden = async () => (await filesBelow(fileSystem, '/out')).hidden
/** Of a subtask that the savepoint's rows do not reach. */
const noSnapshot = { checkpointId: 1, tables: {} }
const contents = async () => Promise.all((await visible()).map((path) => readFile(fileSystem, path)))

describe('parts of a folder', () => {
  it('are finished by size at once, and shown by the commit of the next checkpoint only', async () => {
    const task = await open(textSink<string>({ path: '/out/', rolling: { sizeBytes: 10 } }))
    await task.write('aaaa', 'bbbb', 'cccc', 'dddd', 'eeee')
    expect(await visible()).toEqual([])
    await task.checkpoint(1)
    expect(await visible()).toEqual([])
    await task.complete(1)
    expect(await contents()).toEqual(['aaaa\nbbbb\n', 'cccc\ndddd\n'])
    await task.finish(2)
    expect(await contents()).toEqual(['aaaa\nbbbb\n', 'cccc\ndddd\n', 'eeee\n'])
    expect((await visible())[0]).toMatch(/^\/out\/part-0-[0-9a-f]{8}-0$/)
    expect(await hidden()).toEqual([])
  })

  it('are finished when they are old or nobody writes to them, at the next checkpoint', async () => {
    for (const [rolling, finishedBy] of [
      [{ intervalMs: 50_000, inactivityMs: Infinity }, 3],
      [{ intervalMs: Infinity, inactivityMs: 20_000 }, 4],
    ] as const) {
      fileSystem = new MemoryFileSystem({ clock })
      const task = await open(textSink<string>({ path: '/out/', rolling }))
      for (const [checkpointId, row] of [...['a', 'b', 'c'].entries(), [3, undefined] as const].map(
        ([i, text]) => [i + 1, text] as const,
      )) {
        if (row !== undefined) await task.write(row)
        clock.advance(20_000)
        await task.checkpoint(checkpointId)
        await task.complete(checkpointId)
        expect(await contents()).toEqual(checkpointId < finishedBy ? [] : ['a\nb\nc\n'])
      }
    }
  })

  it('are finished at each checkpoint where that is asked for, and none is empty', async () => {
    const task = await open(textSink<string>({ path: '/out/', rolling: { onCheckpoint: true }, prefix: 'lines', suffix: '.txt' }))
    for (const checkpointId of [1, 2, 3]) {
      if (checkpointId !== 2) await task.write(`${checkpointId}`)
      await task.checkpoint(checkpointId)
      await task.complete(checkpointId)
    }
    expect(await contents()).toEqual(['1\n', '3\n'])
    for (const path of await visible()) expect(path).toMatch(/^\/out\/lines-0-[0-9a-f]{8}-[01]\.txt$/)
  })

  it('have names that no other sink, attempt, job or subtask gives', async () => {
    const snapshot = await (await open(textSink<string>({ path: '/out/' }))).checkpoint(1)
    const others: SinkTaskOptions[] = [
      {},
      { operatorId: 'operator-2' },
      { attemptNumber: 1, restored: snapshot },
      { jobId: 'job-2' },
      { subtaskIndex: 1, parallelism: 2 },
    ]
    for (const options of others) {
      const task = await open(textSink<string>({ path: '/out/' }), options)
      await task.write('x')
      await task.finish(2)
    }
    expect((await visible()).length).toBe(others.length)
  })

  it('lie in folders by time, in the local time zone, or by record', async () => {
    const byTime = await open(textSink<string>({ path: '/out/', bucketBy: 'yyyy-MM-dd--HH' }))
    await byTime.write('a')
    clock.advance(3_600_000)
    await byTime.write('b', 'c')
    await byTime.finish(1)
    const hours = [clock.now() - 3_600_000, clock.now()].map((timeMs) => formatTime('yyyy-MM-dd--HH', timeMs))
    expect((await visible()).map((path) => path.split('/')[2])).toEqual(hours)
    expect(await contents()).toEqual(['a\n', 'b\nc\n'])
    expect(formatTime('yyyy/MM/dd--HH-mm', new Date(2026, 8, 7, 6, 5).getTime())).toBe('2026/09/07--06-05')

    fileSystem = new MemoryFileSystem()
    const byRecord = await open(jsonLinesSink<{ country: string }>({ path: '/out/', bucketBy: ({ country }) => `country=${country}` }))
    await byRecord.write({ country: 'CH' }, { country: 'NO' }, { country: 'CH' })
    await byRecord.finish(1)
    expect((await visible()).map((path) => path.split('/')[2])).toEqual(['country=CH', 'country=NO'])
  })

  it('are refused in a folder that readers skip or that is not below', async () => {
    for (const bucket of ['', '.hidden', '_tmp', 'a//b', '../up', 'a/..', 7]) {
      const task = await open(textSink<string>({ path: '/out/', bucketBy: () => bucket as string }))
      await expect(task.write('x')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', place: { option: 'bucketBy' } })
      await task.operator.close()
    }
  })

  it('lie in buckets without checkpoints too', async () => {
    const task = await open(textSink<string>({ path: '/out/', bucketBy: (row) => row }), { checkpointing: false })
    await task.write('a', 'b')
    await task.operator.endInput()
    expect(await visible()).toEqual(['/out/a/part-0-0', '/out/b/part-0-1'])
  })
})

describe('what is unfinished', () => {
  it('stays where a snapshot knows it and is removed where none does, when the task fails', async () => {
    const task = await open(textSink<string>({ path: '/out/', bucketBy: (row) => row[0]! }))
    await task.write('a1')
    await task.checkpoint(1)
    await task.write('b1')
    expect((await hidden()).length).toBe(2)
    await task.operator.close()
    expect((await hidden()).map((path) => path.split('/')[2])).toEqual(['a'])
  })

  it('stays beside what a job without checkpoints writes that goes on from a savepoint', async () => {
    const options = { checkpointing: false }
    const first = await open(textSink<string>({ path: '/out/' }), { ...options, jobId: 'first' })
    await first.write('before')
    // Stops with it: what was written is published by the savepoint, or by the job that goes on from it.
    const published = await first.checkpoint(1)
    await first.complete(1)
    await first.operator.close()
    const next = await open(textSink<string>({ path: '/out/' }), { ...options, jobId: 'next', restored: published })
    await next.write('behind')
    const more = await open(textSink<string>({ path: '/out/' }), { ...options, jobId: 'next', subtaskIndex: 1, restored: noSnapshot })
    await more.write('by another subtask')
    for (const task of [next, more]) await task.operator.endInput()
    expect((await contents()).sort()).toEqual(['before\n', 'behind\n', 'by another subtask\n'])
    expect(await hidden()).toEqual([])
  })

  it('is left alone by a job that goes on from the savepoint of another', async () => {
    const first = await open(textSink<string>({ path: '/out/' }))
    await first.write('before')
    const savepoint = await first.checkpoint(1)
    const live = await open(textSink<string>({ path: '/out/' }), { subtaskIndex: 1, parallelism: 2 })
    await live.write('alive')
    const second = await open(textSink<string>({ path: '/out/' }), { jobId: 'job-2', attemptNumber: 1, restored: savepoint })
    await second.write('after')
    await second.finish(2)
    await live.finish(3)
    expect((await contents()).sort()).toEqual(['after\n', 'alive\n', 'before\n'])
  })

  it('of one CSV file goes on with its columns and types, and one header', async () => {
    const sink = csvSink<{ a: number | string }>({ path: '/out/all.csv' })
    const first = await open(sink)
    await first.write({ a: 1 })
    const restored = await first.checkpoint(1)
    await first.write({ a: 2 })
    const second = await open(sink, { attemptNumber: 1, restored })
    await second.write({ a: 3 })
    await expect(second.write({ a: 'x' })).rejects.toThrow(/field 'a' was a number and is now a string/)
    const third = await open(sink, { attemptNumber: 2, restored })
    await third.write({ a: 4 })
    await third.finish(2)
    expect(await contents()).toEqual(['a\n1\n4\n'])
    expect(await hidden()).toEqual([])
  })
})

describe('a file that is not there any more', () => {
  it('is dropped and said where an earlier attempt had finished it: readers may have taken it away', async () => {
    const sink = textSink<string>({ path: '/out/', rolling: { onCheckpoint: true } })
    const first = await open(sink)
    await first.write('x')
    const restored = await first.checkpoint(1)
    await first.complete(1)
    for (const path of await visible()) await fileSystem.remove(path)
    const second = await open(sink, { attemptNumber: 1, restored })
    expect(second.ctx.counters).toEqual({ commitsFailed: 1 })
    expect(second.ctx.printed[0]?.line).toMatch(/gives up a commit: StreamError: cannot publish \/out\/part/)
  })

  it('fails the job where this attempt had finished it', async () => {
    const task = await open(textSink<string>({ path: '/out/', rolling: { onCheckpoint: true } }))
    await task.write('x')
    await task.checkpoint(1)
    for (const path of await hidden()) await fileSystem.remove(path)
    await expect(task.complete(1)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND', message: expect.stringContaining('cannot publish') })
  })
})

describe('options of a file sink', () => {
  it.each([
    [{ path: '/out/x.txt', rolling: {} }, /one file .* was given rolling/],
    [{ path: '/out/x.txt', suffix: '.txt' }, /was given suffix/],
    [{ path: '/out/', rolling: { sizeBytes: 0 } }, /sizeBytes is 0/],
    [{ path: '/out/', rolling: { onCheckpoint: 1 } }, /onCheckpoint is 1/],
    [{ path: '/out/', rolling: { size: 1 } }, /no option 'size'/],
    [{ path: '/out/', bucketBy: 'YYYY' }, /bucketBy is 'YYYY'/],
    [{ path: '/out/', bucketBy: '/yyyy' }, /bucketBy/],
    [{ path: '/out/', prefix: '.part' }, /prefix is '.part'/],
    [{ path: '/out/', prefix: '' }, /prefix is ''/],
    [{ path: '/out/', suffix: '/x' }, /suffix is '\/x'/],
  ])('%j is refused when the job is planned', (options, message) => {
    expect(() => textSink(options as Parameters<typeof textSink>[0])).toThrow(message)
  })
})
