/**
 * What one subtask of a restored operator gets of a snapshot, whatever the parallelism it was taken with: keyed rows by key group,
 * the others by their scope. Runs in the task's thread, before the operator is opened; rows are read as they are asked for.
 */
import type { ColumnBatch } from '../../base/columnar/column-batch.ts'
import type { Schema } from '../../base/columnar/data-type.ts'
import { keyGroupRange } from '../../base/columnar/key-hash.ts'
import type { ReadColumn } from '../../base/columnar/read-column.ts'
import { unifySchemas } from '../../base/columnar/schema.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { RestoredState, RestoredTable, StateDescription } from '../state/snapshot.ts'
import type { CheckpointMetadata, OperatorMetadata, StateFile, StateTable } from './checkpoint-metadata.ts'
import { corrupt } from './checkpoint-problem.ts'
import { readStateFile } from './read-state-file.ts'

/** Which subtask is asking, in the job that is restored. */
export interface SubtaskPlace {
  readonly subtask: number
  readonly parallelism: number
  readonly maxParallelism: number
}

/** A table of one of the subtasks that wrote the snapshot. */
interface WrittenTable {
  readonly subtask: number
  readonly table: StateTable
}

/** Event time before any watermark. */
const minWatermark = -(2 ** 63)

/**
 * undefined: the snapshot has nothing of this operator. Sizes and checksums are verified while rows are read. Throws STATE_INCOMPATIBLE
 * where keyed state was written under another max parallelism.
 */
export function restoredState(
  metadata: CheckpointMetadata,
  operatorId: string,
  place: SubtaskPlace,
  fileSystem: FileSystem,
): RestoredState | undefined {
  const operator = metadata.operators.find((other) => other.operatorId === operatorId)
  if (operator === undefined) return undefined
  const byName = new Map<string, WrittenTable[]>()
  for (const [subtask, { states }] of operator.subtasks.entries())
    for (const table of states) byName.set(table.name, [...(byName.get(table.name) ?? []), { subtask, table }])
  const tables = [...byName.values()].map((written) => restoredTable(metadata, operator, written, place, fileSystem))
  return { checkpointId: metadata.checkpointId, watermark: watermarkFor(operator, tables, place), tables }
}

/**
 * Learned schemas of the operator's outgoing edges, by position, joined over its subtasks: a restored producer goes on under types as
 * wide as they were. null: nothing was learned; undefined: the snapshot has nothing of this operator.
 */
export function restoredSchemas(metadata: CheckpointMetadata, operatorId: string): readonly (Schema | null)[] | undefined {
  const operator = metadata.operators.find((other) => other.operatorId === operatorId)
  if (operator === undefined) return undefined
  const joined: (Schema | null)[] = []
  for (const { schemas } of operator.subtasks)
    for (const [edge, schema] of (schemas ?? []).entries()) {
      const known = joined[edge] ?? null
      joined[edge] = known === null ? schema : schema === null ? known : unifySchemas(known, schema)
    }
  return Array.from(joined, (schema) => schema ?? null)
}

function restoredTable(
  metadata: CheckpointMetadata,
  operator: OperatorMetadata,
  written: readonly WrittenTable[],
  place: SubtaskPlace,
  fileSystem: FileSystem,
): RestoredTable {
  // One that has rows knows most of what they are.
  const { name, scope, form, declared, meta } = (written.find(({ table }) => table.files.length > 0) ?? written[0]!).table
  for (const { table } of written)
    if (table.scope !== scope || table.form !== form)
      throw corrupt(metadata.directory, `its subtasks differ in what state '${name}' of operator '${operator.name}' is`)
  const read = (file: StateFile) => readStateFile(file, metadata.directory, fileSystem)
  const description: StateDescription = { name, scope, form, ...(declared && { declared }), ...(meta && { meta }) }
  switch (scope) {
    case 'keyed':
      checkMaxParallelism(metadata, operator, name, place)
      return { ...description, batches: () => keyedBatches(operator, written, place, read) }
    case 'split':
      return { ...description, batches: () => splitBatches(operator, written, place, read) }
    case 'union':
      return { ...description, batches: () => allBatches(written, read) }
    case 'broadcast':
      return { ...description, batches: () => allBatches([written[place.subtask % written.length]!], read) }
  }
}

