/**
 * Jobs of which a part has finished: checkpoints go on, and a finished part is not run again.
 */
import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import type { Environment } from '../../../src/program/api/environment.ts'
import { generator } from '../../../src/program/connector/generator.ts'
import type { Collector } from '../../../src/program/function/functions.ts'
import type { Sink } from '../../../src/program/function/sink.ts'
import { valueState } from '../../../src/program/function/state.ts'
import { readMetadata } from '../../../src/runtime/checkpoint/checkpoint-storage.ts'
import { FaultyFileSystem } from '../../support/faulty-file-system.ts'
import { intoArray } from '../../support/into-array.ts'
import { checkpointOf, startJob, turn, until } from '../../support/local-job.ts'

interface Row {
  readonly from: string
  readonly key: number
  readonly seen: number
}

interface Watched {
  readonly rows: Row[]
  /** Ends of input that operators of the bounded part were told of. */
  opened: number
  fails: boolean
}

const newWatched = (): Watched => ({ rows: [], opened: 0, fails: false })
const boundedRows = 300

/** A bounded source and an unbounded one, counted by key in pipelines of their own; `joined`: in one operator behind their union. */
const program =
  (watched: Watched, { joined = false, parallelism = 2 } = {}) =>
  (env: Environment): void => {
    env.setParallelism(parallelism)
    const few = env
      .fromSource(
        generator((n) => n, { count: boundedRows }),
        { uid: 'few' },
      )
      .map((n) => ({ from: 'few', key: n % 5 }), { uid: 'of few' })
    const endless = env
      .fromSource(
        generator((n) => n, { count: Number.POSITIVE_INFINITY, ratePerSecond: 5_000 }),
        { uid: 'endless' },
      )
      .map((n) => ({ from: 'endless', key: n % 5 }), { uid: 'of endless' })
    const counted = (name: string) => ({
      state: { seen: valueState<number>() },
      open: () => void (name === 'few' && watched.opened++),
      processElement({ from, key }: { from: string; key: number }, ctx: any, out: Collector<Row>) {
        if (watched.fails && from === 'endless') {
          watched.fails = false
          throw new Error('seeded')
        }
        const seen = (ctx.state.seen.value ?? 0) + 1
        ctx.state.seen.update(seen)
        out.collect({ from, key, seen })
      },
    })
    const into = intoArray(watched.rows)
    if (joined) {
      few.union(endless).keyBy('key').process(counted('both'), { uid: 'count both' }).sinkTo(into, { uid: 'rows' })
      return
    }
    few.keyBy('key').process(counted('few'), { uid: 'count few' }).sinkTo(into, { uid: 'rows of few' })
    endless.keyBy('key').process(counted('endless'), { uid: 'count endless' }).sinkTo(into, { uid: 'rows of endless' })
  }

const countOf = ({ rows }: Watched, from: string): number => rows.filter((row) => row.from === from).length

