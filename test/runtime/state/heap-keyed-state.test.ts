import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Type } from '../../../src/base/columnar/data-type.ts'
import { hashKey, keyGroupOf } from '../../../src/base/columnar/key-hash.ts'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { aggregatingState, listState, mapState, reducingState, valueState } from '../../../src/program/function/state.ts'
import { HeapKeyedState } from '../../../src/runtime/state/heap-keyed-state.ts'

const float64: Type<number> = { dataType: { kind: 'float64' }, nullable: false }
const utf8: Type<string> = { dataType: { kind: 'utf8' }, nullable: false }
const make = (): HeapKeyedState => new HeapKeyedState({ operatorName: 'counts', maxParallelism: 128 })
const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof StreamError) return error.code
    throw error
  }
  return 'no error'
}

test('a value is scoped to the current key and is null when never set', () => {
  const state = make()
  const total = state.declare('total', valueState<number>())
  state.setCurrentKey('a')
  expect(total.value).toBe(null)
  total.update(1)
  state.setCurrentKey('b')
  expect(total.value).toBe(null)
  total.update(2)
  state.setCurrentKey('a')
  expect(total.value).toBe(1)
})

test('update(null) and clear remove a value, and a key that holds nothing is forgotten', () => {
  const state = make()
  const total = state.declare('total', valueState<number>())
  const seen = state.declare('seen', listState<number>())
  state.setCurrentKey(7)
  total.update(1)
  seen.add(1)
  total.update(null)
  expect(total.value).toBe(null)
  expect(state.numKeys).toBe(1)
  seen.clear()
  expect(state.numKeys).toBe(0)
  total.update(0)
  expect(total.value).toBe(0)
})

test('equal keys by value are one key', () => {
  const state = make()
  const total = state.declare('total', valueState<number>())
  for (const [one, other] of [
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    [0, -0],
    [Number.NaN, Number.NaN],
    [1n, 1],
  ] as const) {
    state.setCurrentKey(one)
    total.update(5)
    state.setCurrentKey(other)
    expect(total.value).toBe(5)
    total.clear()
  }
  state.setCurrentKey(1)
  total.update(1)
  state.setCurrentKey('1')
  expect(total.value).toBe(null)
})

test('null and undefined are refused as keys', () => {
  const state = make()
  for (const key of [null, undefined]) expect(codeOf(() => state.setCurrentKey(key))).toBe('TYPE_MISMATCH')
})

test('changing what was stored or read changes no state', () => {
  const state = make()
  const value = state.declare('value', valueState<{ tags: string[] }>())
  const list = state.declare('list', listState<{ n: number }>())
  const map = state.declare('map', mapState<{ id: number }, { n: number }>())
  state.setCurrentKey('k')
  const stored = { tags: ['a'] }
  value.update(stored)
  stored.tags.push('b')
  value.value!.tags.push('c')
  expect(value.value).toEqual({ tags: ['a'] })
  const element = { n: 1 }
  list.add(element)
  element.n = 2
  list.get()[0]!.n = 3
  list.get().push({ n: 9 })
  expect(list.get()).toEqual([{ n: 1 }])
  const id = { id: 1 }
  map.put(id, element)
  element.n = 4
  id.id = 2
  for (const [key, entry] of map.entries()) {
    key.id = 5
    entry.n = 5
  }
  expect([...map.entries()]).toEqual([[{ id: 1 }, { n: 2 }]])
  expect(map.get({ id: 1 })).toEqual({ n: 2 })
})

test('a key object that the user changes later leaves the key in state as it was', () => {
  const state = make()
  const total = state.declare('total', valueState<number>())
  const key = { a: 1 }
  state.setCurrentKey(key)
  total.update(1)
  key.a = 2
  expect([...state.entries('total')].map((entry) => entry.key)).toEqual([{ a: 1 }])
})

test('dates, maps, typed arrays and cycles survive; a function is refused by name', () => {
  const state = make()
  const value = state.declare('value', valueState<unknown>())
  state.setCurrentKey(1)
  const cyclic: Record<string, unknown> = { at: new Date(5), bytes: new Uint8Array([1, 2]), map: new Map([[1, 'x']]), ['__proto__']: 1 }
  cyclic.self = cyclic
  value.update(cyclic)
  const read = value.value as typeof cyclic
  expect(read).not.toBe(cyclic)
  expect(read.self).toBe(read)
  expect([read.at, read.bytes, read.map]).toEqual([new Date(5), new Uint8Array([1, 2]), new Map([[1, 'x']])])
  value.update(JSON.parse('{"__proto__": 1}'))
  expect(Object.entries(value.value as object)).toEqual([['__proto__', 1]])
  expect(() => value.update({ f: () => 1 })).toThrow(/state value of operator counts/)
})

