/**
 * Groups the rows of a batch by the subtask that owns their integer key, with loops made for these very arrays (why that
 * pays: base/columnar/fixed-writer.ts). One pass hashes and counts, or, with two targets, places as well.
 */
interface Placement {
  readonly keys: Int32Array
  /** Receives the row indices grouped by target, in order within each. */
  readonly order: Int32Array
  /** Subtask of each key group; their number is a power of two. */
  readonly owner: Int32Array
  /** As long as `order`. */
  readonly scratch: Int32Array
}

/** Fills `order`, and `starts` with where each target begins in it. */
type Place = (rows: number, starts: Int32Array) => void

let compiled = 0

export class IntKeyPlacer {
  readonly place: Place
  readonly #placement: Placement
  readonly #targetCount: number

  constructor(placement: Placement, targetCount: number) {
    this.#placement = placement
    this.#targetCount = targetCount
    this.place = compilePlace(placement, targetCount)
  }

  /** Whether these are the arrays that the loops were made for. */
  isFor(keys: Int32Array, order: Int32Array, targetCount: number): boolean {
    return this.#placement.keys === keys && this.#placement.order === order && this.#targetCount === targetCount
  }
}

function compilePlace(placement: Placement, targetCount: number): Place {
  const target = `let h = K[i]
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  const target = W[(h ^ (h >>> 16)) & ${placement.owner.length - 1}]`
  const text = `/* headrace place ${compiled} */ 'use strict'
const K = placement.keys, R = placement.order, W = placement.owner, S = placement.scratch
${targetCount === 2 ? twoTargets(target) : anyTargets(target)}
//# sourceURL=headrace-place-${compiled++}.js`
  return new Function('placement', text)(placement) as Place
}

/** Two targets without a branch on either: each row is put down for both, and stays where it belongs. */
const twoTargets = (target: string): string => `return function place(rows, starts) {
let first = 0, second = 0
for (let i = 0; i < rows; i++) {
  ${target}
  R[first] = i
  S[second] = i
  first += 1 - target
  second += target
}
R.set(S.subarray(0, second), first)
starts[0] = 0
starts[1] = first
starts[2] = rows
}`

/** The second pass puts each row at its target's next free position; then starts[t] has moved to where t + 1 begins. */
const anyTargets = (target: string): string => `return function place(rows, starts) {
starts.fill(0)
for (let i = 0; i < rows; i++) {
  ${target}
  S[i] = target
  starts[target + 1]++
}
for (let t = 1; t < starts.length; t++) starts[t] += starts[t - 1]
for (let i = 0; i < rows; i++) R[starts[S[i]]++] = i
starts.copyWithin(1, 0, starts.length - 1)
starts[0] = 0
}`