describe('a job with a bounded and an unbounded source', () => {
  it('goes on taking checkpoints when the bounded one has finished, and does not run that again', async () => {
    const fileSystem = new MemoryFileSystem()
    const watched = newWatched()
    const job = await startJob(program(watched), { fileSystem })
    await until(() => countOf(watched, 'few') === boundedRows)
    // The one that lets it finish, and those behind it.
    for (let n = 0; n < 3; n++) await checkpointOf(job)
    const path = await checkpointOf(job)
    const { operators } = await readMetadata(path, fileSystem, { verify: 'full' })
    const finished = operators.filter(({ subtasks }) => subtasks.every((subtask) => subtask.finished)).map(({ uid }) => uid)
    expect(finished.sort()).toEqual(['count few', 'few', 'of few', 'rows of few'])
    const state = operators.find(({ uid }) => uid === 'count few')!.subtasks.flatMap(({ states }) => states)
    expect(state.some(({ name, files }) => name === 'seen' && files.length > 0)).toBe(true)

    watched.fails = true
    await job.event((event) => event.on === 'restarted')
    const before = countOf(watched, 'endless')
    await until(() => countOf(watched, 'endless') > before + 100)
    const later = await checkpointOf(job)
    expect(countOf(watched, 'few')).toBe(boundedRows)
    const savepoint = await job.client.stopWithSavepoint()

    // From a savepoint, at other parallelisms: finished is finished.
    for (const parallelism of [1, 3]) {
      const restored = newWatched()
      const config = { 'execution.state-recovery.path': savepoint }
      const again = await startJob(program(restored, { parallelism }), { fileSystem, config })
      await until(() => countOf(restored, 'endless') > 50)
      const own = await readMetadata(await checkpointOf(again), fileSystem, { verify: 'full' })
      expect(countOf(restored, 'few')).toBe(0)
      expect(own.operators.find(({ uid }) => uid === 'few')!.subtasks.every((subtask) => subtask.finished)).toBe(true)
      expect(Math.min(...restored.rows.map(({ seen }) => seen))).toBeGreaterThan(1)
      await again.client.cancel()
    }
    expect(later).toContain('chk-')
  })

  it('counts each row once where both run into one operator, over a restart and a stop', async () => {
    const fileSystem = new MemoryFileSystem()
    const watched = newWatched()
    const job = await startJob(program(watched, { joined: true }), { fileSystem })
    await until(() => countOf(watched, 'few') === boundedRows)
    for (let n = 0; n < 3; n++) await checkpointOf(job)
    const savepoint = await job.client.stopWithSavepoint()
    const few = countOf(watched, 'few')
    const restored = newWatched()
    const again = await startJob(program(restored, { joined: true }), {
      fileSystem,
      config: { 'execution.state-recovery.path': savepoint },
    })
    await until(() => restored.rows.length > 100)
    await again.client.stopWithSavepoint()
    expect(few + countOf(restored, 'few')).toBe(boundedRows)
    const all = [...watched.rows, ...restored.rows]
    for (let key = 0; key < 5; key++) {
      const seen = all.filter((row) => row.key === key).map((row) => row.seen)
      expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: seen.length }, (_, n) => n + 1))
    }
  })

  it('keeps what finished tasks left while a savepoint copies it, though a newer checkpoint subsumes that', async () => {
    const files = new MemoryFileSystem()
    let held: (() => void) | undefined
    let holds = false
    class Slow extends FaultyFileSystem {
      override async open(path: string) {
        if (holds && path.includes('-seen-')) {
          holds = false
          await new Promise<void>((resolve) => {
            held = resolve
          })
        }
        return super.open(path)
      }
    }
    const watched = newWatched()
    const config = { 'execution.checkpointing.max-concurrent-checkpoints': 2 }
    const job = await startJob(program(watched), { fileSystem: new Slow(files), config })
    await until(() => countOf(watched, 'few') === boundedRows)
    for (let n = 0; n < 3; n++) await checkpointOf(job)
    holds = true
    const savepoint = job.client.triggerSavepoint()
    await until(() => held !== undefined)
    for (let n = 0; n < 2; n++) await checkpointOf(job)
    for (let turns = 0; turns < 20; turns++) await turn()
    held!()
    await readMetadata(await savepoint, files, { verify: 'full' })
    await job.client.cancel()
    expect(await files.list('/checkpoints')).toEqual([])
  })
})

/** What is published, by two-phase commits. */
const publishing = (published: number[]): Sink<number, readonly number[]> => ({
  name: 'publishing',
  createWriter() {
    let rows: number[] = []
    return {
      write: (row) => void rows.push(row),
      flush() {},
      prepareCommit() {
        const batch = rows
        rows = []
        return [batch]
      },
      close() {},
    }
  },
  createCommitter: () => ({ commit: (requests) => void published.push(...requests.flatMap(({ committable }) => committable)) }),
})

describe('a bounded job', () => {
  it('commits what it wrote last at its end, without waiting for the interval', async () => {
    const published: number[] = []
    const build = (env: Environment): void =>
      void env
        .setParallelism(2)
        .fromSource(
          generator((n) => n, { count: 1_000 }),
          { uid: 'numbers' },
        )
        .rebalance()
        .sinkTo(publishing(published) as Sink<number>, { uid: 'sink' })
    const job = await startJob(build)
    await job.client.result
    expect(published.sort((a, b) => a - b)).toEqual(Array.from({ length: 1_000 }, (_, n) => n))
    expect(new Set(job.client.checkpoints.map(({ status }) => status))).toEqual(new Set(['completed']))
  })

  it('is finished when it is restored from its end, and reads nothing a second time', async () => {
    const fileSystem = new MemoryFileSystem()
    const published: number[] = []
    const build = (env: Environment): void =>
      void env
        .fromSource(
          generator((n) => n, { count: 1_000 }),
          { uid: 'numbers' },
        )
        .sinkTo({ ...publishing(published), name: 'publishing' } as Sink<number>, { uid: 'sink' })
    // Its last checkpoint is complete and cannot be deleted: as after a crash right then.
    const disk = new FaultyFileSystem(fileSystem, ({ action, path }) =>
      action === 'remove' && path.includes('/chk-') ? 'fails' : undefined,
    )
    const job = await startJob(build, { fileSystem: disk })
    await job.client.result
    const [{ path } = { path: '' }] = job.client.checkpoints
    expect(published.length).toBe(1_000)
    const again = await startJob(build, { fileSystem, config: { 'execution.state-recovery.path': path } })
    const { operators } = await again.client.result
    // A commit is made again with the same batch, and no row is read again.
    expect(new Set(published).size).toBe(1_000)
    expect(operators.map(({ recordsOut }) => recordsOut)).toEqual(operators.map(() => 0))
  })
})
