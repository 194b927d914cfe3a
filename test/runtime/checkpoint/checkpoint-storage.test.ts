import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import type { CheckpointMetadata } from '../../../src/runtime/checkpoint/checkpoint-metadata.ts'
import {
  checkpointDirectory,
  latestCheckpoint,
  listCheckpoints,
  readMetadata,
  removeCheckpoint,
  removeUnfinished,
  savepointDirectory,
  writeMetadata,
} from '../../../src/runtime/checkpoint/checkpoint-storage.ts'
import { chunksOf, directory, failingAt, metadataOf, stateOf, writtenBy } from './written-checkpoint.ts'

const metadataFile = `${directory}/_metadata.json`

async function written(fileSystem: MemoryFileSystem): Promise<CheckpointMetadata> {
  const state = stateOf(
    { name: 'counts', scope: 'keyed', form: 'value', meta: { a: [1] } },
    chunksOf([{ keyGroup: 1, key: 'a', value: 1 }]),
  )
  const metadata = await writtenBy(fileSystem, [[state]], { watermarks: [-(2 ** 63)] })
  await writeMetadata(metadata, fileSystem)
  return metadata
}

async function bytesOf(fileSystem: MemoryFileSystem, path: string): Promise<Uint8Array> {
  const reader = await fileSystem.open(path)
  return reader.read(0, reader.sizeBytes)
}

async function replace(fileSystem: MemoryFileSystem, path: string, content: Uint8Array | string): Promise<void> {
  const writer = await fileSystem.create(path)
  await writer.write(typeof content === 'string' ? new TextEncoder().encode(content) : content)
}

const names = async (fileSystem: MemoryFileSystem, folder: string): Promise<string[]> =>
  (await fileSystem.list(folder)).map(({ path }) => path)

test('metadata is read back as it was written, from its folder or its file', async () => {
  const fileSystem = new MemoryFileSystem()
  const metadata = await written(fileSystem)
  expect(await names(fileSystem, directory)).toEqual([`${directory}/01234567-0-counts-0.arrow`, metadataFile])
  for (const path of [directory, `${directory}/`, metadataFile])
    for (const verify of ['none', 'quick', 'full'] as const) expect(await readMetadata(path, fileSystem, { verify })).toEqual(metadata)
})

test('folders are named by job and checkpoint', () => {
  expect(checkpointDirectory('d', 'job', 7)).toBe('d/job/chk-7')
  expect(savepointDirectory('d', '0123456789', 'ab12')).toBe('d/savepoint-012345-ab12')
})

test('metadata with any one byte changed, or cut anywhere, is an error', async () => {
  const fileSystem = new MemoryFileSystem()
  await written(fileSystem)
  const whole = await bytesOf(fileSystem, metadataFile)
  for (let i = 0; i < whole.length; i++) {
    await replace(fileSystem, metadataFile, whole.with(i, whole[i]! ^ (1 << (i % 8))))
    await expect(readMetadata(directory, fileSystem, { verify: 'none' }), `byte ${i}`).rejects.toMatchObject({ name: 'StreamError' })
    await replace(fileSystem, metadataFile, whole.slice(0, i))
    await expect(readMetadata(directory, fileSystem, { verify: 'none' }), `cut at ${i}`).rejects.toMatchObject({
      code: 'STATE_INCOMPATIBLE',
    })
  }
})

