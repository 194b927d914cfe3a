/**
 * CSV files as RFC 4180 has them: quoted fields may hold delimiters, line ends and doubled quotes. An empty field is
 * null, a quoted empty one the empty string. Types are declared, or found from the first records of each file.
 */

import type { Type } from '../../base/columnar/data-type.ts'
import { checkOneOf, checkOptionNames } from '../../base/core/check-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { type CsvColumn, readCsvHead } from './csv-columns.ts'
import { CsvDecoder } from './csv-decoder.ts'
import type { FileFormat } from './file-format.ts'
import { type MalformedPolicy, planText, type TextPart, type TextPosition } from './text-format.ts'
import { TextSplitReader } from './text-split-reader.ts'

export interface CsvOptions<T> {
  /** Names of the columns in their order, for files without a header line. */
  readonly columns?: readonly string[]
  /** Whether the first line names the columns. Default: true, unless `columns` is given. */
  readonly header?: boolean
  /** One character. Default: a comma. */
  readonly delimiter?: string
  /** The declared type of a record; columns that it does not name are left out. */
  readonly type?: Type<T>
  /** Without a type: find numbers and booleans from the first records (default), or leave all as strings. */
  readonly infer?: boolean
  /** Texts that stand for null beside the empty field: ['NA']. */
  readonly nullTexts?: readonly string[]
  /**
   * Whether a quoted field may hold line ends. Default: true; then a file is read by one subtask, since where a record
   * begins is known from the file's beginning only. false lets large files be cut into splits.
   */
  readonly multiline?: boolean
  /** What is done with a record that cannot be read: 'fail' (default), or 'skip', which counts it. */
  readonly onMalformed?: MalformedPolicy
}

export interface CsvPart extends TextPart {
  readonly columns: readonly CsvColumn[]
}

/**
 * The format of comma-separated values.
 *
 * ```ts
 * import { csv, fileSource, getEnvironment } from 'headrace'
 *
 * const env = getEnvironment()
 * const format = csv<{ city: string; people: number | null }>({ delimiter: ';', onMalformed: 'skip' })
 * env.fromSource(fileSource({ path: 'cities.csv', format }), { name: 'cities' }).print()
 * await env.execute()
 * ```
 */
export function csv<T = Record<string, unknown>>(options: CsvOptions<T> = {}): FileFormat<T, CsvPart, TextPosition> {
  checkOptionNames('csv()', options, optionNames)
  checkOneOf('csv()', 'onMalformed', options.onMalformed, ['fail', 'skip'])
  const { delimiter = ',', multiline = true } = options
  const header = options.header ?? options.columns === undefined
  checkOptions(options, delimiter, header)
  return {
    name: 'CSV',
    type: options.type,
    async plan(file, { fileSystem, splitBytes }) {
      const parts = planText(file, multiline ? Number.POSITIVE_INFINITY : splitBytes)
      const columns = file.sizeBytes === 0 ? [] : await readCsvHead(fileSystem, file.path, { ...options, delimiter, header })
      return parts.map((part) => ({ ...part, columns }))
    },
    open({ path, part, position }, ctx) {
      const skipHeader = header && part.start === 0 && (position === undefined || position.line === 1)
      const decoder = new CsvDecoder<T>({
        columns: part.columns,
        delimiter,
        multiline,
        skipHeader,
        nullTexts: options.nullTexts ?? [],
        skips: options.onMalformed === 'skip',
        ctx,
      })
      return new TextSplitReader({ format: 'CSV', path, part, position, fileSystem: ctx.fileSystem, decoder })
    },
  }
}

const optionNames = ['columns', 'header', 'delimiter', 'type', 'infer', 'nullTexts', 'multiline', 'onMalformed']

function checkOptions(options: CsvOptions<any>, delimiter: string, header: boolean): void {
  if (options.columns !== undefined && !Array.isArray(options.columns))
    throw invalid(
      'columns is not a list of names',
      "Name them in order: csv({ columns: ['id', 'name'] }); types are declared with csv({ type: t.row({ ... }) }).",
    )
  if (delimiter.length !== 1 || delimiter === '"' || delimiter === '\n' || delimiter === '\r') {
    throw invalid(
      `the delimiter ${JSON.stringify(delimiter)} is not one character other than a quote or line end`,
      "Write delimiter: ';' or delimiter: '\\t'.",
    )
  }
  if (!header && options.columns === undefined)
    throw invalid('there is neither a header line nor a list of columns', "Name the columns: csv({ columns: ['id', 'name'] }).")
  if (options.columns !== undefined && new Set(options.columns).size !== options.columns.length)
    throw invalid('a column is named twice', 'Give each column a name of its own.')
  if (options.type !== undefined && options.type.dataType.kind !== 'struct')
    throw invalid(`the type is ${options.type.dataType.kind}`, 'A CSV record is a row: declare it with t.row({ ... }).')
}

const invalid = (what: string, hint: string) => new StreamError('INVALID_ARGUMENT', `csv(): ${what}`, { hint })
