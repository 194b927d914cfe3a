/**
 * Parquet files. A split is a row group; its columns are decoded page by page into typed arrays and dictionary indices
 * and given out in units of up to 4,096 rows: no row object is made.
 */
import type { AsyncBuffer, FileMetaData } from 'hyparquet'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileReader, FileSystem } from '../../base/filesystem/file-system.ts'
import type { FileFormat } from './file-format.ts'
import { loadHyparquet } from './hyparquet-library.ts'
import { type ParquetPart, type ParquetPosition, ParquetSplitReader } from './parquet-split-reader.ts'

export interface ParquetOptions {
  /** The columns to read, in this order; absent: all. Others are not even read from the disk. */
  readonly columns?: readonly string[]
  /** INT64 columns that are read as bigint, because they hold values beyond 2^53. */
  readonly bigints?: readonly string[]
}

/** Most footers lie within this. */
const footerBytes = 1 << 16
/** Footers kept, so that the splits of a file share one. */
const keptFooters = 8

/**
 * The format of Parquet. Timestamps are ms since the epoch, DATE is a Date, INT64 a number (beyond 2^53 it fails and
 * names the column, see `bigints`), DECIMAL the nearest number, lists and structs are arrays and objects.
 *
 * ```ts
 * import { fileSource, getEnvironment, parquet } from 'headrace'
 *
 * const env = getEnvironment()
 * const format = parquet<{ origin: string; delay: number }>({ columns: ['origin', 'delay'] })
 * env.fromSource(fileSource({ path: 'flights.parquet', format }), { name: 'flights' }).filter((f) => f.delay > 600).print()
 * await env.execute()
 * ```
 */
export function parquet<T = Record<string, unknown>>(options: ParquetOptions = {}): FileFormat<T, ParquetPart, ParquetPosition> {
  if (options.columns?.length === 0)
    throw new StreamError('INVALID_ARGUMENT', 'parquet(): the list of columns is empty', {
      hint: 'Name at least one column, or leave `columns` out to read all.',
    })
  const footers = new FooterCache()
  return {
    name: 'Parquet',
    async plan({ path, sizeBytes }, { fileSystem }) {
      const file = await fileSystem.open(path)
      try {
        const { row_groups: groups } = await footers.read(file, fileSystem, path)
        return groups.map((group, index) => ({ rowGroup: index, rows: Number(group.num_rows), sizeBytes })).filter(({ rows }) => rows > 0)
      } finally {
        await file.close()
      }
    },
    open: ({ path, part, position }, ctx) =>
      new ParquetSplitReader<T>({
        path,
        part,
        position,
        options,
        fileSystem: ctx.fileSystem,
        readFooter: (file) => footers.read(file, ctx.fileSystem, path),
      }),
  }
}

class FooterCache {
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
    throw new StreamError('MALFORMED_INPUT', `cannot read ${path} as Parquet: ${(error as Error).message}`, {
      hint: 'Check that it is a whole Parquet file; in a folder, other files can be hidden by a name that begins with _ or .',
      place: { file: path },
      cause: error,
    })
  }
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
