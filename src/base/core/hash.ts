/**
 * murmur3 with 32 bits, over integers, bytes and strings. The results are part of the data format (key groups in
 * snapshots), so they never change; golden vectors are a test.
 */

const c1 = 0xcc9e2d51
const c2 = 0x1b873593
const encoder = new TextEncoder()

/** murmur3's finaliser: a bijection of 32 bits in which every input bit reaches every output bit. */
export function fmix32(value: number): number {
  let h = value | 0
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Mixes one 32-bit block into a running murmur3 state. */
export function mixBlock(h: number, block: number): number {
  let k = Math.imul(block, c1)
  k = Math.imul((k << 15) | (k >>> 17), c2)
  const mixed = h ^ k
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

/** Mixes the last one to three bytes. */
function mixTail(h: number, tail: number): number {
  const k = Math.imul(tail, c1)
  return h ^ Math.imul((k << 15) | (k >>> 17), c2)
}

/** murmur3_x86_32 of `length` bytes from `start`. */
export function murmur3(bytes: Uint8Array, seed = 0, start = 0, length = bytes.length - start): number {
  const end = start + length
  const blocksEnd = start + (length & ~3)
  let h = seed | 0
  for (let i = start; i < blocksEnd; i += 4)
    h = mixBlock(h, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
  let tail = 0
  for (let i = end - 1; i >= blocksEnd; i--) tail = (tail << 8) | bytes[i]!
  if (blocksEnd < end) h = mixTail(h, tail)
  return fmix32(h ^ length)
}

/** murmur3_x86_32 of the string's UTF-8 bytes; a lone surrogate counts as U+FFFD. ASCII is hashed without encoding. */
export function murmur3String(text: string, seed = 0): number {
  const { length } = text
  const blocksEnd = length & ~3
  let h = seed | 0
  let seen = 0
  for (let i = 0; i < blocksEnd; i += 4) {
    const a = text.charCodeAt(i)
    const b = text.charCodeAt(i + 1)
    const c = text.charCodeAt(i + 2)
    const d = text.charCodeAt(i + 3)
    seen |= a | b | c | d
    h = mixBlock(h, a | (b << 8) | (c << 16) | (d << 24))
  }
  let tail = 0
  for (let i = length - 1; i >= blocksEnd; i--) {
    const code = text.charCodeAt(i)
    seen |= code
    tail = (tail << 8) | code
  }
  if (seen > 0x7f) return murmur3(encoder.encode(text), seed)
  if (blocksEnd < length) h = mixTail(h, tail)
  return fmix32(h ^ length)
}
