/**
 * The text of the word count: 20,000 lines of 8 to 12 words out of 10,000, by Zipf's law with exponent 1; the same lines
 * as java.util.Random with seed 42 gives the peer.
 */
const vocabularySize = 10_000
const lineCount = 20_000

/** java.util.Random. Made for some hundred thousand draws at start, so BigInt will do. */
class JavaRandom {
  #seed: bigint

  constructor(seed: bigint) {
    this.#seed = seed ^ 0x5deece66dn
  }

  below(bound: number): number {
    if ((bound & (bound - 1)) === 0) return Number((BigInt(bound) * BigInt(this.#bits(31))) >> 31n)
    for (;;) {
      const bits = this.#bits(31)
      const value = bits % bound
      if (bits - value + (bound - 1) < 2 ** 31) return value
    }
  }

  double(): number {
    const high = this.#bits(26)
    return (high * 2 ** 27 + this.#bits(27)) * 2 ** -53
  }

  #bits(count: number): number {
    this.#seed = BigInt.asUintN(48, this.#seed * 0x5deece66dn + 0xbn)
    return Number(this.#seed >> BigInt(48 - count))
  }
}

let made: readonly string[] | undefined

export function lines(): readonly string[] {
  made ??= make()
  return made
}

function make(): string[] {
  const random = new JavaRandom(42n)
  const vocabulary = Array.from({ length: vocabularySize }, () => {
    const length = 3 + random.below(8)
    return String.fromCharCode(...Array.from({ length }, () => 97 + random.below(26)))
  })
  const cumulated = new Float64Array(vocabularySize)
  let sum = 0
  for (let k = 0; k < vocabularySize; k++) {
    sum += 1 / (k + 1)
    cumulated[k] = sum
  }
  return Array.from({ length: lineCount }, () => {
    const length = 8 + random.below(5)
    return Array.from({ length }, () => vocabulary[Math.min(vocabularySize - 1, firstAtLeast(cumulated, random.double() * sum))]!).join(' ')
  })
}

/** Index of the first value that is not below `wanted`. */
function firstAtLeast(ascending: Float64Array, wanted: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ascending[middle]! < wanted) low = middle + 1
    else high = middle
  }
  return low
}
