/**
 * What Parquet's physical values mean, as the engine wants them: numbers in typed arrays, timestamps in ms, strings,
 * Dates for DATE. Times of day stay the number that is written; a DECIMAL becomes the nearest double.
 */
import { Buffer, isAscii } from 'node:buffer'
import type { SchemaElement } from 'hyparquet'
import { bigintAt, halvesToMs, halvesToNumbers, indexBeyondNumber } from '../../base/columnar/int64-numbers.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { SourceColumn } from '../function/source.ts'
import type { ByteValues, RawValues } from './parquet-encoding.ts'

export type ColumnValues = Float64Array | Int32Array | Uint8Array | unknown[]

export interface ValueConverter {
  readonly kind: SourceColumn['kind']
  convert(raw: RawValues): ColumnValues
}

const dayMs = 86_400_000
/** Days from the Julian day that INT96 counts from to 1970. */
const julianEpoch = 2_440_588

/** `where` names file and column for messages; `asBigint`: INT64 beyond 2^53 is wanted exactly. */
export function converterOf(element: SchemaElement, where: string, asBigint: boolean): ValueConverter {
  const { type, converted_type: converted, logical_type: logical, scale = 0 } = element
  const meaning = logical?.type ?? converted
  switch (type) {
    case 'BOOLEAN':
      return { kind: 'boolean', convert: (raw) => raw as Uint8Array }
    case 'INT32':
      if (meaning === 'DATE') return { kind: undefined, convert: (raw) => Array.from(raw as Int32Array, (days) => new Date(days * dayMs)) }
      if (meaning === 'DECIMAL') return { kind: 'float64', convert: (raw) => scaled(raw as Int32Array, scale) }
      if (isUnsigned(element, 32))
        return { kind: 'int64', convert: (raw) => Float64Array.from(new Uint32Array((raw as Int32Array).buffer)) }
      return { kind: 'int32', convert: (raw) => raw as Int32Array }
    case 'INT64':
      return int64Converter(element, where, asBigint)
    case 'INT96':
      return { kind: 'timestamp', convert: (raw) => int96Times(raw as Int32Array) }
    case 'FLOAT':
    case 'DOUBLE':
      return { kind: 'float64', convert: (raw) => (raw instanceof Float64Array ? raw : Float64Array.from(raw as Float32Array)) }
    default:
      return bytesConverter(meaning, scale, where)
  }
}

function int64Converter(element: SchemaElement, where: string, asBigint: boolean): ValueConverter {
  const { converted_type: converted, logical_type: logical, scale = 0 } = element
  const unsigned = isUnsigned(element, 64)
  if (asBigint)
    return {
      kind: undefined,
      convert: (raw) =>
        Array.from(unsigned ? new BigUint64Array((raw as Int32Array).buffer) : new BigInt64Array((raw as Int32Array).buffer)),
    }
  const unit =
    logical?.type === 'TIMESTAMP'
      ? logical.unit
      : converted === 'TIMESTAMP_MILLIS'
        ? 'MILLIS'
        : converted === 'TIMESTAMP_MICROS'
          ? 'MICROS'
          : undefined
  if (unit !== undefined)
    return {
      kind: 'timestamp',
      convert: (raw) => halvesToMs(raw as Int32Array, unit === 'MILLIS' ? 1 : unit === 'MICROS' ? 1_000 : 1_000_000),
    }
  const numbers = (raw: RawValues) => wholeNumbers(raw as Int32Array, unsigned, where)
  if (logical?.type === 'DECIMAL' || converted === 'DECIMAL') return { kind: 'float64', convert: (raw) => scaled(numbers(raw), scale) }
  return { kind: 'int64', convert: numbers }
}

