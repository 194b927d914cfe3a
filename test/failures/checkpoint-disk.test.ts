/**
 * A disk under the checkpoint folder that is full, slow, torn or fails: the job goes on from its last good checkpoint, says so, takes the next
 * one when the disk is well, and reports none that cannot be restored.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it, test } from 'vitest'
import type { ConfigInput } from '../../src/base/core/config-options.ts'
import { LocalFileSystem } from '../../src/base/filesystem/local-file-system.ts'
import { MemoryFileSystem } from '../../src/base/filesystem/memory-file-system.ts'
import type { Environment } from '../../src/program/api/environment.ts'
import type { CheckpointReport } from '../../src/program/api/executor.ts'
import { generator } from '../../src/program/connector/generator.ts'
import type { Collector } from '../../src/program/function/functions.ts'
import { valueState } from '../../src/program/function/state.ts'
import { listCheckpoints, readMetadata } from '../../src/runtime/checkpoint/checkpoint-storage.ts'
import { type Fault, FaultyFileSystem, type FileAction } from '../support/faulty-file-system.ts'
import { checkpointOf, type LocalJob, startJob, until } from '../support/local-job.ts'

/** A process function that counts rows a key; the test may let it throw, and sees what it counted. */
class Counting {
  fails = false
  readonly highest = new Map<number, number>()

  readonly build = (env: Environment): void => {
    const process = (n: number, ctx: any, out: Collector<number>): void => {
      if (this.fails) {
        this.fails = false
        throw new Error('seeded')
      }
      const seen = ((ctx.state.seen.value as { count: number; text: string } | null)?.count ?? 0) + 1
      // What an attempt did before it failed is counted again, never left out.
      if (seen > (this.highest.get(n % 5) ?? 0) + 1) throw new Error(`state of ${n % 5} jumped to ${seen}`)
      this.highest.set(n % 5, seen)
      ctx.state.seen.update({ count: seen, text: 'x'.repeat(100) })
      out.collect(seen)
    }
    env
      .setParallelism(2)
      .fromSource(
        generator((n) => n, { count: Number.POSITIVE_INFINITY, ratePerSecond: 10_000 }),
        { uid: 'numbers' },
      )
      .keyBy((n) => n % 5)
      .process({ state: { seen: valueState() }, processElement: process }, { uid: 'count' })
      .print()
  }
}

const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: { code: string; message: string }) => error,
  )
const lastRestart = ({ events }: LocalJob) => events.filter((event) => event.on === 'restarting').at(-1)
const idOf = (folder: string): number => Number(/chk-(\d+)$/.exec(folder)![1])

const tolerant: ConfigInput = { 'execution.checkpointing.tolerable-failed-checkpoints': 1_000, 'execution.checkpointing.timeout': 5_000 }

describe.each<[Fault, readonly FileAction[]]>([
  ['full', ['create', 'write']],
  ['fails', ['create', 'write', 'sync', 'close', 'rename']],
  ['unconfirmed', ['create', 'write', 'sync', 'close', 'rename']],
  ['torn', ['write']],
])('a disk where operations are %s', (fault, actions) => {
  it.each(actions)('%s: the job goes on, from its last good checkpoint, until the disk is well', async (action) => {
    const files = new MemoryFileSystem()
    let isIll = false
    let good = ''
    // What is read is read.
    const disk = new FaultyFileSystem(files, (operation) =>
      isIll && operation.action === action && !operation.path.startsWith(good) ? fault : undefined,
    )
    const counting = new Counting()
    const job = await startJob(counting.build, { fileSystem: disk, config: tolerant })
    good = await checkpointOf(job)
    isIll = true
    for (let n = 0; n < 3; n++) {
      const error = await errorOf(job.client.triggerCheckpoint())
      expect(error?.code).toBe(fault === 'full' ? 'NO_SPACE' : 'IO_FAILED')
      expect(error?.message).toContain('/checkpoints/')
    }
    const failed = job.events.filter((event) => event.on === 'checkpointFailed')
    expect(failed.length).toBe(3)
    expect(job.client.checkpoints.map(({ status }: CheckpointReport) => status)).toEqual(['completed', 'failed', 'failed', 'failed'])
    expect(job.client.status).toBe('RUNNING')
    expect((await listCheckpoints('/checkpoints', files)).map((found) => found.path)).toEqual([good])
    counting.fails = true
    await job.event((event) => event.on === 'restarted')
    expect(lastRestart(job)).toMatchObject({ checkpointId: idOf(good), cause: { message: expect.stringContaining('seeded') } })
    isIll = false
    const next = await checkpointOf(job)
    await readMetadata(next, files, { verify: 'full' })
    await job.client.cancel()
  })
})

