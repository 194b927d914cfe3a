/**
 * What a checkpoint holds, for people who look at it: the states of its operators with their types, sizes and keys, and the rows of
 * one state. Only reads; files are verified as they are for a restore.
 */
import { exactValue, openColumnFile } from '../../base/columnar/column-file-reader.ts'
import { loadColumnFormat } from '../../base/columnar/column-file-writer.ts'
import type { Field } from '../../base/columnar/data-type.ts'
import { canonicalKey } from '../../base/columnar/key-hash.ts'
import { typeName } from '../../base/columnar/schema.ts'
import { joinTypes } from '../../base/columnar/value-type.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { CheckpointMetadata, OperatorMetadata, StateFile, StateTable } from './checkpoint-metadata.ts'
import { readStateFile, stateFilePath } from './read-state-file.ts'

/** One state of an operator, over all its subtasks. */
export interface StateSummary {
  readonly operatorId: string
  readonly operator: string
  readonly uid?: string
  readonly name: string
  readonly scope: string
  readonly form: string
  /** As a user would declare them: `t.utf8`. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: number
  /** Distinct keys; absent where there are none. */
  readonly keys?: number
  readonly sizeBytes: number
}

/** Forms with one row a key. */
const oneRowAKey: readonly string[] = ['value', 'accumulator']

/** The states of an operator by name, a source's enumerator last. */
export function statesOf({ subtasks, enumerator }: OperatorMetadata): ReadonlyMap<string, readonly StateTable[]> {
  const byName = new Map<string, StateTable[]>()
  const tables = [...subtasks.flatMap(({ states }) => states), ...(enumerator === undefined ? [] : [enumerator])]
  for (const table of tables) byName.set(table.name, [...(byName.get(table.name) ?? []), table])
  return byName
}

export async function summarizeStates(metadata: CheckpointMetadata, fileSystem: FileSystem): Promise<StateSummary[]> {
  const summaries: StateSummary[] = []
  for (const operator of metadata.operators) {
    const { operatorId, uid, name: operatorName } = operator
    for (const [name, tables] of statesOf(operator)) {
      const { scope, form } = tables[0]!
      const files = tables.flatMap((table) => table.files)
      const rows = files.reduce((sum, file) => sum + file.rows, 0)
      summaries.push({
        operatorId,
        operator: operatorName,
        ...(uid !== undefined && { uid }),
        name,
        scope,
        form,
        columns: await columnsOf(files, metadata.directory, fileSystem),
        rows,
        ...(scope === 'keyed' && { keys: oneRowAKey.includes(form) ? rows : await countKeys(files, metadata.directory, fileSystem) }),
        sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
      })
    }
  }
  return summaries
}

/** The least types that hold the columns of all files, without the key group. */
async function columnsOf(files: readonly StateFile[], directory: string, fileSystem: FileSystem): Promise<StateSummary['columns']> {
  const joined = new Map<string, Field>()
  for (const file of files) {
    const path = stateFilePath(file, directory)
    const reader = await fileSystem.open(path)
    try {
      const { schema } = await openColumnFile(await loadColumnFormat(), reader, path)
      for (const field of schema.fields) {
        const known = joined.get(field.name)
        joined.set(field.name, known === undefined ? field : { name: field.name, ...joinTypes(known, field) })
      }
    } finally {
      await reader.close()
    }
  }
  joined.delete('keyGroup')
  return [...joined.values()].map(({ name, type, nullable }) => ({ name, type: typeName(type, nullable) }))
}

/** The names of a file's columns, the key group included. */
export async function columnNames(file: StateFile, directory: string, fileSystem: FileSystem): Promise<readonly string[]> {
  const path = stateFilePath(file, directory)
  const reader = await fileSystem.open(path)
  try {
    const { schema } = await openColumnFile(await loadColumnFormat(), reader, path)
    return schema.fields.map(({ name }) => name)
  } finally {
    await reader.close()
  }
}

/** Rows stand by key group, so that only the keys of one have to be remembered. */
async function countKeys(files: readonly StateFile[], directory: string, fileSystem: FileSystem): Promise<number> {
  let count = 0
  let group: unknown
  const seen = new Set<number | string>()
  for (const file of files)
    for await (const { columns, rowCount } of readStateFile(file, directory, fileSystem))
      for (let i = 0; i < rowCount; i++) {
        const own = exactValue(columns[0]!, i)
        if (own !== group) {
          count += seen.size
          seen.clear()
          group = own
        }
        seen.add(canonicalKey(exactValue(columns[1]!, i)))
      }
  return count + seen.size
}

/** The rows of a state, subtask by subtask, without the key group. */
export async function* stateRows(
  tables: readonly StateTable[],
  directory: string,
  fileSystem: FileSystem,
): AsyncGenerator<Readonly<Record<string, unknown>>, void> {
  for (const file of tables.flatMap((table) => table.files))
    for await (const { schema, columns, rowCount } of readStateFile(file, directory, fileSystem)) {
      const shown = [...schema.fields.entries()].filter(([, { name }]) => name !== 'keyGroup')
      for (let i = 0; i < rowCount; i++) yield Object.fromEntries(shown.map(([c, { name }]) => [name, exactValue(columns[c]!, i)]))
    }
}
