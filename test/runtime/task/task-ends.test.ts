import { describe, expect, test } from 'vitest'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { CheckpointBench, SplitSource } from './checkpoint-bench.ts'
import { counting, gathered, gathering, idsOf } from './checkpoint-programs.ts'
import { ListSink } from './job-bench.ts'

describe('the end', () => {
  test('of one source lets checkpoints go on with the others', async () => {
    const { source, sink, bench } = await gathered()
    bench.noMore(0, 0)
    source.allow(0, 1_000)
    await bench.rest()
    expect(bench.saidOf('awaitsCheckpoint').map(({ vertex, subtask }) => [vertex, subtask])).toEqual([[0, 0]])
    await bench.start(1).rest()
    expect(bench.snapshot(0, 0, 1).finished).toBe(true)
    expect(bench.snapshot(0, 1, 1).finished).toBe(false)
    await bench.complete(1).rest()
    expect(bench.states('finished')).toEqual(['0/0'])
    await bench.start(2).rest()
    expect(bench.acknowledged(2)).toEqual(['0/1', '1/0'])
    bench.noMore(0, 1)
    source.allow(1, 1_000)
    await bench.rest()
    await bench.complete(2).rest()
    expect(bench.states('finished')).toEqual(['0/0'])
    await bench.start(3).rest()
    await bench.complete(3).rest()
    expect(bench.states('finished')).toHaveLength(3)
    expect(idsOf(sink)).toEqual({ a: 1_000, b: 1_000 })
    expect(sink.log).toContain('close')
  })

  test('is not reached by an intermediate savepoint', async () => {
    const { source, bench } = await gathered()
    bench.noMore(0, 0).noMore(0, 1)
    for (const subtask of [0, 1]) source.allow(subtask, 1_000)
    await bench.rest()
    await bench.start(1, { kind: 'savepoint' }).rest()
    await bench.complete(1).rest()
    expect(bench.acknowledged(1)).toHaveLength(3)
    expect(bench.states('finished')).toEqual([])
    await bench.start(2).rest()
    await bench.complete(2).rest()
    expect(bench.states('finished')).toHaveLength(3)
  })

  test('a task whose channels are all closed takes a checkpoint when the coordinator says so', async () => {
    const { source, bench, sink } = await gathered()
    bench.noMore(0, 0).noMore(0, 1)
    for (const subtask of [0, 1]) source.allow(subtask, 1_000)
    await bench.start(1).rest()
    const metadata = bench.metadata(1)
    const [sources, consumers] = [metadata.operators.slice(0, 1), metadata.operators.slice(1)]
    const unfinished = consumers.map((operator) => ({
      ...operator,
      subtasks: operator.subtasks.map((subtask) => ({ ...subtask, finished: false })),
    }))
    const finished = sources.map((operator) => ({
      ...operator,
      subtasks: operator.subtasks.map((subtask) => ({ ...subtask, finished: true })),
    }))
    const again = new ListSink()
    const next = new SplitSource()
    const restored = await CheckpointBench.of(gathering(next, again), {
      restore: { ...metadata, operators: [...finished, ...unfinished] },
      fileSystem: bench.fileSystem,
    })
    await restored.rest()
    expect(next.told).toEqual([])
    expect(restored.states('finished').sort()).toEqual(['0/0', '0/1'])
    expect(restored.saidOf('awaitsCheckpoint')).toHaveLength(1)
    await restored.start(2).rest()
    expect(restored.acknowledged(2)).toEqual(['1/0'])
    await restored.complete(2).rest()
    expect(restored.states('finished')).toHaveLength(3)
    expect([again.rows, sink.rows.length]).toEqual([[], 2_000])
  })

  test('of a job restored as finished comes at once, without endInput', async () => {
    const { source, bench } = await gathered()
    bench.noMore(0, 0).noMore(0, 1)
    for (const subtask of [0, 1]) source.allow(subtask, 1_000)
    await bench.rest()
    await bench.start(1).rest()
    const again = new ListSink()
    const restored = await CheckpointBench.of(gathering(new SplitSource(), again), {
      restore: bench.metadata(1),
      fileSystem: bench.fileSystem,
    })
    await restored.rest()
    expect(restored.states('finished')).toHaveLength(3)
    expect(again.log).toEqual(['close'])
  })
})