describe('what is no whole checkpoint is refused with a word of what it is', () => {
  test('nothing at all', async () => {
    await expect(readMetadata('nowhere', new MemoryFileSystem())).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: 'there is no checkpoint or savepoint at nowhere',
    })
  })

  test('a folder without metadata', async () => {
    const fileSystem = new MemoryFileSystem()
    await fileSystem.mkdir('job/chk-1')
    await expect(readMetadata('job/chk-1', fileSystem)).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: 'job/chk-1 is no checkpoint: it has no _metadata.json',
    })
  })

  test("Apache Flink's", async () => {
    const fileSystem = new MemoryFileSystem()
    await replace(fileSystem, 'job/chk-1/_metadata', Uint8Array.of(0x49, 0x60, 0x67, 0x2d, 0, 0, 0, 4))
    for (const path of ['job/chk-1', 'job/chk-1/_metadata'])
      await expect(readMetadata(path, fileSystem)).rejects.toThrow('it is a checkpoint of Apache Flink')
  })

  test('something else', async () => {
    const fileSystem = new MemoryFileSystem()
    for (const content of ['', 'hello', '{}', '{"format":"other"}', '[1]']) {
      await replace(fileSystem, metadataFile, content)
      await expect(readMetadata(directory, fileSystem)).rejects.toThrow('it is no metadata of a headrace checkpoint')
    }
  })

  test('one of a newer version', async () => {
    const fileSystem = new MemoryFileSystem()
    await writeMetadata({ ...metadataOf([]), version: 2 as 1, headrace: '9.1.0' }, fileSystem)
    await expect(readMetadata(directory, fileSystem)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('version 2, and this headrace reads up to 1'),
      hint: expect.stringContaining('9.1.0'),
    })
    await replace(fileSystem, metadataFile, '{\n  "format": "headrace-checkpoint",\n  "version": 3,\n  "other": 1 }')
    await expect(readMetadata(directory, fileSystem)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })

  test('one that misses a file, or has one of another size or content', async () => {
    const fileSystem = new MemoryFileSystem()
    await written(fileSystem)
    const path = `${directory}/01234567-0-counts-0.arrow`
    const whole = await bytesOf(fileSystem, path)
    await replace(fileSystem, path, whole.with(100, whole[100]! ^ 1))
    await readMetadata(directory, fileSystem)
    await expect(readMetadata(directory, fileSystem, { verify: 'full' })).rejects.toThrow(/01234567-0-counts-0.arrow.* checksum/)
    await replace(fileSystem, path, whole.slice(1))
    await expect(readMetadata(directory, fileSystem)).rejects.toThrow(`it has ${whole.length - 1} bytes instead of ${whole.length}`)
    await fileSystem.remove(path)
    await expect(readMetadata(directory, fileSystem)).rejects.toThrow('its file 01234567-0-counts-0.arrow is missing')
    await readMetadata(directory, fileSystem, { verify: 'none' })
  })

  test.each(['../x', '/etc/passwd', 'a/b', '..', '.', '', 'a\\b', 'c:x', 'a\0'])(
    'one whose file leads out of its folder: %j',
    async (path) => {
      const fileSystem = new MemoryFileSystem()
      await replace(fileSystem, 'checkpoints/job/x', 'precious')
      const metadata = await written(fileSystem)
      const [operator] = metadata.operators
      const [subtask] = operator!.subtasks
      const states = [{ ...subtask!.states[0]!, files: [{ ...subtask!.states[0]!.files[0]!, path }] }]
      const hostile = { ...metadata, operators: [{ ...operator!, subtasks: [{ ...subtask!, states }] }] }
      await expect(writeMetadata(hostile, fileSystem)).rejects.toThrow('no file of its own folder')
      await expect(removeCheckpoint(hostile, fileSystem)).rejects.toThrow('no file of its own folder')
      const { metadataBytes } = await import('../../../src/runtime/checkpoint/metadata-text.ts')
      await replace(fileSystem, metadataFile, metadataBytes(hostile))
      for (const verify of ['none', 'full'] as const)
        await expect(readMetadata(directory, fileSystem, { verify })).rejects.toThrow('no file of its own folder')
      expect(await fileSystem.status('checkpoints/job/x')).toBeDefined()
    },
  )
})

