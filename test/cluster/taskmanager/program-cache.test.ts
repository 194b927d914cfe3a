import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import type { ProgramPackage } from '../../../src/cluster/rpc/program-package.ts'
import { ProgramCache } from '../../../src/cluster/taskmanager/program-cache.ts'

const bytes = Buffer.from('export default () => {}')
const id = createHash('sha256').update(bytes).digest('hex')
const program: ProgramPackage = {
  ...{ id, sizeBytes: bytes.length, file: 'job.ts', args: {}, seed: { timeMs: 0, random: 0 }, earlier: [] },
}

let reads = 0
let answers: (() => Promise<Uint8Array>)[] = []
let fileSystem = new MemoryFileSystem()
let cache: ProgramCache

beforeEach(() => {
  reads = 0
  answers = []
  fileSystem = new MemoryFileSystem()
  const readPackage = (): Promise<Uint8Array> => {
    reads++
    return answers.shift()?.() ?? Promise.resolve(bytes)
  }
  cache = new ProgramCache({ fileSystem, folder: '/cache', readPackage })
})

async function contentOf(path: string): Promise<string> {
  const reader = await fileSystem.open(path)
  return Buffer.from(await reader.read(0, reader.sizeBytes)).toString()
}

describe('a package', () => {
  it('is fetched once for all jobs that use it at a time, into a file that a thread can import', async () => {
    const paths = await Promise.all([cache.hold(program), cache.hold(program)])
    expect(paths).toEqual([`/cache/${id}.mjs`, `/cache/${id}.mjs`])
    expect(await contentOf(paths[0]!)).toBe(bytes.toString())
    expect(reads).toBe(1)
  })

  it('is removed when the last job has let go of it, and fetched again for the next', async () => {
    await cache.hold(program)
    await cache.hold(program)
    await cache.release(id)
    expect(await fileSystem.status(`/cache/${id}.mjs`)).toBeDefined()
    await cache.release(id)
    expect(await fileSystem.status(`/cache/${id}.mjs`)).toBeUndefined()
    await cache.hold(program)
    expect(reads).toBe(2)
  })

  it('that comes again while it is being removed is there in the end', async () => {
    await cache.hold(program)
    const released = cache.release(id)
    const path = await cache.hold(program)
    await released
    expect(await contentOf(path)).toBe(bytes.toString())
  })

  it('that is not what its id says is refused, and asked for again the next time', async () => {
    answers = [async () => Buffer.from('something else')]
    await expect(cache.hold(program)).rejects.toMatchObject({ code: 'IO_FAILED', message: expect.stringContaining(id) })
    expect(await fileSystem.status(`/cache/${id}.mjs`)).toBeUndefined()
    expect(await cache.hold(program)).toBe(`/cache/${id}.mjs`)
  })
})
