import { describe, expect, it } from 'vitest'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { ArchiveStore } from '../../../src/cluster/dispatcher/archive-store.ts'
import { PackageStore } from '../../../src/cluster/dispatcher/package-store.ts'
import type { ArchivedJob } from '../../../src/cluster/rpc/job-archive.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function write(fileSystem: MemoryFileSystem, path: string, text: string): Promise<void> {
  const writer = await fileSystem.create(path)
  await writer.write(bytes(text))
  await writer.close()
}

describe('the store of packages', () => {
  const make = () => {
    const fileSystem = new MemoryFileSystem()
    return { fileSystem, packages: new PackageStore({ fileSystem, folder: '/p', maxBytes: 10 }) }
  }

  it('keeps a package once while anybody holds it', async () => {
    const { fileSystem, packages } = make()
    const [id, same] = await Promise.all([packages.hold(bytes('one'), 'a.ts'), packages.hold(bytes('one'), 'b.ts')])
    expect(id).toBe('7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed')
    expect(same).toBe(id)
    expect((await fileSystem.list('/p')).map(({ path }) => path)).toEqual([`/p/${id}`])
    await packages.release(id)
    expect(await packages.read(id)).toEqual(bytes('one'))
    await packages.release(id)
    expect(await fileSystem.list('/p')).toEqual([])
    await expect(packages.read(id)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  })

  it('has a package that comes again while it is removed', async () => {
    const { packages } = make()
    const id = await packages.hold(bytes('one'), 'a.ts')
    const [, again] = await Promise.all([packages.release(id), packages.hold(bytes('one'), 'a.ts')])
    expect(await packages.read(again)).toEqual(bytes('one'))
  })

  it('refuses what is too large, and ids that are paths', async () => {
    const { packages, fileSystem } = make()
    await expect(packages.hold(bytes('longer than ten'), 'a.ts')).rejects.toMatchObject({ code: 'INVALID_PROGRAM' })
    await write(fileSystem, '/secret', 'x')
    await expect(packages.read('../secret')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  })

  it('does not hand out a package whose file was changed', async () => {
    const { packages, fileSystem } = make()
    const id = await packages.hold(bytes('one'), 'a.ts')
    await write(fileSystem, `/p/${id}`, 'two')
    await expect(packages.read(id)).rejects.toMatchObject({ code: 'IO_FAILED' })
  })
})

describe('the archives of finished jobs', () => {
  const job = (jobId: string) => ({ jobId, state: 'FINISHED', counters: { watermark: Number.NEGATIVE_INFINITY } }) as unknown as ArchivedJob

  it('survive the process, as many as are kept, and leave out a file that is damaged', async () => {
    const fileSystem = new MemoryFileSystem()
    const problems: string[] = []
    const options = { fileSystem, folder: '/a', most: 2, onProblem: (error: Error) => void problems.push(error.message) }
    const first = new ArchiveStore(options)
    await first.load()
    for (const id of ['one', 'two', 'three']) await first.put(job(id))
    expect(first.all.map(({ jobId }) => jobId)).toEqual(['two', 'three'])
    await write(fileSystem, '/a/bad.job', 'no archive')
    const second = new ArchiveStore(options)
    await second.load()
    expect(second.all.map(({ jobId }) => jobId).sort()).toEqual(['three', 'two'])
    expect(second.get('two')).toEqual(job('two'))
    expect(problems).toHaveLength(1)
  })
})
