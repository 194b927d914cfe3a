import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashFloat64, hashInt32 } from '../../../src/base/columnar/key-hash.ts'
import { TableReader } from '../../../src/runtime/state/table-reader.ts'
import { firstValueWord, pageEntries, type TableKeyKind, type TableSnapshot, TypedTable } from '../../../src/runtime/state/typed-table.ts'

const hashes = { int32: hashInt32, float64: hashFloat64 } as const

/** What a reader of a snapshot finds: each live key with its fields. Pages that were saved stand for the memory they came from. */
function readSnapshot({ memory, capacity, stride, stamp, pages }: TableSnapshot, kind: TableKeyKind): Map<number, number[]> {
  const found = new Map<number, number[]>()
  const live = { f64: new Float64Array(memory), i32: new Int32Array(memory) }
  for (let page = 0; page * pageEntries < capacity; page++) {
    const from = page * pageEntries * stride
    const length = Math.min(pageEntries, capacity - page * pageEntries) * stride
    const read = pages.get(page) ?? { ...live, from, length }
    for (let at = read.from; at < read.from + read.length; at += stride) {
      if (read.i32[at * 2 + (kind === 'int32' ? 1 : 2)] !== stamp) continue
      const key = kind === 'int32' ? read.i32[at * 2]! : read.f64[at]!
      found.set(key, [...read.f64.subarray(at + firstValueWord(kind), at + stride)])
    }
  }
  return found
}

function contentsOf(table: TypedTable): Map<number, number[]> {
  const found = new Map<number, number[]>()
  table.forEach((at) => found.set(table.keyAt(at), [...table.f64.subarray(at + firstValueWord(table.keyKind), at + table.stride)]))
  return found
}

type Step = { readonly do: 'add'; readonly key: number; readonly value: number } | { readonly do: 'clear' | 'begin' | 'end' }

const int32Keys = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.integer(), fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31)))
const float64Keys = fc.oneof(int32Keys, fc.double(), fc.constantFrom(Number.NaN, -0, 0.5, 2 ** 31, -(2 ** 53), Number.POSITIVE_INFINITY))

const steps = (keys: fc.Arbitrary<number>): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      { weight: 20, arbitrary: fc.record({ do: fc.constant('add' as const), key: keys, value: fc.integer({ min: 0, max: 9 }) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('clear' as const, 'begin' as const, 'end' as const) }) },
    ),
    { maxLength: 300 },
  )

