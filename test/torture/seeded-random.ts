/**
 * Random numbers that follow from a seed (mulberry32).
 */
/** Gives a number from 0 to 1. */
export type SeededRandom = () => number

export function seededRandom(seed: number): SeededRandom {
  let state = (seed ^ 0x9e3779b9) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A whole number below `end`. */
export const below = (random: SeededRandom, end: number): number => Math.floor(random() * end)

export const pick = <T>(random: SeededRandom, items: readonly T[]): T => items[below(random, items.length)]!

export const chance = (random: SeededRandom, likely: number): boolean => random() < likely

/** A number that depends on these numbers alone, from 0 to 2^32. */
export function mixed(...numbers: readonly number[]): number {
  let hash = 0x811c9dc5
  for (const number of numbers) {
    hash = Math.imul(hash ^ number, 0x85ebca6b)
    hash ^= hash >>> 13
    hash = Math.imul(hash, 0xc2b2ae35)
    hash ^= hash >>> 16
  }
  return hash >>> 0
}
