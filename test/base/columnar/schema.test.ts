import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rowReader } from '../../../src/base/columnar/column-batch.ts'
import type { DataType, Field, Schema } from '../../../src/base/columnar/data-type.ts'
import {
  findMisfit,
  fits,
  makeSchema,
  maxVersions,
  restIndex,
  schemaFromRow,
  schemaOf,
  typeMismatch,
  typeName,
  unifySchemas,
  widenSchema,
} from '../../../src/base/columnar/schema.ts'
import { StagingBatch } from '../../../src/base/columnar/staging-batch.ts'
import { t } from '../../../src/base/columnar/t.ts'
import { anyRow, anyValue, fields, recordOf, withoutNulls } from './arbitrary.ts'
import { throughSegment } from './round-trip.ts'

const field = (name: string, kind: Exclude<DataType['kind'], 'struct' | 'list'>, nullable = false): Field => ({
  name,
  type: { kind },
  nullable,
})
const inferred = (...of: Field[]): Schema => makeSchema('row', of, false)

/** Sends every record through staging and segments, widening as a task does, and reads them all back. */
function sendAll(records: readonly unknown[]): { read: unknown[]; schemas: Schema[] } {
  const staging = new StagingBatch(null)
  const read: unknown[] = []
  const schemas: Schema[] = []
  const seal = (): void => {
    if (staging.rowCount === 0) return
    const reader = rowReader(throughSegment(staging))
    for (let i = 0; i < staging.rowCount; i++) read.push(reader(i))
    staging.clear()
  }
  for (const record of records) {
    if (staging.append(record, 0)) continue
    seal()
    staging.widenFor(record)
    schemas.push(staging.schema!)
    expect(staging.append(record, 0)).toBe(true)
  }
  seal()
  return { read, schemas }
}

describe('the id of a schema', () => {
  it('is equal for equal schemas and sixteen hexadecimal digits', () => {
    const a = schemaOf(t.row({ ts: t.timestamp, key: t.int32 }))
    expect(a.id).toBe(makeSchema('row', [field('ts', 'timestamp'), field('key', 'int32')], true).id)
    expect(a.id).toMatch(/^[0-9a-f]{16}$/)
  })

  it('is frozen, since it stands in snapshots', () => {
    expect(schemaOf(t.row({ ts: t.timestamp, key: t.int32 })).id).toBe('89668ce7f90840e3')
    expect(schemaFromRow({ a: [{ b: 'x' }] }).id).toBe('60d1a64fc130cc4d')
  })

  it('differs with a name, an order, a type, nullability, the root and whether it was declared', () => {
    const schemas = [
      inferred(field('a', 'int32'), field('b', 'int32')),
      inferred(field('b', 'int32'), field('a', 'int32')),
      inferred(field('a', 'int64'), field('b', 'int32')),
      inferred(field('a', 'int32', true), field('b', 'int32')),
      inferred(field('a', 'int32')),
      makeSchema('row', [field('a', 'int32')], true),
      makeSchema('value', [field('a', 'int32')], true),
    ]
    expect(new Set(schemas.map((schema) => schema.id)).size).toBe(schemas.length)
  })

  it('survives JSON', () => {
    fc.assert(
      fc.property(fields, (of) => {
        const schema = makeSchema('row', of, false)
        const back = JSON.parse(JSON.stringify(schema)) as Schema
        expect(makeSchema(back.root, back.fields, back.declared).id).toBe(schema.id)
      }),
    )
  })
})

describe('a schema inferred from a record', () => {
  it('has one type for each kind of value', () => {
    const row = {
      n: 1,
      b: true,
      s: 'x',
      g: 1n,
      d: new Date(0),
      u: new Uint8Array(1),
      o: { x: 1 },
      l: [1, null],
      e: [],
      z: null,
      m: new Map(),
    }
    expect(schemaFromRow(row).fields.map((f) => `${f.name}: ${typeName(f.type, f.nullable)}`)).toEqual([
      'n: t.float64',
      'b: t.boolean',
      's: t.utf8',
      'g: t.bigint',
      'd: t.date',
      'u: t.binary',
      'o: t.struct({ x: t.float64 })',
      'l: t.list(t.nullable(t.float64))',
      'e: t.list(t.null)',
      'z: t.null',
      'm: t.any',
    ])
  })

  it('is one of values where the record is not an object', () => {
    expect(schemaFromRow(5)).toMatchObject({ root: 'value', fields: [{ name: 'value', type: { kind: 'float64' } }] })
    expect(schemaFromRow([1]).fields[0]!.type).toEqual({ kind: 'list', item: { kind: 'float64' }, itemNullable: false })
  })

  it('takes an instance of a class as its own fields', () => {
    class Point {
      x = 1
      norm(): number {
        return this.x
      }
    }
    expect(schemaFromRow(new Point()).fields).toEqual([field('x', 'float64')])
  })

  it('ends a cycle as an opaque value', () => {
    const row: Record<string, unknown> = { a: 1 }
    row.self = row
    expect(schemaFromRow(row).fields[1]).toEqual(field('self', 'any'))
    const [back] = sendAll([row]).read as [{ self: { self: unknown; a: number } }]
    expect(back.self.a).toBe(1)
    expect(back.self.self).toBe(back.self)
  })
})