describe('a disk that is ill', () => {
  it('fails the job when more checkpoints in a row have failed than are tolerated, and it goes on from the last good one', async () => {
    let isIll = false
    const disk = new FaultyFileSystem(new MemoryFileSystem(), ({ action }) => (isIll && action === 'write' ? 'full' : undefined))
    const config = { 'execution.checkpointing.tolerable-failed-checkpoints': 2 }
    const job = await startJob(new Counting().build, { fileSystem: disk, config })
    const good = await checkpointOf(job)
    isIll = true
    for (let n = 0; n < 2; n++) await errorOf(job.client.triggerCheckpoint())
    isIll = false
    const better = await checkpointOf(job)
    expect(job.client.numRestarts).toBe(0)
    isIll = true
    // Those before the good one do not count.
    for (let n = 0; n < 2; n++) await errorOf(job.client.triggerCheckpoint())
    expect(job.client.status).toBe('RUNNING')
    await errorOf(job.client.triggerCheckpoint())
    await job.event((event) => event.on === 'restarted')
    expect(idOf(better)).toBeGreaterThan(idOf(good))
    expect(lastRestart(job)).toMatchObject({
      checkpointId: idOf(better),
      cause: { code: 'CHECKPOINT_FAILED', message: expect.stringMatching(/^3 checkpoints in a row failed, and 2 are tolerated: .*full/) },
    })
    await job.client.cancel()
  })

  it('fails no savepoint into the count', async () => {
    let isIll = false
    const disk = new FaultyFileSystem(new MemoryFileSystem(), ({ action }) => (isIll && action === 'write' ? 'full' : undefined))
    const job = await startJob(new Counting().build, { fileSystem: disk })
    await checkpointOf(job)
    isIll = true
    for (let n = 0; n < 3; n++) expect((await errorOf(job.client.triggerSavepoint()))?.code).toBe('NO_SPACE')
    expect(job.client.status).toBe('RUNNING')
    expect(job.client.numRestarts).toBe(0)
    await job.client.cancel()
  })

  it('gives a checkpoint up after its timeout where it hangs, and takes the next one', async () => {
    const hanging: (() => void)[] = []
    let hangs = false
    class Hanging extends MemoryFileSystem {
      override async create(...args: Parameters<MemoryFileSystem['create']>) {
        if (hangs) await new Promise<void>((resolve) => void hanging.push(resolve))
        return super.create(...args)
      }
    }
    const files = new Hanging()
    const counting = new Counting()
    const job = await startJob(counting.build, { fileSystem: files, config: { ...tolerant, 'execution.checkpointing.timeout': 50 } })
    const good = await checkpointOf(job)
    hangs = true
    const error = await errorOf(job.client.triggerCheckpoint())
    expect(error).toMatchObject({ code: 'CHECKPOINT_FAILED', message: expect.stringContaining('was not complete after 50 ms') })
    expect((await listCheckpoints('/checkpoints', files)).map((found) => found.path)).toEqual([good])
    hangs = false
    for (const resolve of hanging) resolve()
    let next: string | undefined
    while (next === undefined) next = await job.client.triggerCheckpoint().catch(() => undefined)
    await readMetadata(next, files, { verify: 'full' })
    await job.client.cancel()
    expect((await files.list('/checkpoints')).length).toBe(0)
  })

  it('keeps a job that restarts waiting until its checkpoint can be read again', async () => {
    let isIll = false
    const disk = new FaultyFileSystem(new MemoryFileSystem(), ({ action }) => (isIll && action === 'open' ? 'fails' : undefined))
    const counting = new Counting()
    const job = await startJob(counting.build, { fileSystem: disk, config: tolerant })
    const good = await checkpointOf(job)
    isIll = true
    counting.fails = true
    await until(() => job.events.filter((event) => event.on === 'restarting').length >= 4)
    isIll = false
    await until(() => job.client.status === 'RUNNING')
    expect(idOf(await checkpointOf(job))).toBeGreaterThan(idOf(good))
    await job.client.cancel()
  })

  it('does not stop a job from being stopped: the savepoint fails, and the job goes on', async () => {
    let isIll = false
    const disk = new FaultyFileSystem(new MemoryFileSystem(), ({ action }) => (isIll && action === 'write' ? 'full' : undefined))
    const counting = new Counting()
    const job = await startJob(counting.build, { fileSystem: disk })
    await checkpointOf(job)
    isIll = true
    expect((await errorOf(job.client.stopWithSavepoint()))?.code).toBe('NO_SPACE')
    expect(job.client.status).toBe('RUNNING')
    const before = Math.max(...counting.highest.values())
    await until(() => Math.max(...counting.highest.values()) > before + 10)
    isIll = false
    await job.client.stopWithSavepoint()
    expect(job.client.status).toBe('FINISHED')
  })
})

