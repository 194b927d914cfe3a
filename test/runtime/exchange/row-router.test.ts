import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Schema } from '../../../src/base/columnar/data-type.ts'
import { hashKey, keyGroupOf, subtaskOfKeyGroup } from '../../../src/base/columnar/key-hash.ts'
import { schemaOf } from '../../../src/base/columnar/schema.ts'
import { t } from '../../../src/base/columnar/t.ts'
import type { KeySpec } from '../../../src/program/graph/operator-descriptor.ts'
import {
  broadcastRouter,
  CustomRouter,
  globalRouter,
  HashRouter,
  type RowRouter,
  ShuffleRouter,
  SliceRouter,
} from '../../../src/runtime/exchange/row-router.ts'
import { Channel, deliver, partitionOver } from './channels.ts'

/** What each of `targets` consumers is given of the rows. */
function spread(
  rows: readonly any[],
  targets: number,
  router: RowRouter,
  options: { schema?: Schema; everyRow?: boolean; segmentSizeBytes?: number } = {},
): any[][] {
  const { segmentSizeBytes = 512 } = options
  const channels = Array.from({ length: targets }, () => new Channel({ segmentSizeBytes, segments: 2 }))
  const partition = partitionOver(channels, { router, schema: options.schema ?? null })
  for (const row of rows) {
    partition.emit(row, 0)
    while (options.everyRow ? !partition.scatter() : partition.isFull && !partition.makeRoom())
      for (const channel of channels) channel.take()
  }
  deliver(partition, channels, 1)
  return channels.map((channel) => channel.rows)
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => ({ i, name: `n${i % 11}` }))
const parallelisms = [1, 2, 3, 4, 5, 6, 7]

/** Each row went to one consumer, and each consumer saw its rows in their order. */
function expectEachOnce(parts: readonly any[][], rows: readonly any[]): void {
  for (const part of parts) expect(part.map(({ i }) => i)).toEqual(part.map(({ i }) => i).sort((a, b) => a - b))
  expect(parts.flat().sort((a, b) => a.i - b.i)).toEqual(rows)
}

