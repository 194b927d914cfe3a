/**
 * Rows on their way out of a chain, as columns on the heap: fixed-width values in typed arrays, all else in plain
 * arrays. One staging batch per outgoing edge. A chain's generated loop writes columns[i].values[rowCount] and nulls
 * itself where every field is there and passes its `fieldCheck`; anything unusual goes through `append`, which agrees
 * with it exactly. Nothing is written of a row that does not fit.
 */
import { assert } from '../core/stream-error.ts'
import type { Field, Schema, TypeKind } from './data-type.ts'
import { fits, restIndex, restName, schemaFromRow, widenSchema } from './schema.ts'
import { fieldNames, fieldOf, isRecord, valueFits } from './value-type.ts'

export const stagingCapacity = 2048

export interface StagingColumn {
  readonly field: Field
  /**
   * float64, int64, timestamp: Float64Array; date: Float64Array of ms; int32: Int32Array; boolean: Uint8Array of 0 and 1;
   * all else a plain array (a null row holds null in it as well).
   */
  values: Float64Array | Int32Array | Uint8Array | unknown[]
  /** 1 marks a null. There exactly if the field is nullable. */
  nulls: Uint8Array | null
  nullCount: number
  /** A loop's place for what StringDictionary.codesFor gave for a row; 0: nothing. null until some loop has such. */
  codes: Int32Array | null
}

/** The check that lets generated code write a value without calling `append`. `other`: it must call. */
export type FieldCheck = 'number' | 'int32' | 'integer' | 'boolean' | 'string' | 'other'

/**
 * number: typeof; int32: typeof number and (v | 0) === v; integer: Number.isSafeInteger; boolean, string: typeof.
 * Agrees with `append` for a field whose name no object inherits (isInheritedName) and a row that has every field.
 */
export function fieldCheck(field: Field): FieldCheck {
  switch (field.type.kind) {
    case 'float64':
      return 'number'
    case 'int32':
      return 'int32'
    case 'int64':
    case 'timestamp':
      return 'integer'
    case 'boolean':
      return 'boolean'
    case 'utf8':
      return 'string'
    default:
      return 'other'
  }
}

export class StagingBatch {
  schema: Schema | null = null
  rowCount = 0
  columns: StagingColumn[] = []
  /** NaN: the row has none. */
  readonly timestamps: Float64Array = new Float64Array(stagingCapacity)

  constructor(schema: Schema | null) {
    if (schema !== null) this.#use(schema)
  }

  /** False: the batch is full, has no schema yet, or the row does not fit; nothing was written. */
  append(row: unknown, timestamp: number): boolean {
    const { schema, rowCount } = this
    if (schema === null || rowCount === stagingCapacity) return false
    const rest = restIndex(schema)
    if (rest >= 0) {
      if (!isRecord(row)) return false
      this.#appendWithRest(row, rest)
    } else {
      if (!fits(schema, row)) return false
      if (schema.root === 'value') setValue(this.columns[0]!, rowCount, row)
      else for (const column of this.columns) setValue(column, rowCount, fieldOf(row as Record<string, unknown>, column.field.name))
    }
    this.timestamps[rowCount] = timestamp
    this.rowCount = rowCount + 1
    return true
  }

  #appendWithRest(row: Record<string, unknown>, rest: number): void {
    const names = fieldNames(this.schema!.fields)
    const entries: [string, unknown][] = []
    for (let i = 0; i < rest; i++) {
      const column = this.columns[i]!
      const { name, type, nullable } = column.field
      const value = fieldOf(row, name)
      const fit = valueFits(type, nullable, value, true)
      setValue(column, this.rowCount, fit ? value : null)
      if (!fit) entries.push([name, value])
    }
    for (const key of Object.keys(row)) if ((key === restName || !names.has(key)) && row[key] !== undefined) entries.push([key, row[key]])
    setValue(this.columns[rest]!, this.rowCount, entries.length === 0 ? null : Object.fromEntries(entries))
  }

  /** Makes the schema wide enough for `row`; the batch must be empty. Throws TYPE_MISMATCH if the schema is declared. */
  widenFor(row: unknown): void {
    assert(this.rowCount === 0, 'a staging batch was widened while it held rows')
    const wider = this.schema === null ? schemaFromRow(row) : widenSchema(this.schema, row)
    if (wider !== this.schema) this.#use(wider)
  }

  clear(): void {
    for (const column of this.columns) {
      // Kept rows would keep their objects alive for as long as the edge is quiet.
      if (Array.isArray(column.values)) column.values.fill(undefined, 0, this.rowCount)
      column.nulls?.fill(0, 0, this.rowCount)
      column.nullCount = 0
      column.codes?.fill(0, 0, this.rowCount)
    }
    this.rowCount = 0
  }

  #use(schema: Schema): void {
    this.schema = schema
    this.columns = schema.fields.map((field) => makeColumn(field, stagingCapacity))
  }
}

export function makeColumn(field: Field, capacity: number): StagingColumn {
  return {
    field,
    values: makeValues(field.type.kind, capacity),
    nulls: field.nullable ? new Uint8Array(capacity) : null,
    nullCount: 0,
    codes: null,
  }
}

function makeValues(kind: TypeKind, capacity: number): StagingColumn['values'] {
  switch (kind) {
    case 'float64':
    case 'int64':
    case 'timestamp':
    case 'date':
      return new Float64Array(capacity)
    case 'int32':
      return new Int32Array(capacity)
    case 'boolean':
      return new Uint8Array(capacity)
    default:
      return new Array(capacity).fill(undefined)
  }
}

/** Writes a value that fits. A null in a column that is not nullable (the child of a null struct) becomes a zero. */
export function setValue(column: StagingColumn, row: number, value: unknown): void {
  const { values, nulls } = column
  const isNull = value === null || value === undefined
  if (nulls !== null) {
    nulls[row] = isNull ? 1 : 0
    if (isNull) column.nullCount++
  }
  if (Array.isArray(values)) values[row] = isNull ? null : value
  else values[row] = isNull ? 0 : Number(value)
}
