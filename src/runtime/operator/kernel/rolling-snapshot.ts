/**
 * The snapshots of a rolling kernel that are open: the running rows as they were, whatever becomes of the tables. Pages are saved by
 * the tables; the fields that lie beside them are saved here, ahead of being replaced.
 */
import { ChunkRows } from '../../state/chunk-rows.ts'
import type { KeySpace, KeySpaceKind } from '../../state/key-space.ts'
import type { StateChunk, StateSnapshot } from '../../state/snapshot.ts'
import { TableReader } from '../../state/table-reader.ts'
import type { TypedTable } from '../../state/typed-table.ts'
import { type RowLayout, readRow } from './row-layout.ts'

interface RollingTables {
  readonly tables: readonly TypedTable[]
  readonly firstGroup: number
  readonly keys: KeySpace
  readonly layout: RowLayout
  readonly rests: readonly unknown[]
}

interface OpenSnapshot extends RollingTables {
  readonly kind: KeySpaceKind
  readonly snapshots: readonly ReturnType<TypedTable['beginSnapshot']>[]
  /** Those at this index and behind are newer. */
  readonly numRests: number
  readonly saved: Map<number, unknown>
}

export class RollingSnapshots {
  #open: OpenSnapshot[] = []

  get isOpen(): boolean {
    return this.#open.length > 0
  }

  begin(name: string, held: RollingTables): StateSnapshot {
    const { keys, tables, rests } = held
    const open: OpenSnapshot = {
      ...held,
      kind: keys.kind,
      snapshots: tables.map((table) => table.beginSnapshot()),
      numRests: rests.length,
      saved: new Map(),
    }
    this.#open.push(open)
    keys.hold()
    const release = (): void => {
      tables.forEach((table, t) => table.endSnapshot(open.snapshots[t]!))
      keys.release()
      this.#open = this.#open.filter((other) => other !== open)
    }
    return { name, scope: 'keyed', form: 'value', chunks: () => chunks(open), release }
  }

  /** Ahead of replacing what lies beside the tables at an index. */
  saveRest(rests: readonly unknown[], index: number): void {
    for (const open of this.#open)
      if (open.rests === rests && index < open.numRests && !open.saved.has(index)) open.saved.set(index, rests[index])
  }
}

function* chunks({ snapshots, firstGroup, keys, kind, layout, rests, saved }: OpenSnapshot): IterableIterator<StateChunk> {
  const restAt = (index: number): unknown => (saved.has(index) ? saved.get(index) : rests[index])
  const rows = new ChunkRows(['value'])
  for (const [t, snapshot] of snapshots.entries()) {
    const reader = new TableReader(snapshot)
    while (reader.next()) {
      const key = kind === 'interned' ? keys.values[reader.key] : reader.key
      rows.add(firstGroup + t, key, [readRow(layout, reader.f64, reader.at + reader.first, key, restAt)], [])
      if (rows.room > 0) continue
      yield rows.take()
      reader.resume()
    }
  }
  if (rows.count > 0) yield rows.take()
}
