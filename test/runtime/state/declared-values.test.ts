import { expect, test } from 'vitest'
import { t } from '../../../src/base/columnar/t.ts'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { aggregatingState, listState, mapState, reducingState, valueState } from '../../../src/program/function/state.ts'
import { HeapBackend } from '../../../src/runtime/state/heap-backend.ts'
import type { KeyedBackend } from '../../../src/runtime/state/keyed-backend.ts'
import { TypedBackend } from '../../../src/runtime/state/typed-backend.ts'

const groups = { first: 0, count: 128, maxParallelism: 128 }
const backends: readonly [name: string, make: () => KeyedBackend][] = [
  ['typed tables, generated', () => new TypedBackend({ operatorName: 'totals', groups, generated: true }, () => undefined)],
  ['typed tables', () => new TypedBackend({ operatorName: 'totals', groups, generated: false }, () => undefined)],
  ['the heap', () => new HeapBackend({ operatorName: 'totals', maxParallelism: 128 }, () => undefined)],
]

const row = t.row({ n: t.int32, name: t.nullable(t.utf8) })
const failureOf = (run: () => void): string => {
  try {
    run()
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(StreamError)
    expect((thrown as StreamError).code).toBe('TYPE_MISMATCH')
    return `${(thrown as StreamError).message} | ${(thrown as StreamError).hint}`
  }
  return 'nothing was thrown'
}

test.each(backends)(
  '%s: a value that is not of its declared type fails with state, operator, type and value, and changes nothing',
  (_, make) => {
    const backend = make()
    const int = backend.declare('int', valueState<unknown>(t.int32))
    const long = backend.declare('long', valueState<unknown>(t.int64))
    const text = backend.declare('text', valueState<unknown>(t.utf8))
    const one = backend.declare('one', valueState<unknown>(row))
    backend.enter(1)
    int.update(7)
    long.update(2 ** 40)
    text.update('x')
    one.update({ n: 1, name: 'a' })
    expect(failureOf(() => int.update(1.5))).toBe(
      'The value of state int of operator totals is declared t.int32 and was given the number 1.5 | Declare it t.float64, or round the value.',
    )
    for (const value of [2 ** 31, Number.NaN, '7', true, 7n, [7]])
      expect(failureOf(() => int.update(value))).toMatch(/of state int .* t\.int32/)
    for (const value of [0.5, 2 ** 60, Number.NaN, '7']) expect(failureOf(() => long.update(value))).toMatch(/of state long .* t\.int64/)
    for (const value of [1, Number.NaN, {}]) expect(failureOf(() => text.update(value))).toMatch(/of state text .* t\.utf8/)
    expect(failureOf(() => one.update({ n: 0.5, name: 'a' }))).toMatch(
      /^value\.n of state one of operator totals is declared t\.int32 and was given the number 0\.5/,
    )
    for (const value of [{ n: 1, name: 2 }, { name: 'a' }, 1, [], 'text'])
      expect(failureOf(() => one.update(value))).toMatch(/of state one /)
    expect([int.value, long.value, text.value, one.value]).toEqual([7, 2 ** 40, 'x', { n: 1, name: 'a' }])
  },
)

test.each(backends)('%s: rows of numbers are held to their types too', (_, make) => {
  const backend = make()
  const pair = backend.declare('pair', valueState<unknown>(t.row({ count: t.int32, at: t.timestamp, sum: t.float64 })))
  backend.enter('k')
  pair.update({ count: 1, at: 2 ** 40, sum: Number.NaN })
  for (const wrong of [
    { count: 1.5, at: 0, sum: 0 },
    { count: 2 ** 31, at: 0, sum: 0 },
    { count: 1, at: 0.5, sum: 0 },
    { count: 1, at: Number.NaN, sum: 0 },
    { count: 1, at: 0, sum: '0' },
    { count: 1, at: 0 },
  ])
    expect(failureOf(() => pair.update(wrong))).toMatch(
      /of state pair of operator totals is declared t\.(int32|timestamp|float64) and was given/,
    )
  expect(pair.value).toEqual({ count: 1, at: 2 ** 40, sum: Number.NaN })
})

test.each(backends)('%s: lists, keys and values of maps, what is reduced and accumulators are held to their types', (_, make) => {
  const backend = make()
  const list = backend.declare('list', listState<unknown>(t.int32))
  const map = backend.declare('map', mapState<unknown, unknown>(t.utf8, t.list(t.int32)))
  const reduced = backend.declare(
    'reduced',
    reducingState<any>((a, b) => a + b, t.int32),
  )
  const mean = {
    createAccumulator: () => ({ sum: 0 }),
    add: (value: any, { sum }: any) => ({ sum: sum + value }),
    getResult: ({ sum }: any) => sum,
  }
  const aggregated = backend.declare('aggregated', aggregatingState<any, any, any>(mean, t.row({ sum: t.int32 })))
  backend.enter(1)
  list.addAll([1, 2])
  map.put('a', [1])
  reduced.add(2 ** 31 - 1)
  aggregated.add(3)
  const failures: readonly [RegExp, () => void][] = [
    [/^The value of state list .* t\.int32 and was given the string "3"/, () => list.add('3')],
    [/^The value of state list .* the number 0\.5/, () => list.update([1, 0.5])],
    [/^The value of state list .* given null/, () => list.add(null)],
    [/^The key of state map .* t\.utf8 and was given the number 1/, () => map.put(1, [1])],
    [/^value\[1\] of state map .* t\.int32 and was given the number 0\.5/, () => map.put('a', [1, 0.5])],
    [/^The key of state map .* the boolean true/, () => map.putAll([[true, []]])],
    [/^The value of state reduced .* the number 0\.5/, () => reduced.add(0.5)],
    // What is added fits, and the sum does not.
    [/^The value of state reduced .* the number 2147483648/, () => reduced.add(1)],
    [/^value\.sum of state aggregated .* the number 3\.5/, () => aggregated.add(0.5)],
  ]
  for (const [says, run] of failures) expect(failureOf(run)).toMatch(says)
  expect([list.get(), [...map.entries()], reduced.get(), aggregated.get()]).toEqual([[1, 2], [['a', [1]]], 2 ** 31 - 1, 3])
})

test.each(backends)(
  '%s: what fits is kept: nulls where they may be, more fields than the type has, and everything that has no type',
  (_, make) => {
    const backend = make()
    const one = backend.declare('one', valueState<unknown>(row))
    const any = backend.declare('any', valueState<unknown>(t.any))
    const none = backend.declare('none', valueState<unknown>())
    const nulls = backend.declare('nulls', listState<unknown>(t.nullable(t.int32)))
    backend.enter(1)
    for (const value of [{ n: 1, name: null }, { n: 1 }, { n: 1, name: 'a', more: true }]) {
      one.update(value)
      expect(one.value).toEqual(value)
    }
    for (const handle of [any, none])
      for (const value of [1, 1.5, 'text', [1, 'a'], { a: null }]) {
        handle.update(value)
        expect(handle.value).toEqual(value)
      }
    nulls.addAll([1, null, 2])
    expect(nulls.get()).toEqual([1, null, 2])
  },
)
