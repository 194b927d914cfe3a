/**
 * Schemas: made from a declared type or inferred from records, widened along the lattice of value-type.ts, and compared
 * by id. An inferred schema can always be widened until a record fits; a declared one never is. After 16 versions or
 * 256 fields a row schema ends in one opaque column named `$rest`, which takes, as one object, every field without a
 * column and every value that does not fit its column (whose column is then null in that row).
 */
import { hash } from 'node:crypto'
import { StreamError } from '../core/stream-error.ts'
import type { DataType, Field, Schema, Type } from './data-type.ts'
import {
  fieldOf,
  inferFields,
  inferType,
  isRecord,
  joinFields,
  joinTypes,
  maxFields,
  recordFits,
  unknownKey,
  valueFits,
} from './value-type.ts'

export const restName = '$rest'
export const maxVersions = 16

const restField: Field = { name: restName, type: { kind: 'any' }, nullable: true }

export function makeSchema(root: Schema['root'], fields: readonly Field[], declared: boolean): Schema {
  const canonical = JSON.stringify([root, declared, fields.map(canonicalField)])
  return { id: hash('sha256', canonical, 'hex').slice(0, 16), root, fields, declared }
}

const canonicalField = ({ name, type, nullable }: Field): unknown => [name, canonicalType(type), nullable]

function canonicalType(type: DataType): unknown {
  if (type.kind === 'struct') return ['struct', type.fields.map(canonicalField)]
  if (type.kind === 'list') return ['list', canonicalType(type.item), type.itemNullable]
  return type.kind
}

/** The declared schema of a type: a row if it is an object that is always there, else a value. */
export function schemaOf(type: Type<unknown>): Schema {
  const { dataType, nullable } = type
  if (dataType.kind === 'struct' && !nullable) return makeSchema('row', dataType.fields, true)
  return makeSchema('value', [{ name: 'value', type: dataType, nullable }], true)
}

/** The schema inferred from one record. */
export function schemaFromRow(value: unknown): Schema {
  if (!isRecord(value)) return makeSchema('value', [{ name: 'value', ...inferType(value) }], false)
  return rowSchema(inferFields(value), 0)
}

/** An inferred row schema within the limits. A user's own field named `$rest` lives inside the rest column. */
function rowSchema(fields: readonly Field[], version: number): Schema {
  const withRest = version >= maxVersions || fields.length > maxFields || fields.some((field) => field.name === restName)
  if (!withRest) return { ...makeSchema('row', fields, false), version }
  const own = fields.filter((field) => field.name !== restName).slice(0, maxFields - 1)
  return { ...makeSchema('row', [...own.map((field) => ({ ...field, nullable: true })), restField], false), version }
}

/** The column that takes what no other does, or -1. */
export function restIndex(schema: Schema): number {
  const last = schema.fields.length - 1
  return !schema.declared && schema.root === 'row' && schema.fields[last]?.name === restName ? last : -1
}

/** Whether a record can be written under the schema with nothing lost but keys that a declared type leaves out. */
export function fits(schema: Schema, value: unknown): boolean {
  if (schema.root === 'value') return valueFits(schema.fields[0]!.type, schema.fields[0]!.nullable, value, !schema.declared)
  return isRecord(value) && (restIndex(schema) >= 0 || recordFits(schema.fields, value, !schema.declared))
}

/** The schema itself if the record fits, else the next wider one. A declared schema throws instead. */
export function widenSchema(schema: Schema, value: unknown): Schema {
  if (fits(schema, value)) return schema
  if (schema.declared) throw typeMismatch(schema, value)
  return unifySchemas(schema, schemaFromRow(value))
}

/** The least schema that holds the records of both. */
export function unifySchemas(a: Schema, b: Schema): Schema {
  if (a.id === b.id) return a
  const version = Math.max(a.version ?? 0, b.version ?? 0) + 1
  const declared = a.declared && b.declared
  if (a.root !== b.root) return { ...valueOf({ type: { kind: 'any' }, nullable: true }, declared), version }
  if (a.root === 'value') {
    const joined = joinTypes(a.fields[0]!, b.fields[0]!)
    return { ...valueOf(version > maxVersions ? { type: { kind: 'any' }, nullable: true } : joined, declared), version }
  }
  if (restIndex(a) >= 0 || restIndex(b) >= 0) return restIndex(a) >= 0 ? a : b
  const fields = joinFields(a.fields, b.fields)
  return declared ? makeSchema('row', fields, true) : rowSchema(fields, version)
}

