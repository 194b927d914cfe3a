import { expect, test } from 'vitest'
import type { Type } from '../../../src/base/columnar/data-type.ts'
import { t } from '../../../src/base/columnar/t.ts'
import { checkState, evolution, type StateType } from '../../../src/runtime/state/check-state-types.ts'

const columnOf = ({ dataType, nullable }: Type<unknown>) => ({ type: dataType, nullable })
const state = (type?: Type<unknown>, more: Partial<StateType> = {}): StateType => ({
  ...{ name: 'total', scope: 'keyed', form: 'value' },
  ...(type !== undefined && { declared: { value: columnOf(type) } }),
  ...more,
})
const is = (found: Type<unknown> | undefined, wanted: Type<unknown> | undefined): string => checkState('op', state(found), state(wanted)).is
const evolved = (found: Type<unknown>, wanted: Type<unknown>, value: unknown): unknown =>
  (evolution(columnOf(found), columnOf(wanted)) ?? ((same) => same))(value)

test('a state of the same type, or whose type one side leaves open, is taken as it is', () => {
  expect(is(t.row({ a: t.int32 }), t.row({ a: t.int32 }))).toBe('as is')
  expect(is(undefined, t.int32)).toBe('as is')
  expect(is(t.int32, undefined)).toBe('as is')
})

test('numbers are widened along the lattice and no other way', () => {
  expect(is(t.int32, t.int64)).toBe('evolved')
  expect(is(t.int32, t.float64)).toBe('evolved')
  expect(is(t.timestamp, t.float64)).toBe('evolved')
  for (const [found, wanted] of [
    [t.float64, t.int32],
    [t.int64, t.timestamp],
    [t.int32, t.utf8],
    [t.utf8, t.binary],
  ] as const)
    expect(is(found, wanted)).toBe('incompatible')
})

test('null may come in and may not go', () => {
  expect(is(t.int32, t.nullable(t.int32))).toBe('evolved')
  expect(is(t.nullable(t.int32), t.int32)).toBe('incompatible')
  expect(is(t.nullable(t.int32), t.any)).toBe('evolved')
})

test('fields are added and removed at any depth; new ones are null, or nothing of their kind where no null may be', () => {
  const found = t.row({ a: t.int32, gone: t.utf8, inner: t.list(t.row({ x: t.int32 })) })
  const wanted = t.row({
    a: t.float64,
    b: t.nullable(t.utf8),
    c: t.int32,
    d: t.utf8,
    e: t.boolean,
    inner: t.list(t.row({ x: t.int32, y: t.list(t.int32) })),
  })
  expect(is(found, wanted)).toBe('evolved')
  expect(evolved(found, wanted, { a: 1, gone: 'x', inner: [{ x: 2 }] })).toEqual({
    ...{ a: 1, b: null, c: 0, d: '', e: false },
    inner: [{ x: 2, y: [] }],
  })
  expect(is(t.row({ a: t.int32 }), t.row({ a: t.utf8 }))).toBe('incompatible')
})

test('what does not fit is an error that names operator, state and both types', () => {
  const check = checkState('totals', state(t.row({ a: t.int32 })), state(t.nullable(t.utf8)))
  expect(check.is === 'incompatible' && check.error).toMatchObject({
    code: 'STATE_INCOMPATIBLE',
    message: 'State total of operator totals is t.nullable(t.utf8) in the program and t.row({ a: t.int32 }) in the snapshot',
    place: { operator: 'totals' },
  })
  const list = checkState('totals', state(), state(undefined, { form: 'list' }))
  expect(list.is === 'incompatible' && list.error.message).toContain('is list state in the program and value state in the snapshot')
})

test('keys may be numbers of any type, and change in nothing else', () => {
  const keyed = (key: Type<unknown>): StateType => state(undefined, { declared: { key: columnOf(key) } })
  expect(checkState('op', keyed(t.int32), keyed(t.float64)).is).toBe('as is')
  expect(checkState('op', keyed(t.float64), keyed(t.int32)).is).toBe('as is')
  expect(checkState('op', keyed(t.int32), keyed(t.utf8)).is).toBe('incompatible')
  expect(checkState('op', keyed(t.row({ a: t.utf8 })), keyed(t.row({ a: t.utf8, b: t.utf8 }))).is).toBe('incompatible')
})
