import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { describeFileSystem } from '../../support/file-system-contract.ts'

describeFileSystem('MemoryFileSystem', async () => {
  const fileSystem = new MemoryFileSystem()
  await fileSystem.mkdir('/root')
  return { fileSystem, root: '/root', cleanUp: async () => {} }
})

describe('MemoryFileSystem alone', () => {
  it('is full at its capacity, counting all files, and names the path', async () => {
    const fileSystem = new MemoryFileSystem({ capacityBytes: 10 })
    const first = await fileSystem.create('/a')
    await first.write(new Uint8Array(6))
    const second = await fileSystem.create('/b')
    await expect(second.write(new Uint8Array(5))).rejects.toMatchObject({ code: 'NO_SPACE', message: expect.stringContaining('/b') })
    await fileSystem.remove('/a')
    await second.write(new Uint8Array(5))
    expect(await fileSystem.status('/b')).toMatchObject({ sizeBytes: 5 })
  })

  it('takes the time of a change from its clock', async () => {
    const clock = new ManualClock(1_000)
    const fileSystem = new MemoryFileSystem({ clock })
    const writer = await fileSystem.create('/a')
    clock.advance(500)
    await writer.write(new Uint8Array(1))
    expect((await fileSystem.status('/a'))?.modifiedMs).toBe(1_500)
  })

  it('takes relative paths, the current folder among them', async () => {
    const fileSystem = new MemoryFileSystem()
    await (await fileSystem.create('out/x')).close()
    expect((await fileSystem.list('.')).map((entry) => entry.path)).toEqual(['out'])
    expect((await fileSystem.list('./out')).map((entry) => entry.path)).toEqual(['out/x'])
  })
})
