/**
 * What checkpoints leave on their disk: exactly those that are retained, whatever was aborted, failed, torn or timed out on the way.
 */
import { describe, expect, it } from 'vitest'
import type { ConfigInput } from '../../../src/base/core/config-options.ts'
import { seededRandom } from '../../../src/base/core/deterministic-globals.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import type { Environment } from '../../../src/program/api/environment.ts'
import { generator } from '../../../src/program/connector/generator.ts'
import type { Collector } from '../../../src/program/function/functions.ts'
import type { Sink } from '../../../src/program/function/sink.ts'
import { valueState } from '../../../src/program/function/state.ts'
import { listCheckpoints, readMetadata, stateFiles } from '../../../src/runtime/checkpoint/checkpoint-storage.ts'
import { type FaultPlan, FaultyFileSystem, seededFaults } from '../../support/faulty-file-system.ts'
import { checkpointOf, contentOf, type LocalJob, soon, startJob, turn } from '../../support/local-job.ts'

/** Counts n per key, in two subtasks; `mayFail` is called with every row. */
const counting =
  (mayFail: (n: number) => void = () => {}, count = Number.POSITIVE_INFINITY) =>
  (env: Environment): void => {
    env
      .setParallelism(2)
      .fromSource(
        generator((n) => n, { count, ratePerSecond: 20_000 }),
        { uid: 'numbers' },
      )
      .keyBy((n) => n % 5)
      .process(
        {
          state: { seen: valueState() },
          processElement(n, ctx, out: Collector<number>) {
            mayFail(n)
            ctx.state.seen.update(((ctx.state.seen.value as number) ?? 0) + 1)
            out.collect(n)
          },
        },
        { uid: 'count' },
      )
      .sinkTo(batches, { uid: 'batches' })
  }

/** Two-phase commits, so that there is state of sinks too. */
const batches: Sink<number, number> = {
  name: 'batches',
  createWriter() {
    let rows = 0
    return {
      write: () => void rows++,
      flush() {},
      prepareCommit() {
        const committable = rows
        rows = 0
        return [committable]
      },
      close() {},
    }
  },
  createCommitter: () => ({ commit() {} }),
}

/** Every folder with metadata can be restored, and nothing else lies there but folders above. */
async function expectOnlyWhole(files: MemoryFileSystem, folder: string, checkpoints: number): Promise<void> {
  const found = await listCheckpoints(folder, files)
  const expected = new Set<string>()
  for (const { path } of found) {
    const metadata = await readMetadata(path, files, { verify: 'full' })
    expected.add(path).add(`${path}/_metadata.json`)
    for (const part of [path.slice(0, path.lastIndexOf('/'))]) if (part !== folder) expected.add(part)
    for (const file of stateFiles(metadata)) expected.add(`${path}/${file.path}`)
  }
  expect(Object.keys(await contentOf(files, folder)).sort()).toEqual([...expected].sort())
  expect(found.length).toBe(checkpoints)
}

const retentions = {
  NO_EXTERNALIZED_CHECKPOINTS: { FINISHED: 0, CANCELED: 0, FAILED: 0 },
  DELETE_ON_CANCELLATION: { FINISHED: 0, CANCELED: 0, FAILED: 2 },
  RETAIN_ON_CANCELLATION: { FINISHED: 0, CANCELED: 2, FAILED: 2 },
} as const

describe.each(Object.entries(retentions))('with %s', (retention, kept) => {
  const config: ConfigInput = {
    'execution.checkpointing.externalized-checkpoint-retention': retention,
    'execution.checkpointing.num-retained': 2,
  }

  async function three(job: LocalJob): Promise<void> {
    for (let n = 0; n < 3; n++) await checkpointOf(job)
  }

  it('a job that is cancelled leaves what it must', async () => {
    const fileSystem = new MemoryFileSystem()
    const job = await startJob(counting(), { fileSystem, config })
    await three(job)
    await job.client.cancel()
    await expectOnlyWhole(fileSystem, '/checkpoints', kept.CANCELED)
  })

  it('a job that fails leaves what it must', async () => {
    const fileSystem = new MemoryFileSystem()
    let isDoomed = false
    const fail = (): void => {
      if (isDoomed) throw new Error('seeded')
    }
    const job = await startJob(counting(fail), { fileSystem, config: { ...config, 'restart-strategy.type': 'none' } })
    await three(job)
    isDoomed = true
    await expect(job.client.result).rejects.toThrow('seeded')
    await expectOnlyWhole(fileSystem, '/checkpoints', kept.FAILED)
  })

  it('a job that finishes leaves nothing', async () => {
    const fileSystem = new MemoryFileSystem()
    const job = await startJob(counting(undefined, 10_000), { fileSystem, config })
    await three(job)
    await job.client.result
    await expectOnlyWhole(fileSystem, '/checkpoints', kept.FINISHED)
    expect(await contentOf(fileSystem, '/checkpoints')).toEqual({})
  })

  it('a job that is stopped with a savepoint leaves that', async () => {
    const fileSystem = new MemoryFileSystem()
    const job = await startJob(counting(), { fileSystem, config })
    await three(job)
    await soon(job.client, () => job.client.stopWithSavepoint())
    await expectOnlyWhole(fileSystem, '/checkpoints', kept.FINISHED)
    await expectOnlyWhole(fileSystem, '/savepoints', 1)
  })
})

describe('1,000 checkpoints', () => {
  it.each([1, 2])('leave no orphan where disks and tasks fail at random, seed %i', { timeout: 120_000 }, async (seed) => {
    const random = seededRandom(seed)
    const files = new MemoryFileSystem()
    let isFaulty = true
    const faults = seededFaults(random, 0.004, ['fails', 'unconfirmed', 'torn', 'full', 'slow'])
    const plan: FaultPlan = (operation) => (isFaulty ? faults(operation) : undefined)
    const config = {
      'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
      'execution.checkpointing.num-retained': 3,
      'execution.checkpointing.max-concurrent-checkpoints': 2,
      'execution.checkpointing.tolerable-failed-checkpoints': 1_000_000,
    }
    let fails = false
    const fail = (): void => {
      if (!fails) return
      fails = false
      throw new Error('seeded')
    }
    const job = await startJob(counting(fail), { fileSystem: new FaultyFileSystem(files, plan), config })
    let taken = 0
    let failed = 0
    while (taken + failed < 1_000) {
      const asked = [job.client.triggerCheckpoint(), ...(random() < 0.3 ? [job.client.triggerCheckpoint()] : [])]
      if (random() < 0.02) fails = true
      if (random() < 0.1) asked.push(job.client.triggerSavepoint())
      for (const outcome of await Promise.allSettled(asked)) {
        if (outcome.status === 'fulfilled') {
          taken++
          // Deleted meanwhile, or whole.
          if ((await files.status(`${outcome.value}/_metadata.json`)) !== undefined) await readMetadata(outcome.value, files)
        } else if (outcome.reason.code !== 'CHECKPOINT_DECLINED' || random() < 0.05) failed++
      }
      await turn()
    }
    isFaulty = false
    await checkpointOf(job)
    await job.client.cancel()
    expect(job.events.some((event) => event.on === 'cleanupFailed')).toBe(true)
    expect(failed).toBeGreaterThan(10)
    expect(job.client.numRestarts).toBeGreaterThan(2)
    await expectOnlyWhole(files, '/checkpoints', 3)
    await expectOnlyWhole(files, '/savepoints', (await listCheckpoints('/savepoints', files)).length)
  })
})