function checkMaxParallelism(metadata: CheckpointMetadata, operator: OperatorMetadata, state: string, place: SubtaskPlace): void {
  if (operator.maxParallelism === place.maxParallelism) return
  throw new StreamError(
    'STATE_INCOMPATIBLE',
    `state '${state}' of operator '${operator.name}' was written with max parallelism ${operator.maxParallelism}, but the operator now has ${place.maxParallelism} (${metadata.directory})`,
    {
      hint: `Keys are divided by max parallelism, which is fixed by the first snapshot: set it to ${operator.maxParallelism}, or leave it unset.`,
      place: { operator: operator.name, subtask: place.subtask },
    },
  )
}

type ReadFile = (file: StateFile) => AsyncGenerator<ColumnBatch, void>

/** Only files of subtasks that owned a key group of this one are read. */
async function* keyedBatches(
  operator: OperatorMetadata,
  written: readonly WrittenTable[],
  place: SubtaskPlace,
  read: ReadFile,
): AsyncGenerator<ColumnBatch, void> {
  const own = keyGroupRange(place.subtask, place.parallelism, place.maxParallelism)
  for (const { subtask, table } of written) {
    if (!overlaps(operator, subtask, place)) continue
    for (const file of table.files) for await (const batch of read(file)) yield* rowsOfKeyGroups(batch, own.start, own.end)
  }
}

function overlaps(operator: OperatorMetadata, subtask: number, { subtask: own, parallelism }: SubtaskPlace): boolean {
  const mine = keyGroupRange(own, parallelism, operator.maxParallelism)
  const its = keyGroupRange(subtask, operator.parallelism, operator.maxParallelism)
  return mine.start < its.end && its.start < mine.end
}

/** Runs of rows whose key group is in the range; as rows are sorted by it, one run as a rule. */
function* rowsOfKeyGroups(batch: ColumnBatch, start: number, end: number): Generator<ColumnBatch, void> {
  const { data, offset } = batch.columns[0]!
  const isOwn = (row: number): boolean => (data[offset + row] as number) >= start && (data[offset + row] as number) < end
  for (let row = 0; row < batch.rowCount; row++) {
    if (!isOwn(row)) continue
    const first = row
    while (row < batch.rowCount && isOwn(row)) row++
    yield rowsOf(batch, first, row - first)
  }
}

/** With an unchanged parallelism each subtask gets back what it had; else the elements are cut into even parts. */
async function* splitBatches(
  operator: OperatorMetadata,
  written: readonly WrittenTable[],
  { subtask, parallelism }: SubtaskPlace,
  read: ReadFile,
): AsyncGenerator<ColumnBatch, void> {
  if (parallelism === operator.parallelism) {
    yield* allBatches(
      written.filter((other) => other.subtask === subtask),
      read,
    )
    return
  }
  const files = written.flatMap(({ table }) => table.files)
  const total = files.reduce((sum, file) => sum + file.rows, 0)
  const start = Math.floor((total * subtask) / parallelism)
  const end = Math.floor((total * (subtask + 1)) / parallelism)
  let at = 0
  for (const file of files) {
    const isRead = at < end && at + file.rows > start
    if (!isRead) at += file.rows
    else
      for await (const batch of read(file)) {
        const first = Math.max(0, start - at)
        const count = Math.min(batch.rowCount, end - at) - first
        if (count > 0) yield rowsOf(batch, first, count)
        at += batch.rowCount
      }
  }
}

async function* allBatches(written: readonly WrittenTable[], read: ReadFile): AsyncGenerator<ColumnBatch, void> {
  for (const { table } of written) for (const file of table.files) yield* read(file)
}

/** Some rows of a batch, by moving where its columns begin. */
function rowsOf(batch: ColumnBatch, first: number, rowCount: number): ColumnBatch {
  if (first === 0 && rowCount === batch.rowCount) return batch
  const columns = batch.columns.map(
    (column): ReadColumn => ({
      ...column,
      offset: column.offset + (column.layout === 'i64' ? 2 * first : first),
      validityBit: column.validityBit + first,
      ...(column.fields && { fields: column.fields.map(({ name, numbers }) => ({ name, numbers: numbers.subarray(first) })) }),
    }),
  )
  return { ...batch, rowCount, columns }
}

/** The least of the subtasks whose state this subtask takes over; of all where it may come from any. */
function watermarkFor(operator: OperatorMetadata, tables: readonly RestoredTable[], place: SubtaskPlace): number {
  const rescaled = place.parallelism !== operator.parallelism
  const fromAny = rescaled && tables.some(({ scope }) => scope !== 'keyed')
  const taken = operator.subtasks.filter((_, subtask) =>
    rescaled ? fromAny || overlaps(operator, subtask, place) : subtask === place.subtask,
  )
  const watermarks = taken.map(({ watermark }) => watermark ?? minWatermark)
  return watermarks.length === 0 ? minWatermark : Math.min(...watermarks)
}