test('metadata that could not be written, at whatever step, makes no checkpoint', async () => {
  for (let call = 0; call < 5; call++) {
    const fileSystem = new MemoryFileSystem()
    await expect(writeMetadata(metadataOf([]), failingAt(fileSystem, call)), `call ${call}`).rejects.toThrow('the disk is gone')
    await expect(readMetadata(directory, fileSystem)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
    await writeMetadata(metadataOf([]), fileSystem)
    await readMetadata(directory, fileSystem)
  }
})

test('removing takes only what the metadata names, and the folder if nothing else is in it', async () => {
  const fileSystem = new MemoryFileSystem()
  const metadata = await written(fileSystem)
  await replace(fileSystem, `${directory}/notes.txt`, 'mine')
  await removeCheckpoint(metadata, fileSystem)
  expect(await names(fileSystem, directory)).toEqual([`${directory}/notes.txt`])
  await fileSystem.remove(`${directory}/notes.txt`)
  await written(fileSystem)
  await removeCheckpoint(metadata, fileSystem)
  expect(await fileSystem.status(directory)).toBeUndefined()
  await removeCheckpoint(metadata, fileSystem)
})

test('what an unfinished checkpoint left is removed, a finished one is not', async () => {
  const fileSystem = new MemoryFileSystem()
  await written(fileSystem)
  await removeUnfinished(directory, fileSystem)
  expect(await names(fileSystem, directory)).toHaveLength(2)
  await fileSystem.remove(metadataFile)
  await replace(fileSystem, `${directory}/_metadata.json.part`, '{')
  await removeUnfinished(directory, fileSystem)
  expect(await fileSystem.status(directory)).toBeUndefined()
  await removeUnfinished(directory, fileSystem)
})

describe('the latest checkpoint below a folder', () => {
  const put = (fileSystem: MemoryFileSystem, folder: string, completedMs: number, jobName = 'test') =>
    writeMetadata({ ...metadataOf([]), directory: folder, completedMs, jobName }, fileSystem)

  test('is the newest of all jobs, or of the one named', async () => {
    const fileSystem = new MemoryFileSystem()
    expect(await latestCheckpoint('c', fileSystem)).toBeUndefined()
    await put(fileSystem, 'c/job1/chk-9', 100)
    await put(fileSystem, 'c/job2/chk-2', 300, 'other')
    await put(fileSystem, 'c/savepoint-job1-x', 200)
    await fileSystem.mkdir('c/job1/chk-10')
    await fileSystem.mkdir('c/job1/shared')
    await replace(fileSystem, 'c/readme', '')
    expect((await listCheckpoints('c', fileSystem)).map(({ path }) => path)).toEqual(['c/job1/chk-9', 'c/savepoint-job1-x', 'c/job2/chk-2'])
    expect((await latestCheckpoint('c', fileSystem))?.directory).toBe('c/job2/chk-2')
    expect((await latestCheckpoint('c', fileSystem, 'test'))?.directory).toBe('c/savepoint-job1-x')
    expect(await latestCheckpoint('c', fileSystem, 'none')).toBeUndefined()
  })

  test('is an error if it cannot be read, unless an older one is damaged', async () => {
    const clock = new ManualClock(1000)
    const fileSystem = new MemoryFileSystem({ clock })
    await put(fileSystem, 'c/job1/chk-1', 900)
    await replace(fileSystem, 'c/job1/chk-2/_metadata.json', 'torn')
    await expect(latestCheckpoint('c', fileSystem)).rejects.toThrow('c/job1/chk-2/_metadata.json')
    await put(fileSystem, 'c/job1/chk-3', 1100)
    expect((await latestCheckpoint('c', fileSystem))?.directory).toBe('c/job1/chk-3')
  })

  test('that cannot be read is told with the next older one as the alternative', async () => {
    const fileSystem = new MemoryFileSystem({ clock: new ManualClock(Date.UTC(2026, 1, 3)) })
    await put(fileSystem, 'c/job1/chk-1', Date.UTC(2026, 1, 2))
    await put(fileSystem, 'c/job1/chk-7', Date.UTC(2026, 1, 2), 'other')
    await replace(fileSystem, 'c/job1/chk-2/_metadata.json', 'torn')
    await expect(latestCheckpoint('c', fileSystem, 'test')).rejects.toMatchObject({
      code: 'STATE_INCOMPATIBLE',
      message: expect.stringMatching(/^The newest checkpoint is damaged: cannot read c\/job1\/chk-2\/_metadata\.json: /),
      hint: 'The next older one is checkpoint 1 of 2026-02-02T00:00:00.000Z: name its path to go on from it,\nc/job1/chk-1',
    })
    await expect(latestCheckpoint('c', fileSystem, 'none')).rejects.toMatchObject({
      hint: 'There is no older one: put the folder aside to begin at the beginning.',
    })
  })

  test('that lacks a file is damaged too', async () => {
    const fileSystem = new MemoryFileSystem()
    const { operators } = await written(fileSystem)
    await fileSystem.remove(`${directory}/${operators[0]!.subtasks[0]!.states[0]!.files[0]!.path}`)
    await expect(latestCheckpoint('checkpoints', fileSystem)).rejects.toThrow(/damaged: cannot read .* is missing/)
  })

  test('is named where the folder above is taken for a checkpoint', async () => {
    const fileSystem = new MemoryFileSystem()
    await put(fileSystem, 'c/job1/chk-9', 100)
    for (const folder of ['c', 'c/job1'])
      await expect(readMetadata(folder, fileSystem)).rejects.toMatchObject({ hint: 'It holds checkpoints; the newest is c/job1/chk-9.' })
  })
})
