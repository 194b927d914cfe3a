/**
 * The rows of a random source: row i follows from the spec and i alone, so that every thread makes the same ones.
 */
import type { Extra, SourceSpec } from './program-spec.ts'

/** A whole number from 0 below 2^31 for each seed, index and purpose. */
export function random(seed: number, i: number, purpose: number): number {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(i + 1, 0xc2b2ae35) ^ Math.imul(purpose + 1, 0x27d4eb2f)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39)
  return (h ^ (h >>> 15)) & 0x7fffffff
}

export const words = ['alpha', 'beta', '', 'gamma', 'é', '日本', '😀', 'a longer word than the others', '__proto__', 'delta']
/** Whatever is added up of these is exact. */
const numbers = [0, 1, 2, -1, -0, 1.5, Number.NaN, 2 ** 31, -(2 ** 31), 2 ** 40, 0.125]

export interface SourceRow {
  readonly id: number
  readonly ts: number
  readonly v: number
  readonly k: number
  readonly w: string
  readonly [extra: string]: unknown
}

export const timestampOf = ({ start, step, bound, seed }: SourceSpec, i: number): number =>
  start + i * step - (random(seed, i, 1) % (bound + 1))

export function rowOf(source: SourceSpec, i: number): SourceRow {
  const { seed } = source
  const row: Record<string, unknown> = {
    id: i,
    ts: timestampOf(source, i),
    v: (random(seed, i, 2) % 201) - 100,
    k: random(seed, i, 3) % 5,
    w: words[random(seed, i, 4) % words.length],
  }
  for (const extra of source.extras) {
    const value = valueOf(extra, i, i >= source.turn, (purpose) => random(seed, i, purpose))
    if (extra === 'many') row[`of many ${i % 40}`] = value
    else if (value !== undefined) row[extra] = value
  }
  return row as unknown as SourceRow
}

export const rowsOf = (source: SourceSpec): SourceRow[] => Array.from({ length: source.rows }, (_, i) => rowOf(source, i))

function valueOf(extra: Extra, i: number, turned: boolean, of: (purpose: number) => number): unknown {
  switch (extra) {
    case 'f': // fractions that add up exactly
      return (of(10) % 100) / 4
    case 'n': // null now and then
      return of(11) % 4 === 0 ? null : of(11) % 50
    case 'g': // appears late
      return turned ? (of(12) % 20) / 2 : undefined
    case 'm': // whole numbers first, then any
      return turned ? numbers[of(13) % numbers.length] : numbers[of(13) % 4]
    case 'b':
      return of(14) % 2 === 0
    case 't': // as many as rows
      return `text ${of(15)} ${i}`
    case 'x': // numbers first, then texts that look like them
      return turned ? String(of(16) % 4) : of(16) % 4
    case 'o':
      return turned
        ? { a: of(17) % 3, c: { d: words[of(18) % 3], e: of(19) % 2 === 0 ? null : 1 } }
        : { a: of(17) % 3, c: { d: words[of(18) % 3] } }
    case 'l':
      return Array.from({ length: of(20) % 3 }, (_, at) => (turned && at === 1 ? null : of(21 + at) % 2))
    case 'big':
      return BigInt(of(23) % 3) * 10n ** (turned ? 20n : 1n)
    case 'd':
      return new Date((of(24) % 4) * 1000)
    case 'blob': // now and then larger than the smallest segment
      return of(25) % 50 === 0 ? `${words[of(26) % words.length]}-`.repeat(1500) : 'small'
    case 'many': // more fields than a schema grows by
      return i % 3 === 0 ? 'text' : i
    case `it's "q"`:
      return of(27) % 10
  }
}

/** What of a source row can be a key, and what can be added up. */
export const keyExtras: readonly Extra[] = ['m', 'b', 't', 'x', 'o', 'l', 'big', 'd', `it's "q"`]
export const numberExtras: readonly Extra[] = ['f', 'n', 'g', 'm', `it's "q"`]
