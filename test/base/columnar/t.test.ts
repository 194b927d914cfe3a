import { describe, expect, expectTypeOf, it } from 'vitest'
import type { Type } from '../../../src/base/columnar/data-type.ts'
import { schemaOf } from '../../../src/base/columnar/schema.ts'
import { type TypeOf, t } from '../../../src/base/columnar/t.ts'

describe('t', () => {
  it('says in TypeScript what it says in columns', () => {
    const flight = t.row({
      ts: t.timestamp,
      key: t.int32,
      delay: t.nullable(t.float64),
      legs: t.list(t.string),
      plane: t.struct({ built: t.date }),
      id: t.bigint,
    })
    expectTypeOf<TypeOf<typeof flight>>().toEqualTypeOf<{
      ts: number
      key: number
      delay: number | null
      legs: string[]
      plane: { built: Date }
      id: bigint
    }>()
    expectTypeOf(t.row({ ts: t.timestamp, key: t.int32 })).toExtend<Type<{ ts: number; key: number }>>()
    expect(schemaOf(flight)).toMatchObject({ root: 'row', declared: true })
    expect(schemaOf(flight).fields.map((field) => [field.name, field.type.kind, field.nullable])).toEqual([
      ['ts', 'timestamp', false],
      ['key', 'int32', false],
      ['delay', 'float64', true],
      ['legs', 'list', false],
      ['plane', 'struct', false],
      ['id', 'bigint', false],
    ])
  })

  it('makes any other type, and an object that may be missing, one column named value', () => {
    expect(schemaOf(t.int32).fields).toEqual([{ name: 'value', type: { kind: 'int32' }, nullable: false }])
    expect(schemaOf(t.nullable(t.row({ a: t.int32 })))).toMatchObject({ root: 'value', fields: [{ nullable: true }] })
    expect(schemaOf(t.list(t.nullable(t.utf8))).fields[0]!.type).toEqual({ kind: 'list', item: { kind: 'utf8' }, itemNullable: true })
  })

  it('lets a user name what an opaque value is', () => {
    const counts = t.opaque<Map<string, number>>()
    expectTypeOf<TypeOf<typeof counts>>().toEqualTypeOf<Map<string, number>>()
    expect(counts.dataType.kind).toBe('any')
  })
})
