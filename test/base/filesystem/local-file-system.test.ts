import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { LocalFileSystem } from '../../../src/base/filesystem/local-file-system.ts'
import { describeFileSystem, readFile, writeFile } from '../../support/file-system-contract.ts'

const temporaryFolder = () => mkdtempSync(join(tmpdir(), 'headrace-fs-'))

describeFileSystem('LocalFileSystem', async () => {
  const root = temporaryFolder()
  return { fileSystem: new LocalFileSystem(), root, cleanUp: async () => rmSync(root, { recursive: true, force: true }) }
})

describe('LocalFileSystem alone', () => {
  const fileSystem = new LocalFileSystem()

  it('takes a file URL, and refuses a scheme that it does not know', async () => {
    const root = temporaryFolder()
    await writeFile(fileSystem, join(root, 'a b'), 'content')
    expect(await readFile(fileSystem, pathToFileURL(join(root, 'a b')).href)).toBe('content')
    await expect(fileSystem.open('s3://bucket/key')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('s3://bucket/key'),
    })
    rmSync(root, { recursive: true })
  })

  it('says IO_FAILED and speaks of permissions where it may not write', async ({ skip }) => {
    if (process.getuid?.() === 0) {
      console.log('skipped: root may write everywhere')
      skip('root may write everywhere')
    }
    const root = temporaryFolder()
    chmodSync(root, 0o500)
    await expect(fileSystem.create(join(root, 'x'))).rejects.toMatchObject({
      code: 'IO_FAILED',
      hint: expect.stringContaining('permissions'),
    })
    rmSync(root, { recursive: true })
  })

  it('says NO_SPACE and names the file when a real disk is full', async ({ skip }) => {
    const root = temporaryFolder()
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', root], { stdio: 'pipe' })
    } catch (error) {
      rmSync(root, { recursive: true })
      const reason = `no small disk can be mounted here: ${String((error as Error).message).trim()}`
      console.warn(reason)
      skip(reason)
    }
    try {
      const path = join(root, 'big')
      const writer = await fileSystem.create(path)
      await expect(writer.write(new Uint8Array(1 << 20))).rejects.toMatchObject({
        code: 'NO_SPACE',
        message: expect.stringContaining(path),
        hint: expect.stringContaining('Free some space'),
        retry: 'backoff',
      })
      await writer.close()
    } finally {
      execFileSync('umount', [root])
      rmSync(root, { recursive: true })
    }
  })
})
