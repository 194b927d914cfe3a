/**
 * The footers of Parquet files, which say where everything is. A few are kept, so that the splits of a file share one.
 */
import type { AsyncBuffer, FileMetaData } from 'hyparquet'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileReader, FileSystem } from '../../base/filesystem/file-system.ts'
import { loadHyparquet } from './hyparquet-library.ts'

/** Most footers lie within this. */
const footerBytes = 1 << 16
const keptFooters = 8

export class FooterCache {
  readonly #footers = new Map<string, { readonly fileSystem: FileSystem; readonly sizeBytes: number; readonly footer: FileMetaData }>()

  async read(file: FileReader, fileSystem: FileSystem, path: string): Promise<FileMetaData> {
    const kept = this.#footers.get(path)
    if (kept !== undefined && kept.fileSystem === fileSystem && kept.sizeBytes === file.sizeBytes) return kept.footer
    const footer = await readFooter(file, path)
    this.#footers.delete(path)
    this.#footers.set(path, { fileSystem, sizeBytes: file.sizeBytes, footer })
    for (const oldest of this.#footers.keys()) {
      if (this.#footers.size <= keptFooters) break
      this.#footers.delete(oldest)
    }
    return footer
  }
}

async function readFooter(file: FileReader, path: string): Promise<FileMetaData> {
  const lib = await loadHyparquet()
  try {
    if (file.sizeBytes < 12) throw new RangeError(`it has ${file.sizeBytes} bytes`)
    return await lib.parquetMetadataAsync(asyncBuffer(file), { initialFetchSize: footerBytes, geoparquet: false })
  } catch (error) {
    if (error instanceof StreamError) throw error
    throw new StreamError('MALFORMED_INPUT', `cannot read ${path} as Parquet: ${whyNot(error)}`, {
      hint: 'Check that it is a whole Parquet file; in a folder, other files can be hidden by a name that begins with _ or .',
      place: { file: path },
      cause: error,
    })
  }
}

/** A damaged footer makes the library stumble anywhere; what it then says means nothing to a user. */
function whyNot(error: unknown): string {
  if (error instanceof Error && !(error instanceof TypeError)) return error.message
  return 'its footer is damaged'
}

/** A file as hyparquet reads it. */
export function asyncBuffer(file: FileReader): AsyncBuffer {
  return {
    byteLength: file.sizeBytes,
    async slice(start, end = file.sizeBytes) {
      const bytes = await file.read(start, end - start)
      const { buffer } = bytes
      const whole = buffer instanceof ArrayBuffer && bytes.byteOffset === 0 && bytes.byteLength === buffer.byteLength
      return whole ? buffer : new Uint8Array(bytes).buffer
    },
  }
}
