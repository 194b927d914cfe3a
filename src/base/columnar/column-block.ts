/**
 * A column block: rows of one column in a segment, in Arrow's physical layout (little endian, buffers aligned to 8
 * bytes). write-column.ts writes it, read-column.ts opens it.
 *
 * | bytes          | what                                                                                        |
 * | -------------- | ------------------------------------------------------------------------------------------- |
 * | 0              | int32 row count                                                                             |
 * | 4              | int32 null count                                                                            |
 * | 8              | int32 flags: 1 = a validity bitmap follows; 2 = all text is ASCII                            |
 * | 12             | int32 length of the whole block in bytes, this header included, a multiple of 8             |
 * | 16             | validity bitmap, 1 = there, if flag 1 is set (only where there are nulls)                    |
 * | then, by kind: |                                                                                             |
 * | null           | nothing                                                                                     |
 * | boolean        | bits                                                                                        |
 * | int32          | int32                                                                                       |
 * | float64        | float64                                                                                     |
 * | int64, timestamp, date (ms) | int64, as low and high int32                                                   |
 * | utf8, binary   | rows + 1 int32 offsets from 0, then the bytes                                                |
 * | bigint         | as binary: two's complement, little endian, as few bytes as hold it, at least one            |
 * | any            | as binary: what v8.serialize gives                                                          |
 * | struct         | one block per field, each with all rows (under a null struct they hold nulls or zeros)       |
 * | list           | rows + 1 int32 offsets from 0, then one block of the items                                   |
 */
import type { DataType } from './data-type.ts'

export const blockHeaderBytes = 16
export const flagValidity = 1
export const flagAscii = 2

/** One whole SharedArrayBuffer (or ArrayBuffer) seen in several ways; offsets into it are absolute. */
export interface SegmentViews {
  readonly u8: Uint8Array
  readonly i32: Int32Array
  readonly f64: Float64Array
  readonly buffer: Buffer
  /** Nothing is written at or behind this byte. */
  limit: number
}

/** What is written: a StagingColumn's arrays with its type. `name` is for messages. */
export interface ColumnSource {
  readonly type: DataType
  readonly nullable: boolean
  readonly values: Float64Array | Int32Array | Uint8Array | readonly unknown[]
  /** Per row, 1 = null; may be absent though nullable. */
  readonly nulls: Uint8Array | null
  readonly name?: string
  /** Of a struct without nulls: its fields, instead of `values`. */
  readonly children?: readonly ColumnSource[]
}

/** The rows of one block: rows[from] to rows[from + count - 1], or from to from + count - 1 where rows is null. */
export interface Selection {
  readonly rows: Int32Array | null
  readonly from: number
  readonly count: number
}

export const align8 = (bytes: number): number => (bytes + 7) & ~7

/** Views over a whole buffer, whose length is a multiple of 8. */
export function segmentViews(memory: SharedArrayBuffer | ArrayBuffer, limit = memory.byteLength): SegmentViews {
  return {
    u8: new Uint8Array(memory),
    i32: new Int32Array(memory),
    f64: new Float64Array(memory),
    buffer: Buffer.from(memory as ArrayBuffer),
    limit,
  }
}