describe('widening', () => {
  it('goes along the lattice', () => {
    const join = (a: unknown, b: unknown): string => {
      const { type, nullable } = widenSchema(schemaFromRow({ v: a }), { v: b }).fields[0]!
      return typeName(type, nullable)
    }
    expect(join(null, 1)).toBe('t.nullable(t.float64)')
    expect(join(1, undefined)).toBe('t.nullable(t.float64)')
    expect(join(1, 'x')).toBe('t.any')
    expect(join([], ['x'])).toBe('t.list(t.utf8)')
    expect(join({ a: 1 }, { b: 'x' })).toBe('t.struct({ a: t.nullable(t.float64), b: t.nullable(t.utf8) })')
    expect(join(1, 1n)).toBe('t.any')
  })

  it('makes int32 and float64 a float64, and adds a late field as nullable', () => {
    const wider = unifySchemas(inferred(field('a', 'int32')), inferred(field('a', 'float64'), field('b', 'utf8')))
    expect(wider.fields).toEqual([field('a', 'float64'), field('b', 'utf8', true)])
  })

  it('answers the same schema for a record that fits', () => {
    const schema = schemaFromRow({ a: 1 })
    expect(widenSchema(schema, { a: 2 })).toBe(schema)
  })

  it('makes a stream of rows and other values one of opaque values', () => {
    const wider = widenSchema(schemaFromRow({ a: 1 }), 'x')
    expect(wider).toMatchObject({ root: 'value', fields: [field('value', 'any', true)] })
    expect(sendAll([{ a: 1 }, 'x', { b: [2] }, null]).read).toEqual([{ a: 1 }, 'x', { b: [2] }, null])
  })

  it('never loses a value, whatever records come', () => {
    const stream = fc.oneof(
      fc.array(anyRow, { maxLength: 25 }),
      fc.array(anyValue, { maxLength: 25 }),
      fc.array(fc.oneof({ weight: 20, arbitrary: anyRow }, { weight: 1, arbitrary: anyValue }), { maxLength: 25 }),
    )
    fc.assert(
      fc.property(stream, (records) => {
        const { read } = sendAll(records)
        const expected = records.map(withoutNulls)
        if (!isDeepStrictEqual(read.map(withoutNulls), expected)) expect(read.map(withoutNulls)).toStrictEqual(expected)
      }),
      { numRuns: 400 },
    )
  })

  it('ends after a bounded number of schemas', () => {
    const records = Array.from({ length: 400 }, (_, i) => ({ [`user-${i}`]: i, always: i % 3 === 0 ? i : `${i}` }))
    const { read, schemas } = sendAll(records)
    expect(read.map(withoutNulls)).toEqual(records.map(withoutNulls))
    expect(schemas).toHaveLength(maxVersions + 1)
    expect(restIndex(schemas.at(-1)!)).toBe(schemas.at(-1)!.fields.length - 1)
  })

  it('keeps 255 columns of a record used as a map and the rest in one', () => {
    const record = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, i]))
    const { read, schemas } = sendAll([record, { k0: 'now text', k999: 1 }])
    expect(schemas).toHaveLength(1)
    expect(schemas[0]!.fields).toHaveLength(256)
    expect(read.map(withoutNulls)).toEqual([record, { k0: 'now text', k999: 1 }].map(withoutNulls))
  })

  it('is one order of join for all: idempotent, and both sides fit the result', () => {
    fc.assert(
      fc.property(anyRow, anyRow, (a, b) => {
        const [sa, sb] = [schemaFromRow(a), schemaFromRow(b)]
        const both = unifySchemas(sa, sb)
        expect(fits(both, a) && fits(both, b)).toBe(true)
        expect(unifySchemas(both, sb).id).toBe(both.id)
        expect(unifySchemas(sa, sa)).toBe(sa)
      }),
    )
  })
})

describe('a declared schema', () => {
  it('takes every value of its types, and drops keys it does not name', () => {
    fc.assert(
      fc.property(
        fields.chain((of) => fc.tuple(fc.constant(of), recordOf(of))),
        ([of, row]) => {
          expect(fits(makeSchema('row', of, true), { ...row, 'one more': 1 })).toBe(true)
        },
      ),
    )
  })

  it('is never widened: a misfit names the field, its type and what came', () => {
    const schema = schemaOf(t.row({ order: t.struct({ lines: t.list(t.struct({ price: t.int32 })) }) }))
    const record = { order: { lines: [{ price: 1 }, { price: 'two' }] } }
    expect(() => widenSchema(schema, record)).toThrow(
      expect.objectContaining({
        code: 'TYPE_MISMATCH',
        message: 'field \'order.lines[1].price\' is declared t.int32, but a record came with the string "two"',
      }),
    )
    expect(schema.fields).toBe(widenSchema(schema, { order: { lines: [] } }).fields)
  })

  it('says what to do', () => {
    const hint = (type: Parameters<typeof schemaOf>[0], value: unknown): string | undefined => typeMismatch(schemaOf(type), value).hint
    expect(hint(t.row({ a: t.int64 }), { a: 2 ** 53 })).toContain('t.bigint')
    expect(hint(t.row({ a: t.int32 }), { a: 1.5 })).toContain('t.float64')
    expect(hint(t.row({ a: t.utf8 }), {})).toContain('t.nullable(t.utf8)')
    expect(findMisfit(schemaOf(t.row({ a: t.utf8 })), 5)).toMatchObject({ field: 'value', expected: 'an object', got: 'the number 5' })
  })

  it('may call a field $rest', () => {
    const schema = schemaOf(t.row({ $rest: t.any }))
    expect(restIndex(schema)).toBe(-1)
  })
})
