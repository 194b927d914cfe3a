import fc from 'fast-check'
import { expect, test } from 'vitest'
import { t } from '../../../src/base/columnar/t.ts'
import {
  aggregatingState,
  listState,
  mapState,
  reducingState,
  type StateDeclaration,
  valueState,
} from '../../../src/program/function/state.ts'
import { HeapBackend } from '../../../src/runtime/state/heap-backend.ts'
import type { KeyedBackend } from '../../../src/runtime/state/keyed-backend.ts'
import { TypedBackend } from '../../../src/runtime/state/typed-backend.ts'

const groups = { first: 0, count: 128, maxParallelism: 128 }
const typed = (generated = true, requested: number[] = []): TypedBackend =>
  new TypedBackend({ operatorName: 'totals', groups, generated }, (atMs) => void requested.push(atMs))
const never = (): boolean => false

const pair = t.row({ sum: t.float64, count: t.int32 })

test('numbers of every kind come back as they went in, NaN and -0 too, and null clears', () => {
  const backend = typed()
  const value = backend.declare('value', valueState<number>(t.float64))
  const other = backend.declare('other', valueState<number>(t.int64))
  backend.enter(5)
  expect([value.value, other.value]).toEqual([null, null])
  for (const number of [1.5, Number.NaN, -0, Number.POSITIVE_INFINITY, Number.NaN, 7]) {
    value.update(number)
    expect(value.value).toBe(number)
    expect(other.value).toBeNull()
  }
  value.update(null)
  expect(value.value).toBeNull()
  value.update(Number.NaN)
  value.clear()
  expect(value.value).toBeNull()
})

test('what its words cannot hold is among the objects, and a value is in one place only', () => {
  const backend = typed()
  const value = backend.declare('value', valueState<unknown>())
  const row = backend.declare('row', valueState<unknown>(t.row({ sum: t.float64, count: t.nullable(t.int32) })))
  backend.enter(5)
  for (const given of [1, 'text', 2, { a: [1] }, Number.NaN, [3], null, 4]) {
    value.update(given)
    expect(value.value).toEqual(given)
  }
  for (const given of [
    { sum: 1, count: 2 },
    { sum: 1 },
    { sum: 3, count: 4 },
    { sum: 1, count: 2, more: 3 },
    { sum: 1, count: null },
    { sum: 5, count: 6 },
  ]) {
    row.update(given)
    expect(row.value).toEqual(given)
  }
  expect(value.value).toBe(4)
  expect([...backend.state.entries('row')]).toMatchObject([{ key: 5, value: { sum: 5, count: 6 } }])
})

test('who changes what he stored or read changes no state', () => {
  const backend = typed()
  const row = backend.declare('row', valueState<{ sum: number; count: number }>(pair))
  const any = backend.declare('any', valueState<{ list: number[] }>())
  backend.enter('a')
  const given = { sum: 1, count: 1 }
  const list = { list: [1] }
  row.update(given)
  any.update(list)
  given.sum = 9
  list.list.push(2)
  row.value!.count = 9
  any.value!.list.push(3)
  expect([row.value, any.value]).toEqual([{ sum: 1, count: 1 }, { list: [1] }])
})

test('a value that cannot be stored leaves the one before', () => {
  const backend = typed()
  const value = backend.declare('value', valueState<unknown>(t.float64))
  const row = backend.declare('row', valueState<unknown>(pair))
  backend.enter(1)
  value.update(3)
  row.update({ sum: 1, count: 2 })
  for (const handle of [value, row]) expect(() => handle.update(() => 1)).toThrow(/was given a function/)
  expect([value.value, row.value]).toEqual([3, { sum: 1, count: 2 }])
})

