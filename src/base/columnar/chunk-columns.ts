/**
 * Chunks of columns (ColumnarUnit) on their way to a file: finds the type of each column, wide enough for all chunks so far, and
 * gives rows of a chunk in the form that column blocks are written from. Opaque values, however deep, leave here as CBOR.
 */
import type { CborCodec } from './cbor.ts'
import type { ColumnarUnit, ColumnarUnitColumn } from './column-batch.ts'
import type { ColumnSource } from './column-block.ts'
import type { DataType, Field } from './data-type.ts'
import { exactTypeOf, fitsExactly, joinExact } from './exact-type.ts'
import { makeColumn, setValue } from './staging-batch.ts'
import { joinStructs, structFits, structSource } from './struct-column.ts'
import { fieldOf, type ValueType } from './value-type.ts'

/** A column's type so far. `declared`: it still is the one that was declared. */
export interface ColumnType extends ValueType {
  readonly declared: boolean
}

const numberKinds: readonly string[] = ['int32', 'int64', 'timestamp', 'float64', 'date']

/** The type that holds a column and what was there before it (`known`); the same object if that was wide enough. */
export function widenColumnType(column: ColumnarUnitColumn, rowCount: number, known: ColumnType | undefined): ColumnType {
  if (column.fields !== undefined && known !== undefined && structFits(known.type, column.fields, rowCount)) return known
  const typed = typeOfTyped(column, known)
  if (typed !== undefined) {
    if (known === undefined) return { ...typed, declared: false }
    return fitsType(typed.type, known.type) ? known : { ...joinExact(known, typed), declared: false }
  }
  const values = plainValues(column)
  let current = known
  if (current === undefined && column.kind !== undefined) current = { type: { kind: column.kind }, nullable: false, declared: false }
  for (let i = 0; i < rowCount; i++) {
    const value = values[i]
    if (current !== undefined && fitsExactly(current.type, current.nullable, value, current.declared)) continue
    const own = exactTypeOf(value)
    const joined = current === undefined ? own : joinExact(current, own)
    // A declared type may be broken by what no type says, such as half a surrogate pair.
    const holds = fitsExactly(joined.type, joined.nullable, value)
    current = { ...(holds ? joined : { type: { kind: 'any' }, nullable: true }), declared: false }
  }
  return current ?? { type: { kind: 'null' }, nullable: false, declared: false }
}

const fitsType = (inner: DataType, outer: DataType): boolean =>
  inner.kind === outer.kind || outer.kind === 'any' || (inner.kind === 'int32' && ['int64', 'timestamp', 'float64'].includes(outer.kind))

/** Of a typed array. What it holds is said by its kind, or by the type that the column has. */
function typeOfTyped(column: ColumnarUnitColumn, known: ColumnType | undefined): ValueType | undefined {
  const { kind, dictionary, fields } = column
  if (dictionary !== undefined || fields !== undefined) return undefined
  const { values } = column
  if (values instanceof Uint8Array) return { type: { kind: 'boolean' }, nullable: false }
  const own = kind ?? (known !== undefined && numberKinds.includes(known.type.kind) ? known.type.kind : undefined)
  if (values instanceof Float64Array)
    return { type: { kind: own === undefined || own === 'int32' ? 'float64' : own } as DataType, nullable: false }
  if (values instanceof Int32Array) return { type: { kind: kind ?? 'int32' }, nullable: false }
  return undefined
}

const plainColumns = new WeakMap<ColumnarUnitColumn, readonly unknown[]>()

/** The values of a column that is no typed array, or of a dictionary. */
function plainValues(column: ColumnarUnitColumn): readonly unknown[] {
  const { values, dictionary } = column
  if (dictionary === undefined) return values as readonly unknown[]
  let plain = plainColumns.get(column)
  if (plain === undefined) plainColumns.set(column, (plain = Array.from(values as Int32Array, (id) => dictionary[id])))
  return plain
}

/** Rows of a chunk under the fields' types, in physical form. `where` names a column for messages. */
export function columnSources(
  chunk: ColumnarUnit,
  from: number,
  count: number,
  fields: readonly Field[],
  cbor: CborCodec,
  where: (column: string) => string,
): ColumnSource[] {
  return fields.map((field, c) => columnSource(chunk.columns[c]!, from, count, field, cbor, where(field.name)))
}

