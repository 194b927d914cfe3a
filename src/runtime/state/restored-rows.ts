/**
 * The rows of a restored state, batch by batch: each with its key, if it has one, and the values of named columns, as values of the type that
 * the program declares now. They share nothing with the batch.
 */
import type { ColumnBatch } from '../../base/columnar/column-batch.ts'
import type { DataType } from '../../base/columnar/data-type.ts'
import { bitAt, type ReadColumn, readValue } from '../../base/columnar/read-column.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { conversion, evolution, isTakenOver, misfit, typeText } from './check-state-types.ts'
import { ownRow } from './clone-value.ts'
import { fitsType } from './fits-type.ts'
import type { RestoredTable, StateDescription } from './snapshot.ts'

export interface RestoredRows {
  readonly keys: readonly unknown[]
  /** For each key the values, in the order of the names. */
  readonly rows: readonly (readonly unknown[])[]
}

/** Throws STATE_INCOMPATIBLE at the first value that was written without a type and does not fit the one that is declared now. */
export async function* restoredRows(
  table: RestoredTable,
  names: readonly string[],
  wanted?: StateDescription['declared'],
  operator = '',
): AsyncIterable<RestoredRows> {
  for await (const batch of table.batches()) yield rowsOfBatch(table, batch, names, wanted, operator)
}

/** As restoredRows. */
export function rowsOfBatch(
  table: RestoredTable,
  batch: ColumnBatch,
  names: readonly string[],
  wanted?: StateDescription['declared'],
  operator = '',
): RestoredRows {
  const key = table.scope === 'keyed' ? columnOf(table, batch, 'key') : undefined
  const columns = names.map((name) => columnOf(table, batch, name))
  const evolve = names.map((name) =>
    table.declared?.[name] === undefined
      ? fitting(operator, table, name, inferred(batch, name), wanted?.[name])
      : evolution(table.declared[name], wanted?.[name]),
  )
  const keys: unknown[] = []
  const rows: unknown[][] = []
  for (let i = 0; i < batch.rowCount; i++) {
    if (key !== undefined) keys.push(readValue(key, i))
    rows.push(
      columns.map((column, c) => {
        const value = ownRow(valueAt(column, i))
        return evolve[c] === undefined ? value : evolve[c](value)
      }),
    )
  }
  return { keys, rows }
}

/**
 * The fields of the rows in a batch's column `value`, in the order of `names`, where all of them are the numbers that the program declares:
 * they need no objects on their way into tables.
 */
export function numbersOfBatch(
  table: RestoredTable,
  batch: ColumnBatch,
  names: readonly string[],
  wanted: StateDescription['declared'],
): readonly Float64Array[] | undefined {
  const { fields } = columnOf(table, batch, 'value')
  if (fields?.length !== names.length || table.declared?.value === undefined) return undefined
  if (evolution(table.declared.value, wanted?.value) !== undefined) return undefined
  const numbers = names.map((name) => fields.find((field) => field.name === name)?.numbers)
  return numbers.every((column) => column !== undefined) ? numbers : undefined
}

/** How values without a declared type become values of one. */
function fitting(
  operator: string,
  { name: state }: RestoredTable,
  column: string,
  have: { readonly type: DataType; readonly nullable: boolean },
  want: { readonly type: DataType; readonly nullable: boolean } | undefined,
): ((value: unknown) => unknown) | undefined {
  if (want === undefined || isTakenOver(have, want)) return evolution(have, want)
  const convert = conversion(have.type, want.type)
  const where = column === 'value' || column === 'mapValue' ? '' : `${column} `
  return (value) => {
    const converted = convert === undefined || value === null || value === undefined ? value : convert(value)
    if (!fitsType(converted, want)) throw misfit(operator, state, where + typeText(have), where + typeText(want))
    return converted
  }
}

/** As readValue, but undefined, which a list may hold, stays undefined. */
function valueAt(column: ReadColumn, i: number): unknown {
  const value = readValue(column, i)
  const { layout, data, offset, validity, validityBit } = column
  return value === null && layout === 'objects' && (validity === null || bitAt(validity, validityBit + i)) ? data[offset + i] : value
}

/** What was not declared has the type that its values turned out to have. */
function inferred({ schema }: ColumnBatch, name: string): { readonly type: DataType; readonly nullable: boolean } {
  const { type } = schema.fields.find((field) => field.name === name)!
  return { type, nullable: false }
}

export function columnOf({ name: state }: RestoredTable, { schema, columns }: ColumnBatch, name: string): ReadColumn {
  const at = schema.fields.findIndex((field) => field.name === name)
  if (at >= 0) return columns[at]!
  throw new StreamError('STATE_INCOMPATIBLE', `State ${state} of the snapshot has no column ${name}`, {
    hint: 'The snapshot was written by another version, or is not whole.',
  })
}
