/**
 * Reads one row group: the bytes of its columns in fill(), one page of one column in each poll(), until every column
 * has rows to give. Nested columns are assembled by hyparquet as a whole.
 */
import type { ColumnMetaData, FileMetaData } from 'hyparquet'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileReader, FileSystem } from '../../base/filesystem/file-system.ts'
import type { SourceColumn } from '../function/source.ts'
import type { DecodedUnit, SplitReader } from './file-format.ts'
import { type Hyparquet, loadHyparquet } from './hyparquet-library.ts'
import { ParquetColumn } from './parquet-column.ts'
import { asyncBuffer } from './parquet-footer.ts'
import { converterOf } from './parquet-values.ts'

export interface ParquetOptions {
  /** The columns to read, in this order; absent: all. Others are not even read from the disk. */
  readonly columns?: readonly string[]
  /** INT64 columns that are read as bigint, because they hold values beyond 2^53. */
  readonly bigints?: readonly string[]
}

export interface ParquetPart {
  readonly rowGroup: number
  readonly rows: number
  /** Of the file when it was found. */
  readonly sizeBytes: number
}

/** The next row of the row group. */
export interface ParquetPosition {
  readonly row: number
}

export interface ParquetSplitOptions {
  readonly path: string
  readonly part: ParquetPart
  readonly position: ParquetPosition | undefined
  readonly options: ParquetOptions
  readonly fileSystem: FileSystem
  readonly readFooter: (file: FileReader) => Promise<FileMetaData>
}

const unitRows = 4_096

/** Flat columns decode page by page, nested ones are there as a whole. */
type Column = Pick<ParquetColumn, 'available' | 'take' | 'decodePage'> & { readonly name: string }

export class ParquetSplitReader<T> implements SplitReader<T, ParquetPosition> {
  readonly #options: ParquetSplitOptions
  #columns: readonly Column[] | undefined
  #row: number
  #file: FileReader | undefined

  constructor(options: ParquetSplitOptions) {
    this.#options = options
    this.#row = options.position?.row ?? 0
  }

  poll(maxRows: number): DecodedUnit<T> | 'pending' | 'again' | 'end' {
    const { path, part } = this.#options
    if (this.#row >= part.rows) return 'end'
    if (this.#columns === undefined) return 'pending'
    let rows = Math.min(unitRows, maxRows, part.rows - this.#row)
    for (const column of this.#columns) {
      if (column.available === 0) {
        this.#guard(column.name, () => column.decodePage())
        return 'again'
      }
      rows = Math.min(rows, column.available)
    }
    const position = `${path} row group ${part.rowGroup} row ${this.#row}`
    this.#row += rows
    return { unit: { kind: 'columns', rowCount: rows, columns: this.#columns.map((column) => column.take(rows)) }, position }
  }

  async fill(): Promise<void> {
    const { path, part, fileSystem, readFooter } = this.#options
    const file = await fileSystem.open(path)
    this.#file = file
    if (file.sizeBytes !== part.sizeBytes) {
      throw new StreamError(
        'IO_FAILED',
        `cannot read ${path}: it had ${part.sizeBytes} bytes when the job found it and has ${file.sizeBytes} now`,
        {
          hint: 'Do not change files while a job reads them: write a new file and rename it into place.',
          place: { file: path },
          retry: 'never',
        },
      )
    }
    const [lib, footer] = [await loadHyparquet(), await readFooter(file)]
    const names = this.#columnNames(footer)
    this.#columns = await Promise.all(names.map((name) => this.#openColumn(lib, footer, file, name)))
  }

  position(): ParquetPosition {
    return { row: this.#row }
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    this.#columns = undefined
    await file?.close()
  }

  /** The top-level columns to read. */
  #columnNames(footer: FileMetaData): readonly string[] {
    const { path, part, options } = this.#options
    const all = [...new Set(footer.row_groups[part.rowGroup]?.columns.map((chunk) => chunk.meta_data?.path_in_schema[0] ?? ''))]
    const missing = [...(options.columns ?? []), ...(options.bigints ?? [])].find((name) => !all.includes(name))
    if (missing === undefined) return options.columns ?? all
    throw new StreamError('TYPE_MISMATCH', `cannot read ${path}: it has no column '${missing}'; it has ${all.join(', ')}`, {
      hint: 'Correct the name in parquet({ columns }) or parquet({ bigints }).',
      place: { file: path },
    })
  }

  async #openColumn(lib: Hyparquet, footer: FileMetaData, file: FileReader, name: string): Promise<Column> {
    const { path, part, options } = this.#options
    const chunks =
      footer.row_groups[part.rowGroup]?.columns
        .map((chunk) => chunk.meta_data)
        .filter((metadata) => metadata?.path_in_schema[0] === name) ?? []
    const [metadata] = chunks as ColumnMetaData[]
    if (metadata === undefined) throw this.#malformed(name, new TypeError('the row group has no such column'))
    const schemaPath = lib.getTreePath(lib.parquetSchema(footer), metadata.path_in_schema)
    const element = schemaPath.at(-1)?.element
    if (element === undefined || !lib.isFlatColumn(schemaPath)) return this.#nestedColumn(lib, footer, file, name)
    const converter = converterOf(element, `${path} column '${name}'`, options.bigints?.includes(name) === true)
    // Some writers say 0 where there is no dictionary.
    const start = Number(metadata.dictionary_page_offset || metadata.data_page_offset)
    const bytes = await file.read(start, Number(metadata.total_compressed_size))
    const column = new ParquetColumn(lib, { name, element, metadata, bytes, converter }, this.#row)
    return Object.assign(column, { name })
  }

  async #nestedColumn(lib: Hyparquet, metadata: FileMetaData, file: FileReader, name: string): Promise<Column> {
    const { part } = this.#options
    const rowStart = metadata.row_groups.slice(0, part.rowGroup).reduce((rows, group) => rows + Number(group.num_rows), 0)
    const values: unknown[] = []
    try {
      await lib.parquetRead({
        file: asyncBuffer(file),
        metadata,
        columns: [name],
        compressors: lib.compressors,
        rowStart,
        rowEnd: rowStart + part.rows,
        rowFormat: 'object',
        onComplete: (rows) => {
          for (const row of rows) values.push(row[name] ?? null)
        },
      })
    } catch (error) {
      throw this.#malformed(name, error)
    }
    let next = this.#row
    return {
      name,
      get available() {
        return values.length - next
      },
      take: (rows): SourceColumn => ({ name, values: values.slice(next, (next += rows)) }),
      decodePage: () => {
        throw new RangeError('the column has fewer rows than its row group')
      },
    }
  }

  #guard(column: string, work: () => void): void {
    try {
      work()
    } catch (error) {
      throw this.#malformed(column, error)
    }
  }

  #malformed(column: string, error: unknown): StreamError {
    const { path, part } = this.#options
    if (error instanceof StreamError) return error
    return new StreamError(
      'MALFORMED_INPUT',
      `cannot read ${path} row group ${part.rowGroup} column '${column}' as Parquet: ${(error as Error).message}`,
      {
        hint: 'The file is damaged or uses a feature that headrace does not know: try to read it with another tool, or leave the column out with parquet({ columns }).',
        place: { file: path },
        cause: error,
      },
    )
  }
}
