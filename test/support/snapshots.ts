/** Snapshots of states, read and handed to a restore as a checkpoint's files would. */
import { batchOfColumns } from '../../src/base/columnar/column-batch.ts'
import type { RestoredState, RestoredTable, StateChunk, StateDescription, StateSnapshot } from '../../src/runtime/state/snapshot.ts'

export type SnapshotRow = Record<string, unknown>

export interface ReadState extends StateDescription {
  readonly rows: readonly SnapshotRow[]
}

export function rowsOfChunk({ rowCount, columns }: StateChunk): SnapshotRow[] {
  return Array.from({ length: rowCount }, (_, i) => {
    const row = columns.map(({ name, values, dictionary }) => {
      const value = values[i] ?? null
      return [name, dictionary === undefined ? value : dictionary[value as number]]
    })
    return structuredClone(Object.fromEntries(row))
  })
}

/** All of a snapshot at once, and released. */
export function readState(snapshot: StateSnapshot): ReadState {
  const { name, scope, form, declared, meta } = snapshot
  const rows = [...snapshot.chunks()].flatMap(rowsOfChunk)
  snapshot.release()
  return { name, scope, form, ...(declared && { declared }), ...(meta && { meta }), rows }
}

/** The rows of several subtasks as one restored subtask gets them: those of the key groups from `start` to `end`, exclusive. */
export function restoredFrom(
  states: readonly ReadState[],
  watermark = -(2 ** 63),
  start = 0,
  end = Number.POSITIVE_INFINITY,
): RestoredState {
  const tables = new Map<string, RestoredTable & { rows: SnapshotRow[] }>()
  for (const { rows, ...description } of states) {
    const known = tables.get(description.name) ?? tableOf(description)
    const mine = rows.filter(({ keyGroup }) => keyGroup === undefined || ((keyGroup as number) >= start && (keyGroup as number) < end))
    known.rows.push(...mine)
    tables.set(description.name, known)
  }
  return { checkpointId: 1, watermark, tables: [...tables.values()] }
}

function tableOf(description: StateDescription): RestoredTable & { rows: SnapshotRow[] } {
  const rows: SnapshotRow[] = []
  return { ...description, rows, batches: () => batches(rows) }
}

async function* batches(rows: readonly SnapshotRow[]): AsyncGenerator<ReturnType<typeof batchOfColumns>> {
  for (let from = 0; from < rows.length; from += 100) {
    const some = rows.slice(from, from + 100)
    const columns = Object.keys(some[0]!).map((name) => ({ name, values: some.map((row) => row[name]) }))
    yield batchOfColumns({ rowCount: some.length, columns })
  }
}
