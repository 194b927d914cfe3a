/**
 * Opens a column block (the layout's table is in column-block.ts). Numbers and bits stay where they are: the column is an
 * offset into typed arrays that span the whole ring, so that opening makes no views. All else is decoded at once into an
 * array of objects that shares nothing with the segment.
 */

import { align8, blockHeaderBytes, flagAscii, flagValidity, type SegmentViews } from './column-block.ts'
import type { DataType, Field } from './data-type.ts'
import { bytesToBigint, deserializeValue } from './value-bytes.ts'

export interface ReadColumn {
  /**
   * What `data` holds. f64: numbers; i32: numbers; i64: low and high halves, two elements a row; bits: one bit a row;
   * u8: one byte of 0 or 1 a row; objects: the values themselves, null for a null row.
   */
  readonly layout: 'f64' | 'i32' | 'i64' | 'bits' | 'objects' | 'u8'
  readonly data: Float64Array | Int32Array | Uint8Array | readonly unknown[]
  /** Index of row 0 in `data`, in elements; for bits the index of its bit. */
  readonly offset: number
  /** Bits, 1 = there; null if no row is null. What `data` holds in a null row of fixed width is not said. */
  readonly validity: Uint8Array | null
  /** Index of row 0's bit in `validity`. */
  readonly validityBit: number
  /** Where the next block begins; 0 for a column that is in no segment. */
  readonly nextByteOffset: number
  /** With layout i32: `data` holds indices into this, and the values are strings. May grow; entries never change. */
  dictionary?: readonly string[]
  /** Of objects of numbers in a file: their fields, row for row as in `data`, which is made for whoever asks for it. */
  readonly fields?: readonly NumbersOfField[]
}

export interface NumbersOfField {
  readonly name: string
  readonly numbers: Float64Array
}

/**
 * `wanted: false` skips the decoding of a column nobody reads: `data` is then empty if it would have been objects.
 */
export function openColumn(type: DataType, views: SegmentViews, byteOffset: number, rowCount: number, wanted = true): ReadColumn {
  const { i32, f64, u8 } = views
  const header = byteOffset >> 2
  const flags = i32[header + 2]!
  const nextByteOffset = byteOffset + i32[header + 3]!
  const validityAt = byteOffset + blockHeaderBytes
  const hasValidity = (flags & flagValidity) !== 0
  const validity = hasValidity ? u8 : null
  const validityBit = hasValidity ? validityAt * 8 : 0
  const at = hasValidity ? validityAt + align8((rowCount + 7) >> 3) : validityAt
  switch (type.kind) {
    case 'float64':
      return { layout: 'f64', data: f64, offset: at >>> 3, validity, validityBit, nextByteOffset }
    case 'int32':
      return { layout: 'i32', data: i32, offset: at >>> 2, validity, validityBit, nextByteOffset }
    case 'int64':
    case 'timestamp':
      return { layout: 'i64', data: i32, offset: at >>> 2, validity, validityBit, nextByteOffset }
    case 'boolean':
      return { layout: 'bits', data: u8, offset: at * 8, validity, validityBit, nextByteOffset }
  }
  const data = wanted ? decode(type, views, at, rowCount, flags) : []
  if (wanted && validity !== null) for (let i = 0; i < rowCount; i++) if (!bitAt(validity, validityBit + i)) data[i] = null
  return { layout: 'objects', data, offset: 0, validity, validityBit, nextByteOffset }
}

function decode(type: DataType, views: SegmentViews, at: number, rowCount: number, flags: number): unknown[] {
  switch (type.kind) {
    case 'utf8':
      return readStrings(views, at, rowCount, (flags & flagAscii) !== 0)
    case 'binary':
      return readBinary(views, at, rowCount, (bytes) => bytes)
    case 'bigint':
      return readBinary(views, at, rowCount, (bytes) => (bytes.length === 0 ? null : bytesToBigint(bytes)))
    case 'any':
      return readBinary(views, at, rowCount, (bytes) => (bytes.length === 0 ? null : deserializeValue(bytes)))
    case 'date': {
      const dates = new Array<unknown>(rowCount)
      for (let i = 0; i < rowCount; i++) dates[i] = new Date(int64At(views.i32, (at >>> 2) + 2 * i))
      return dates
    }
    case 'struct':
      return readStructs(type.fields, views, at, rowCount)
    case 'list':
      return readLists(type.item, views, at, rowCount)
    default:
      return new Array<unknown>(rowCount).fill(null)
  }
}

