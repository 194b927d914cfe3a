import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { schemaOf } from '../../../src/base/columnar/schema.ts'
import { fieldCheck, StagingBatch, stagingCapacity } from '../../../src/base/columnar/staging-batch.ts'
import { t } from '../../../src/base/columnar/t.ts'
import { isInheritedName } from '../../../src/base/columnar/value-type.ts'
import { anyValue } from './arbitrary.ts'

describe('StagingBatch', () => {
  it('keeps fixed-width values in typed arrays and all else in plain ones', () => {
    const batch = new StagingBatch(schemaOf(t.row({ f: t.float64, i: t.int32, l: t.int64, b: t.boolean, d: t.date, s: t.utf8 })))
    expect(batch.append({ f: 1.5, i: 2, l: 3, b: true, d: new Date(4), s: 'five' }, 6)).toBe(true)
    expect(batch.columns.map((column) => column.values.constructor.name)).toEqual([
      'Float64Array',
      'Int32Array',
      'Float64Array',
      'Uint8Array',
      'Float64Array',
      'Array',
    ])
    expect(batch.columns.map((column) => column.values[0])).toEqual([1.5, 2, 3, 1, 4, 'five'])
    expect(batch.timestamps[0]).toBe(6)
  })

  it('writes nothing of a row that does not fit', () => {
    const batch = new StagingBatch(schemaOf(t.row({ a: t.nullable(t.utf8), b: t.int32 })))
    expect(batch.append({ a: 'x', b: 'no number' }, 0)).toBe(false)
    expect(batch.append({ a: null, b: 1.5 }, 0)).toBe(false)
    expect(batch.rowCount).toBe(0)
    expect(batch.columns[0]!.values[0]).toBeUndefined()
    expect(batch.columns[0]!.nullCount).toBe(0)
  })

  it('refuses a row once it is full, and takes rows again when cleared', () => {
    const batch = new StagingBatch(schemaOf(t.nullable(t.int32)))
    for (let i = 0; i < stagingCapacity; i++) expect(batch.append(i % 2 === 0 ? i : null, 0)).toBe(true)
    expect(batch.append(1, 0)).toBe(false)
    expect(batch.columns[0]!.nullCount).toBe(stagingCapacity / 2)
    batch.clear()
    expect(batch.append(1, 0)).toBe(true)
    expect([...batch.columns[0]!.nulls!].every((mark) => mark === 0)).toBe(true)
  })

  it('lets go of its objects when cleared', () => {
    const batch = new StagingBatch(schemaOf(t.any))
    batch.append(new Map(), 0)
    batch.clear()
    expect(batch.columns[0]!.values[0]).toBeUndefined()
  })

  it('notices a late field of an inferred schema, also when another is missing', () => {
    const batch = new StagingBatch(null)
    batch.widenFor({ a: 1, b: null })
    expect(batch.append({ a: 1, c: 2 }, 0)).toBe(false)
    expect(batch.append({ a: 1, c: undefined }, 0)).toBe(true)
    expect(() => batch.widenFor({ a: 1, c: 2 })).toThrow('headrace bug')
    batch.clear()
    batch.widenFor({ a: 1, c: 2 })
    expect(batch.append({ a: 1, c: 2 }, 0)).toBe(true)
  })

  it('throws for a record that breaks a declared schema', () => {
    const batch = new StagingBatch(schemaOf(t.row({ a: t.int32 })))
    expect(() => batch.widenFor({ a: 'x' })).toThrow(expect.objectContaining({ code: 'TYPE_MISMATCH' }))
  })

  it('does not take what every object inherits for a field', () => {
    const batch = new StagingBatch(schemaOf(t.row({ toString: t.nullable(t.any), ['__proto__']: t.nullable(t.any) })))
    expect(batch.append({}, 0)).toBe(true)
    expect(batch.columns.map((column) => column.nulls![0])).toEqual([1, 1])
    expect(isInheritedName('toString') && isInheritedName('__proto__') && !isInheritedName('price')).toBe(true)
  })
})

describe('fieldCheck', () => {
  const passes = (check: ReturnType<typeof fieldCheck>, value: unknown): boolean => {
    switch (check) {
      case 'number':
        return typeof value === 'number'
      case 'int32':
        return typeof value === 'number' && (value | 0) === value
      case 'integer':
        return Number.isSafeInteger(value)
      case 'boolean':
        return typeof value === 'boolean'
      case 'string':
        return typeof value === 'string'
      case 'other':
        return false
    }
  }

  it('passes exactly the values that append takes, and leaves null to it', () => {
    const types = [
      t.float64,
      t.int32,
      t.int64,
      t.timestamp,
      t.boolean,
      t.utf8,
      t.date,
      t.bigint,
      t.binary,
      t.any,
      t.list(t.any),
      t.struct({}),
    ]
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        fc.oneof(anyValue, fc.integer(), fc.maxSafeInteger(), fc.constantFrom(2 ** 31, 2 ** 53, -0, 0.5, '1', true)),
        (type, value) => {
          const batch = new StagingBatch(schemaOf(t.row({ a: type })))
          const check = fieldCheck(batch.columns[0]!.field)
          const taken = batch.append({ a: value }, 0)
          if (check !== 'other') expect(passes(check, value)).toBe(taken)
          else expect(['date', 'bigint', 'binary', 'any', 'list', 'struct']).toContain(type.dataType.kind)
          if (taken && check !== 'other') expect(batch.columns[0]!.values[0] == value).toBe(value === value)
        },
      ),
      { numRuns: 1000 },
    )
  })
})
