import { expect, test } from 'vitest'
import type { Type } from '../../../src/base/columnar/data-type.ts'
import { t } from '../../../src/base/columnar/t.ts'
import { keyMisfit, keysOf, neverEqual } from '../../../src/runtime/state/key-types.ts'

const never = (a: Type<unknown>, b: Type<unknown>): boolean => neverEqual(a.dataType, b.dataType)
const table = (name: string, type?: Type<unknown>) => ({
  ...{ name, scope: 'keyed' as const },
  ...(type !== undefined && { key: { type: type.dataType, nullable: false } }),
})

test('numbers of all types may be equal, and nothing equals a value of another kind', () => {
  for (const number of [t.int32, t.int64, t.float64, t.timestamp, t.bigint]) {
    expect(never(number, t.float64)).toBe(false)
    expect(never(number, t.utf8)).toBe(true)
    expect(never(t.date, number)).toBe(true)
  }
  expect(never(t.boolean, t.utf8)).toBe(true)
  expect(never(t.row({ a: t.int32 }), t.int32)).toBe(true)
})

test('objects are held to the fields that both have, lists to their items, and what is open may be anything', () => {
  expect(never(t.row({ a: t.int32, b: t.utf8 }), t.row({ b: t.utf8, a: t.float64 }))).toBe(false)
  expect(never(t.row({ a: t.int32, b: t.utf8 }), t.row({ a: t.int32 }))).toBe(false)
  expect(never(t.row({ a: t.int32 }), t.row({ a: t.utf8 }))).toBe(true)
  expect(never(t.list(t.int32), t.list(t.utf8))).toBe(true)
  expect(never(t.list(t.any), t.list(t.utf8))).toBe(false)
  expect(never(t.any, t.utf8)).toBe(false)
})

test('the keys of an operator are known where all subtasks that had some had one kind', () => {
  expect(keysOf([table('a'), table('b', t.utf8), table('b', t.utf8)])).toEqual({
    state: 'b',
    key: { type: { kind: 'utf8' }, nullable: false },
  })
  expect(keysOf([table('a', t.utf8), table('a', t.int32)])).toBeUndefined()
  expect(keysOf([table('a', t.utf8), table('a', t.any)])).toBeUndefined()
  expect(keysOf([table('a')])).toBeUndefined()
})

test('a misfit names operator, state and both types', () => {
  const found = { state: 'total', key: { type: t.utf8.dataType, nullable: false } }
  expect(keyMisfit('sums', found, { type: t.int32.dataType, nullable: true })).toMatchObject({
    code: 'STATE_INCOMPATIBLE',
    message: 'State total of operator sums is keyed by t.int32 in the program and keyed by t.utf8 in the snapshot',
    place: { operator: 'sums' },
  })
  expect(keyMisfit('sums', found, { type: t.any.dataType, nullable: false })).toBeUndefined()
})
