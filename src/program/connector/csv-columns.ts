/**
 * What the columns of a CSV file are: their names from the header or the options, their types from the declared type
 * or the first records. A column is a number only if every sampled value is one and would be written the same way again
 * (007 and digits beyond 2^53 stay strings).
 */
import { Buffer } from 'node:buffer'
import type { DataType, Type } from '../../base/columnar/data-type.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import { ByteStream, compressionOf } from './byte-stream.ts'

export interface CsvColumn {
  /** null: the column is not read. */
  readonly name: string | null
  readonly type: DataType
  readonly nullable: boolean
  /** The type was found, not declared. */
  readonly inferred: boolean
}

export interface CsvHeadOptions {
  readonly columns?: readonly string[]
  readonly header: boolean
  readonly delimiter: string
  readonly type?: Type<any>
  readonly infer?: boolean
  readonly nullTexts?: readonly string[]
}

const sampleRecords = 1_000
const sampleChars = 1 << 18
const utf8: DataType = { kind: 'utf8' }

/** Reads the beginning of a file and says what its columns are. */
export async function readCsvHead(fileSystem: FileSystem, path: string, options: CsvHeadOptions): Promise<readonly CsvColumn[]> {
  const stream = await ByteStream.open(fileSystem, path, compressionOf(path), 0)
  try {
    const blocks: Uint8Array[] = []
    // A first record of many blocks is looked at each time their number has doubled.
    for (let looks = 1; ; looks *= 2) {
      let block: Uint8Array | undefined
      while (blocks.length < looks && (block = await stream.next()) !== undefined) blocks.push(block)
      const text = Buffer.concat(blocks).toString('utf8')
      const records = tokenize(text.startsWith('\uFEFF') ? text.slice(1) : text, options.delimiter, block === undefined)
      const enough = text.length >= sampleChars && records.length > 1
      if (enough || block === undefined) return toColumns(records, options, path)
    }
  } finally {
    await stream.close()
  }
}

function toColumns(records: readonly (readonly (string | null)[])[], options: CsvHeadOptions, path: string): CsvColumn[] {
  const [first, ...others] = options.header ? records : [options.columns ?? [], ...records]
  const names = (options.columns ?? first ?? []).map((name, i) => (name === null || name === '' ? `column${i + 1}` : name))
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) {
    throw new StreamError('MALFORMED_INPUT', `cannot read ${path}: its header names the column '${twice}' twice`, {
      hint: 'Give the columns names of your own: csv({ header: true, columns: [...] }).',
      place: { file: path, line: 1 },
    })
  }
  if (options.type !== undefined) return declaredColumns(names, options.type.dataType, path)
  const nulls = new Set(options.nullTexts)
  return names.map((name, i) => ({
    name,
    type:
      options.infer === false
        ? utf8
        : inferColumn(others.map((record) => record[i]).filter((value) => typeof value === 'string' && !nulls.has(value)) as string[]),
    nullable: true,
    inferred: true,
  }))
}

function declaredColumns(names: readonly string[], type: DataType, path: string): CsvColumn[] {
  const fields = type.kind === 'struct' ? type.fields : []
  const missing = fields.find((field) => !names.includes(field.name))
  if (missing !== undefined) {
    throw new StreamError(
      'TYPE_MISMATCH',
      `cannot read ${path}: it has no column '${missing.name}', which the declared type names; it has ${names.join(', ')}`,
      {
        hint: 'Correct the name in the type, or check the delimiter and the header option.',
        place: { file: path, line: 1 },
      },
    )
  }
  return names.map((name) => {
    const field = fields.find((candidate) => candidate.name === name)
    return { name: field === undefined ? null : name, type: field?.type ?? utf8, nullable: field?.nullable ?? true, inferred: false }
  })
}

function inferColumn(values: readonly string[]): DataType {
  if (values.length === 0) return utf8
  if (values.every((value) => value === 'true' || value === 'false')) return { kind: 'boolean' }
  return values.every(isCanonicalNumber) ? { kind: 'float64' } : utf8
}

/** A decimal number without leading zeros whose digits a double holds. */
export function isCanonicalNumber(text: string): boolean {
  return (
    /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text) &&
    text
      .replace(/[eE].*$/, '')
      .replace(/\D/g, '')
      .replace(/^0+/, '').length <= 15
  )
}

/** The first whole records as strings; an empty unquoted field is null. The decoder of the data itself is csv-decoder.ts. */
function tokenize(text: string, delimiter: string, final: boolean): (string | null)[][] {
  const records: (string | null)[][] = []
  let at = 0
  while (at < text.length && records.length <= sampleRecords) {
    const record: (string | null)[] = []
    for (;;) {
      const quoted = /"([^"]*(?:""[^"]*)*)"/y
      quoted.lastIndex = at
      const match = text[at] === '"' ? quoted.exec(text) : null
      if (text[at] === '"' && match === null) return records
      if (match !== null) at += match[0].length
      const lineEnd = indexOrEnd(text, '\n', at)
      const end = Math.min(lineEnd, indexOrEnd(text, delimiter, at))
      const raw = text.slice(at, end).replace(/\r$/, '')
      record.push(match !== null ? (match[1] as string).replaceAll('""', '"') + raw : raw === '' ? null : raw)
      at = end + 1
      if (end === text.length && !final) return records
      if (end === lineEnd) break
    }
    if (record.length > 1 || record[0] !== null) records.push(record)
  }
  return records
}

const indexOrEnd = (text: string, what: string, from: number) => {
  const index = text.indexOf(what, from)
  return index < 0 ? text.length : index
}
