/**
 * Columns of an Arrow record batch, whoever wrote it, in the form of ColumnarUnit: typed arrays for numbers without
 * nulls, dictionary indices where the file has them, arrays for all else. Timestamps are ms, Arrow's dates are Dates.
 */
import { Buffer, isAscii } from 'node:buffer'
import type * as Arrow from 'apache-arrow'
import { StreamError } from '../core/stream-error.ts'
import type { ArrowModule } from './arrow-schema.ts'
import type { ColumnarUnitColumn } from './column-batch.ts'
import { bigintAt, halvesToMs, halvesToNumbers, indexBeyondNumber } from './int64-numbers.ts'
import { bytesToBigint, deserializeValue } from './value-bytes.ts'

type Kind = ColumnarUnitColumn['kind']

/** `root: 'value'` is a batch that headrace wrote of records that are no objects: one column of them. */
export interface ArrowColumns {
  readonly root: 'row' | 'value'
  readonly rowCount: number
  readonly columns: readonly ColumnarUnitColumn[]
}

/** Dictionaries that were read, so that batches share one array. */
const dictionaries = new WeakMap<object, readonly string[]>()

/** `names`: the columns wanted, in their order; absent: all. `path` is for messages. */
export function arrowColumns(
  arrow: ArrowModule,
  batch: Arrow.RecordBatch,
  names: readonly string[] | undefined,
  path: string,
): ArrowColumns {
  const all = batch.schema.fields
  const columns = (names ?? all.map((field) => field.name)).map((name) => {
    const index = all.findIndex((field) => field.name === name)
    const field = all[index]
    const vector = batch.getChildAt(index)
    if (field === undefined || vector === null) {
      throw new StreamError(
        'TYPE_MISMATCH',
        `cannot read ${path}: it has no column '${name}'; it has ${all.map((other) => other.name).join(', ')}`,
        {
          hint: 'Correct the name in the list of columns.',
          place: { file: path },
        },
      )
    }
    return toColumn(arrow, field, vector, `${path} column '${name}'`)
  })
  return { root: batch.schema.metadata.get('headrace:root') === 'value' ? 'value' : 'row', rowCount: batch.numRows, columns }
}

function toColumn(arrow: ArrowModule, field: Arrow.Field, vector: Arrow.Vector, where: string): ColumnarUnitColumn {
  const { name } = field
  const ours = field.metadata.get('headrace:kind')
  if (ours === 'bigint' || ours === 'any') {
    const convert = ours === 'bigint' ? bytesToBigint : (bytes: Uint8Array) => deserializeValue(new Uint8Array(bytes))
    return { name, values: each(vector, (bytes) => convert(bytes as Uint8Array)) }
  }
  const dictionary = dictionaryColumn(arrow, name, vector)
  if (dictionary !== undefined) return dictionary
  const fixed = fixedWidth(arrow, vector, where)
  if (fixed === undefined)
    return {
      name,
      kind: arrow.DataType.isUtf8(vector.type) || arrow.DataType.isLargeUtf8(vector.type) ? 'utf8' : undefined,
      values: strings(arrow, vector) ?? each(vector, (value) => toPlain(value, where)),
    }
  const isDate = ours === 'date' || arrow.DataType.isDate(vector.type)
  if (!isDate && vector.nullCount === 0) return { name, ...fixed }
  const { values, kind } = fixed
  const at = (i: number) => (isDate ? new Date(values[i]!) : kind === 'boolean' ? values[i] === 1 : values[i])
  return { name, kind: isDate ? undefined : kind, values: Array.from(values, (_, i) => (vector.isValid(i) ? at(i) : null)) }
}

function dictionaryColumn(arrow: ArrowModule, name: string, vector: Arrow.Vector): ColumnarUnitColumn | undefined {
  if (!arrow.DataType.isDictionary(vector.type) || !arrow.DataType.isUtf8(vector.type.dictionary) || vector.nullCount > 0) return undefined
  const [data] = vector.data
  const entries = data?.dictionary
  if (data === undefined || entries === undefined || entries.nullCount > 0 || data.values instanceof BigInt64Array) return undefined
  let dictionary = dictionaries.get(entries)
  if (dictionary === undefined) dictionaries.set(entries, (dictionary = each(entries, String)))
  return { name, kind: 'utf8', values: Int32Array.from((data.values as Int32Array).subarray(0, vector.length)), dictionary }
}

