import { expect, test } from 'vitest'
import { type AppendingState, type ValueState, valueState } from '../../../src/program/function/state.ts'
import { HeapKeyedState } from '../../../src/runtime/state/heap-keyed-state.ts'

const newState = () => new HeapKeyedState({ operatorName: 'windows', maxParallelism: 128 })

test('a state that belongs to the key is the same one in every namespace', () => {
  const state = newState()
  const perKey = state.declare('perKey', valueState<number>(), { perKey: true })
  const perWindow = state.declare('perWindow', valueState<number>())
  state.setCurrentKey('a')
  state.setCurrentNamespace(10)
  perKey.update(1)
  perWindow.update(2)
  state.setCurrentNamespace(20)
  expect([perKey.value, perWindow.value]).toEqual([1, null])
  state.clearNamespace(10)
  expect(perKey.value).toBe(1)
  state.setCurrentKey('b')
  expect(perKey.value).toBeNull()
})

test('values that are kept as they are come back as the same object, functions and all, and may be changed where they lie', () => {
  const state = newState()
  const handle = state.declare<ValueState<unknown>>('value', { kind: 'value' }, { asIs: true })
  state.setCurrentKey(1)
  const value = { list: ['a text that is longer than thirteen'], fn: () => 1 }
  handle.update(value)
  expect(handle.value).toBe(value)
})

test('an accumulator that is kept as it is takes in each row itself', () => {
  const state = newState()
  const rows: unknown[] = []
  const handle = state.declare<AppendingState<unknown, number>>(
    'rows',
    {
      kind: 'aggregating',
      aggregate: { createAccumulator: () => 0, add: (row) => rows.push(row), getResult: (n) => n },
    },
    { asIs: true },
  )
  state.setCurrentKey(1)
  const row = { name: 'a text that is longer than thirteen' }
  handle.add(row)
  expect(handle.get()).toBe(1)
  expect(rows[0]).toBe(row)
})
