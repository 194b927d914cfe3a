/**
 * Types of single values: what a value infers to, whether it fits a type, and the least type that holds two others.
 * The lattice: null < T < nullable T; int32 < int64 < float64; timestamp < float64; everything < any. Joining never
 * loses a value: whatever fitted one of the two fits the result and comes back equal.
 */
import type { DataType, Field } from './data-type.ts'

/** A type together with whether null fits it. */
export interface ValueType {
  readonly type: DataType
  readonly nullable: boolean
}

/** More fields than this mean that an object is used as a map. */
export const maxFields = 256
const maxDepth = 16

const any: DataType = { kind: 'any' }
const objectPrototype = Object.prototype
const nameSets = new WeakMap<readonly Field[], ReadonlySet<string>>()

/** The field names as a set, kept for each list of fields. */
export function fieldNames(fields: readonly Field[]): ReadonlySet<string> {
  let names = nameSets.get(fields)
  if (names === undefined) nameSets.set(fields, (names = new Set(fields.map((field) => field.name))))
  return names
}

/**
 * Whether `value` is an object of named fields. Instances of plain classes are: they cross as their own enumerable
 * fields, as in a structured clone. Dates, maps, typed arrays, errors and the like are not.
 */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === objectPrototype || prototype === null || objectPrototype.toString.call(value) === '[object Object]'
}

/** Whether every object inherits something of this name, so that reading it from a row says nothing about the row. */
export const isInheritedName = (name: string): boolean => name in objectPrototype

/** `row[name]`, where what Object.prototype has (`toString`, `__proto__`: functions all but one) does not count. */
export function fieldOf(row: Record<string, unknown>, name: string): unknown {
  const value = row[name]
  if (typeof value !== 'function' && name !== '__proto__') return value
  return isInheritedName(name) && !Object.hasOwn(row, name) ? undefined : value
}

/** The type of one value, with the objects around it so that a cycle ends in `any`. */
export function inferType(value: unknown, around: readonly object[] = []): ValueType {
  switch (typeof value) {
    case 'undefined':
      return { type: { kind: 'null' }, nullable: true }
    case 'boolean':
      return { type: { kind: 'boolean' }, nullable: false }
    case 'number':
      return { type: { kind: 'float64' }, nullable: false }
    case 'bigint':
      return { type: { kind: 'bigint' }, nullable: false }
    case 'string':
      return { type: { kind: 'utf8' }, nullable: false }
    case 'object':
      return value === null ? { type: { kind: 'null' }, nullable: true } : { type: inferObject(value, around), nullable: false }
    default:
      return { type: any, nullable: false }
  }
}

function inferObject(value: object, around: readonly object[]): DataType {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? any : { kind: 'date' }
  if (value instanceof Uint8Array) return { kind: 'binary' }
  if (around.length >= maxDepth || around.includes(value)) return any
  if (Array.isArray(value)) {
    let item: ValueType = { type: { kind: 'null' }, nullable: false }
    for (const element of value) item = joinTypes(item, inferType(element, [...around, value]))
    return { kind: 'list', item: item.type, itemNullable: item.nullable }
  }
  if (!isRecord(value)) return any
  const fields = inferFields(value, around)
  return fields.length > maxFields ? any : { kind: 'struct', fields }
}

/** One field for each own enumerable key, in the order of the object. */
export function inferFields(row: Record<string, unknown>, around: readonly object[] = []): Field[] {
  const inside = [...around, row]
  return Object.keys(row).map((name) => ({ name, ...inferType(row[name], inside) }))
}

/** The least type that holds both. A list of nothing has the item type null and no null in it. */
export function joinTypes(a: ValueType, b: ValueType): ValueType {
  const nullable = a.nullable || b.nullable
  if (a.type.kind === 'null') return { type: b.type, nullable }
  if (b.type.kind === 'null') return { type: a.type, nullable }
  return { type: joinKinds(a.type, b.type), nullable }
}

const numeric: Readonly<Record<string, number>> = { int32: 0, int64: 1, timestamp: 2, float64: 3 }

function joinKinds(a: DataType, b: DataType): DataType {
  if (a.kind === 'struct' && b.kind === 'struct') {
    const fields = joinFields(a.fields, b.fields)
    return fields.length > maxFields ? any : { kind: 'struct', fields }
  }
  if (a.kind === 'list' && b.kind === 'list') {
    const item = joinTypes({ type: a.item, nullable: a.itemNullable }, { type: b.item, nullable: b.itemNullable })
    return { kind: 'list', item: item.type, itemNullable: item.nullable }
  }
  if (a.kind === b.kind) return a
  const rankA = numeric[a.kind]
  const rankB = numeric[b.kind]
  if (rankA === undefined || rankB === undefined) return any
  return rankA + rankB === 1 ? { kind: 'int64' } : { kind: 'float64' }
}

/** The fields of `a` in their order, then those only `b` has; a field that one of them lacks becomes nullable. */
export function joinFields(a: readonly Field[], b: readonly Field[]): Field[] {
  const others = new Map(b.map((field) => [field.name, field]))
  const joined = a.map((field) => {
    const other = others.get(field.name)
    others.delete(field.name)
    return other === undefined ? { ...field, nullable: true } : { name: field.name, ...joinTypes(field, other) }
  })
  for (const field of others.values()) joined.push({ ...field, nullable: true })
  return joined
}

/**
 * Whether `value` can be kept exactly as `type`. `countKeys`: an object with a key that the struct lacks does not fit;
 * without it (declared types) such keys are dropped.
 */
export function valueFits(type: DataType, nullable: boolean, value: unknown, countKeys: boolean): boolean {
  if (value === null || value === undefined) return nullable || type.kind === 'null'
  switch (type.kind) {
    case 'null':
      return false
    case 'boolean':
      return typeof value === 'boolean'
    case 'int32':
      return typeof value === 'number' && (value | 0) === value
    case 'int64':
    case 'timestamp':
      return Number.isSafeInteger(value)
    case 'float64':
      return typeof value === 'number'
    case 'bigint':
      return typeof value === 'bigint'
    case 'utf8':
      return typeof value === 'string'
    case 'date':
      return value instanceof Date && !Number.isNaN(value.getTime())
    case 'binary':
      return value instanceof Uint8Array
    case 'list':
      return Array.isArray(value) && listFits(type.item, type.itemNullable, value, countKeys)
    case 'struct':
      return isRecord(value) && recordFits(type.fields, value, countKeys)
    case 'any':
      return true
  }
}

/** By index, since holes are nulls as well. */
function listFits(item: DataType, nullable: boolean, values: readonly unknown[], countKeys: boolean): boolean {
  for (let i = 0; i < values.length; i++) if (!valueFits(item, nullable, values[i], countKeys)) return false
  return true
}

export function recordFits(fields: readonly Field[], row: Record<string, unknown>, countKeys: boolean): boolean {
  let present = 0
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!
    const value = fieldOf(row, field.name)
    if (!valueFits(field.type, field.nullable, value, countKeys)) return false
    if (value !== undefined) present++
  }
  if (!countKeys) return true
  // As many keys as fields, and each field there: then there is no other key, unless a class had some of the fields.
  const isWhole = present === fields.length && Object.getPrototypeOf(row) === objectPrototype && Object.keys(row).length === present
  return isWhole || unknownKey(fields, row) === undefined
}

/** The first key of `row` with a value that no field takes. */
export function unknownKey(fields: readonly Field[], row: Record<string, unknown>): string | undefined {
  const names = fieldNames(fields)
  for (const key of Object.keys(row)) if (!names.has(key) && row[key] !== undefined) return key
  return undefined
}
