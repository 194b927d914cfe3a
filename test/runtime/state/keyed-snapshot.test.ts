import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalKey } from '../../../src/base/columnar/key-hash.ts'
import { t } from '../../../src/base/columnar/t.ts'
import {
  aggregatingState,
  listState,
  mapState,
  reducingState,
  type StateDeclaration,
  type StateHandles,
  valueState,
} from '../../../src/program/function/state.ts'
import { HeapBackend } from '../../../src/runtime/state/heap-backend.ts'
import type { KeyedBackend } from '../../../src/runtime/state/keyed-backend.ts'
import type { StateSnapshot } from '../../../src/runtime/state/snapshot.ts'
import { TypedBackend } from '../../../src/runtime/state/typed-backend.ts'
import { type ReadState, readState, restoredFrom, rowsOfChunk, type SnapshotRow } from '../../support/snapshots.ts'

const maxParallelism = 16
const declarations = {
  number: valueState<number>(t.float64),
  other: valueState<unknown>(),
  pair: valueState<{ sum: number; count: number }>(t.row({ sum: t.float64, count: t.int32 })),
  list: listState<unknown>(),
  map: mapState<unknown, unknown>(),
  sum: reducingState<{ n: number }>((a, b) => {
    a.n += b.n // in place, which a user should not do, and may
    return a
  }),
  mean: aggregatingState<number, number[], number>({
    createAccumulator: () => [],
    add(value, values) {
      values.push(value)
      return values
    },
    getResult: (values) => values.length,
  }),
}
type Handles = StateHandles<typeof declarations>
const forms = ['heap', 'typed', 'typed, not generated'] as const
type Form = (typeof forms)[number]

function make(form: Form, start = 0, end = maxParallelism): { backend: KeyedBackend; handles: Handles } {
  const groups = { first: start, count: end - start, maxParallelism }
  const backend =
    form === 'heap'
      ? new HeapBackend({ operatorName: 'op', maxParallelism }, () => {})
      : new TypedBackend({ operatorName: 'op', groups, generated: form === 'typed' }, () => {})
  const handles = Object.entries(declarations).map(([name, declaration]) => [name, backend.declare(name, declaration as StateDeclaration)])
  return { backend, handles: Object.fromEntries(handles) as Handles }
}

type Act =
  | { readonly do: 'change'; readonly key: unknown; readonly what: number; readonly value: number }
  | { readonly do: 'advance'; readonly to: number }
  | { readonly do: 'begin' | 'read' | 'release' }

const key = fc.oneof(
  { weight: 6, arbitrary: fc.nat(40) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(1.5, 'a', 'b', { a: 1, b: 'x' }) },
)
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('change' as const), key, what: fc.nat(23), value: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('advance' as const), to: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('begin' as const, 'read' as const, 'release' as const) }) },
)

function change({ backend, handles }: ReturnType<typeof make>, given: unknown, what: number, value: number): void {
  const { number, other, pair, list, map, sum, mean } = handles
  backend.enter(given)
  const changes: (() => void)[] = [
    () => number.update(value),
    () => number.update(Number.NaN),
    () => number.clear(),
    () => number.update(null),
    () => other.update(value % 2 === 0 ? value : { value }),
    () => other.update('text'),
    () => other.clear(),
    () => pair.update({ sum: value, count: 1 }),
    // With a field more it is no row of numbers, and lies among the objects.
    () => pair.update({ sum: value, count: 1, ...{ more: value } }),
    () => pair.clear(),
    () => list.add(value),
    () => list.addAll([value, { value }]),
    () => list.update(Array.from({ length: value * 600 }, (_, i) => i)),
    () => list.clear(),
    () => map.put(value, value),
    () => map.put(`m${value}`, [value]),
    () => map.remove(value),
    () => map.clear(),
    () => sum.add({ n: value }),
    () => sum.clear(),
    () => mean.add(value),
    () => backend.registerEventTimer(value * 5),
    () => backend.registerProcessingTimer(value * 5),
    () => (value % 2 === 0 ? backend.deleteEventTimer(value * 5) : backend.deleteProcessingTimer(value * 5)),
  ]
  changes[what]!()
  backend.leave()
}