describe.each<[TableKeyKind, fc.Arbitrary<number>]>([
  ['int32', int32Keys],
  ['float64', float64Keys],
])('a table of %s keys', (kind, keys) => {
  const hashOf = hashes[kind]
  const tableOf = (initial: readonly number[] = [0, 100]) => new TypedTable(kind, Float64Array.from(initial), hashOf)
  const add = (table: TypedTable, key: number, value: number) => {
    const at = table.upsert(key, hashOf(key))
    table.saveBefore(at)
    table.f64[at + firstValueWord(kind)]! += value
    table.f64[at + firstValueWord(kind) + 1]! -= 1
  }

  test('holds what a Map would, through growth, clears and snapshots, which keep what they were taken of', () => {
    fc.assert(
      fc.property(steps(keys), (script) => {
        const table = tableOf()
        const model = new Map<number, number[]>()
        const taken: { snapshot: TableSnapshot; copy: Map<number, number[]> }[] = []
        for (const step of script) {
          if (step.do === 'add') {
            add(table, step.key, step.value)
            const [sum, left] = model.get(step.key) ?? [0, 100]
            model.set(step.key, [sum! + step.value, left! - 1])
          } else if (step.do === 'clear') {
            table.clear()
            model.clear()
          } else if (step.do === 'begin' && table.snapshot === undefined) {
            taken.push({ snapshot: table.beginSnapshot(), copy: new Map(model) })
          } else if (step.do === 'end' && table.snapshot !== undefined) {
            const { snapshot, copy } = taken.pop()!
            expect(readSnapshot(snapshot, kind)).toEqual(copy)
            table.endSnapshot(snapshot)
          }
          expect(table.size).toBe(model.size)
        }
        expect(contentsOf(table)).toEqual(model)
        for (const key of model.keys()) expect(table.find(key, hashOf(key))).toBeGreaterThanOrEqual(0)
        // Growth and clearing leave the memory to those that were in flight then.
        for (const { snapshot, copy } of taken) expect(readSnapshot(snapshot, kind)).toEqual(copy)
      }),
      { numRuns: 300 },
    )
  })

  test('a key that is not there is not found', () => {
    const table = tableOf()
    expect(table.find(1, hashOf(1))).toBe(-1)
    add(table, 2, 1)
    expect(table.find(1, hashOf(1))).toBe(-1)
    table.clear()
    expect(table.find(2, hashOf(2))).toBe(-1)
  })

  test('clearing is right past the last stamp, with a snapshot in flight and without', () => {
    for (const inFlight of [false, true]) {
      const table = tableOf()
      for (let key = 0; key < 100; key++) add(table, key, 1)
      table.stamp = 0x7ffffffe
      table.clear()
      for (let key = 0; key < 50; key++) add(table, key, 2)
      const before = contentsOf(table)
      const snapshot = inFlight ? table.beginSnapshot() : undefined
      expect(table.stamp).toBe(0x7fffffff)
      table.clear()
      expect(table.stamp).toBe(1)
      expect(contentsOf(table).size).toBe(0)
      add(table, 7, 3)
      expect(contentsOf(table)).toEqual(new Map([[7, [3, 99]]]))
      if (snapshot !== undefined) expect(readSnapshot(snapshot, kind)).toEqual(before)
    }
  })

  test('a snapshot of many pages is what it was taken of, though every page is written, grown or cleared afterwards', () => {
    const table = tableOf()
    const count = 40_000
    for (let key = 0; key < count; key++) add(table, key * 3, key % 7)
    const copy = contentsOf(table)
    const snapshot = table.beginSnapshot()
    for (let key = 0; key < count; key += 2) add(table, key * 3, 1)
    expect(snapshot.pages.size).toBeGreaterThan(20)
    expect(readSnapshot(snapshot, kind)).toEqual(copy)
    table.clear()
    for (let key = 0; key < count; key++) add(table, -key, 5)
    expect(readSnapshot(snapshot, kind)).toEqual(copy)
    for (let key = 0; key < 2 * count; key++) add(table, key, 5)
    expect(readSnapshot(snapshot, kind)).toEqual(copy)
    expect(table.snapshot).toBeUndefined()
  })

  test('several snapshots at a time say each what was when it began, whichever ends first', () => {
    for (const endsFirst of [0, 1, 2]) {
      const table = tableOf()
      for (let key = 0; key < 10_000; key++) add(table, key, 1)
      const expected: Map<number, number[]>[] = []
      const snapshots = [0, 1, 2].map((round) => {
        expected.push(contentsOf(table))
        const snapshot = table.beginSnapshot()
        for (let key = round; key < 6000; key += 3) add(table, key, 2)
        return snapshot
      })
      table.endSnapshot(snapshots[endsFirst]!)
      for (let key = 0; key < 10_000; key++) add(table, key, 5)
      snapshots.forEach((snapshot, s) => {
        if (s !== endsFirst) expect(readSnapshot(snapshot, kind)).toEqual(expected[s])
        table.endSnapshot(snapshot)
      })
      expect(table.snapshot).toBeUndefined()
    }
  })

  test('a reader of a snapshot goes from entry to entry while the table is written', () => {
    const table = tableOf()
    for (let key = 0; key < 30_000; key++) add(table, key, key)
    const copy = contentsOf(table)
    const reader = new TableReader(table.beginSnapshot())
    const read = new Map<number, number[]>()
    for (let round = 0; reader.next(); round++) {
      const at = reader.at + reader.first
      read.set(reader.key, [reader.f64[at]!, reader.f64[at + 1]!])
      if (round % 100 !== 0) continue
      for (let i = 0; i < 20; i++) add(table, (round * 7919 + i * 1009) % (round > 20_000 ? 90_000 : 30_000), 1)
      reader.resume()
    }
    expect(read).toEqual(copy)
  })

  test('a page that the last reader has left is saved no more', () => {
    for (const isLast of [true, false]) {
      const table = tableOf()
      for (let key = 0; key < 40_000; key++) add(table, key, key % 5)
      const copy = contentsOf(table)
      const snapshot = table.beginSnapshot()
      const reader = new TableReader(snapshot, isLast)
      const read = new Map<number, number[]>()
      while (reader.next()) {
        read.set(reader.key, [...reader.f64.subarray(reader.at + reader.first, reader.at + reader.first + 2)])
        if (read.size !== 20_000) continue
        for (let key = 0; key < 40_000; key++) add(table, key, 1)
        reader.resume()
      }
      expect(read).toEqual(copy)
      const pages = table.capacity / pageEntries
      if (isLast) expect(snapshot.pages.size).toBeLessThan(0.6 * pages)
      else expect(snapshot.pages.size).toBe(pages)
    }
  })

  test('a page that a reader has left is saved for an older snapshot', () => {
    const table = tableOf()
    for (let key = 0; key < 10_000; key++) add(table, key, 1)
    const copy = contentsOf(table)
    const older = table.beginSnapshot()
    const reader = new TableReader(table.beginSnapshot())
    while (reader.next());
    for (let key = 0; key < 10_000; key++) add(table, key, 1)
    expect(readSnapshot(older, kind)).toEqual(copy)
  })

  test('what is saved of a page is its live entries', () => {
    const table = tableOf()
    for (let key = 0; key < 5000; key++) add(table, key, 1)
    const copy = contentsOf(table)
    const snapshot = table.beginSnapshot()
    for (let key = 0; key < 5000; key++) add(table, key, 1)
    expect(snapshot.pages.size).toBe(table.capacity / pageEntries)
    const words = [...snapshot.pages.values()].reduce((sum, { length }) => sum + length, 0)
    expect(words).toBe(5000 * table.stride)
    expect(readSnapshot(snapshot, kind)).toEqual(copy)
    table.endSnapshot(snapshot)
    expect(snapshot.pages.size).toBe(0)
  })

  test('a table that was far larger than what it holds gives memory back when it is cleared', () => {
    const table = tableOf()
    for (let key = 0; key < 10_000; key++) add(table, key, 1)
    const large = table.sizeBytes
    table.clear()
    expect(table.sizeBytes).toBe(large)
    add(table, 1, 1)
    table.clear()
    expect(table.sizeBytes).toBeLessThan(large / 100)
    add(table, 2, 4)
    expect(contentsOf(table)).toEqual(new Map([[2, [4, 99]]]))
  })

  test('an entry starts with the initial values each time it is made, NaN among them', () => {
    const table = tableOf([Number.NaN, -1])
    for (let round = 0; round < 3; round++) {
      const at = table.upsert(5, hashOf(5)) + firstValueWord(kind)
      expect([...table.f64.subarray(at, at + 2)]).toEqual([Number.NaN, -1])
      table.f64.fill(round, at, at + 2)
      table.clear()
    }
  })
})

test('float64 keys compare by value: NaN is itself, -0 is 0', () => {
  const table = new TypedTable('float64', new Float64Array(1), hashFloat64)
  const at = table.upsert(Number.NaN, hashFloat64(Number.NaN))
  expect(table.upsert(Number.NaN, hashFloat64(Number.NaN))).toBe(at)
  const zero = table.upsert(-0, hashFloat64(-0))
  expect(table.upsert(0, hashFloat64(0))).toBe(zero)
  expect(table.size).toBe(2)
})
