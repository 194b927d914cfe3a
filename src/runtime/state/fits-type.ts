/**
 * Whether a value is of a declared type. Pure. For values that a program puts into a state, and for those of a snapshot that were
 * written without a declaration: what was written under one is trusted. More lenient than valueFits of base/columnar, which asks what a column of an exchange can hold: state keeps
 * opaque values as CBOR, null among them.
 */
import type { DataType } from '../../base/columnar/data-type.ts'
import { fieldOf, isRecord } from '../../base/columnar/value-type.ts'

interface Declared {
  readonly type: DataType
  readonly nullable: boolean
}

export function fitsType(value: unknown, { type, nullable }: Declared): boolean {
  if (value === null || value === undefined) return nullable || type.kind === 'null' || type.kind === 'any'
  switch (type.kind) {
    case 'any':
      return true
    case 'null':
      return false
    case 'int32':
      return typeof value === 'number' && (value | 0) === value
    case 'int64':
    case 'timestamp':
      return Number.isSafeInteger(value)
    case 'float64':
      return typeof value === 'number'
    case 'utf8':
      return typeof value === 'string'
    case 'boolean':
    case 'bigint':
      return typeof value === type.kind
    case 'date':
      return value instanceof Date
    case 'binary':
      return value instanceof Uint8Array
    case 'list':
      return Array.isArray(value) && itemsFit(value, { type: type.item, nullable: type.itemNullable })
    case 'struct':
      return isRecord(value) && type.fields.every((field) => fitsType(fieldOf(value, field.name), field))
  }
}

/** By index, since holes are nulls as well. */
function itemsFit(values: readonly unknown[], item: Declared): boolean {
  for (let i = 0; i < values.length; i++) if (!fitsType(values[i], item)) return false
  return true
}
