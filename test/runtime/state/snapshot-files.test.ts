import { expect, test } from 'vitest'
import { keyGroupRange } from '../../../src/base/columnar/key-hash.ts'
import { t } from '../../../src/base/columnar/t.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { listState, mapState, reducingState, valueState } from '../../../src/program/function/state.ts'
import { restoredState } from '../../../src/runtime/checkpoint/restored-state.ts'
import { HeapBackend } from '../../../src/runtime/state/heap-backend.ts'
import type { KeyedBackend } from '../../../src/runtime/state/keyed-backend.ts'
import { TypedBackend } from '../../../src/runtime/state/typed-backend.ts'
import { operatorId, writtenBy } from '../checkpoint/written-checkpoint.ts'

const maxParallelism = 128
const place = (subtask: number, parallelism: number) => ({ subtask, parallelism, maxParallelism })
const keys = [...Array.from({ length: 3000 }, (_, i) => i), 2.5, 'text', 'a text that is longer than most', { a: 1, b: 'x' }, 7n ** 40n]

function make(form: 'heap' | 'typed', subtask: number, parallelism: number) {
  const { start, end } = keyGroupRange(subtask, parallelism, maxParallelism)
  const groups = { first: start, count: end - start, maxParallelism }
  const backend: KeyedBackend =
    form === 'heap'
      ? new HeapBackend({ operatorName: 'op', maxParallelism }, () => {})
      : new TypedBackend({ operatorName: 'op', groups, generated: true }, () => {})
  return {
    backend,
    number: backend.declare('number', valueState<number>(t.float64)),
    any: backend.declare('any', valueState<unknown>()),
    pair: backend.declare('pair', valueState<{ a: number; b: number }>(t.row({ a: t.float64, b: t.float64 }))),
    list: backend.declare('list', listState<unknown>()),
    map: backend.declare('map', mapState<unknown, unknown>()),
    sum: backend.declare(
      'sum',
      reducingState<number>((a, b) => a + b),
    ),
  }
}

type Made = ReturnType<typeof make>

function fill({ backend, number, any, pair, list, map, sum }: Made, key: unknown, i: number): void {
  backend.enter(key)
  number.update(i % 5 === 0 ? Number.NaN : i)
  if (i % 2 === 0) any.update(i % 4 === 0 ? `text number ${i}` : { list: [i, null], set: new Set([i]) })
  pair.update({ a: i, b: -0 })
  list.addAll([i, `element ${i} of many`, undefined, new Date(i)])
  map.put(i, [i])
  map.put(`key ${i}`, 1n)
  sum.add(i)
  backend.registerEventTimer(i % 100)
  backend.leave()
}

function heldFor({ backend, number, any, pair, list, map, sum }: Made, key: unknown): unknown {
  backend.enter(key)
  const held = [number.value, any.value, pair.value, list.get(), [...map.entries()], sum.get()]
  backend.leave()
  return held
}

test.each([
  ['heap', 'typed'],
  ['typed', 'heap'],
  ['typed', 'typed'],
] as const)('what %s state held comes back out of files into %s state, at any parallelism, equal to what it was', async (from, to) => {
  const fileSystem = new MemoryFileSystem()
  const written = make(from, 0, 1)
  const reference = make('heap', 0, 1)
  for (const [i, key] of keys.entries()) for (const each of [written, reference]) fill(each, key, i)
  const metadata = await writtenBy(fileSystem, [[...written.backend.snapshot()]], { maxParallelism, watermarks: [42] })
  let timers = 0
  const found = new Set<unknown>()
  for (const subtask of [0, 1, 2]) {
    const made = make(to, subtask, 3)
    const restored = restoredState(metadata, operatorId, place(subtask, 3), fileSystem)!
    expect(restored.watermark).toBe(42)
    await made.backend.restore(restored)
    timers += made.backend.numEventTimers
    for (const state of made.backend.snapshot()) {
      for (const { columns, rowCount } of state.chunks()) {
        if (state.name === 'sum') for (let i = 0; i < rowCount; i++) found.add(columns[1]!.values[i])
      }
      state.release()
    }
    for (const key of keys)
      if (typeof key !== 'object' && found.has(key)) {
        expect(heldFor(made, key)).toEqual(heldFor(reference, key))
        found.delete(key)
      }
  }
  expect(timers).toBe(keys.length)
  expect([...found]).toEqual([{ a: 1, b: 'x' }])
})
