/**
 * java.util.SplittableRandom, in blocks. Draw number k of a stream depends on k alone (state = seed + k * gamma), so the
 * 32-bit draws of a whole block are made ahead by a loop of 64-bit WebAssembly (about 1.5 ns a draw, where pairs of
 * 32-bit integers in JavaScript take 7), and whoever reads them keeps a cursor. A position in a stream is a number: how
 * many draws were consumed.
 */
import { loadSplitMix, type SplitMixModule } from './split-mix-module.ts'

const gamma = 0x9e3779b97f4a7c15n
/** Draws held at once: 32 KiB, half of a level 1 cache. */
const capacity = 8192

export class SplitMix {
  /** Draw number `base + i` as a signed 32-bit integer; valid from the cursor to the end. */
  readonly draws: Int32Array
  readonly #seed: bigint
  readonly #module: SplitMixModule
  /** Number of the draw at draws[0]. */
  #base: number

  constructor(seed: number, consumed = 0) {
    this.#seed = BigInt(seed)
    this.#module = loadSplitMix(capacity)
    this.draws = this.#module.draws
    this.#base = consumed
    this.#fill(0)
  }

  /** Moves the cursor's rest to the front, fills up behind it and gives the new cursor, which is always 0. */
  refill(cursor: number): 0 {
    if (cursor > capacity) throw new Error(`read ${cursor - capacity} draws behind the end of the block; ask for more room before an event`)
    this.draws.copyWithin(0, cursor)
    this.#base += cursor
    this.#fill(capacity - cursor)
    return 0
  }

  /** nextDouble() at that cursor: another function of the same state as the draw there. */
  double(cursor: number): number {
    return this.#module.double(cursor)
  }

  consumed(cursor: number): number {
    return this.#base + cursor
  }

  /** The state word s after the draws before the cursor, for comparison with other implementations. */
  state(cursor: number): bigint {
    return BigInt.asUintN(64, this.#seed + BigInt(this.#base + cursor) * gamma)
  }

  #fill(from: number): void {
    this.#module.fill(BigInt.asIntN(64, this.state(0)), from, capacity)
  }
}

/** nextInt(bound) and nextInt() one at a time: for tables that are made once. */
export class SlowDraws {
  readonly #random: SplitMix
  #cursor = 0

  constructor(seed: number) {
    this.#random = new SplitMix(seed)
  }

  int(): number {
    if (this.#cursor === capacity) this.#cursor = this.#random.refill(this.#cursor)
    return this.#random.draws[this.#cursor++]!
  }

  below(bound: number): number {
    if ((bound & (bound - 1)) === 0) return this.int() & (bound - 1)
    for (;;) {
      const u = this.int() >>> 1
      const r = u % bound
      if (u - r <= 0x80000000 - bound) return r
    }
  }
}