const folder = mkdtempSync(path.join(tmpdir(), 'headrace-checkpoint-disk-'))
const small = path.join(folder, 'small')
const whyNot = mountSmallDisk()
if (whyNot !== undefined) console.log(`not tested: checkpoints on a full disk, since no tmpfs can be mounted here: ${whyNot}`)

afterAll(() => {
  if (whyNot === undefined) execFileSync('umount', [small])
  rmSync(folder, { recursive: true, force: true })
})

/** Why there is no small disk to fill; undefined: there is one. */
function mountSmallDisk(): string | undefined {
  mkdirSync(small)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', small], { stdio: 'pipe' })
    return undefined
  } catch (thrown) {
    return (thrown as Error).message.split('\n').slice(0, 2).join(' ')
  }
}

/** What this process holds open there. */
const openFiles = (below: string): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      return target.startsWith(below) ? [target] : []
    } catch {
      return [] // The descriptor of this look.
    }
  })

test.skipIf(whyNot !== undefined)('a real disk that is full fails checkpoints, and takes them when there is room again', async () => {
  const fileSystem = new LocalFileSystem()
  const counting = new Counting()
  const job = await startJob(counting.build, { fileSystem, config: { ...tolerant, 'execution.checkpointing.dir': small } })
  const good = await checkpointOf(job)
  const ballast = path.join(small, 'ballast')
  try {
    for (let size = 512; ; size += 512) writeFileSync(ballast, new Uint8Array(size * 1024))
  } catch {
    // Full.
    for (let free = 0; free < 128; free++) {
      try {
        writeFileSync(path.join(small, `ballast-${free}`), new Uint8Array(4096))
      } catch {
        break
      }
    }
  }
  const error = await errorOf(job.client.triggerCheckpoint())
  expect(error?.code).toBe('NO_SPACE')
  expect((await listCheckpoints(small, fileSystem)).map((found) => found.path)).toEqual([good])
  counting.fails = true
  await job.event((event) => event.on === 'restarted')
  expect(lastRestart(job)).toMatchObject({ checkpointId: idOf(good) })
  for (const name of readdirSync(small)) if (name.startsWith('ballast')) rmSync(path.join(small, name))
  const next = await checkpointOf(job)
  await readMetadata(next, fileSystem, { verify: 'full' })
  await job.client.cancel()
  expect(readdirSync(small)).toEqual([])
  expect(openFiles(small)).toEqual([])
})
