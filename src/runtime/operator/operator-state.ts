/**
 * Operator state that is a list of plain values, as a table of a snapshot and back. Values are opaque (CBOR): they come back as
 * they were, fields that only some of them have included. The list is fixed when it is made; nobody may change its values later.
 */
import { rowReader } from '../../base/columnar/column-batch.ts'
import type { RestoredState, StateChunk, StateSnapshot } from '../state/snapshot.ts'

const rowsOfChunk = 1_024

/** Rows for one of the subtasks each. `columns` are beside `value`. */
export function splitState(
  name: string,
  values: readonly unknown[],
  columns: Readonly<Record<string, readonly number[]>> = {},
): StateSnapshot {
  return {
    name,
    scope: 'split',
    form: 'list',
    declared: { value: { type: { kind: 'any' }, nullable: true } },
    *chunks(): IterableIterator<StateChunk> {
      for (let from = 0; from < values.length; from += rowsOfChunk) {
        const cut = <V>(column: readonly V[]) => column.slice(from, from + rowsOfChunk)
        const others = Object.entries(columns).map(([column, numbers]) => ({ name: column, values: Float64Array.from(cut(numbers)) }))
        const chunk = cut(values)
        yield { rowCount: chunk.length, columns: [...others, { name: 'value', values: chunk }] }
      }
    },
    release() {},
  }
}

/** The rows of one restored table, as objects with its columns; none if the snapshot has no such table. */
export async function restoredRows(restored: RestoredState, name: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = []
  for (const table of restored.tables) {
    if (table.name !== name) continue
    for await (const batch of table.batches()) {
      const read = rowReader(batch)
      for (let i = 0; i < batch.rowCount; i++) rows.push(read(i) as Record<string, unknown>)
    }
  }
  return rows
}
