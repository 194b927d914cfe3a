import fc from 'fast-check'
import { expect, test } from 'vitest'
import { exactTypeOf, fitsExactly, joinExact } from '../../../src/base/columnar/exact-type.ts'
import { anyValue } from './arbitrary.ts'

const kindOf = (value: unknown) => exactTypeOf(value).type.kind

test('a value fits its own type, and the type joined with that of any other value', () => {
  fc.assert(
    fc.property(anyValue, anyValue, (a, b) => {
      const [own, other] = [exactTypeOf(a), exactTypeOf(b)]
      expect(fitsExactly(own.type, own.nullable, a)).toBe(true)
      for (const joined of [joinExact(own, other), joinExact(other, own)]) expect(fitsExactly(joined.type, joined.nullable, a)).toBe(true)
    }),
    { numRuns: 2000 },
  )
})

test('what a column would change is opaque', () => {
  for (const value of [undefined, 'x\ud800', {}, new Date(Number.NaN), new Map(), { '\udc00': 1 }, () => 1])
    expect(kindOf(value)).toBe('any')
  expect(exactTypeOf([1, undefined])).toMatchObject({ type: { kind: 'list', item: { kind: 'any' } } })
  expect(joinExact(exactTypeOf({ a: 1 }), exactTypeOf({ b: 1 })).type.kind).toBe('any')
  expect(joinExact(exactTypeOf({ a: 1 }), exactTypeOf({ a: 1, b: 1 })).type.kind).toBe('any')
  const cycle: Record<string, unknown> = { a: 1 }
  cycle.self = cycle
  expect(JSON.stringify(exactTypeOf(cycle))).toContain('any')
})

test('objects with the same fields in another order have one type', () => {
  expect(joinExact(exactTypeOf({ a: 1, b: 'x' }), exactTypeOf({ b: null, a: 2 })).type).toEqual({
    kind: 'struct',
    fields: [
      { name: 'a', type: { kind: 'float64' }, nullable: false },
      { name: 'b', type: { kind: 'utf8' }, nullable: true },
    ],
  })
})

test('under a declared type, missing is null and other keys are dropped', () => {
  const { type } = joinExact(exactTypeOf({ a: 1, b: 'x' }), exactTypeOf({ a: 1, b: null }))
  expect(fitsExactly(type, false, { a: 1 }, true)).toBe(true)
  expect(fitsExactly(type, false, { a: 1, c: 2 }, true)).toBe(true)
  expect(fitsExactly(type, false, { b: 'x' }, true)).toBe(false)
  expect(fitsExactly(type, false, { a: 1 })).toBe(false)
  expect(fitsExactly(type, false, { a: 1, b: null, c: 2 })).toBe(false)
  expect(fitsExactly({ kind: 'int32' }, false, -0)).toBe(false)
})
