/**
 * What window kernels take back of a snapshot: tables of their own form. With anything else in it (sliding windows of the
 * plain operator, states of triggers) the kernel starts in its plain form, which takes all forms.
 */

import { restoredRows } from '../../state/restored-rows.ts'
import type { RestoredState, RestoredTable } from '../../state/snapshot.ts'
import { oddWindowsTable } from '../window/accumulator-columns.ts'
import type { Accumulator } from './accumulator.ts'
import type { WindowsForm } from './window-rows.ts'

/** Whether a kernel of that form can take over all that was written. */
export function isOfForm({ tables }: RestoredState, { name }: WindowsForm, { user }: Accumulator): boolean {
  return tables.every((table) => table.name === name || (table.name === oddWindowsTable && user !== undefined))
}

export interface RestoredWindow {
  readonly key: unknown
  readonly start: number
  readonly end: number
  /** Of the accumulator: its words, or the one value. */
  readonly words: readonly unknown[]
}

/** The rows of all tables of that name. */
export async function* restoredWindows(
  tables: readonly RestoredTable[],
  name: string,
  bounds: readonly string[],
  columns: readonly string[],
  wanted?: Accumulator['declared'],
): AsyncIterable<RestoredWindow> {
  for (const table of tables) {
    if (table.name !== name) continue
    for await (const { keys, rows } of restoredRows(table, [...bounds, ...columns], wanted)) {
      for (const [i, key] of keys.entries()) {
        const [start, end, ...words] = rows[i]!
        yield { key, start: start as number, end: end as number, words }
      }
    }
  }
}

/** Writes a restored accumulator into a fresh entry, of which `at` is the accumulator's first word; of lists, one more row. */
export function writeRestored({ objects }: Accumulator, f64: Float64Array, at: number, words: readonly unknown[]): void {
  if (objects === undefined) {
    for (let w = 0; w < words.length; w++) f64[at + w] = words[w] as number
    return
  }
  const place = f64[at]!
  if (place === 0) f64[at] = objects.hold(objects.isList ? [words[0]] : words[0])
  else if (objects.isList) (objects.values[place] as unknown[]).push(words[0])
  else objects.values[place] = words[0]
}
