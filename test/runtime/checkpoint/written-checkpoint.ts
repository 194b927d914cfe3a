/**
 * Checkpoints for the tests of their files: states as arrays of rows, written by SnapshotWriter into a memory file system and read
 * back as rows.
 */
import type { ColumnarUnitColumn } from '../../../src/base/columnar/column-batch.ts'
import { exactValue } from '../../../src/base/columnar/column-file-reader.ts'
import { hashKey, keyGroupOf, subtaskOfKeyGroup } from '../../../src/base/columnar/key-hash.ts'
import { ManualClock } from '../../../src/base/core/clock.ts'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import type { FileSystem, FileWriter } from '../../../src/base/filesystem/file-system.ts'
import type { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import type { CheckpointMetadata, OperatorMetadata } from '../../../src/runtime/checkpoint/checkpoint-metadata.ts'
import { type OperatorStates, SnapshotWriter, type SnapshotWriterOptions } from '../../../src/runtime/checkpoint/snapshot-writer.ts'
import type { RestoredTable, StateChunk, StateDescription, StateSnapshot } from '../../../src/runtime/state/snapshot.ts'

export const operatorId = '0123456789abcdef0123456789abcdef'
export const directory = 'checkpoints/job/chk-1'

export interface TestState extends StateSnapshot {
  released: number
}

export function stateOf(description: StateDescription, chunks: readonly StateChunk[]): TestState {
  return {
    ...description,
    released: 0,
    *chunks() {
      yield* chunks
    },
    release() {
      this.released++
    },
  }
}

export type Row = Readonly<Record<string, unknown>>

/** Rows as chunks of columns of plain values; a keyGroup column as what it must be. */
export function chunksOf(rows: readonly Row[], chunkRows = 7): StateChunk[] {
  const names = Object.keys(rows[0] ?? {})
  const chunks: StateChunk[] = []
  for (let from = 0; from < rows.length; from += chunkRows) {
    const part = rows.slice(from, from + chunkRows)
    const columns = names.map((name): ColumnarUnitColumn => {
      const values = part.map((row) => row[name])
      return { name, values: name === 'keyGroup' ? Int32Array.from(values as number[]) : values }
    })
    chunks.push({ rowCount: part.length, columns })
  }
  return chunks
}

/** Rows of a keyed state for each subtask, sorted by key group. */
export function keyedRows(
  entries: readonly (readonly [key: unknown, value: unknown])[],
  parallelism: number,
  maxParallelism: number,
): Row[][] {
  const rows = entries
    .map(([key, value]) => ({ keyGroup: keyGroupOf(hashKey(key), maxParallelism), key, value }))
    .sort((a, b) => a.keyGroup - b.keyGroup)
  return Array.from({ length: parallelism }, (_, subtask) =>
    rows.filter(({ keyGroup }) => subtaskOfKeyGroup(keyGroup, parallelism, maxParallelism) === subtask),
  )
}

export function writerOf(fileSystem: FileSystem, options: Partial<SnapshotWriterOptions> = {}): SnapshotWriter {
  return new SnapshotWriter({ fileSystem, directory, subtask: 0, yieldTo: setImmediate, clock: new ManualClock(), ...options })
}

/** Writes what each subtask of one operator held; gives the metadata. */
export async function writtenBy(
  fileSystem: FileSystem,
  subtasks: readonly (readonly StateSnapshot[])[],
  options: Partial<Omit<OperatorStates, 'states'> & { maxParallelism: number; watermarks: readonly (number | null)[] }> = {},
): Promise<CheckpointMetadata> {
  const written: OperatorMetadata['subtasks'][number][] = []
  for (const [subtask, states] of subtasks.entries()) {
    const watermark = options.watermarks?.[subtask] ?? null
    const { operators } = await writerOf(fileSystem, { subtask }).write([{ operatorId, watermark, states, schemas: options.schemas ?? [] }])
    const [operator] = operators
    written.push({ finished: false, watermark, states: operator!.states, schemas: operator!.schemas! })
  }
  const { maxParallelism = 128 } = options
  const operator = { operatorId, name: 'counts', kind: 'process', parallelism: subtasks.length, maxParallelism, subtasks: written }
  return metadataOf([operator])
}

export const metadataOf = (operators: readonly OperatorMetadata[]): CheckpointMetadata => ({
  format: 'headrace-checkpoint',
  version: 1,
  headrace: '0.1.0',
  kind: 'checkpoint',
  checkpointId: 1,
  jobId: 'job',
  jobName: 'test',
  triggeredMs: 1000,
  completedMs: 2000,
  directory,
  operators,
})

/** All rows of a table, as objects. */
export async function rowsOf(table: RestoredTable): Promise<Row[]> {
  const rows: Row[] = []
  for await (const { schema, columns, rowCount } of table.batches())
    for (let i = 0; i < rowCount; i++) rows.push(Object.fromEntries(schema.fields.map(({ name }, c) => [name, exactValue(columns[c]!, i)])))
  return rows
}

/** Fails the call of that number among those that make, write and rename files. */
export function failingAt(fileSystem: MemoryFileSystem, call: number): FileSystem {
  let calls = 0
  const attempt = async <R>(work: () => Promise<R>): Promise<R> => {
    if (calls++ === call) throw new StreamError('IO_FAILED', 'the disk is gone')
    return work()
  }
  return Object.assign(Object.create(fileSystem) as MemoryFileSystem, {
    status: (path: string) => fileSystem.status(path),
    remove: (path: string) => fileSystem.remove(path),
    rename: (from: string, to: string) => attempt(() => fileSystem.rename(from, to)),
    create: (path: string) =>
      attempt(async (): Promise<FileWriter> => {
        const file = await fileSystem.create(path)
        return {
          write: (bytes) => attempt(() => file.write(bytes)),
          sync: () => attempt(() => file.sync()),
          close: () => attempt(() => file.close()),
        }
      }),
  })
}