function columnSource(
  column: ColumnarUnitColumn,
  from: number,
  count: number,
  { name, type, nullable }: Field,
  cbor: CborCodec,
  where: string,
): ColumnSource {
  const physical = { name, type: physicalType(type), nullable }
  const ofFields = column.fields === undefined ? undefined : structSource(physical, column.fields, from, count)
  if (ofFields !== undefined) return ofFields
  const { values } = column
  const isTyped = column.dictionary === undefined && !Array.isArray(values)
  if (isTyped && isStored(values, type)) return { ...physical, values: (values as Float64Array).subarray(from, from + count), nulls: null }
  const plain = isTyped ? looseValues(values as Float64Array, type) : plainValues(column)
  const convert = holdsOpaque(type)
  const asIs = type.kind === 'utf8' || type.kind === 'binary' || type.kind === 'bigint'
  if (asIs && !nullable) return { ...physical, values: from === 0 ? plain : plain.slice(from, from + count), nulls: null }
  const staged = makeColumn(physical, count)
  for (let i = 0; i < count; i++) setValue(staged, i, convert ? toPhysical(type, plain[from + i], cbor, where) : plain[from + i])
  return { ...physical, values: staged.values, nulls: staged.nulls }
}

/** Whether a typed array is what a block of the type is written from. */
function isStored(values: ColumnarUnitColumn['values'], { kind }: DataType): boolean {
  if (values instanceof Uint8Array) return kind === 'boolean'
  if (values instanceof Int32Array) return kind === 'int32'
  return kind === 'float64' || kind === 'int64' || kind === 'timestamp' || kind === 'date'
}

const looseValues = (values: Float64Array | Int32Array | Uint8Array, { kind }: DataType): readonly unknown[] =>
  values instanceof Uint8Array && kind !== 'boolean' ? Array.from(values, (value) => value !== 0) : Array.from(values as Float64Array)

/** The type with bytes where opaque values are. */
function physicalType(type: DataType): DataType {
  if (!holdsOpaque(type)) return type
  if (type.kind === 'struct') return { kind: 'struct', fields: type.fields.map((field) => ({ ...field, type: physicalType(field.type) })) }
  if (type.kind === 'list') return { ...type, item: physicalType(type.item) }
  return { kind: 'binary' }
}

function holdsOpaque(type: DataType): boolean {
  if (type.kind === 'struct') return type.fields.some((field) => holdsOpaque(field.type))
  return type.kind === 'list' ? holdsOpaque(type.item) : type.kind === 'any'
}

function toPhysical(type: DataType, value: unknown, cbor: CborCodec, where: string): unknown {
  if (value === null) return null
  if (type.kind === 'any') return cbor.encode(value, where)
  if (value === undefined || !holdsOpaque(type)) return value
  if (type.kind === 'list') return Array.from(value as unknown[], (item) => toPhysical(type.item, item, cbor, where))
  const { fields } = type as { readonly fields: readonly Field[] }
  const entries = fields.map(({ name, type: inner }) => [
    name,
    toPhysical(inner, fieldOf(value as Record<string, unknown>, name), cbor, `${where}, '${name}',`),
  ])
  return Object.fromEntries(entries)
}

/** Chunks with the same columns as one; a single one is itself. */
export function joinChunks(chunks: readonly ColumnarUnit[]): ColumnarUnit {
  const [first] = chunks
  if (chunks.length === 1) return first!
  const rowCount = chunks.reduce((sum, chunk) => sum + chunk.rowCount, 0)
  return { rowCount, columns: first!.columns.map((_, c) => joinColumns(chunks, c, rowCount)) }
}

function joinColumns(chunks: readonly ColumnarUnit[], c: number, rowCount: number): ColumnarUnitColumn {
  const columns = chunks.map((chunk) => chunk.columns[c]!)
  const ofFields = joinStructs(
    columns,
    chunks.map((chunk) => chunk.rowCount),
    rowCount,
  )
  if (ofFields !== undefined) return ofFields
  const { name, kind, values, dictionary } = columns[0]!
  const alike = columns.every(
    (column) => column.kind === kind && column.dictionary === dictionary && column.values.constructor === values.constructor,
  )
  if (alike && !Array.isArray(values)) {
    const joined = new (values.constructor as Float64ArrayConstructor)(rowCount)
    let at = 0
    for (const [i, column] of columns.entries()) {
      const count = chunks[i]!.rowCount
      joined.set((column.values as Float64Array).subarray(0, count), at)
      at += count
    }
    return { ...columns[0]!, values: joined }
  }
  const joined: unknown[] = []
  for (const [i, column] of columns.entries()) {
    const plain =
      column.dictionary === undefined && !Array.isArray(column.values)
        ? looseValues(column.values as Float64Array, { kind: 'any' })
        : plainValues(column)
    for (let row = 0; row < chunks[i]!.rowCount; row++) joined.push(plain[row])
  }
  const sameKind = columns.every((column) => column.kind === kind)
  return { name, values: joined, ...(sameKind && kind !== undefined && { kind }) }
}
