import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { LocalFileSystem } from '../../../src/base/filesystem/local-file-system.ts'
import { ArchiveStore } from '../../../src/cluster/dispatcher/archive-store.ts'
import { clusterOfThreads, program, stateOf, type ThreadCluster } from './cluster-of-threads.ts'

let cluster: ThreadCluster | undefined
afterEach(() => cluster?.close())

const ended = ['FINISHED', 'FAILED', 'CANCELED']

const sums = `
  export default async (env, args) => {
    const total: number[] = []
    for await (const row of env.fromSequence(1, Number(args.to)).map((n: number) => n * 2).collectAsync()) total.push(row)
    console.log('first', total.reduce((sum, n) => sum + n, 0))
    env.fromData(total).map((n) => n + 1).print()
    await env.execute('second')
    console.log('done')
  }`

describe('a program that is submitted', () => {
  it('runs main in a process of its own, its jobs on the cluster, and gives rows back to main', async () => {
    cluster = clusterOfThreads()
    const { dispatcher, lines, folder } = cluster
    const { jobId } = await dispatcher.submit(program(sums, ['--to', '3']))
    expect(await stateOf(dispatcher, jobId, ended)).toBe('FINISHED')
    while (!lines.includes('done')) await new Promise((resolve) => setTimeout(resolve, 10))
    expect(lines.filter((line) => !line.startsWith('first')).sort()).toEqual(['3', '5', '7', 'done'])
    expect(lines).toContain('first 12')
    const jobs = await dispatcher.jobs()
    expect(jobs.map(({ jobName, state }) => `${jobName} ${state}`).sort()).toEqual(['headrace job FINISHED', 'second FINISHED'])
    while (readdirSync(path.join(folder, 'packages')).length > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    const again = new ArchiveStore({
      fileSystem: new LocalFileSystem(),
      folder: path.join(folder, 'archive'),
      most: 10,
      onProblem: (e) => {
        throw e
      },
    })
    await again.load()
    expect(again.all.map(({ jobId: id }) => id).sort()).toEqual(jobs.map(({ jobId: id }) => id).sort())
  })

  it('is refused with the reason when it is no program', async () => {
    cluster = clusterOfThreads()
    const { dispatcher } = cluster
    await expect(dispatcher.submit(program('export const x = 1'))).rejects.toThrow('main ended without a job (it exports x)')
    await expect(dispatcher.submit(program('let let = 1'))).rejects.toMatchObject({ code: 'INVALID_PROGRAM' })
    await expect(dispatcher.submit(program(`import x from './native.node'; x()`))).rejects.toMatchObject({ code: 'INVALID_PROGRAM' })
    await expect(dispatcher.submit({ ...program(''), bytes: new Uint8Array([0x50, 0x4b, 3, 4]) })).rejects.toThrow('cannot be unpacked')
    expect(existsSync(path.join(cluster.folder, 'packages')) ? readdirSync(path.join(cluster.folder, 'packages')) : []).toEqual([])
  })
})

describe('programs that misbehave', () => {
  it('cost a third job nothing: one loops for ever, one runs out of heap', async () => {
    cluster = clusterOfThreads({ heapMb: 32 })
    const { dispatcher } = cluster
    const loops = dispatcher.submit(program('export default () => { for (;;); }'))
    const grows = dispatcher.submit(
      program('export default () => { for (const kept = []; ; ) kept.push(new Array(50_000).fill(kept.length)) }'),
    )
    const goesOn = dispatcher.submit(program(sums, ['--to', '10']))
    await expect(grows).rejects.toMatchObject({ code: 'OUT_OF_MEMORY', message: expect.stringContaining('32 mb') })
    const { jobId } = await goesOn
    expect(await stateOf(dispatcher, jobId, ended)).toBe('FINISHED')
    cluster.passMainTime()
    await expect(loops).rejects.toThrow('main of program.ts was ended: no job of it ran for 77.777 s')
  })

  it('fails the job of a main that loops while it runs, which then can be cancelled no more', async () => {
    cluster = clusterOfThreads()
    const { dispatcher } = cluster
    const { jobId } = await dispatcher.submit(
      program(
        'export default async (env) => { env.fromSequence(1, 1e12).filter((n) => n < 0).print(); await env.executeAsync(); for (;;); }',
      ),
    )
    // It may have answered once before it came to its loop.
    const passing = setInterval(() => cluster?.passMainTime(), 200)
    expect(await stateOf(dispatcher, jobId, ended)).toBe('FAILED')
    clearInterval(passing)
    expect((await dispatcher.job(jobId)).failure).toMatchObject({
      message: 'The process of program.ts was ended: it did not answer for 77.777 s',
    })
    await dispatcher.cancel(jobId)
  })
})

/** Fails once, behind a checkpoint; what it gives back must be each number once. */
const failsOnce = `
  import { existsSync, writeFileSync } from 'node:fs'
  export default async (env, { marker, dir }) => {
    env.enableCheckpointing(50, { dir })
    env.configure({ 'restart-strategy.type': 'fixed-delay', 'restart-strategy.fixed-delay.delay': 1 })
    const pause = new Int32Array(new SharedArrayBuffer(4))
    const numbers = env.fromSequence(1, 20000).map((n) => {
      if (n % 20 === 0) Atomics.wait(pause, 0, 0, 1)
      if (n === 15000 && !existsSync(marker)) { writeFileSync(marker, ''); throw new Error('once') }
      return n
    })
    const rows = []
    for await (const n of numbers.collectAsync()) rows.push(n)
    console.log(rows.length, new Set(rows).size)
  }`

describe('a job whose enumerators are in another process', () => {
  it('goes on from its checkpoint after a failure, with every row once', async () => {
    cluster = clusterOfThreads()
    const { dispatcher, folder, lines } = cluster
    const { jobId } = await dispatcher.submit(
      program(failsOnce, ['--marker', path.join(folder, 'failed'), '--dir', path.join(folder, 'c')]),
    )
    expect(await stateOf(dispatcher, jobId, ended)).toBe('FINISHED')
    const { restarts, checkpoints } = await dispatcher.job(jobId)
    expect(restarts).toBe(1)
    expect(checkpoints.restored?.checkpointId).toBeGreaterThan(0)
    while (!lines.some((line) => line.startsWith('20000'))) await new Promise((resolve) => setTimeout(resolve, 10))
    expect(lines).toContain('20000 20000')
  })
})
