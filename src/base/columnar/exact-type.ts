/**
 * The types of values that must come back from disk exactly as they were, as state does: stricter than the lattice of
 * value-type.ts, where a missing field is a null and a lone surrogate becomes U+FFFD on its way. What a column would change is
 * `any` here: objects with different fields, undefined, text that is no Unicode.
 */
import type { DataType, Field } from './data-type.ts'
import { fieldOf, isRecord, joinTypes, maxFields, type ValueType } from './value-type.ts'

const any: DataType = { kind: 'any' }
const nothing: ValueType = { type: { kind: 'null' }, nullable: false }
const maxDepth = 16

/** The least type under which a value comes back equal. */
export function exactTypeOf(value: unknown, depth = 0): ValueType {
  switch (typeof value) {
    case 'boolean':
    case 'bigint':
      return { type: { kind: typeof value as 'boolean' | 'bigint' }, nullable: false }
    case 'number':
      return { type: { kind: 'float64' }, nullable: false }
    case 'string':
      return { type: value.isWellFormed() ? { kind: 'utf8' } : any, nullable: false }
    case 'object':
      return value === null ? { type: { kind: 'null' }, nullable: true } : { type: exactObject(value, depth), nullable: false }
    default:
      return { type: any, nullable: false }
  }
}

function exactObject(value: object, depth: number): DataType {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? any : { kind: 'date' }
  if (value instanceof Uint8Array) return { kind: 'binary' }
  // A cycle ends here too.
  if (depth >= maxDepth) return any
  if (Array.isArray(value)) {
    let item = nothing
    for (let i = 0; i < value.length; i++) item = joinExact(item, exactTypeOf(value[i], depth + 1))
    return { kind: 'list', item: item.type, itemNullable: item.nullable }
  }
  if (!isRecord(value)) return any
  const names = Object.keys(value)
  if (names.length === 0 || names.length > maxFields || !names.every((name) => name.isWellFormed())) return any
  return { kind: 'struct', fields: names.map((name) => ({ name, ...exactTypeOf(value[name], depth + 1) })) }
}

/** The least type under which values of both come back equal. */
export function joinExact(a: ValueType, b: ValueType): ValueType {
  const nullable = a.nullable || b.nullable
  if (a.type.kind === 'struct' && b.type.kind === 'struct') return { type: joinStructs(a.type.fields, b.type.fields), nullable }
  if (a.type.kind === 'list' && b.type.kind === 'list') {
    const item = joinExact({ type: a.type.item, nullable: a.type.itemNullable }, { type: b.type.item, nullable: b.type.itemNullable })
    return { type: { kind: 'list', item: item.type, itemNullable: item.nullable }, nullable }
  }
  return joinTypes(a, b)
}

function joinStructs(a: readonly Field[], b: readonly Field[]): DataType {
  const others = new Map(b.map((field) => [field.name, field]))
  if (a.length !== b.length || !a.every(({ name }) => others.has(name))) return any
  return { kind: 'struct', fields: a.map((field) => ({ name: field.name, ...joinExact(field, others.get(field.name)!) })) }
}

/**
 * Whether the value comes back equal from a column of the type. `declared`: the type is the user's own, under which keys that it
 * lacks are dropped and a field that is missing is a null.
 */
export function fitsExactly(type: DataType, nullable: boolean, value: unknown, declared = false): boolean {
  if (value === null) return nullable
  if (value === undefined) return type.kind === 'any' || (declared && nullable)
  switch (type.kind) {
    case 'null':
      return false
    case 'boolean':
      return typeof value === 'boolean'
    case 'int32':
      return typeof value === 'number' && (value | 0) === value && !Object.is(value, -0)
    case 'int64':
    case 'timestamp':
      return Number.isSafeInteger(value) && !Object.is(value, -0)
    case 'float64':
      return typeof value === 'number'
    case 'bigint':
      return typeof value === 'bigint'
    case 'utf8':
      return typeof value === 'string' && value.isWellFormed()
    case 'date':
      return value instanceof Date && !Number.isNaN(value.getTime())
    case 'binary':
      return value instanceof Uint8Array
    case 'list': {
      if (!Array.isArray(value)) return false
      for (let i = 0; i < value.length; i++) if (!fitsExactly(type.item, type.itemNullable, value[i], declared)) return false
      return true
    }
    case 'struct':
      return isRecord(value) && structFits(type.fields, value, declared)
    case 'any':
      return true
  }
}

function structFits(fields: readonly Field[], value: Record<string, unknown>, declared: boolean): boolean {
  if (!declared && Object.keys(value).length !== fields.length) return false
  for (let i = 0; i < fields.length; i++) {
    const { name, type, nullable } = fields[i]!
    if (!declared && !Object.hasOwn(value, name)) return false
    if (!fitsExactly(type, nullable, fieldOf(value, name), declared)) return false
  }
  return true
}
