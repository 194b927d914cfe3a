/**
 * CSV files as RFC 4180 has them, with a header line. The columns are fixed by the option or the first record; a record
 * with another field, or whose field has changed its type, fails and names the field. null is an empty field, the empty
 * string a quoted one.
 */

import { Buffer } from 'node:buffer'
import { checkOptionNames } from '../../base/core/check-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { Sink } from '../function/sink.ts'
import { type FileSinkOptions, fileSink, fileSinkOptionNames } from './file-sink.ts'
import { toJsonText } from './json-value.ts'
import type { OutputFile } from './output-file.ts'
import type { FileEncoder } from './output-part.ts'

export interface CsvSinkOptions<T> extends FileSinkOptions<T> {
  /** The columns and their order; absent: the fields of the first record. */
  readonly columns?: readonly (keyof T & string)[]
  /** Whether the first line names the columns. Default: true. */
  readonly header?: boolean
  /** Default: a comma. */
  readonly delimiter?: string
}

/**
 * A sink that writes each record as one line of comma-separated values.
 *
 * ```ts
 * import { collection, csvSink, getEnvironment } from 'headrace'
 *
 * const env = getEnvironment()
 * env.fromSource(collection([{ city: 'Basel', people: 178_000 }]), { name: 'cities' }).sinkTo(csvSink({ path: 'out/cities.csv' }))
 * await env.execute()
 * ```
 */
export function csvSink<T extends object>(options: CsvSinkOptions<T>): Sink<T> {
  checkOptionNames('csvSink()', options, [...fileSinkOptionNames, 'columns', 'header', 'delimiter'])
  return fileSink(
    { name: 'CSV', createEncoder: (ctx, path, state) => new CsvEncoder<T>(options, ctx.operatorName, path, state as CsvState | undefined) },
    options,
  )
}

/** What a file has fixed once its first line is written. */
interface CsvState {
  readonly columns: readonly string[]
  readonly kinds: readonly (string | null)[]
}

class CsvEncoder<T extends object> implements FileEncoder<T> {
  readonly #operator: string
  readonly #path: string
  readonly #delimiter: string
  readonly #header: boolean
  readonly #needsQuotes: RegExp
  #columns: readonly string[] | undefined
  #started = false
  #known: ReadonlySet<string> = new Set()
  #kinds: (string | undefined)[] = []

  constructor(options: CsvSinkOptions<T>, operator: string, path: string, state: CsvState | undefined) {
    this.#operator = operator
    this.#path = path
    this.#delimiter = options.delimiter ?? ','
    this.#header = options.header ?? true
    this.#columns = options.columns
    this.#needsQuotes = new RegExp(`["\\r\\n${this.#delimiter.replace(/[\\\]^-]/g, '\\$&')}]|^\\s|\\s$`)
    if (state === undefined) return
    this.#started = true
    this.#columns = state.columns
    this.#known = new Set(state.columns)
    this.#kinds = state.kinds.map((kind) => kind ?? undefined)
  }

  persist(): CsvState | undefined {
    if (!this.#started) return undefined
    const columns = this.#columns ?? []
    return { columns, kinds: columns.map((_, i) => this.#kinds[i] ?? null) }
  }

  write(element: T, file: OutputFile): void | Promise<void> {
    if (typeof element !== 'object' || element === null)
      throw this.#mismatch(`a record is ${element === null ? 'null' : `a ${typeof element}`}, not an object with fields`)
    const row = element as Record<string, unknown>
    let line = this.#started ? '' : this.#start(row)
    const columns = this.#columns ?? []
    for (const name in row) if (!this.#known.has(name)) throw this.#newField(name)
    for (let i = 0; i < columns.length; i++) {
      if (i > 0) line += this.#delimiter
      line += this.#cell(row[columns[i] as string], i)
    }
    return file.writeText(`${line}\n`)
  }

  /** Without a single record the header still stands, where the columns are known. */
  finish(file: OutputFile): void | Promise<void> {
    if (!this.#started && this.#columns !== undefined) return file.writeText(this.#start({}))
  }

  #start(first: Record<string, unknown>): string {
    this.#started = true
    this.#columns ??= Object.keys(first)
    this.#known = new Set(this.#columns)
    return this.#header ? `${this.#columns.map((name) => this.#quoted(name)).join(this.#delimiter)}\n` : ''
  }

  #cell(value: unknown, column: number): string {
    if (value === null || value === undefined) return ''
    const kind = kindOf(value)
    const before = this.#kinds[column]
    if (before === undefined) this.#kinds[column] = kind
    else if (before !== kind) throw this.#mismatch(`field '${this.#columns?.[column]}' was a ${before} and is now a ${kind}`)
    switch (kind) {
      case 'string':
        return this.#quoted(value as string)
      case 'date':
        return (value as Date).toISOString()
      case 'binary':
        return Buffer.from(value as Uint8Array).toString('base64')
      case 'object':
        return this.#quoted(toJsonText(value))
      default:
        return String(value)
    }
  }

  #quoted(text: string): string {
    return text === '' || this.#needsQuotes.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }

  #newField(name: string): StreamError {
    return this.#mismatch(`a record has the field '${name}', which is no column of the file (${this.#columns?.join(', ')})`)
  }

  #mismatch(what: string): StreamError {
    return new StreamError('TYPE_MISMATCH', `cannot write ${this.#path}: ${what}`, {
      hint: 'A CSV file has the same columns and types in every line: map the records to one shape before the sink, or name the columns with { columns: [...] }.',
      place: { operator: this.#operator, file: this.#path },
    })
  }
}

function kindOf(value: unknown): string {
  if (typeof value === 'bigint') return 'number'
  if (typeof value !== 'object') return typeof value
  return value instanceof Date ? 'date' : value instanceof Uint8Array ? 'binary' : 'object'
}