/**
 * One slice for the block, then substrings: four times as fast as string by string. A substring of 13 or more characters
 * keeps the block's whole text alive, so state copies the strings it keeps.
 */
function readStrings({ i32, u8, buffer }: SegmentViews, at: number, rowCount: number, ascii: boolean): unknown[] {
  const offsets = at >>> 2
  const bytesAt = at + align8((rowCount + 1) * 4)
  const end = bytesAt + i32[offsets + rowCount]!
  const strings = new Array<unknown>(rowCount)
  const text = buffer.toString(ascii ? 'latin1' : 'utf8', bytesAt, end)
  let start = 0
  for (let i = 0; i < rowCount; i++) {
    const until = ascii ? i32[offsets + i + 1]! : start + utf16Length(u8, bytesAt + i32[offsets + i]!, bytesAt + i32[offsets + i + 1]!)
    strings[i] = text.substring(start, until)
    start = until
  }
  return strings
}

/** Lead bytes, with those of four bytes counted twice. The bytes are valid UTF-8, since writeStrings made them. */
function utf16Length(u8: Uint8Array, from: number, end: number): number {
  let units = 0
  for (let i = from; i < end; i++) {
    const byte = u8[i]!
    if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? 2 : 1
  }
  return units
}

/** `slice` copies out of the shared memory. */
function readBinary({ i32, u8 }: SegmentViews, at: number, rowCount: number, fromBytes: (bytes: Uint8Array) => unknown): unknown[] {
  const offsets = at >>> 2
  const bytesAt = at + align8((rowCount + 1) * 4)
  const values = new Array<unknown>(rowCount)
  for (let i = 0; i < rowCount; i++) values[i] = fromBytes(u8.slice(bytesAt + i32[offsets + i]!, bytesAt + i32[offsets + i + 1]!))
  return values
}

function readStructs(fields: readonly Field[], views: SegmentViews, at: number, rowCount: number): unknown[] {
  const objects = Array.from({ length: rowCount }, (): Record<string, unknown> => ({}))
  let next = at
  for (const { name, type } of fields) {
    const column = openColumn(type, views, next, rowCount)
    for (let i = 0; i < rowCount; i++) setField(objects[i]!, name, readValue(column, i))
    next = column.nextByteOffset
  }
  return objects
}

function readLists(item: DataType, views: SegmentViews, at: number, rowCount: number): unknown[] {
  const offsets = at >>> 2
  const itemCount = views.i32[offsets + rowCount]!
  const items = openColumn(item, views, at + align8((rowCount + 1) * 4), itemCount)
  const lists = new Array<unknown>(rowCount)
  for (let i = 0; i < rowCount; i++) {
    const start = views.i32[offsets + i]!
    lists[i] = Array.from({ length: views.i32[offsets + i + 1]! - start }, (_, k) => readValue(items, start + k))
  }
  return lists
}

/** Sets a field as a literal would: `__proto__` is data. */
export function setField(row: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(row, name, { value, writable: true, enumerable: true, configurable: true })
  else row[name] = value
}

export const bitAt = (bits: Uint8Array, index: number): boolean => ((bits[index >>> 3]! >>> (index & 7)) & 1) === 1

export const int64At = (halves: Int32Array, index: number): number => halves[index + 1]! * 2 ** 32 + (halves[index]! >>> 0)

/** The value of one row, in the slow, general way. */
export function readValue(column: ReadColumn, row: number): unknown {
  const { layout, offset, validity, validityBit } = column
  if (validity !== null && !bitAt(validity, validityBit + row)) return null
  switch (layout) {
    case 'i32': {
      const value = column.data[offset + row] as number
      return column.dictionary === undefined ? value : column.dictionary[value]
    }
    case 'f64':
      return column.data[offset + row]
    case 'objects':
      return column.data[offset + row] ?? null
    case 'i64':
      return int64At(column.data as Int32Array, offset + 2 * row)
    case 'bits':
      return bitAt(column.data as Uint8Array, offset + row)
    case 'u8':
      return column.data[offset + row] !== 0
  }
}