describe('stop with savepoint', () => {
  const stop = (how: 'drain' | 'suspend') => ({ kind: 'savepoint', stop: how }) as const

  test('drain ends the sources, then takes the snapshot, then finishes', async () => {
    const { bench, sink, source } = await gathered()
    await bench.start(1, stop('drain')).rest()
    expect(bench.acknowledged(1)).toHaveLength(3)
    expect(bench.snapshot(0, 0, 1).finished).toBe(true)
    expect(sink.log).toContain('flush true')
    await bench.complete(1).rest()
    expect(bench.states('finished')).toHaveLength(3)
    source.allow(0, 10)
    expect(idsOf(sink)).toEqual({ a: 20, b: 20 })
  })

  test('suspend stops the sources at the barrier, and nothing is told of an end', async () => {
    const { bench, sink, source } = await gathered()
    await bench.start(1, stop('suspend')).rest()
    source.allow(0, 10)
    await bench.rest()
    expect(idsOf(sink)).toEqual({ a: 20, b: 20 })
    expect(bench.snapshot(1, 0, 1).finished).toBe(false)
    await bench.complete(1).rest()
    expect(bench.states('finished')).toHaveLength(3)
    expect(sink.log).not.toContain('flush true')
    const again = new ListSink()
    const next = new SplitSource()
    const restored = await CheckpointBench.of(gathering(next, again), { restore: bench.metadata(1), fileSystem: bench.fileSystem })
    next.allow(0, 5)
    await restored.rest()
    expect(again.rows.map(({ i }) => i)).toEqual([20, 21, 22, 23, 24])
  })

  test('suspend that is given up goes on where it stood', async () => {
    const { bench, sink, source } = await gathered()
    await bench.start(1, stop('suspend')).rest()
    await bench.abort(1).rest()
    source.allow(0, 10)
    await bench.rest()
    expect(idsOf(sink)).toEqual({ a: 30, b: 20 })
    await bench.start(2).rest()
    await bench.complete(2).rest()
    expect(bench.acknowledged(2)).toHaveLength(3)
    expect(bench.states('finished')).toEqual([])
  })

  test('drain that is given up fails the sources that it ended', async () => {
    const { bench } = await gathered()
    await bench.start(1, stop('drain')).rest()
    await bench.abort(1).rest()
    expect(bench.failures.map((failure) => failure.split(' ')[0])).toEqual(['CHECKPOINT_DECLINED', 'CHECKPOINT_DECLINED'])
  })
})

describe('a task at its end', () => {
  test('finishes only when what it held at a later barrier is written: those files are its own', async () => {
    const gate = Promise.withResolvers<void>()
    const fileSystem = new (class extends MemoryFileSystem {
      override async create(...args: Parameters<MemoryFileSystem['create']>) {
        if (args[0].startsWith('/chk-2')) await gate.promise
        return super.create(...args)
      }
    })()
    const source = new SplitSource()
    const bench = await CheckpointBench.of(counting(source, new ListSink()), { fileSystem })
    bench.split(0, 0, { id: 'a', from: 0, to: 10 })
    source.allow(0, 10)
    bench.noMore(0, 0)
    await bench.rest()
    await bench.start(1).rest()
    await bench.start(2).rest()
    await bench.complete(1).rest()
    expect(bench.acknowledged(2)).not.toContain('1/0')
    expect(bench.states('finished')).not.toContain('1/0')
    gate.resolve()
    await bench.rest()
    expect(bench.acknowledged(2)).toContain('1/0')
    expect(bench.states('finished').sort()).toEqual(['0/0', '1/0', '2/0'])
    const { files } = bench.snapshot(1, 0, 2).operators[0]!.states[0]!
    expect(files).toHaveLength(1)
    expect(await fileSystem.status(`/chk-2/${files[0]!.path}`)).toMatchObject({ sizeBytes: files[0]!.sizeBytes })
  })
})
