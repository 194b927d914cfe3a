/**
 * Parquet's encodings as typed arrays: levels and dictionary indices (runs and bit-packed groups) and plain values.
 *
 * | physical type | form here                                                    |
 * | ------------- | ------------------------------------------------------------ |
 * | BOOLEAN       | Uint8Array of 0 and 1                                        |
 * | INT32         | Int32Array                                                   |
 * | INT64         | Int32Array, two a value: low half, high half                 |
 * | INT96         | Int32Array, three a value                                    |
 * | FLOAT, DOUBLE | Float32Array, Float64Array                                   |
 * | byte arrays   | the page's bytes with the start and end of each value        |
 */
import type { Encoding, ParquetType } from 'hyparquet'
import type { Hyparquet } from './hyparquet-library.ts'

export interface ByteValues {
  readonly bytes: Uint8Array
  readonly starts: Int32Array
  readonly ends: Int32Array
}

export type RawValues = Uint8Array | Int32Array | Float32Array | Float64Array | ByteValues | readonly Uint8Array[]

/** Runs and bit-packed groups of `width` bits, from `at`, until `out` is full. */
export function decodeRuns(bytes: Uint8Array, at: number, width: number, out: Int32Array | Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const mask = width === 32 ? -1 : (1 << width) - 1
  const widthBytes = (width + 7) >> 3
  let seen = 0
  while (seen < out.length) {
    let header = 0
    for (let shift = 0; ; shift += 7) {
      if (at >= bytes.length) throw new RangeError('the page ends within its levels or indices')
      const byte = bytes[at++] as number
      header |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    if ((header & 1) === 0) {
      let value = 0
      for (let i = 0; i < widthBytes; i++) value |= (bytes[at++] as number) << (8 * i)
      const end = Math.min(out.length, seen + (header >>> 1))
      out.fill(value, seen, end)
      seen = end
    } else {
      const count = Math.min(out.length - seen, (header >>> 1) * 8)
      unpack(view, at, width, mask, out, seen, count)
      seen += count
      at += (header >>> 1) * width
    }
  }
}

function unpack(view: DataView, at: number, width: number, mask: number, out: Int32Array | Uint8Array, from: number, count: number): void {
  // The last values lie within four bytes of the end, where no whole word can be read.
  const safe = Math.max(0, Math.min(count, Math.floor(((view.byteLength - at - 5) * 8) / Math.max(1, width))))
  let bit = 0
  let i = 0
  if (width <= 25) for (; i < safe; i++, bit += width) out[from + i] = (view.getUint32(at + (bit >> 3), true) >>> (bit & 7)) & mask
  for (; i < count; i++) {
    let value = 0
    for (let b = 0; b < width; b++, bit++) {
      if (at + (bit >> 3) >= view.byteLength) throw new RangeError('the page ends within its levels or indices')
      value |= ((view.getUint8(at + (bit >> 3)) >> (bit & 7)) & 1) << b
    }
    out[from + i] = value
  }
}

/** `count` values of a page in any encoding but a dictionary's. */
export function decodeValues(
  lib: Hyparquet,
  bytes: Uint8Array,
  encoding: Encoding,
  type: ParquetType,
  count: number,
  typeLength: number | undefined,
): RawValues {
  if (encoding === 'PLAIN') return decodePlain(bytes, type, count, typeLength)
  if (encoding === 'RLE' && type === 'BOOLEAN') {
    const values = new Uint8Array(count)
    // A length of four bytes stands before the runs.
    decodeRuns(bytes, 4, 1, values)
    return values
  }
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 }
  if (encoding === 'DELTA_BINARY_PACKED') {
    const values = type === 'INT32' ? new Int32Array(count) : new BigInt64Array(count)
    lib.deltaBinaryUnpack(reader, count, values)
    return new Int32Array(values.buffer)
  }
  if (encoding === 'DELTA_LENGTH_BYTE_ARRAY' || encoding === 'DELTA_BYTE_ARRAY') {
    const values = new Array<Uint8Array>(count)
    if (encoding === 'DELTA_BYTE_ARRAY') lib.deltaByteArray(reader, count, values)
    else lib.deltaLengthByteArray(reader, count, values)
    return values
  }
  if (encoding === 'BYTE_STREAM_SPLIT') {
    const values = lib.byteStreamSplit(reader, count, type, typeLength)
    return values instanceof BigInt64Array ? new Int32Array(values.buffer) : (values as RawValues)
  }
  throw new TypeError(`the encoding ${encoding} is not supported`)
}

function decodePlain(bytes: Uint8Array, type: ParquetType, count: number, typeLength: number | undefined): RawValues {
  switch (type) {
    case 'BOOLEAN': {
      const values = new Uint8Array(count)
      need(bytes, (count + 7) >> 3)
      for (let i = 0; i < count; i++) values[i] = ((bytes[i >> 3] as number) >> (i & 7)) & 1
      return values
    }
    case 'INT32':
      return new Int32Array(aligned(bytes, 4 * count))
    case 'INT64':
      return new Int32Array(aligned(bytes, 8 * count))
    case 'INT96':
      return new Int32Array(aligned(bytes, 12 * count))
    case 'FLOAT':
      return new Float32Array(aligned(bytes, 4 * count))
    case 'DOUBLE':
      return new Float64Array(aligned(bytes, 8 * count))
    case 'BYTE_ARRAY':
      return byteValues(bytes, count)
    case 'FIXED_LEN_BYTE_ARRAY': {
      const length = typeLength ?? 0
      need(bytes, count * length)
      return {
        bytes,
        starts: Int32Array.from({ length: count }, (_, i) => i * length),
        ends: Int32Array.from({ length: count }, (_, i) => (i + 1) * length),
      }
    }
  }
}

function byteValues(bytes: Uint8Array, count: number): ByteValues {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const starts = new Int32Array(count)
  const ends = new Int32Array(count)
  let at = 0
  for (let i = 0; i < count; i++) {
    const end = at + 4 + view.getUint32(at, true)
    starts[i] = at + 4
    ends[i] = end
    at = end
  }
  need(bytes, at)
  return { bytes, starts, ends }
}

/** A copy, since values in a page stand at any address. Not by slice(), which for a Buffer is a view of the same memory. */
function aligned(bytes: Uint8Array, length: number): ArrayBuffer {
  need(bytes, length)
  return new Uint8Array(bytes.subarray(0, length)).buffer
}

function need(bytes: Uint8Array, length: number): void {
  if (bytes.length < length) throw new RangeError(`the page has ${bytes.length} bytes of values, not ${length}`)
}
