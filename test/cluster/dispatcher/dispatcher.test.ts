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
    expect(jobs.map(({ jobName, state }) => `${jobName} ${state}`)).toEqual(['headrace job FINISHED', 'second FINISHED'])
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
    await expect(dispatcher.submit({ ...program(''), bytes: new Uint8Array([0x50, 0x4b, 3, 4]) })).rejects.toThrow('a zip or Java archive')
    expect(existsSync(path.join(cluster.folder, 'packages')) ? readdirSync(path.join(cluster.folder, 'packages')) : []).toEqual([])
  })
})

describe('programs that misbehave', () => {
  it('cost a third job nothing: one loops for ever, one runs out of heap', async () => {
    cluster = clusterOfThreads({ mainTimeoutMs: 5000, heapMb: 32 })
    const { dispatcher } = cluster
    const loops = dispatcher.submit(program('export default () => { for (;;); }'))
    const grows = dispatcher.submit(program('export default () => { for (const kept = []; ; ) kept.push({ text: String(kept.length) }) }'))
    const goesOn = dispatcher.submit(program(sums, ['--to', '10']))
    const [loop, heap, third] = await Promise.allSettled([loops, grows, goesOn])
    expect(loop).toMatchObject({ reason: { message: 'main of program.ts was ended: no job of it ran for 5 s' } })
    expect(heap).toMatchObject({ reason: { code: 'OUT_OF_MEMORY' } })
    expect(third.status).toBe('fulfilled')
    expect(await stateOf(dispatcher, (third as PromiseFulfilledResult<{ jobId: string }>).value.jobId, ended)).toBe('FINISHED')
  })
})