function bytesConverter(meaning: string | undefined, scale: number, where: string): ValueConverter {
  switch (meaning) {
    case 'STRING':
    case 'UTF8':
    case 'ENUM':
      return { kind: 'utf8', convert: strings }
    case 'JSON':
      return { kind: undefined, convert: (raw) => strings(raw).map((text) => JSON.parse(text) as unknown) }
    case 'UUID':
      return { kind: 'utf8', convert: (raw) => byteArrays(raw).map(uuid) }
    case 'DECIMAL':
      return { kind: 'float64', convert: (raw) => Float64Array.from(byteArrays(raw), (bytes) => bigEndian(bytes) / 10 ** scale) }
    case 'FLOAT16':
      return { kind: 'float64', convert: (raw) => Float64Array.from(byteArrays(raw), half) }
    case 'INTERVAL':
      throw new StreamError('UNSUPPORTED', `cannot read ${where}: INTERVAL values are not supported`, {
        hint: 'Leave the column out: parquet({ columns: [...] }).',
      })
    default:
      return { kind: undefined, convert: (raw) => byteArrays(raw).map((bytes) => new Uint8Array(bytes)) }
  }
}

/** INT64 halves as numbers; one beyond 2^53 would be silently wrong and fails. */
function wholeNumbers(halves: Int32Array, unsigned: boolean, where: string): Float64Array {
  const beyond = indexBeyondNumber(halves, unsigned)
  if (beyond < 0) return halvesToNumbers(halves)
  throw new StreamError(
    'TYPE_MISMATCH',
    `cannot read ${where}: the value ${bigintAt(halves, beyond, unsigned)} is beyond 2^53 and does not fit a number`,
    {
      hint: 'Read the column as t.bigint: parquet({ bigints: [...] }) with its name.',
    },
  )
}

function int96Times(words: Int32Array): Float64Array {
  const values = new Float64Array(words.length / 3)
  for (let i = 0; i < values.length; i++) {
    const nanos = (words[3 * i + 1] as number) * 4_294_967_296 + ((words[3 * i] as number) >>> 0)
    values[i] = ((words[3 * i + 2] as number) - julianEpoch) * dayMs + Math.floor(nanos / 1_000_000)
  }
  return values
}

const scaled = (values: Int32Array | Float64Array, scale: number) => Float64Array.from(values, (value) => value / 10 ** scale)

function strings(raw: RawValues): string[] {
  if (Array.isArray(raw)) return (raw as Uint8Array[]).map((bytes) => bufferOf(bytes).toString('utf8'))
  const { bytes, starts, ends } = raw as ByteValues
  const buffer = bufferOf(bytes)
  const values = new Array<string>(starts.length)
  if (isAscii(bytes)) {
    // One conversion for the page, lengths between the values included, and cuts of it.
    const text = buffer.toString('latin1')
    for (let i = 0; i < values.length; i++) values[i] = text.slice(starts[i], ends[i])
  } else for (let i = 0; i < values.length; i++) values[i] = buffer.toString('utf8', starts[i], ends[i])
  return values
}

function byteArrays(raw: RawValues): Uint8Array[] {
  if (Array.isArray(raw)) return raw as Uint8Array[]
  const { bytes, starts, ends } = raw as ByteValues
  return Array.from(starts, (start, i) => bytes.subarray(start, ends[i]))
}

function bigEndian(bytes: Uint8Array): number {
  const hex = bufferOf(bytes).toString('hex')
  return hex === '' ? 0 : Number(BigInt.asIntN(8 * bytes.length, BigInt(`0x${hex}`)))
}

function uuid(bytes: Uint8Array): string {
  return bufferOf(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

function half(bytes: Uint8Array): number {
  const bits = ((bytes[1] ?? 0) << 8) | (bytes[0] ?? 0)
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
  if (exponent === 0) return sign * 2 ** -14 * (fraction / 1024)
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024)
}

const bufferOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

function isUnsigned({ converted_type: converted, logical_type: logical }: SchemaElement, bits: number): boolean {
  return converted === `UINT_${bits}` || (logical?.type === 'INTEGER' && !logical.isSigned && logical.bitWidth === bits)
}
