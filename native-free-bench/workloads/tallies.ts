/**
 * How results are summed up, by sinks and by the plain evaluation alike: a tally is fed rows and gives totals that do not
 * depend on their order. `rows` is always among them.
 */
import { mix } from './records.ts'
import type { Tally, Totals } from './workload.ts'

/** A number for a row's fields that differs, very likely, when any field does. */
export function fingerprint(...fields: readonly number[]): number {
  let h = 17
  for (const field of fields) h = mix(h ^ mix(Math.floor(field)) ^ mix((field * 2) | 0))
  // 24 bits: millions of them add up exactly.
  return h >>> 8
}

/** Every row counts, with the totals that `of` names and the sum of the rows' fingerprints. */
export function rowTally<R>(of: (row: R) => Totals, fields: (row: R) => readonly number[]): Tally<R> {
  const totals: Record<string, number> = {}
  let rows = 0
  let fingerprints = 0
  return {
    add(row) {
      rows++
      fingerprints += fingerprint(...fields(row))
      for (const [name, value] of Object.entries(of(row))) totals[name] = (totals[name] ?? 0) + value
    },
    totals: () => ({ rows, fingerprints, ...totals }),
  }
}

/** For running results: how many rows, and the greatest value of each key, which is the last one. */
export function runningTally<R>(key: (row: R) => number | string, value: (row: R) => number): Tally<R> {
  const last = new Map<number | string, number>()
  let rows = 0
  return {
    add(row) {
      rows++
      const k = key(row)
      const v = value(row)
      if (v > (last.get(k) ?? Number.NEGATIVE_INFINITY)) last.set(k, v)
    },
    totals() {
      let sum = 0
      let fingerprints = 0
      for (const [k, v] of last) {
        sum += v
        fingerprints += fingerprint(typeof k === 'number' ? k : [...k].reduce((h, c) => mix(h ^ c.charCodeAt(0)), 1), v)
      }
      return { rows, keys: last.size, sum, fingerprints }
    },
  }
}