test('a list appends, replaces and clears', () => {
  const state = make()
  const list = state.declare('list', listState<number>())
  state.setCurrentKey('k')
  expect(list.get()).toEqual([])
  list.add(1)
  list.addAll([2, 3])
  expect(list.get()).toEqual([1, 2, 3])
  list.update([4])
  expect(list.get()).toEqual([4])
  list.update([])
  expect(state.numKeys).toBe(0)
})

test('a map finds keys by value, iterates in order of insertion and may be changed while it is read', () => {
  const state = make()
  const map = state.declare('map', mapState<string, number>())
  state.setCurrentKey('k')
  expect(map.isEmpty).toBe(true)
  map.putAll([
    ['a', 1],
    ['b', 2],
  ])
  map.put('a', 3)
  expect([[...map.keys()], [...map.values()]]).toEqual([
    ['a', 'b'],
    [3, 2],
  ])
  expect([map.contains('a'), map.contains('c'), map.get('c')]).toEqual([true, false, undefined])
  for (const key of map.keys()) map.remove(key)
  expect(map.isEmpty).toBe(true)
  expect(state.numKeys).toBe(0)
})

test('reducing and aggregating state are undefined before the first add', () => {
  const state = make()
  const largest = state.declare(
    'largest',
    reducingState<number>((a, b) => Math.max(a, b)),
  )
  const mean = state.declare(
    'mean',
    aggregatingState({
      createAccumulator: () => ({ sum: 0, n: 0 }),
      add: (value: number, acc) => ({ sum: acc.sum + value, n: acc.n + 1 }),
      getResult: (acc) => acc.sum / acc.n,
    }),
  )
  state.setCurrentKey('k')
  expect([largest.get(), mean.get()]).toEqual([undefined, undefined])
  for (const value of [1, 5, 3]) {
    largest.add(value)
    mean.add(value)
  }
  expect([largest.get(), mean.get()]).toEqual([5, 3])
  largest.clear()
  expect(largest.get()).toBe(undefined)
})

test('a second declaration alike gives the same handle, one of another kind or type is an error that names both', () => {
  const state = make()
  const total = state.declare('total', valueState(float64))
  expect(state.declare('total', valueState(float64))).toBe(total)
  expect(codeOf(() => state.declare('total', listState(float64)))).toBe('STATE_INCOMPATIBLE')
  expect(() => state.declare('total', valueState(utf8))).toThrow(/total.*float64.*utf8/)
  state.declare(
    'r',
    reducingState<number>((a, b) => a + b),
  )
  expect(
    codeOf(() =>
      state.declare(
        'r',
        reducingState<number>((a, b) => a - b),
      ),
    ),
  ).toBe('STATE_INCOMPATIBLE')
})

test('access outside of a keyed context is an error', () => {
  const state = make()
  const total = state.declare('total', valueState<number>())
  const map = state.declare('map', mapState<string, number>())
  for (const touch of [() => total.value, () => total.update(1), () => total.clear(), () => map.isEmpty, () => state.currentKey]) {
    expect(codeOf(touch)).toBe('INVALID_PROGRAM')
  }
  state.setCurrentKey(1)
  total.update(1)
  state.leaveKey()
  expect(codeOf(() => total.value)).toBe('INVALID_PROGRAM')
  state.setCurrentKey(1)
  expect(total.value).toBe(1)
})

test('state of a namespace is apart from the key itself and is cleared alone', () => {
  const state = make()
  const total = state.declare('total', valueState<number>())
  state.setCurrentKey('k')
  total.update(1)
  state.setCurrentNamespace(60_000)
  expect(total.value).toBe(null)
  total.update(2)
  state.setCurrentNamespace('60000')
  expect(total.value).toBe(null)
  state.clearNamespace(60_000)
  state.setCurrentNamespace(60_000)
  expect(total.value).toBe(null)
  state.setCurrentKey('k')
  expect(total.value).toBe(1)
})