/** Numbers, times and booleans; what a null row holds is not said. */
function fixedWidth(
  arrow: ArrowModule,
  vector: Arrow.Vector,
  where: string,
): { kind: Kind; values: Float64Array | Int32Array | Uint8Array } | undefined {
  const { type } = vector
  const is = arrow.DataType
  if (is.isBool(type))
    return { kind: 'boolean', values: Uint8Array.from({ length: vector.length }, (_, i) => Number(vector.get(i) === true)) }
  if (is.isInt(type)) {
    const values = vector.toArray() as Int32Array
    if (type.bitWidth === 64) return { kind: 'int64', values: wholeNumbers(halvesOf(values), !type.isSigned, where) }
    if (type.bitWidth === 32 && !type.isSigned) return { kind: 'int64', values: Float64Array.from(values) }
    return { kind: 'int32', values: values instanceof Int32Array ? values : Int32Array.from(values as Iterable<number>) }
  }
  if (is.isFloat(type)) {
    // Half floats come as their bits from toArray(), as numbers from get().
    const values =
      type.precision === arrow.Precision.HALF
        ? Float64Array.from({ length: vector.length }, (_, i) => Number(vector.get(i)))
        : (vector.toArray() as Float64Array)
    return { kind: 'float64', values: values instanceof Float64Array ? values : Float64Array.from(values) }
  }
  if (is.isTimestamp(type)) {
    const halves = halvesOf(vector.toArray() as BigInt64Array)
    if (type.unit === arrow.TimeUnit.SECOND) return { kind: 'timestamp', values: halvesToNumbers(halves).map((seconds) => seconds * 1_000) }
    return {
      kind: 'timestamp',
      values: halvesToMs(
        halves,
        type.unit === arrow.TimeUnit.MILLISECOND ? 1 : type.unit === arrow.TimeUnit.MICROSECOND ? 1_000 : 1_000_000,
      ),
    }
  }
  if (is.isDate(type)) {
    // Not toArray(), which makes Dates. Buffers are padded: the length is the vector's.
    const data = vector.data[0]?.values as Int32Array | BigInt64Array
    const values = data.subarray(0, vector.length)
    return {
      kind: 'timestamp',
      values: values instanceof Int32Array ? Float64Array.from(values, (day) => day * 86_400_000) : halvesToNumbers(halvesOf(values)),
    }
  }
  return undefined
}

const halvesOf = (values: BigInt64Array | BigUint64Array | Int32Array) =>
  new Int32Array(values.buffer, values.byteOffset, values.byteLength >> 2)

function wholeNumbers(halves: Int32Array, unsigned: boolean, where: string): Float64Array {
  const beyond = indexBeyondNumber(halves, unsigned)
  if (beyond < 0) return halvesToNumbers(halves)
  throw beyondNumber(bigintAt(halves, beyond, unsigned), where)
}

const beyondNumber = (value: bigint, where: string) =>
  new StreamError('TYPE_MISMATCH', `cannot read ${where}: the value ${value} is beyond 2^53 and does not fit a number`, {
    hint: 'Leave the column out, or write it as text or as a headrace t.bigint.',
  })

/** Text of one batch by one conversion where it is ASCII. */
function strings(arrow: ArrowModule, vector: Arrow.Vector): unknown[] | undefined {
  const [data] = vector.data
  if (!arrow.DataType.isUtf8(vector.type) || data === undefined || !(data.valueOffsets instanceof Int32Array)) return undefined
  const offsets = data.valueOffsets
  const bytes = data.values as Uint8Array
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const ascii = isAscii(buffer) ? buffer.toString('latin1') : undefined
  return Array.from({ length: vector.length }, (_, i) => {
    if (!vector.isValid(i)) return null
    return ascii === undefined ? buffer.toString('utf8', offsets[i], offsets[i + 1]) : ascii.slice(offsets[i], offsets[i + 1])
  })
}

function each<R>(vector: Arrow.Vector, convert: (value: unknown) => R): R[] {
  return Array.from({ length: vector.length }, (_, i) => {
    const value: unknown = vector.get(i)
    return value === null ? (null as R) : convert(value)
  })
}

/** Nested and rare values as plain objects and arrays. */
function toPlain(value: unknown, where: string): unknown {
  if (typeof value === 'bigint') {
    if (value >= -(2n ** 53n) && value <= 2n ** 53n) return Number(value)
    throw beyondNumber(value, where)
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (Symbol.iterator in value && !isEntries(value)) return Array.from(value as Iterable<unknown>, (item) => toPlain(item, where))
  const entries = isEntries(value) ? [...value] : Object.entries(value)
  return Object.fromEntries(entries.map(([key, item]) => [String(key), toPlain(item, where)]))
}

/** Rows of structs and maps iterate over [name, value]; lists over their items. */
const isEntries = (value: object): value is Iterable<[unknown, unknown]> =>
  'toJSON' in value && !('length' in value) && Symbol.iterator in value
