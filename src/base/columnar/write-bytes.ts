/**
 * Writes text and bytes of selected rows: offsets, then the bytes. Text of a block is joined and encoded by one call,
 * which is two to four times as fast as string by string.
 */
import { align8, type SegmentViews, type Selection } from './column-block.ts'

/** Where the next block would begin, and whether all bytes were ASCII. `end` is -1 if the limit would be passed. */
export interface WrittenText {
  readonly end: number
  readonly ascii: boolean
}

const noRoom: WrittenText = { end: -1, ascii: false }

const textAt = (values: readonly unknown[], { rows, from }: Selection, i: number): string =>
  (values[rows === null ? from + i : rows[from + i]!] as string | null | undefined) ?? ''

export function writeStrings(values: readonly unknown[], selection: Selection, target: SegmentViews, offset: number): WrittenText {
  const { count } = selection
  const { i32, buffer, limit } = target
  const bytesAt = offset + align8((count + 1) * 4)
  if (bytesAt > limit) return noRoom
  const texts = new Array<string>(count)
  const offsets = offset >> 2
  let length = 0
  // Right if all is ASCII; else the offsets are written again below.
  for (let i = 0; i < count; i++) {
    const text = textAt(values, selection, i)
    texts[i] = text
    i32[offsets + i] = length
    length += text.length
  }
  i32[offsets + count] = length
  // No string of this length takes fewer bytes; and a join of more than the segment holds could be too long for V8.
  if (bytesAt + align8(length) > limit) return noRoom
  const joined = texts.join('')
  const byteLength = Buffer.byteLength(joined)
  if (byteLength === length) {
    buffer.write(joined, bytesAt, length, 'latin1')
    return { end: bytesAt + align8(length), ascii: true }
  }
  if (bytesAt + align8(byteLength) > limit) return noRoom
  buffer.write(joined, bytesAt, byteLength, 'utf8')
  if (findOffsets(texts, target, offsets, bytesAt)) return { end: bytesAt + align8(byteLength), ascii: false }
  return { end: writeOneByOne(texts, target, offsets, bytesAt), ascii: false }
}

/**
 * Finds where each text begins in their joint UTF-8: a text's UTF-16 length is the number of lead bytes, with those of
 * four bytes counted twice. False: two texts met in the middle of a character (one ended and the next began with half
 * of a surrogate pair), so that they must be encoded apart.
 */
function findOffsets(texts: readonly string[], { u8, i32 }: SegmentViews, offsets: number, bytesAt: number): boolean {
  let at = bytesAt
  for (let i = 0; i < texts.length; i++) {
    i32[offsets + i] = at - bytesAt
    let units = texts[i]!.length
    while (units > 0) {
      const lead = u8[at]!
      if (lead < 0x80) at++
      else if (lead < 0xe0) at += 2
      else if (lead < 0xf0) at += 3
      else {
        at += 4
        units--
      }
      units--
    }
    if (units < 0) return false
  }
  i32[offsets + texts.length] = at - bytesAt
  return true
}

/** Lone surrogates become U+FFFD, whatever stands beside them. */
function writeOneByOne(texts: readonly string[], { i32, buffer, limit }: SegmentViews, offsets: number, bytesAt: number): number {
  let at = bytesAt
  for (let i = 0; i < texts.length; i++) {
    i32[offsets + i] = at - bytesAt
    const byteLength = Buffer.byteLength(texts[i]!)
    if (at + byteLength > limit) return -1
    buffer.write(texts[i]!, at, byteLength, 'utf8')
    at += byteLength
  }
  i32[offsets + texts.length] = at - bytesAt
  const end = bytesAt + align8(at - bytesAt)
  return end > limit ? -1 : end
}

/** `toBytes` is not called for null rows, which have no bytes. Returns the aligned end or -1. */
export function writeBinary(
  values: readonly unknown[],
  toBytes: (value: unknown) => Uint8Array,
  nulls: Uint8Array | null,
  { rows, from, count }: Selection,
  { i32, u8, limit }: SegmentViews,
  offset: number,
): number {
  const offsets = offset >> 2
  const bytesAt = offset + align8((count + 1) * 4)
  if (bytesAt > limit) return -1
  let at = bytesAt
  for (let i = 0; i < count; i++) {
    i32[offsets + i] = at - bytesAt
    const row = rows === null ? from + i : rows[from + i]!
    const value = values[row]
    if (value === null || value === undefined || nulls?.[row] === 1) continue
    const bytes = toBytes(value)
    if (at + bytes.length > limit) return -1
    u8.set(bytes, at)
    at += bytes.length
  }
  i32[offsets + count] = at - bytesAt
  const end = bytesAt + align8(at - bytesAt)
  return end > limit ? -1 : end
}