test('merging namespaces moves lists, reducing and aggregating state in order', () => {
  const state = make()
  const list = state.declare('list', listState<number>())
  const sum = state.declare(
    'sum',
    reducingState<number>((a, b) => a + b),
  )
  const joined = state.declare(
    'joined',
    aggregatingState({
      createAccumulator: () => '',
      add: (value: number, acc: string) => acc + value,
      getResult: (acc: string) => acc,
      merge: (a: string, b: string) => a + b,
    }),
  )
  state.setCurrentKey('k')
  for (const namespace of [1, 2, 3]) {
    state.setCurrentNamespace(namespace)
    for (const handle of [list, sum, joined]) handle.add(namespace)
  }
  state.mergeNamespaces(1, [1, 2, 3, 4])
  state.setCurrentNamespace(1)
  expect([list.get(), sum.get(), joined.get()]).toEqual([[1, 2, 3], 6, '123'])
  state.setCurrentNamespace(2)
  expect([list.get(), sum.get(), joined.get()]).toEqual([[], undefined, undefined])
})

test('value state and aggregates without merge refuse to be merged, unless they are left out by name', () => {
  const state = make()
  const value = state.declare('value', valueState<number>())
  const list = state.declare('list', listState<number>())
  const agg = state.declare(
    'agg',
    aggregatingState({ createAccumulator: () => 0, add: (v: number, acc: number) => acc + v, getResult: (acc: number) => acc }),
  )
  state.setCurrentKey('k')
  for (const namespace of [1, 2]) {
    state.setCurrentNamespace(namespace)
    value.update(namespace)
    list.add(namespace)
    agg.add(namespace)
  }
  expect(() => state.mergeNamespaces(1, [2])).toThrow(/State value .*cannot be merged/)
  expect(() => state.mergeNamespaces(1, [2], ['agg'])).toThrow(/no merge\(\)/)
  state.mergeNamespaces(1, [2], ['list'])
  state.setCurrentNamespace(1)
  expect([value.value, list.get()]).toEqual([1, [1, 2]])
})

test('shared values are handed over as they are, but long strings are copied out of their batch', () => {
  const state = make()
  const row = state.declare('row', valueState<object>(), { shareValues: true })
  const small = { n: 1, s: 'short' }
  const long = { n: 1, s: 'a string of more than 13 characters' }
  state.setCurrentKey('k')
  row.update(small)
  expect(row.value).toBe(small)
  row.update(long)
  expect(row.value).not.toBe(long)
  expect(row.value).toEqual(long)
})

test('entries come key group by key group and every key is in its own', () => {
  const state = make()
  const total = state.declare('total', valueState<number>())
  for (let key = 0; key < 500; key++) {
    state.setCurrentKey(key)
    if (key % 3 === 0) state.setCurrentNamespace(key)
    total.update(key)
  }
  const entries = [...state.entries('total')]
  expect(entries.length).toBe(500)
  expect(entries.map((entry) => entry.keyGroup)).toEqual(entries.map((entry) => entry.keyGroup).sort((a, b) => a - b))
  for (const { key, keyGroup, namespace } of entries) {
    expect(keyGroup).toBe(keyGroupOf(hashKey(key), 128))
    expect(namespace).toBe((key as number) % 3 === 0 ? key : undefined)
  }
})

test('any sequence of writes, removals and clears reads like a plain map of (key, namespace)', () => {
  const key = fc.constantFrom(1, 'a', 2.5, true)
  const namespace = fc.constantFrom(undefined, 0, 'w')
  const step = fc.record({ key, namespace, act: fc.constantFrom('update', 'clear', 'clearNamespace'), value: fc.integer() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const state = make()
      const value = state.declare('value', valueState<number>())
      const model = new Map<string, number>()
      for (const { key, namespace, act, value: written } of steps) {
        const place = `${typeof key}${key}/${typeof namespace}${namespace}`
        state.setCurrentKey(key)
        state.setCurrentNamespace(namespace)
        expect(value.value).toBe(model.get(place) ?? null)
        if (act === 'update') {
          value.update(written)
          model.set(place, written)
        } else if (act === 'clear' || namespace !== undefined) {
          if (act === 'clear') value.clear()
          else state.clearNamespace(namespace!)
          model.delete(place)
        }
      }
      expect([...state.entries('value')].map((entry) => entry.value).sort()).toEqual([...model.values()].sort())
      expect(state.numKeys).toBe(new Set([...model.keys()].map((place) => place.split('/')[0])).size)
    }),
  )
})
