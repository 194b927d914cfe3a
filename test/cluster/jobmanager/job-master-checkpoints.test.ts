/**
 * Checkpoints and restarts of a JobMaster over scripted slots: what it tells its client, keeps and removes.
 */
import { describe, expect, it } from 'vitest'
import type { Config } from '../../../src/base/core/config-options.ts'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { systemClock } from '../../../src/base/core/system-clock.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { JobMaster } from '../../../src/cluster/jobmanager/job-master.ts'
import { localSources } from '../../../src/cluster/jobmanager/local-sources.ts'
import { inlineSlots } from '../../../src/cluster/taskmanager/inline-slots.ts'
import type { JobEvent } from '../../../src/program/api/executor.ts'
import type { Source } from '../../../src/program/function/source.ts'
import { readMetadata } from '../../../src/runtime/checkpoint/checkpoint-storage.ts'
import { jobGraphOf, streamGraphOf } from './plans.ts'
import { type Step, scriptedSlot } from './scripted-slot.ts'
import { scriptedSource } from './scripted-source.ts'

const checkpoints = {
  'execution.checkpointing.interval': 10,
  'execution.checkpointing.dir': '/c',
  'restart-strategy.exponential-delay.initial-backoff': 1,
  'restart-strategy.exponential-delay.max-backoff': 5,
}

function start(scripts: readonly (readonly Step[])[], config: Config = {}, source: Source<any, any, any> = scriptedSource(scripts)) {
  const fileSystem = new MemoryFileSystem()
  const vertices = [{ name: 'Source: scripts', parallelism: scripts.length, source }]
  const jobGraph = { ...jobGraphOf(vertices), config: { ...checkpoints, ...config } }
  const rows: unknown[] = []
  const events: JobEvent[] = []
  const job = new JobMaster({
    jobId: 'j1',
    jobGraph,
    collects: new Map(),
    hostSources: localSources({ jobGraph, streamGraph: streamGraphOf(vertices), clock: systemClock, fileSystem }),
    slotPool: inlineSlots({ runSlot: scriptedSlot, clock: systemClock, fileSystem, yieldTo: setImmediate }, streamGraphOf(vertices)),
    clock: systemClock,
    fileSystem,
    random: () => 0.5,
    yieldTo: setImmediate,
    headrace: 'test',
    place: { directory: '/c', isTemporary: false, savepoints: undefined },
    cancelTimeoutMs: 30,
    print: () => undefined,
    onCollect: (_id, more) => void rows.push(...more),
  })
  job.onEvent((event) => void events.push(event))
  void job.start()
  const told = (on: JobEvent['on']) => events.filter((event) => event.on === on)
  return { job, rows, events, told, fileSystem }
}

/** Keeps the job running until the test has seen enough. */
const parked: readonly Step[] = [{ park: true }]
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise(setImmediate)
}

