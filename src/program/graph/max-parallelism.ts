/**
 * Limits of parallelism. Max parallelism is the number of key groups: fixed by the first snapshot, so its default leaves
 * room to grow.
 */
export const highestMaxParallelism = 32768
const lowestDefault = 128

/** The next power of two of 1.5 times the parallelism, at least 128, at most 32768. */
export function defaultMaxParallelism(parallelism: number): number {
  const wanted = parallelism + (parallelism >> 1)
  let power = lowestDefault
  while (power < wanted && power < highestMaxParallelism) power *= 2
  return power
}

export const isParallelism = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= highestMaxParallelism