test('state outside of a turn, and a name declared twice in two ways, are errors that name the operator', () => {
  const backend = typed()
  const value = backend.declare('value', valueState<number>(t.float64))
  const list = backend.declare('list', listState<number>())
  expect(backend.declare('value', valueState<number>(t.float64))).toBe(value)
  expect(() => backend.declare('value', listState<number>())).toThrow(/State value of operator totals is declared twice/)
  const touches = [
    () => value.value,
    () => value.update(1),
    () => value.clear(),
    () => value.update(null),
    () => list.get(),
    () => list.add(1),
  ]
  for (const touch of touches) expect(touch).toThrow(/of operator totals was used outside of a keyed element or timer/)
  backend.enter(1)
  value.update(2)
  backend.leave()
  for (const touch of touches) expect(touch).toThrow(/outside of a keyed element/)
})

test('keys stay apart when a stream of whole numbers turns to fractions and then to strings', () => {
  const backend = typed()
  const value = backend.declare('value', valueState<number>(t.float64))
  const list = backend.declare('list', listState<unknown>())
  const keys = [1, 2, 2 ** 31, 0.5, Number.NaN, -7, 'one', '1', { a: 1 }, 10n]
  for (const [i, key] of keys.entries()) {
    backend.enter(key)
    value.update(i)
    list.add(key)
    backend.registerEventTimer(10)
    backend.registerProcessingTimer(20)
    backend.leave()
  }
  for (const [i, key] of keys.entries()) {
    backend.enter(key)
    expect([backend.currentKey, value.value, list.get()]).toEqual([key, i, [key]])
    backend.registerEventTimer(10)
  }
  expect([backend.numEventTimers, backend.numProcessingTimers, backend.state.numKeys]).toEqual([10, 10, 10])
  const fired: unknown[] = []
  backend.advanceWatermark(10, () => void fired.push(backend.currentKey), never)
  expect(fired).toEqual(keys)
})

test('equal keys of two types are one key, which goes by the first', () => {
  const backend = typed()
  const value = backend.declare('value', valueState<number>(t.float64))
  backend.enter(7n)
  value.update(1)
  backend.enter(7)
  expect([value.value, backend.currentKey]).toEqual([1, 7n])
})

test('keys that come and go leave no memory: what holds nothing is dropped when its table fills up', () => {
  const backend = typed()
  const value = backend.declare('value', valueState<number>(t.float64))
  const list = backend.declare('list', listState<number>())
  let largest = 0
  let wrong = 0
  for (let key = 0; key < 200_000; key++) {
    backend.enter(key)
    value.update(key)
    if (key % 3 === 0) list.add(key)
    backend.registerEventTimer(key + 100)
    backend.leave()
    backend.advanceWatermark(
      key,
      () => {
        if (value.value !== backend.currentKey) wrong++
        value.clear()
        list.clear()
        backend.leave()
      },
      never,
    )
    if (key % 10_000 === 0) largest = Math.max(largest, backend.state.sizeBytes)
  }
  expect(wrong).toBe(0)
  expect(backend.state.numKeys).toBe(100)
  expect(largest).toBeLessThan(1 << 20)
})

test('strings that come and go are forgotten, and no key takes over what another left', () => {
  const backend = typed()
  const value = backend.declare('value', valueState<number>(t.float64))
  const list = backend.declare('list', listState<number>())
  const fired = new Set<unknown>()
  let wrong = 0
  const fire = (): void => {
    if (fired.has(backend.currentKey) || `key ${value.value}` !== backend.currentKey) wrong++
    fired.add(backend.currentKey)
    value.clear()
    list.clear()
    backend.leave()
  }
  const stay = Array.from({ length: 300 }, (_, i) => i)
  for (const i of stay) {
    backend.enter(`stays ${i}`)
    value.update(i)
    backend.enter(`waits ${i}`)
    backend.registerProcessingTimer(99)
    backend.leave()
  }
  for (let i = 0; i < 100_000; i++) {
    backend.enter(`key ${i}`)
    if (value.value !== null || list.get().length > 0) wrong++
    value.update(i)
    list.add(i)
    // Always the same time: an entry that remembered it for the key before would swallow it.
    if (i % 2 === 0) backend.registerEventTimer(7)
    else {
      value.clear()
      list.clear()
    }
    backend.leave()
    if (i % 50 === 49) backend.advanceWatermark(7, fire, never)
  }
  expect([wrong, fired.size, backend.state.numKeys]).toEqual([0, 50_000, stay.length])
  const held = stay.map((i) => {
    backend.enter(`stays ${i}`)
    return value.value
  })
  expect(held).toEqual(stay)
  const waited: unknown[] = []
  backend.fireProcessingTimers(99, () => void waited.push(backend.currentKey), never)
  expect(waited).toEqual(stay.map((i) => `waits ${i}`))
  expect(backend.keys.size).toBeLessThan(40_000)
})