const valueOf = (type: Omit<Field, 'name'>, declared: boolean): Schema => makeSchema('value', [{ name: 'value', ...type }], declared)

/** Where a record breaks the schema: `order.lines[2].price`, what stands there by type, and what came. */
export interface Misfit {
  readonly field: string
  readonly expected: string
  readonly got: string
  readonly value: unknown
}

export function findMisfit(schema: Schema, value: unknown): Misfit | null {
  if (schema.root === 'value') return misfitOf('value', schema.fields[0]!.type, schema.fields[0]!.nullable, value, !schema.declared)
  if (!isRecord(value)) return { field: 'value', expected: 'an object', got: describeValue(value), value }
  return restIndex(schema) >= 0 ? null : misfitOfFields('', schema.fields, value, !schema.declared)
}

function misfitOf(field: string, type: DataType, nullable: boolean, value: unknown, countKeys: boolean): Misfit | null {
  if (valueFits(type, nullable, value, countKeys)) return null
  if (type.kind === 'struct' && isRecord(value)) return misfitOfFields(`${field}.`, type.fields, value, countKeys)
  if (type.kind === 'list' && Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      const misfit = misfitOf(`${field}[${i}]`, type.item, type.itemNullable, item, countKeys)
      if (misfit !== null) return misfit
    }
  }
  return { field, expected: typeName(type, nullable), got: describeValue(value), value }
}

function misfitOfFields(prefix: string, fields: readonly Field[], row: Record<string, unknown>, countKeys: boolean): Misfit | null {
  for (const { name, type, nullable } of fields) {
    const misfit = misfitOf(prefix + name, type, nullable, fieldOf(row, name), countKeys)
    if (misfit !== null) return misfit
  }
  const extra = countKeys ? unknownKey(fields, row) : undefined
  return extra === undefined
    ? null
    : { field: prefix + extra, expected: 'no such field', got: describeValue(row[extra]), value: row[extra] }
}

/** The error for a record that does not fit its declared schema. */
export function typeMismatch(schema: Schema, value: unknown): StreamError {
  const misfit = findMisfit(schema, value)
  if (misfit === null) return new StreamError('INTERNAL', 'headrace bug: a record was refused though it fits its schema')
  const { field, expected, got } = misfit
  return new StreamError('TYPE_MISMATCH', `field '${field}' is declared ${expected}, but a record came with ${got}`, {
    hint: hintFor(misfit),
  })
}

/** What to do about it. */
export function hintFor({ expected, got, value }: Misfit, when = 'before this operator'): string {
  if (value === null || value === undefined) return `Declare it t.nullable(${expected}), or fill it in ${when}.`
  const whole = expected.includes('t.int64') || expected.includes('t.timestamp')
  if (whole && typeof value === 'bigint') return 'Declare it t.bigint, or convert with Number(value).'
  if (whole && typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER)
    return 'Whole numbers beyond 2^53 are not exact: declare it t.bigint and use bigint values.'
  if (typeof value === 'number' && expected.includes('t.int')) return 'Declare it t.float64, or round the value.'
  return `Change the declared type, or convert the value (${got}) ${when}.`
}

/** A type as the user writes it. */
export function typeName(type: DataType, nullable = false): string {
  const plain =
    type.kind === 'struct'
      ? `t.struct({ ${type.fields.map((field) => `${field.name}: ${typeName(field.type, field.nullable)}`).join(', ')} })`
      : type.kind === 'list'
        ? `t.list(${typeName(type.item, type.itemNullable)})`
        : `t.${type.kind}`
  return nullable && type.kind !== 'null' ? `t.nullable(${plain})` : plain
}

/** A value in a few words, for messages: never more than some forty characters of it. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'string') return `the string ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value)}`
  if (typeof value === 'number') return `the number ${value}`
  if (typeof value === 'boolean') return `the boolean ${value}`
  if (typeof value === 'bigint') return `the bigint ${value}n`
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object') return isRecord(value) ? 'an object' : `a ${(value as object).constructor?.name ?? 'foreign object'}`
  return `a ${typeof value}`
}