describe.each(parallelisms)('with %i consumers', (targets) => {
  test('rows keyed by an integer field go where hashKey says, in their order', () => {
    const schema = schemaOf(t.row({ i: t.int32, key: t.int32 }))
    const rows = Array.from({ length: 5000 }, (_, i) => ({ i, key: Math.imul(i, 77_777) }))
    const parts = spread(rows, targets, new HashRouter({ kind: 'field', field: 'key' }, targets, 128), { schema })
    const targetOf = (key: number) => subtaskOfKeyGroup(keyGroupOf(hashKey(key), 128), targets, 128)
    expect(parts).toEqual(parts.map((_, target) => rows.filter(({ key }) => targetOf(key) === target)))
  })

  test('every partitioning gives each row to one consumer, broadcast to all', () => {
    const routers: (() => RowRouter)[] = [
      () => globalRouter,
      () => new SliceRouter(targets - 1),
      () => new ShuffleRouter(targets, 42),
      () => new CustomRouter((row: any) => row.i % targets),
      () => new HashRouter({ kind: 'field', field: 'name' }, targets, 128),
    ]
    const rows = numbered(5000)
    for (const router of routers) expectEachOnce(spread(rows, targets, router()), rows)
    for (const part of spread(rows, targets, broadcastRouter)) expect(part).toEqual(rows)
  })

  test('global gives all to the first', () => {
    const parts = spread(numbered(100), targets, globalRouter)
    expect(parts[0]).toHaveLength(100)
  })

  test('round robin is even to one row, and goes on where it was, though batches have one row each', () => {
    for (const everyRow of [true, false]) {
      for (let startAt = 0; startAt < targets; startAt++) {
        const sizes = spread(numbered(100), targets, new SliceRouter(startAt), { everyRow }).map((part) => part.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
        if (targets > 1 && 100 % targets > 0) expect(sizes[startAt]).toBe(Math.max(...sizes))
      }
    }
  })

  test('a shuffle is the same for the same seed, and about even', () => {
    const rows = numbered(3000)
    const once = spread(rows, targets, new ShuffleRouter(targets, 7))
    expect(spread(rows, targets, new ShuffleRouter(targets, 7))).toEqual(once)
    for (const part of once) expect(Math.abs(part.length - 3000 / targets)).toBeLessThan(3000 * 0.06)
  })

  test('a custom partitioner decides', () => {
    const parts = spread(numbered(3000), targets, new CustomRouter((row: any) => (row.i * row.i) % targets))
    parts.forEach((part, target) => expect(part.every(({ i }) => (i * i) % targets === target)).toBe(true))
  })
})

describe('hash', () => {
  const keys: Record<string, readonly unknown[]> = {
    'whole numbers': [0, -0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 7, 8, 9],
    'all numbers': [0.5, -0, Number.NaN, 2 ** 31, -(2 ** 40), 1e300, Number.POSITIVE_INFINITY, 3],
    strings: ['', 'a', 'ü', '😀', 'a\ud83d', 'b'.repeat(2000), '\0', '1'],
    'numbers, then strings': [1, 2, 'two', 3, '3'],
    booleans: [true, false],
    bigints: [0n, 5n, -5n, 2n ** 70n],
    dates: [new Date(0), new Date(5), new Date(-(2 ** 40))],
    bytes: [new Uint8Array(0), new Uint8Array([1, 2])],
    lists: [[], [1], [1, null], ['a', 'b']],
    objects: [{ x: 1 }, { x: 1, y: 'z' }, { x: 2, y: null }],
    'anything there is': [1, 'a', true, 2n, new Date(1), [1], { x: 1 }],
  }
  const cases = Object.entries(keys).flatMap(([what, values]) => [128, 100, 1].map((max) => [what, max, values] as const))

  test.each(cases)('%s go where their hash says, with %i key groups', (_what, maxParallelism, values) => {
    for (const targets of parallelisms.filter((targets) => targets <= maxParallelism)) {
      for (const everyRow of [true, false]) {
        const rows = Array.from({ length: 60 }, (_, i) => ({ i, k: values[i % values.length] }))
        expectTargets(rows, { kind: 'field', field: 'k' }, targets, maxParallelism, { everyRow })
        expectTargets(rows, { kind: 'fields', fields: ['k', 'i'] }, targets, maxParallelism, { everyRow })
        expectTargets(rows, { kind: 'function', fn: (row: any) => row.k }, targets, maxParallelism, { everyRow })
      }
    }
  })

  test.each([
    ['t.int32', t.int32, [1, -1, 0, 2 ** 31 - 1]],
    ['t.int64', t.int64, [1, -1, 0, 2 ** 53 - 1, -(2 ** 31)]],
    ['t.timestamp', t.timestamp, [1, 1e12, -5]],
    ['t.float64', t.float64, [1, 1.5, -0]],
    ['t.nullable(t.int32)', t.nullable(t.int32), [1, 2, 3]],
    ['t.nullable(t.utf8)', t.nullable(t.utf8), ['a', 'b']],
    ['t.boolean', t.boolean, [true, false]],
    ['t.any', t.any, [1, 'a']],
  ])('declared keys of type %s go where their hash says', (_name, type, values) => {
    const schema = schemaOf(t.row({ i: t.int32, k: type }) as any)
    const rows = Array.from({ length: 100 }, (_, i) => ({ i, k: values[i % values.length] }))
    expectTargets(rows, { kind: 'field', field: 'k' }, 5, 128, { schema })
  })

  test('a column that is no longer dictionary-coded is hashed as before', () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => ({ i, k: i < 1000 ? `k${i % 3}` : `k${i}` }))
    expectTargets(rows, { kind: 'field', field: 'k' }, 3, 128, { segmentSizeBytes: 32 * 1024 })
  })

  test('a key that stands in the column of what no other column takes goes where its hash says', () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, c) => [`f${c}`, c]))
    const rows = Array.from({ length: 20 }, (_, i) => ({ i, ...many, k: `k${i % 4}` }))
    expectTargets(rows, { kind: 'field', field: 'k' }, 3, 128, { segmentSizeBytes: 8192 })
  })

  test('of several key fields, one that is null, missing or beyond the columns counts as hashKey has it', () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, c) => [`f${c}`, c]))
    const rows = Array.from({ length: 60 }, (_, i) => ({
      i,
      ...(i % 3 === 0 ? {} : { a: i % 3 === 1 ? null : `a${i % 4}` }),
      ...(i < 40 ? {} : many),
      b: i % 5,
      z: i % 7 === 0 ? null : i % 2 === 0,
    }))
    for (const targets of parallelisms) {
      for (const fields of [['z', 'a', 'b'], ['b', 'z'], ['a']]) {
        expectTargets(rows, { kind: 'fields', fields }, targets, 128, { segmentSizeBytes: 8192 })
      }
    }
  })

  test('equal keys of any type go to the same consumer', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 7 }), (key, targets) => {
        const target = (k: unknown) =>
          spread([{ k }], targets, new HashRouter({ kind: 'field', field: 'k' }, targets, 128)).findIndex((part) => part.length > 0)
        expect(target(BigInt(key))).toBe(target(key))
      }),
      { numRuns: 50 },
    )
  })
})

function expectTargets(
  rows: readonly any[],
  key: KeySpec,
  targets: number,
  maxParallelism: number,
  options: Parameters<typeof spread>[3],
): void {
  const keyOf = (row: any): unknown =>
    key.kind === 'field'
      ? row[key.field]
      : key.kind === 'function'
        ? key.fn(row)
        : Object.fromEntries(key.fields.map((field) => [field, row[field]]))
  const parts = spread(rows, targets, new HashRouter(key, targets, maxParallelism), options)
  const targetOf = new Map(parts.flatMap((part, target) => part.map(({ i }) => [i, target])))
  expect(targetOf.size).toBe(rows.length)
  for (const row of rows)
    expect(targetOf.get(row.i)).toBe(
      targets === 1 ? 0 : subtaskOfKeyGroup(keyGroupOf(hashKey(keyOf(row)), maxParallelism), targets, maxParallelism),
    )
}
