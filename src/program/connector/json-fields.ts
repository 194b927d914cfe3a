/**
 * Turns parsed JSON into values of a declared type: ISO text or ms into a Date or timestamp, digits into a bigint,
 * base64 text into bytes; a missing field into null. A value that fits neither way fails with the field's name.
 */
import { Buffer } from 'node:buffer'
import type { DataType, Type } from '../../base/columnar/data-type.ts'

export interface JsonShaper {
  shape(value: unknown): unknown
  /** For JSON.parse, where the type has bigints: a number beyond 2^53 keeps its digits. */
  readonly reviver: ((key: string, value: unknown, context?: { readonly source?: string }) => unknown) | undefined
}

type Convert = (value: unknown, path: string) => unknown

export function jsonShaper(type: Type<unknown>): JsonShaper {
  const convert = converter(type.dataType, type.nullable)
  return {
    shape: (value) => convert(value, ''),
    reviver: hasBigints(type.dataType)
      ? (_key, value, context) =>
          typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
            ? BigInt(context?.source as string)
            : value
      : undefined,
  }
}

function converter(type: DataType, nullable: boolean): Convert {
  const convert = notNull(type)
  return (value, path) => {
    if (value !== null && value !== undefined) return convert(value, path)
    if (nullable || type.kind === 'null' || type.kind === 'any') return null
    throw new TypeError(
      `${path === '' ? 'the value' : `field '${path}'`} is ${value === null ? 'null' : 'missing'}, but its type allows no null`,
    )
  }
}

function notNull(type: DataType): Convert {
  if (type.kind === 'struct') return structConverter(type)
  if (type.kind === 'list') {
    const item = converter(type.item, type.itemNullable)
    return (value, path) => (Array.isArray(value) ? value.map((element) => item(element, `${path}[]`)) : misfit(value, 'a list', path))
  }
  return scalars[type.kind]
}

function structConverter(type: Extract<DataType, { kind: 'struct' }>): Convert {
  const fields = type.fields.map((field) => ({ name: field.name, convert: converter(field.type, field.nullable) }))
  return (value, path) => {
    if (typeof value !== 'object' || Array.isArray(value)) return misfit(value, 'an object', path)
    const row: Record<string, unknown> = {}
    for (const { name, convert } of fields) {
      const given = Object.hasOwn(value as object, name) ? (value as Record<string, unknown>)[name] : undefined
      const converted = convert(given, path === '' ? name : `${path}.${name}`)
      if (name === '__proto__') Object.defineProperty(row, name, { value: converted, enumerable: true, configurable: true, writable: true })
      else row[name] = converted
    }
    return row
  }
}

const number = (value: unknown, path: string) => (typeof value === 'number' ? value : misfit(value, 'a number', path))
const whole = (value: unknown, path: string) => (Number.isSafeInteger(value) ? value : misfit(value, 'a whole number', path))
const time = (value: unknown, path: string): number => {
  const ms = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(ms) ? misfit(value, 'a time (ISO text or ms)', path) : ms
}

const scalars: Readonly<Record<Exclude<DataType['kind'], 'struct' | 'list'>, Convert>> = {
  any: (value) => value,
  null: (value, path) => misfit(value, 'null', path),
  boolean: (value, path) => (typeof value === 'boolean' ? value : misfit(value, 'true or false', path)),
  int32: (value, path) => (value === ((value as number) | 0) ? value : misfit(value, 'a whole number of 32 bits', path)),
  int64: whole,
  float64: number,
  timestamp: time,
  date: (value, path) => new Date(time(value, path)),
  bigint(value, path) {
    if (typeof value === 'bigint') return value
    if (Number.isSafeInteger(value)) return BigInt(value as number)
    return typeof value === 'string' && /^-?\d+$/.test(value) ? BigInt(value) : misfit(value, 'the digits of a bigint', path)
  },
  utf8: (value, path) => (typeof value === 'string' ? value : misfit(value, 'a string', path)),
  binary: (value, path) => (typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'base64')) : misfit(value, 'base64 text', path)),
}

function misfit(value: unknown, wanted: string, path: string): never {
  const given =
    typeof value === 'object'
      ? Array.isArray(value)
        ? 'a list'
        : 'an object'
      : typeof value === 'string'
        ? 'a string'
        : `${typeof value} ${String(value)}`
  throw new TypeError(`${path === '' ? 'the value' : `field '${path}'`} is ${given}, not ${wanted}`)
}

function hasBigints(type: DataType): boolean {
  if (type.kind === 'struct') return type.fields.some((field) => hasBigints(field.type))
  return type.kind === 'list' ? hasBigints(type.item) : type.kind === 'bigint'
}
