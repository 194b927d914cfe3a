/**
 * Parquet files. A split is a row group; its columns are decoded page by page into typed arrays and dictionary indices
 * and given out in units of up to 4,096 rows: no row object is made.
 */
import { checkOptionNames } from '../../base/core/check-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileFormat } from './file-format.ts'
import { FooterCache } from './parquet-footer.ts'
import { type ParquetOptions, type ParquetPart, type ParquetPosition, ParquetSplitReader } from './parquet-split-reader.ts'

export type { ParquetOptions } from './parquet-split-reader.ts'

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
  checkOptionNames('parquet()', options, ['columns', 'bigints'])
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
