/**
 * One state file on its way back: its length and checksum are verified before the first row is given, so that a damaged file is
 * an error and never other rows. Small files are read once, large ones twice.
 */
import { crc32 } from 'node:zlib'
import type { ByteRanges } from '../../base/columnar/arrow-ipc.ts'
import type { ColumnBatch } from '../../base/columnar/column-batch.ts'
import { openColumnFile } from '../../base/columnar/column-file-reader.ts'
import { loadColumnFormat } from '../../base/columnar/column-file-writer.ts'
import type { FileReader, FileSystem } from '../../base/filesystem/file-system.ts'
import type { StateFile } from './checkpoint-metadata.ts'
import { corrupt } from './checkpoint-problem.ts'
import { hex8 } from './state-file-writer.ts'

/** Files up to this size are held in memory whole. */
const wholeBytes = 32 << 20
const blockBytes = 1 << 20

/** The batches of a file in order. `directory`: of the metadata. */
export async function* readStateFile(file: StateFile, directory: string, fileSystem: FileSystem): AsyncGenerator<ColumnBatch, void> {
  const path = stateFilePath(file, directory)
  const reader = await fileSystem.open(path)
  try {
    const bytes = await verify(file, path, reader, file.sizeBytes <= wholeBytes)
    const opened = await openColumnFile(await loadColumnFormat(), bytes ?? reader, path)
    let rows = 0
    for (let i = 0; i < opened.batchCount; i++) {
      const batch = await opened.readBatch(i)
      rows += batch.rowCount
      yield batch
    }
    if (rows !== file.rows) throw corrupt(path, `it has ${rows} rows instead of ${file.rows}`)
  } finally {
    await reader.close()
  }
}

/** Throws STATE_INCOMPATIBLE if the file is not the one that the metadata means. */
export async function verifyStateFile(file: StateFile, directory: string, fileSystem: FileSystem): Promise<void> {
  const path = stateFilePath(file, directory)
  const reader = await fileSystem.open(path)
  try {
    await verify(file, path, reader, false)
  } finally {
    await reader.close()
  }
}

/** The file's bytes if they were asked for. */
async function verify(file: StateFile, path: string, reader: FileReader, keep: boolean): Promise<ByteRanges | undefined> {
  if (reader.sizeBytes !== file.sizeBytes) throw corrupt(path, `it has ${reader.sizeBytes} bytes instead of ${file.sizeBytes}`)
  const whole = keep ? new Uint8Array(file.sizeBytes) : undefined
  let crc = 0
  for (let position = 0; position < file.sizeBytes; ) {
    const block = await reader.read(position, blockBytes)
    if (block.length === 0) throw corrupt(path, `it ends at byte ${position} of ${file.sizeBytes}`)
    crc = crc32(block, crc)
    whole?.set(block, position)
    position += block.length
  }
  if (hex8(crc) !== file.crc32) throw corrupt(path, `its checksum is ${hex8(crc)} instead of ${file.crc32}`)
  return whole === undefined
    ? undefined
    : { sizeBytes: whole.length, read: async (position, length) => whole.slice(position, position + length) }
}

/** A file of a checkpoint stands in its folder: a path that leads elsewhere is refused, whoever wrote it. */
export function stateFilePath(file: StateFile, directory: string): string {
  const { path } = file
  if (path === '' || path === '.' || path === '..' || /[/\\:\0]/.test(path))
    throw corrupt(directory, `it names the file ${JSON.stringify(path)}, which is no file of its own folder`)
  return `${directory}/${path}`
}
