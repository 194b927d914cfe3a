/**
 * Any Arrow IPC file or stream as columns: those that others wrote, and the state files of checkpoints, whose opaque values are CBOR and
 * whose values come back exactly as they were, at every depth.
 */
import { StreamError } from '../core/stream-error.ts'
import type { ArrowColumns } from './arrow-columns.ts'
import { type ArrowIpcReader, type ByteRanges, openArrowIpc } from './arrow-ipc.ts'
import type { ColumnBatch } from './column-batch.ts'
import { exactValue, openColumnFile } from './column-file-reader.ts'
import { loadColumnFormat } from './column-file-writer.ts'

/** `names`: the columns wanted, in their order; absent: all. `path` is for messages. */
export async function readArrowColumns(file: ByteRanges, path: string, names?: readonly string[]): Promise<ArrowIpcReader> {
  const reader = await openArrowIpc(file, path, names)
  if (!reader.isOfCheckpoint) return reader
  const { batchCount, readBatch } = await openColumnFile(await loadColumnFormat(), file, path)
  return {
    batchCount,
    isOfCheckpoint: true,
    readBatch: async (index) => (index < batchCount ? columnsOf(await readBatch(index), path, names) : undefined),
  }
}

function columnsOf({ schema, columns, rowCount }: ColumnBatch, path: string, names: readonly string[] | undefined): ArrowColumns {
  const all = schema.fields.map(({ name }) => name)
  const wanted = (names ?? all).map((name) => {
    const column = columns[all.indexOf(name)]
    if (column === undefined) throw noColumn(path, name, all)
    return { name, values: Array.from({ length: rowCount }, (_, i) => exactValue(column, i)) }
  })
  return { root: 'row', rowCount, columns: wanted }
}

const noColumn = (path: string, name: string, all: readonly string[]) =>
  new StreamError('TYPE_MISMATCH', `cannot read ${path}: it has no column '${name}'; it has ${all.join(', ')}`, {
    hint: 'Correct the name in the list of columns.',
    place: { file: path },
  })
