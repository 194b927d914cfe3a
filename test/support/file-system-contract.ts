/**
 * What every FileSystem must do: one suite, run on each implementation.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FileSystem } from '../../src/base/filesystem/file-system.ts'

export interface FileSystemUnderTest {
  readonly fileSystem: FileSystem
  /** A folder that exists and is empty. */
  readonly root: string
  cleanUp(): Promise<void>
}

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (data: Uint8Array) => new TextDecoder().decode(data)

export async function writeFile(fileSystem: FileSystem, path: string, content: string | Uint8Array): Promise<void> {
  const writer = await fileSystem.create(path)
  await writer.write(typeof content === 'string' ? bytes(content) : content)
  await writer.close()
}

export async function readFile(fileSystem: FileSystem, path: string): Promise<string> {
  const reader = await fileSystem.open(path)
  try {
    return text(await reader.read(0, reader.sizeBytes))
  } finally {
    await reader.close()
  }
}

export function describeFileSystem(name: string, make: () => Promise<FileSystemUnderTest>): void {
  describe(name, () => {
    let under: FileSystemUnderTest
    let fs: FileSystem
    let root: string
    beforeEach(async () => {
      under = await make()
      ;({ fileSystem: fs, root } = under)
    })
    afterEach(() => under.cleanUp())

    it('reads back what was written, in several pieces, making the folders above it', async () => {
      const writer = await fs.create(`${root}/a/b/c.txt`)
      await writer.write(bytes('hello '))
      await writer.write(bytes('world'))
      await writer.sync()
      await writer.close()
      expect(await readFile(fs, `${root}/a/b/c.txt`)).toBe('hello world')
    })

    it('reads ranges, and less only at the end of the file', async () => {
      await writeFile(fs, `${root}/f`, '0123456789')
      const reader = await fs.open(`${root}/f`)
      expect(reader.sizeBytes).toBe(10)
      expect(text(await reader.read(2, 3))).toBe('234')
      expect(text(await reader.read(8, 100))).toBe('89')
      expect(text(await reader.read(10, 5))).toBe('')
      expect(text(await reader.read(50, 5))).toBe('')
      await reader.close()
    })

    it('truncates an existing file, and refuses it when told to be exclusive', async () => {
      await writeFile(fs, `${root}/f`, 'long content')
      await writeFile(fs, `${root}/f`, 'short')
      expect(await readFile(fs, `${root}/f`)).toBe('short')
      await expect(fs.create(`${root}/f`, { exclusive: true })).rejects.toMatchObject({
        code: 'IO_FAILED',
        message: expect.stringContaining(`${root}/f`),
      })
      await (await fs.create(`${root}/g`, { exclusive: true })).close()
      expect(await readFile(fs, `${root}/g`)).toBe('')
    })

    it('names the path and a way out when a file is not there', async () => {
      const missing = `${root}/no/such.csv`
      await expect(fs.open(missing)).rejects.toMatchObject({
        code: 'FILE_NOT_FOUND',
        message: expect.stringContaining(missing),
        hint: expect.stringContaining('spelling'),
        place: { file: missing },
      })
      await expect(fs.list(missing)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
      await expect(fs.rename(missing, `${root}/x`)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
      expect(await fs.status(missing)).toBeUndefined()
    })

    it('knows files from folders', async () => {
      await writeFile(fs, `${root}/folder/f`, 'abc')
      expect(await fs.status(`${root}/folder`)).toMatchObject({ isDirectory: true, sizeBytes: 0 })
      expect(await fs.status(`${root}/folder/`)).toMatchObject({ isDirectory: true })
      expect(await fs.status(`${root}/folder/f`)).toMatchObject({ isDirectory: false, sizeBytes: 3, path: `${root}/folder/f` })
      await expect(fs.open(`${root}/folder`)).rejects.toMatchObject({ code: 'IO_FAILED', message: expect.stringContaining('folder') })
      await expect(fs.list(`${root}/folder/f`)).rejects.toMatchObject({ code: 'IO_FAILED' })
      await expect(fs.create(`${root}/folder/f/under-a-file`)).rejects.toMatchObject({ code: 'IO_FAILED' })
    })

    it('lists one folder, sorted, with the paths to open', async () => {
      for (const name of ['b', 'a', 'deep/c']) await writeFile(fs, `${root}/${name}`, name)
      await fs.mkdir(`${root}/empty`)
      const entries = await fs.list(root)
      expect(entries.map((entry) => [entry.path, entry.isDirectory])).toEqual([
        [`${root}/a`, false],
        [`${root}/b`, false],
        [`${root}/deep`, true],
        [`${root}/empty`, true],
      ])
      expect(await fs.list(`${root}/empty`)).toEqual([])
    })

    it('renames over an existing file, while a reader keeps what it opened', async () => {
      await writeFile(fs, `${root}/old`, 'old')
      await writeFile(fs, `${root}/new`, 'new')
      const reader = await fs.open(`${root}/old`)
      await fs.rename(`${root}/new`, `${root}/old`)
      expect(text(await reader.read(0, 3))).toBe('old')
      await reader.close()
      expect(await readFile(fs, `${root}/old`)).toBe('new')
      expect(await fs.status(`${root}/new`)).toBeUndefined()
    })

    it('removes a file, a folder with all in it when asked, and does nothing for what is not there', async () => {
      await writeFile(fs, `${root}/d/e/f`, 'x')
      await writeFile(fs, `${root}/dd`, 'a neighbour whose name begins alike')
      await expect(fs.remove(`${root}/d`)).rejects.toMatchObject({ code: 'IO_FAILED' })
      await fs.remove(`${root}/d`, { recursive: true })
      await fs.remove(`${root}/never-there`)
      expect((await fs.list(root)).map((entry) => entry.path)).toEqual([`${root}/dd`])
      await fs.remove(`${root}/dd`)
      expect(await fs.list(root)).toEqual([])
    })

    it('goes on with a file behind a position, cutting off what follows, and refuses one that is shorter', async () => {
      await writeFile(fs, `${root}/f`, '0123456789')
      const writer = await fs.reopen(`${root}/f`, 4)
      await writer.write(bytes('ab'))
      await writer.sync()
      await writer.close()
      expect(await readFile(fs, `${root}/f`)).toBe('0123ab')
      await expect(fs.reopen(`${root}/f`, 7)).rejects.toMatchObject({
        code: 'IO_FAILED',
        message: expect.stringContaining('6 bytes, and 7'),
      })
      expect(await readFile(fs, `${root}/f`)).toBe('0123ab')
      await expect(fs.reopen(`${root}/none`, 0)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
      expect(await fs.status(`${root}/none`)).toBeUndefined()
    })

    it('syncs a folder, and says so where there is none', async () => {
      await fs.mkdir(`${root}/x`)
      await fs.syncFolder(`${root}/x`)
      await expect(fs.syncFolder(`${root}/none`)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
    })

    it('shows a recoverable file when it is committed and not before, however often that is done', async () => {
      const file = await fs.createRecoverable(`${root}/out/part.txt`, 'job-0')
      await file.write(bytes('hello '))
      await file.write(bytes('world'))
      expect(await fs.status(`${root}/out/part.txt`)).toBeUndefined()
      const sealed = await file.seal()
      expect(sealed).toMatchObject({ path: `${root}/out/part.txt`, sizeBytes: 11 })
      expect(JSON.parse(JSON.stringify(sealed))).toEqual(sealed)
      expect(await fs.status(`${root}/out/part.txt`)).toBeUndefined()
      for (const { path } of await fs.list(`${root}/out`)) expect(path).toMatch(/\/\.[^/]+$/)
      expect(await fs.commitRecoverable(sealed)).toBe('committed')
      expect(await fs.commitRecoverable(sealed)).toBe('already committed')
      expect(await readFile(fs, `${root}/out/part.txt`)).toBe('hello world')
      expect((await fs.list(`${root}/out`)).length).toBe(1)
    })

    it('resumes a recoverable file where it was persisted, again and again, without what was written since', async () => {
      const first = await fs.createRecoverable(`${root}/part.txt`, 'job-0')
      await first.write(bytes('kept,'))
      const point = JSON.parse(JSON.stringify(await first.persist()))
      await first.write(bytes('lost'))
      await first.close()
      for (const lost of ['lost again', '']) {
        const dead = await fs.resumeRecoverable(point)
        await dead.write(bytes(lost))
        await dead.close()
      }
      const file = await fs.resumeRecoverable(point)
      await file.write(bytes('new'))
      const later = await file.persist()
      expect(later.sizeBytes).toBe(8)
      expect(await fs.commitRecoverable(await file.seal())).toBe('committed')
      expect(await readFile(fs, `${root}/part.txt`)).toBe('kept,new')
      await expect(fs.resumeRecoverable(point)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
    })

    it('commits what was sealed although somebody wrote on, and over an older file of that name', async () => {
      await writeFile(fs, `${root}/part.txt`, 'of an earlier run, and longer')
      const file = await fs.createRecoverable(`${root}/part.txt`, 'job-0')
      await file.write(bytes('whole'))
      const sealed = await file.seal()
      const dead = await fs.reopen(sealed.token, sealed.sizeBytes)
      await dead.write(bytes(' and more'))
      await dead.close()
      await fs.commitRecoverable(sealed)
      expect(await readFile(fs, `${root}/part.txt`)).toBe('whole')
    })

    it('discards a recoverable file by its point or sealed, twice too, and leaves a committed one alone', async () => {
      const points = []
      for (const name of ['a', 'b', 'c']) {
        const file = await fs.createRecoverable(`${root}/${name}`, 'job-0')
        await file.write(bytes(name))
        points.push(name === 'a' ? await file.persist() : await file.seal())
        await file.close()
      }
      await fs.commitRecoverable(points[2]!)
      const unknown = await fs.createRecoverable(`${root}/d`, 'job-0')
      await unknown.write(bytes('never persisted'))
      await unknown.discard()
      for (const point of [...points, points[0]!]) await fs.discardRecoverable(point)
      expect((await fs.list(root)).map(({ path }) => path)).toEqual([`${root}/c`])
      await expect(fs.commitRecoverable(points[1]!)).rejects.toMatchObject({
        code: 'FILE_NOT_FOUND',
        message: expect.stringContaining(`cannot publish ${root}/b`),
      })
    })

    it('makes folders, again and again without complaint', async () => {
      await fs.mkdir(`${root}/x/y`)
      await fs.mkdir(`${root}/x/y`)
      expect(await fs.status(`${root}/x/y`)).toMatchObject({ isDirectory: true })
    })
  })
}
