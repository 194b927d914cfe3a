/**
 * Random types, values of a type, and records of no declared type, for property tests; and what a value reads as after
 * it went through a segment.
 */
import fc from 'fast-check'
import type { DataType, Field } from '../../../src/base/columnar/data-type.ts'
import { fieldOf } from '../../../src/base/columnar/value-type.ts'

const awkwardNames = ['__proto__', 'toString', 'constructor', "it's", 'a"b', 'line\u2028break', '', 'größe', '0', 'value']
export const fieldName = fc.oneof(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom(...awkwardNames), fc.string({ maxLength: 5 }))

export const text = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('', '\ud83d', '\ude00', 'a\ud83d', '\ude00b', 'ü', '😀', 'x'.repeat(300)),
)
export const int32 = fc.integer()
const wholeNumber = fc.oneof(
  fc.maxSafeInteger(),
  fc.constantFrom(0, -1, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53) + 1, -(2 ** 31), 2 ** 31),
)
const bytes = fc.uint8Array({ maxLength: 12 })
const opaque = fc.oneof(
  fc.constant(new Map([[1, 'x']])),
  fc.constant(new Set([1])),
  fc.integer(),
  fc.string(),
  fc.constant([1, 'two', { three: 3n }]),
)

export const { type: dataType } = fc.letrec<{ type: DataType; field: Field }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc
      .constantFrom<DataType['kind'][]>(
        'boolean',
        'int32',
        'int64',
        'float64',
        'timestamp',
        'date',
        'bigint',
        'utf8',
        'binary',
        'any',
        'null',
      )
      .map((kind) => ({ kind }) as DataType),
    fc.record({ kind: fc.constant('list' as const), item: tie('type'), itemNullable: fc.boolean() }),
    fc.record({
      kind: fc.constant('struct' as const),
      fields: fc.uniqueArray(tie('field'), { selector: (field) => field.name, maxLength: 4 }),
    }),
  ),
  field: fc.record({ name: fieldName, type: tie('type'), nullable: fc.boolean() }),
}))

export const fields: fc.Arbitrary<Field[]> = fc.uniqueArray(fc.record({ name: fieldName, type: dataType, nullable: fc.boolean() }), {
  selector: (field) => field.name,
  minLength: 1,
  maxLength: 5,
})

/** Any value that fits. */
export function valueOf(type: DataType, nullable: boolean): fc.Arbitrary<unknown> {
  const value = presentValue(type)
  return nullable || type.kind === 'null'
    ? fc.oneof({ weight: 3, arbitrary: value }, { weight: 1, arbitrary: fc.constantFrom(null, undefined) })
    : value
}

function presentValue(type: DataType): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'null':
      return fc.constantFrom(null, undefined)
    case 'boolean':
      return fc.boolean()
    case 'int32':
      return int32
    case 'int64':
    case 'timestamp':
      return wholeNumber
    case 'float64':
      return fc.double()
    case 'date':
      return fc.date({ noInvalidDate: true })
    case 'bigint':
      return fc.oneof(fc.bigInt(), fc.constantFrom(0n, -1n, 127n, 128n, -128n, -129n, 2n ** 64n, -(2n ** 63n)))
    case 'utf8':
      return text
    case 'binary':
      return bytes
    case 'any':
      return opaque
    case 'list':
      return fc.array(valueOf(type.item, type.itemNullable), { maxLength: 4 })
    case 'struct':
      return recordOf(type.fields)
  }
}

export const recordOf = (of: readonly Field[]): fc.Arbitrary<Record<string, unknown>> =>
  fc
    .tuple(...of.map((field) => valueOf(field.type, field.nullable)))
    .map((values) => Object.fromEntries(of.map((field, i) => [field.name, values[i]])))

/** Records as a program without declarations emits them. */
const { any: anything } = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc.constantFrom(
      null,
      undefined,
      true,
      1,
      2.5,
      -0,
      Number.NaN,
      'x',
      'ü',
      7n,
      new Date(5),
      new Date(Number.NaN),
      new Uint8Array([1]),
      new Map([[1, 2]]),
    ),
    fc.double(),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fieldName, tie('any'), { maxKeys: 3 }),
  ),
}))
export const anyValue: fc.Arbitrary<unknown> = anything
export const anyRow: fc.Arbitrary<Record<string, unknown>> = fc.dictionary(fc.oneof(fieldName, fc.constant('$rest')), anything, {
  maxKeys: 4,
})

/** What a value of a type reads as: missing is null, text is well formed, what the type lacks is dropped. */
export function asRead(type: DataType, value: unknown): unknown {
  if (value === null || value === undefined) return null
  switch (type.kind) {
    case 'int32':
    case 'int64':
    case 'timestamp':
      return (value as number) + 0
    case 'utf8':
      return (value as string).toWellFormed()
    case 'binary':
      return new Uint8Array(value as Uint8Array)
    case 'list':
      return (value as unknown[]).map((item) => asRead(type.item, item))
    case 'struct':
      return rowAsRead(type.fields, value as Record<string, unknown>)
    default:
      return value
  }
}

export const rowAsRead = (of: readonly Field[], row: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(of.map(({ name, type }) => [name, asRead(type, fieldOf(row, name))]))

/** A value without what makes no difference between records: fields that are null or missing. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => (item === undefined ? null : withoutNulls(item)))
  if (typeof value === 'string') return value.toWellFormed()
  if (
    typeof value !== 'object' ||
    value === null ||
    (Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null)
  )
    return value ?? null
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null && field !== undefined)
      .map(([name, field]): [string, unknown] => [name, withoutNulls(field)])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}
