/** An accumulator's mergeText as a function: adds what lies at `from` of `g` to what lies at `at` of `f`. */
import type { Accumulator } from './accumulator.ts'

export type MergeEntry = (f: Float64Array, at: number, g: Float64Array, from: number) => void

export function compileMerge(accumulator: Accumulator): MergeEntry {
  const names = Object.keys(accumulator.bindings)
  const make = new Function(...names, `return function mergeEntry(f, at, g, from) {\n${accumulator.mergeText('f', 'at', 'g', 'from')}\n}`)
  return make(...names.map((name) => accumulator.bindings[name])) as MergeEntry
}
