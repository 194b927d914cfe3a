/**
 * 64-bit integers that stand in memory as two Int32 (low, high) as numbers, without a bigint for each. Little endian.
 */

/** Index of the first value that a number does not hold exactly, or -1. */
export function indexBeyondNumber(halves: Int32Array, unsigned = false): number {
  for (let i = 1; i < halves.length; i += 2) {
    const high = halves[i]!
    if (high < -0x200000 || high > 0x1fffff || (unsigned && high < 0)) return i >> 1
  }
  return -1
}

export function halvesToNumbers(halves: Int32Array): Float64Array {
  const values = new Float64Array(halves.length >> 1)
  for (let i = 0; i < values.length; i++) values[i] = halves[2 * i + 1]! * 4_294_967_296 + (halves[2 * i]! >>> 0)
  return values
}

/** Times in ms, rounded down, from times of which `perMs` make one. The high half is divided alone: exact beyond 2^53. */
export function halvesToMs(halves: Int32Array, perMs: number): Float64Array {
  const values = new Float64Array(halves.length >> 1)
  const highMs = Math.floor(4_294_967_296 / perMs)
  const highRest = 4_294_967_296 % perMs
  for (let i = 0; i < values.length; i++)
    values[i] = halves[2 * i + 1]! * highMs + Math.floor((halves[2 * i + 1]! * highRest + (halves[2 * i]! >>> 0)) / perMs)
  return values
}

/** The value at an index, exactly: for messages. */
export const bigintAt = (halves: Int32Array, index: number, unsigned = false): bigint => {
  const value = (BigInt(halves[2 * index + 1]!) << 32n) | BigInt(halves[2 * index]! >>> 0)
  return unsigned ? BigInt.asUintN(64, value) : value
}