test('an event timer is one per key and time, though the key has set others meanwhile or has fired it', () => {
  const backend = typed()
  const fired: unknown[] = []
  const fire = (time: number): void => {
    fired.push([backend.currentKey, time])
    if (fired.length === 1) backend.registerEventTimer(5)
    backend.leave()
  }
  backend.enter(1)
  for (const time of [5, 6, 5, 5, 6]) backend.registerEventTimer(time)
  expect(backend.numEventTimers).toBe(2)
  backend.deleteEventTimer(6)
  backend.registerEventTimer(6)
  expect(backend.numEventTimers).toBe(2)
  backend.deleteEventTimer(6)
  backend.deleteEventTimer(9)
  expect(backend.advanceWatermark(8, fire, never)).toBe(true)
  expect(fired).toEqual([
    [1, 5],
    [1, 5],
  ])
  expect(backend.numEventTimers).toBe(0)
})

const declarations = {
  sum: valueState<unknown>(t.float64),
  plain: valueState<unknown>(),
  row: valueState<unknown>(pair),
  text: valueState<unknown>(t.utf8),
  list: listState<unknown>(),
  map: mapState<unknown, unknown>(),
  folded: reducingState<any>((a, b) => a + b),
  mean: aggregatingState<any, any, any>({
    createAccumulator: () => ({ n: 0 }),
    add: (_, acc) => ({ n: acc.n + 1 }),
    getResult: (acc) => acc.n,
  }),
} satisfies Record<string, StateDeclaration<any>>
type Name = keyof typeof declarations

// Of keys that are equal in two forms (1 and 1n, 0 and -0) the tables report the first, the heap whichever came with a timer.
const key = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constantFrom<unknown>(0.5, Number.NaN, 'a', '1', 2n ** 70n, { a: 1 }, true))
const smallKey = fc.integer({ min: 0, max: 4 })
const value = fc.oneof(
  fc.double(),
  fc.constantFrom<unknown>(1, Number.NaN, -0, null, 'text', true, { sum: 1, count: 2 }, { sum: Number.NaN, count: 0 }, { sum: 1 }, [
    1,
    'x',
  ]),
)
const time = fc.integer({ min: 0, max: 6 })
const commandOf = (keys: fc.Arbitrary<unknown>) =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('touch' as const),
        key: keys,
        state: fc.constantFrom(...(Object.keys(declarations) as Name[])),
        op: fc.nat(3),
        value,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom('event' as const, 'processing' as const, 'deleteEvent' as const, 'deleteProcessing' as const),
        key: keys,
        time,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom('watermark' as const, 'clock' as const),
        time,
        stopEvery: fc.integer({ min: 1, max: 4 }),
        again: fc.boolean(),
      }),
    },
  )
type Command = { do: string; key?: unknown; state?: Name; op?: number; value?: any; time?: number; stopEvery?: number; again?: boolean }