describe('a job that takes checkpoints', () => {
  it('hands collected rows on when a checkpoint covers them, and drops the others at a restart', async () => {
    const { job, rows, told } = start([
      [
        { row: 'covered' },
        { awaitCheckpoint: true },
        { row: 'not covered' },
        { throwsOnce: 'boom' },
        { row: 'second' },
        { awaitCheckpoint: true },
        { park: true },
      ],
    ])
    await until(() => rows.length > 0)
    expect(rows).toEqual(['covered'])
    await until(() => rows.length > 3)
    // The scripted source begins again each time: 'covered' comes once more, 'not covered' of the first attempt never came.
    expect(rows).toEqual(['covered', 'covered', 'not covered', 'second'])
    expect(told('restarting')).toMatchObject([{ restart: 1, cause: { message: 'boom' }, checkpointId: expect.any(Number) }])
    expect(told('restarted')).toEqual([{ on: 'restarted', restart: 1 }])
    expect(job.numRestarts).toBe(1)
    expect(job.status).toBe('RUNNING')
    await job.cancel()
  })

  it('gives new enumerators what the old ones held', async () => {
    const restoredWith: unknown[] = []
    const scripts: Step[][] = [[{ awaitCheckpoint: true }, { throwsOnce: 'boom' }]]
    const inner = scriptedSource(scripts)
    const source: Source<any, any, any> = {
      ...inner,
      createEnumerator: (ctx, restored) => {
        restoredWith.push(restored)
        return { ...inner.createEnumerator(ctx), snapshotState: (id) => ({ given: new Map([[id > 0, 'split']]) }) }
      },
    }
    const { job } = start(scripts, {}, source)
    await until(() => restoredWith.length > 1)
    expect(restoredWith).toEqual([undefined, { given: new Map([[true, 'split']]) }])
    await job.cancel()
  })

  it('keeps the newest and deletes it when it is cancelled, unless it is to be retained', async () => {
    for (const retention of ['NO_EXTERNALIZED_CHECKPOINTS', 'RETAIN_ON_CANCELLATION'] as const) {
      const { job, told, fileSystem } = start([parked], { 'execution.checkpointing.externalized-checkpoint-retention': retention })
      await until(() => told('checkpointCompleted').length > 2)
      await job.cancel()
      const folders = (await fileSystem.status('/c/j1')) === undefined ? [] : await fileSystem.list('/c/j1')
      expect(folders).toHaveLength(retention === 'RETAIN_ON_CANCELLATION' ? 1 : 0)
    }
  })

  it('tells its client of each, with sizes and times', async () => {
    const { job, told } = start([parked, parked])
    await until(() => told('checkpointCompleted').length > 0)
    expect(job.checkpoints[0]).toMatchObject({
      ...{ checkpointId: 1, kind: 'checkpoint', status: 'completed', path: '/c/j1/chk-1' },
      ...{ alignmentMs: 0, syncMs: 3, asyncMs: 3 },
    })
    expect(job.checkpoints[0]!.sizeBytes).toBeGreaterThan(0)
    await job.cancel()
  })

  it('is restarted when more checkpoints in a row failed than are tolerated', async () => {
    const { job, told } = start([[{ decline: 'disk full' }, { park: true }]], {
      'execution.checkpointing.tolerable-failed-checkpoints': 1,
      'restart-strategy.type': 'none',
    })
    await expect(job.result).rejects.toMatchObject({ code: 'CHECKPOINT_FAILED', message: expect.stringContaining('disk full') })
    expect(told('checkpointFailed')).toHaveLength(2)
  })

  it('is not restarted after an error that would come again', async () => {
    const source = scriptedSource([parked])
    const wrong = { ...source, createEnumerator: () => thrower(new StreamError('INVALID_PROGRAM', 'no such topic')) }
    const { job } = start([parked], {}, wrong)
    await expect(job.result).rejects.toMatchObject({ code: 'INVALID_PROGRAM' })
    expect(job.numRestarts).toBe(0)
  })

  it('takes a checkpoint or savepoint when it is asked to, and deletes no savepoint', async () => {
    const { job, fileSystem } = start([parked], { 'execution.checkpointing.interval': 60_000 })
    await until(() => job.status === 'RUNNING')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await job.triggerCheckpoint()).toBe('/c/j1/chk-1')
    const savepoint = await job.triggerSavepoint('/s')
    expect(savepoint).toMatch(/^\/s\/savepoint-j1-/)
    await expect(job.triggerSavepoint()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await job.cancel()
    expect(await readMetadata(savepoint, fileSystem)).toMatchObject({ kind: 'savepoint', checkpointId: 2, jobId: 'j1' })
    await expect(job.triggerCheckpoint()).rejects.toMatchObject({ code: 'CHECKPOINT_DECLINED' })
  })
})

function thrower(error: Error): never {
  throw error
}

describe('a job without checkpoints', () => {
  it('is not run again after its enumerator failed, where its client has rows already', async () => {
    const scripts: Step[][] = [[{ row: 'once' }, { event: 'fail' }, { park: true }]]
    const source = scriptedSource(scripts, () => thrower(new Error('boom')))
    const restarts = { 'restart-strategy.type': 'fixed-delay', 'restart-strategy.fixed-delay.delay': 1 }
    const { job, rows } = start(scripts, { 'execution.checkpointing.interval': undefined, ...restarts }, source)
    await expect(job.result).rejects.toMatchObject({ message: expect.stringContaining('boom') })
    expect(rows).toEqual(['once'])
    expect(job.numRestarts).toBe(0)
  })
})