const sorted = (rows: readonly SnapshotRow[]): string[] =>
  rows.map((row) => `${String(canonicalKey(row.key))} ${JSON.stringify(row)}`).sort()

/** Rows of each state, lists in order. */
const contents = (states: readonly ReadState[]): Record<string, string[]> =>
  Object.fromEntries(
    states.map(({ name, rows }) => [
      name,
      name === 'list' ? [...Map.groupBy(rows, (row) => canonicalKey(row.key))].map((e) => JSON.stringify(e)).sort() : sorted(rows),
    ]),
  )

/** A snapshot that is read bit by bit. */
class Reading {
  readonly expected: Record<string, string[]>
  readonly rows: ReadState[]
  readonly #snapshots: readonly StateSnapshot[]
  readonly #chunks: (() => boolean)[]
  #released = false

  constructor(backend: KeyedBackend) {
    // A first snapshot, read at once, says what the second must say however late it is read.
    this.expected = contents(backend.snapshot().map(readState))
    this.#snapshots = backend.snapshot()
    const rows = this.#snapshots.map((): SnapshotRow[] => [])
    this.rows = this.#snapshots.map(({ name, scope, form }, s) => ({ name, scope, form, rows: rows[s]! }))
    this.#chunks = this.#snapshots.map((snapshot, s) => {
      const chunks = snapshot.chunks()
      return () => {
        const next = chunks.next()
        if (next.done) return false
        rows[s]!.push(...rowsOfChunk(next.value))
        return true
      }
    })
  }

  read(): void {
    while (this.#chunks.length > 0 && !this.#chunks[0]!()) this.#chunks.shift()
  }

  finish(): void {
    while (this.#chunks.length > 0) this.read()
    expect(contents(this.rows)).toEqual(this.expected)
    for (const { rows } of this.rows) {
      const groups = rows.map(({ keyGroup }) => keyGroup as number)
      expect(groups).toEqual([...groups].sort((a, b) => a - b))
    }
    this.release()
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    for (const snapshot of this.#snapshots) snapshot.release()
  }
}

test.each(forms)('a snapshot of %s state says what was when it began, however the state changes while it is read', (form) => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 150, size: 'max' }), (acts) => {
      const made = make(form)
      const readings: Reading[] = []
      for (const each of acts) {
        if (each.do === 'change') change(made, each.key, each.what, each.value)
        else if (each.do === 'advance') {
          made.backend.advanceWatermark(
            each.to,
            () => made.backend.leave(),
            () => false,
          )
          made.backend.fireProcessingTimers(
            each.to / 2,
            () => made.backend.leave(),
            () => false,
          )
        } else if (each.do === 'begin') readings.push(new Reading(made.backend))
        else if (each.do === 'read') readings[0]?.read()
        else readings.shift()?.finish()
      }
      for (const reading of readings) reading.finish()
      // Nothing is kept for snapshots that are over.
      expect(made.backend.isSaving).toBe(false)
    }),
    { numRuns: 100 },
  )
})

const changes = fc.array(fc.record({ key, what: fc.nat(23), value: fc.nat(5) }), { maxLength: 80, size: 'max' })

test.each(forms.flatMap((from) => forms.map((to) => [from, to] as const)))(
  'what %s state held, %s state holds at any parallelism',
  async (from, to) => {
    await fc.assert(
      fc.asyncProperty(changes, fc.constantFrom(1, 2, 7), fc.constantFrom(1, 2, 7), async (list, before, after) => {
        const range = (p: number, i: number): [number, number] => [
          Math.ceil((i * maxParallelism) / p),
          Math.ceil(((i + 1) * maxParallelism) / p),
        ]
        const whole = make('heap')
        for (const each of list) change(whole, each.key, each.what, each.value)
        const all = whole.backend.snapshot().map(readState)
        const written: ReadState[] = []
        for (let i = 0; i < before; i++) {
          const part = make(from, ...range(before, i))
          await part.backend.restore(restoredFrom(all, 5, ...range(before, i)))
          written.push(...part.backend.snapshot().map(readState))
        }
        const restored: ReadState[] = []
        for (let i = 0; i < after; i++) {
          const part = make(to, ...range(after, i))
          await part.backend.restore(restoredFrom(written, 5, ...range(after, i)))
          restored.push(...part.backend.snapshot().map(readState))
        }
        const joined = (states: readonly ReadState[]) =>
          contents(
            [...Map.groupBy(states, ({ name }) => name).values()].map((same) => ({ ...same[0]!, rows: same.flatMap(({ rows }) => rows) })),
          )
        expect(joined(restored)).toEqual(joined(all))
      }),
      { numRuns: 8 },
    )
  },
)