function interpret(backend: KeyedBackend, commands: readonly Command[], log: unknown[]): void {
  const states = Object.fromEntries(
    Object.entries(declarations).map(([name, declaration]) => [name, backend.declare<any>(name, declaration as StateDeclaration<any>)]),
  )
  const touch = (name: Name, op: number, value: any): void => {
    const state = states[name]
    const kind = declarations[name].kind
    if (op === 0 && kind === 'value') state.update(value)
    else if (op === 0 && kind === 'map') state.put(String(value), value)
    else if (op === 0) state.add(value)
    else if (op === 1 && kind === 'map') state.remove(String(value))
    else if (op === 1) state.clear()
    log.push([name, kind === 'value' ? state.value : kind === 'map' ? [...state.entries()] : state.get()])
  }
  for (const { do: what, key, state, op = 0, value, time = 0, stopEvery = 1, again } of commands) {
    if (what === 'watermark' || what === 'clock') {
      let fired = 0
      const stop = (): boolean => ++fired % (stopEvery + 1) === 0
      const fire = (at: number, domain: string): void => {
        log.push(['fired', backend.currentKey, at, domain])
        touch('sum', 0, at)
        if (again) backend.registerEventTimer(at + (fired % 3))
        if (fired % 4 === 0) backend.deleteProcessingTimer(at + 1)
        backend.leave()
        if (fired > 200) throw new Error('timers without end')
      }
      while (
        !(what === 'watermark'
          ? backend.advanceWatermark(time, again ? onceEach(fire) : fire, stop)
          : backend.fireProcessingTimers(time, fire, stop))
      )
        log.push('stopped')
      continue
    }
    backend.enter(key)
    if (what === 'touch') logged(() => touch(state!, op, value))
    else if (what === 'event') backend.registerEventTimer(time)
    else if (what === 'processing') backend.registerProcessingTimer(time)
    else if (what === 'deleteEvent') backend.deleteEventTimer(time)
    else backend.deleteProcessingTimer(time)
    backend.leave()
    log.push([backend.numEventTimers, backend.numProcessingTimers])
  }

  /** A value that is not of its state's type is refused, in the same words, and changes nothing. */
  function logged(touch: () => void): void {
    try {
      touch()
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: 'TYPE_MISMATCH' })
      log.push((thrown as Error).message)
    }
  }

  /** Registering again what fires would go on for ever: only the first few may. */
  function onceEach(fire: (at: number, domain: string) => void): (at: number, domain: string) => void {
    let left = 20
    return (at, domain) => {
      if (left-- > 0) fire(at, domain)
      else backend.leave()
    }
  }
}

const byText = (a: unknown, b: unknown): number => (show(a) < show(b) ? -1 : 1)
const show = (value: unknown): string =>
  JSON.stringify(value, (_, x) =>
    typeof x === 'bigint' ? `${x}n` : typeof x === 'number' ? `#${Object.is(x, -0) ? '-0' : x}` : x instanceof Map ? [...x] : x,
  )

for (const [name, keys, generated] of [
  ['whole numbers as keys', smallKey, true],
  ['keys of every kind', key, true],
  ['keys of every kind and no generated code', key, false],
] as const) {
  test(`any program reads, fires and holds the same as on the heap: ${name}`, () => {
    fc.assert(
      fc.property(fc.array(commandOf(keys), { maxLength: 80 }), (commands) => {
        const requested: [number[], number[]] = [[], []]
        const heap = new HeapBackend({ operatorName: 'totals', maxParallelism: 128 }, (atMs) => void requested[0].push(atMs))
        const tables = typed(generated, requested[1])
        const logs: [unknown[], unknown[]] = [[], []]
        interpret(heap, commands, logs[0])
        interpret(tables, commands, logs[1])
        expect(logs[1].map(show)).toEqual(logs[0].map(show))
        expect(requested[1]).toEqual(requested[0])
        for (const state of Object.keys(declarations))
          expect([...tables.state.entries(state)].sort(byText).map(show)).toEqual([...heap.state.entries(state)].sort(byText).map(show))
        expect([...tables.timers(128)].sort(byText).map(show)).toEqual([...heap.timers.entries(128)].sort(byText).map(show))
        expect(tables.state.numKeys).toBe(heap.state.numKeys)
      }),
      { numRuns: 300 },
    )
  })
}
