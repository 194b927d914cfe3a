/** The sessions of a kernel on their way into a snapshot: key by key, each key's in order of time. */
import type { KeySpace } from '../../state/key-space.ts'
import type { StateSnapshot } from '../../state/snapshot.ts'
import type { TableReader } from '../../state/table-reader.ts'
import { HeldKeys } from './held-keys.ts'
import { type PoolSnapshot, type SessionStore, sessionWords } from './session-store.ts'
import type { GroupRange, TableGroup } from './table-group.ts'
import { chunksOfTables, WindowRows, type WindowsForm } from './window-rows.ts'

export interface SessionSnapshotOptions {
  readonly form: WindowsForm
  readonly store: SessionStore
  readonly group: TableGroup
  readonly keys: KeySpace
  readonly range: GroupRange
  readonly released: () => void
}

export function snapshotSessions({ form, store, group, keys, range, released }: SessionSnapshotOptions): StateSnapshot {
  const heldKeys = new HeldKeys(keys)
  const pool = store.beginSnapshot()
  const held = group.tables.map((table) => (table.size === 0 ? undefined : { table, snapshot: table.beginSnapshot() }))
  const tables = held.flatMap((found, g) =>
    found === undefined
      ? []
      : [{ snapshot: found.snapshot, add: (rows: WindowRows, reader: TableReader) => addSessions(pool, rows, range.first + g, reader) }],
  )
  return {
    ...{ name: form.name, scope: 'keyed', form: form.form },
    chunks: () => chunksOfTables(new WindowRows(form, heldKeys, undefined), tables),
    release() {
      for (const found of held) found?.table.endSnapshot(found.snapshot)
      heldKeys.release()
      store.endSnapshot(pool)
      released()
    },
  }
}

/** The sessions of the entry at hand. */
function addSessions(
  { pool, pageWords, pages }: PoolSnapshot,
  rows: WindowRows,
  keyGroup: number,
  { key, f64, at, first }: TableReader,
): void {
  const latest = at + first
  if (f64[latest] === Number.POSITIVE_INFINITY) return
  const earlier: { readonly f64: Float64Array; readonly at: number }[] = []
  for (let record = f64[latest + 2]!; record >= 0; ) {
    const page = Math.floor(record / pageWords)
    const saved = pages.get(page)
    const found = saved === undefined ? { f64: pool, at: record } : { f64: saved, at: record - page * pageWords }
    earlier.push(found)
    record = found.f64[found.at + 2]!
  }
  for (const { f64: from, at: word } of earlier.reverse()) rows.add(keyGroup, key, from[word]!, from[word + 1]!, from, word + sessionWords)
  rows.add(keyGroup, key, f64[latest]!, f64[latest + 1]!, f64, latest + sessionWords)
}