test.each(forms)('%s state takes over what was written under a narrower type, and refuses any other', async (form) => {
  const groups = { first: 0, count: maxParallelism, maxParallelism }
  const backendOf = (): KeyedBackend =>
    form === 'heap'
      ? new HeapBackend({ operatorName: 'op', maxParallelism }, () => {})
      : new TypedBackend({ operatorName: 'op', groups, generated: form === 'typed' }, () => {})
  for (const declares of [true, false]) {
    const old = backendOf()
    const pair = t.row({ a: t.int32, gone: t.int32 })
    const written = old.declare('pair', valueState<{ a: number; gone: number }>(declares ? pair : undefined))
    const left = old.declare('left', valueState<number>(t.int32))
    old.enter('k')
    written.update({ a: 1, gone: 2 })
    left.update(5)
    const states = old.snapshot().map(readState)

    const next = backendOf()
    const wider = t.row({ a: t.float64, b: t.float64, c: t.nullable(t.utf8) })
    const restored = next.declare('pair', valueState<unknown>(wider))
    await next.restore(restoredFrom(states))
    next.enter('k')
    expect(restored.value).toEqual({ a: 1, b: 0, c: null })

    const other = backendOf()
    other.declare('left', valueState<string>(t.utf8))
    await expect(other.restore(restoredFrom(states))).rejects.toThrow(
      'State left of operator op is t.utf8 in the program and t.int32 in the snapshot',
    )
    const list = backendOf()
    list.declare('left', listState<number>())
    await expect(list.restore(restoredFrom(states))).rejects.toThrow('is list state in the program and value state in the snapshot')
  }
})

test('tables of many chunks are read as they were, though everything changes, grows and is cleared between two chunks', () => {
  const groups = { first: 0, count: 2, maxParallelism: 2 }
  const backend = new TypedBackend({ operatorName: 'op', groups, generated: true }, () => {})
  const number = backend.declare('number', valueState<unknown>())
  const pair = backend.declare('pair', valueState<unknown>(t.row({ a: t.float64, b: t.nullable(t.int64) })))
  const set = (key: number, n: number): void => {
    backend.enter(key)
    // Here and there what does not lie in the table.
    if (key % 7 !== 0) number.update(key % 5 === 0 ? `no number ${n}` : n)
    if (key % 3 !== 0) pair.update(key % 11 === 0 ? { a: n } : { a: n + 0.5, b: n })
    backend.leave()
  }
  const keys = 20_000
  for (let key = 0; key < keys; key++) set(key, key)
  const expected = backend.snapshot().map(readState)
  const chunkwise = backend.snapshot().map((snapshot) => {
    const rows: SnapshotRow[] = []
    let round = 0
    for (const chunk of snapshot.chunks()) {
      rows.push(...rowsOfChunk(chunk))
      round++
      for (let key = round; key < keys; key += 3) set(key, -round)
      for (let key = 0; key < 2000; key++) set(keys + round * 2000 + key, round)
      for (let key = round; key < keys; key += 401) {
        backend.enter(key)
        number.clear()
        pair.clear()
        backend.leave()
      }
    }
    snapshot.release()
    return rows
  })
  expect(expected[0]!.rows.length).toBeGreaterThan(3 * 4096)
  expect(chunkwise).toEqual(expected.map(({ rows }) => rows))
})
