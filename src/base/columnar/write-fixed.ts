/**
 * The loops that gather fixed-width values and bits of selected rows into a segment. Each is its own function and each
 * handles rows and ranges in separate loops, so that every loop sees one kind of array. The caller has checked the room.
 */
import { align8, type Selection } from './column-block.ts'

export function countNulls(nulls: Uint8Array | null, { rows, from, count }: Selection): number {
  if (nulls === null) return 0
  const end = from + count
  let total = 0
  if (rows === null) for (let i = from; i < end; i++) total += nulls[i]!
  else for (let i = from; i < end; i++) total += nulls[rows[i]!]!
  return total
}

/** Writes the bitmap of rows that are there; returns the aligned end. */
export function writeValidity(nulls: Uint8Array, selection: Selection, target: Uint8Array, offset: number): number {
  packBits(nulls, 1, selection, target, offset)
  return offset + align8((selection.count + 7) >> 3)
}

export function writeBits(values: Uint8Array, selection: Selection, target: Uint8Array, offset: number): void {
  packBits(values, 0, selection, target, offset)
}

/** Packs bytes of 0 and 1, each exclusive-or `flip`, least significant bit first. */
function packBits(bytes: Uint8Array, flip: 0 | 1, { rows, from, count }: Selection, target: Uint8Array, offset: number): void {
  let at = offset
  let packed = 0
  for (let i = 0; i < count; i++) {
    packed |= (bytes[rows === null ? from + i : rows[from + i]!]! ^ flip) << (i & 7)
    if ((i & 7) === 7) {
      target[at++] = packed
      packed = 0
    }
  }
  if ((count & 7) !== 0) target[at] = packed
}

export function writeInt32(values: Int32Array, { rows, from, count }: Selection, target: Int32Array, index: number): void {
  if (rows === null) target.set(values.subarray(from, from + count), index)
  else for (let i = 0; i < count; i++) target[index + i] = values[rows[from + i]!]!
}

export function writeFloat64(values: Float64Array, { rows, from, count }: Selection, target: Float64Array, index: number): void {
  if (rows === null) target.set(values.subarray(from, from + count), index)
  else for (let i = 0; i < count; i++) target[index + i] = values[rows[from + i]!]!
}

/** Whole numbers up to 2^53 as two int32 halves, the low one first: ten times as fast as BigInt64Array. */
export function writeInt64(values: Float64Array, { rows, from, count }: Selection, target: Int32Array, index: number): void {
  let at = index
  if (rows === null) {
    for (let i = from, end = from + count; i < end; i++) {
      const value = values[i]!
      target[at] = value | 0
      target[at + 1] = Math.floor(value * 2 ** -32)
      at += 2
    }
  } else {
    for (let i = from, end = from + count; i < end; i++) {
      const value = values[rows[i]!]!
      target[at] = value | 0
      target[at + 1] = Math.floor(value * 2 ** -32)
      at += 2
    }
  }
}
