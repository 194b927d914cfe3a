/**
 * Panes of window kernels on their way into a snapshot: key group by key group, and in each the panes in order of time, so that
 * whoever merges them does it in that order. The tables save their pages; panes that are dropped meanwhile are kept here.
 */
import type { KeySpace } from '../../state/key-space.ts'
import type { StateSnapshot } from '../../state/snapshot.ts'
import type { TableReader } from '../../state/table-reader.ts'
import type { Accumulator } from './accumulator.ts'
import { HeldKeys } from './held-keys.ts'
import type { GroupRange, TableGroup } from './table-group.ts'
import { chunksOfTables, WindowRows, type WindowsForm } from './window-rows.ts'

/** A stretch of time as the snapshot says it. */
export interface SnapshotPane {
  readonly start: number
  readonly end: number
  readonly group: TableGroup
}

export interface PaneSnapshotOptions {
  readonly form: WindowsForm
  /** In order of time. */
  readonly panes: readonly SnapshotPane[]
  readonly keys: KeySpace
  readonly range: GroupRange
  readonly accumulator: Accumulator
  readonly released: () => void
}

export function snapshotPanes({ form, panes, keys, range, accumulator, released }: PaneSnapshotOptions): StateSnapshot {
  const heldKeys = new HeldKeys(keys)
  const objects = accumulator.objects?.beginSnapshot()
  const held = panes.map(({ start, end, group }) => ({
    ...{ start, end },
    tables: group.tables.map((table) => (table.size === 0 ? undefined : { table, snapshot: table.beginSnapshot() })),
  }))
  function* tables() {
    for (let g = 0; g < range.count; g++) {
      const keyGroup = range.first + g
      for (const { start, end, tables } of held) {
        const { snapshot } = tables[g] ?? {}
        if (snapshot === undefined) continue
        const add = (rows: WindowRows, { key, f64, at, first }: TableReader): void => rows.add(keyGroup, key, start, end, f64, at + first)
        yield { snapshot, add }
      }
    }
  }
  return {
    ...{ name: form.name, scope: 'keyed', form: form.form },
    ...(accumulator.declared !== undefined && { declared: accumulator.declared }),
    chunks: () => chunksOfTables(new WindowRows(form, heldKeys, objects), tables()),
    release() {
      for (const { tables } of held) for (const found of tables) found?.table.endSnapshot(found.snapshot)
      heldKeys.release()
      objects?.release()
      released()
    },
  }
}
