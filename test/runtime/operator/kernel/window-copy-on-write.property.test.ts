/**
 * The tables of window kernels while a snapshot is open: thousands of keys of one key group, so that tables, the sessions' pool and
 * chunks have several pages each. Two snapshots are begun at once; one is read at once, the other bit by bit between random writes,
 * firings and cleanups. Both have to show the same.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashKey, keyGroupOf } from '../../../../src/base/columnar/key-hash.ts'
import { avg, count, max, sum } from '../../../../src/program/function/aggregate.ts'
import type { WindowAssigner } from '../../../../src/program/function/window.ts'
import type { WindowApply, WindowDescriptor } from '../../../../src/program/graph/operator-descriptor.ts'
import { maxWatermark } from '../../../../src/runtime/operator/operator.ts'
import { at, type Emitted, KeyedChain } from '../../../support/keyed-chain.ts'
import { byK } from '../../../support/restarted-windows.ts'
import { rowsOfChunk } from '../../../support/snapshots.ts'

const checkpoint = { checkpointId: 1, timestampMs: 0, kind: 'checkpoint', directory: '' } as const
const numKeys = 3_000
const inOneGroup = (keyOf: (i: number) => unknown): unknown[] => {
  const keys: unknown[] = []
  for (let i = 0; keys.length < numKeys; i++) if (keyGroupOf(hashKey(keyOf(i)), 128) === 0) keys.push(keyOf(i))
  return keys
}
const ints = inOneGroup((i) => i)
const texts = inOneGroup((i) => `key ${i}`)

const aggregates: WindowApply = { kind: 'aggregates', aggregates: { n: count(), total: sum('v'), high: max('v'), mean: avg('v') } }
const rows: WindowApply = {
  kind: 'process',
  process: (elements, _ctx, out) => out.collect({ n: (elements as any[]).sort((a, b) => b.v - a.v).length }),
}
const inPlace: WindowApply = {
  kind: 'aggregate',
  fn: {
    createAccumulator: () => ({ all: [] as number[] }),
    add(row: any, acc: any) {
      acc.all.push(row.v)
      return acc
    },
    getResult: (acc: any) => ({ n: acc.all.splice(0).length }),
  },
}
const event = { time: 'event' } as const
const tumbling: WindowAssigner = { kind: 'tumbling', ...event, sizeMs: 10, offsetMs: 0 }
const sliding: WindowAssigner = { kind: 'sliding', ...event, sizeMs: 15, slideMs: 10, offsetMs: 0 }
const session: WindowAssigner = { kind: 'session', ...event, gapMs: 3 }
const global: WindowAssigner = { kind: 'global', fireAtEnd: true }

const kinds: Record<string, readonly [assigner: WindowAssigner, apply: WindowApply, allowedLatenessMs: number]> = {
  'tumbling windows': [tumbling, aggregates, 0],
  'tumbling windows with lateness': [tumbling, aggregates, 15],
  'panes of sliding windows': [sliding, aggregates, 5],
  'sessions, most of them in the pool': [session, aggregates, 40],
  'sessions that end': [session, aggregates, 0],
  'the rows of windows': [tumbling, rows, 0],
  'objects that change in place': [tumbling, inPlace, 0],
  'the one window of a key': [global, aggregates, 0],
}

interface Write {
  /** Keys: every so-and-so-manieth, from the first on. */
  readonly every: number
  readonly first: number
  readonly behind: number
  readonly advance: number
  readonly sayWatermark: boolean
}

const write: fc.Arbitrary<Write> = fc.record({
  every: fc.constantFrom(1, 2, 7, 400, 1500),
  first: fc.nat({ max: 100 }),
  behind: fc.nat({ max: 40 }),
  advance: fc.integer({ min: 0, max: 12 }),
  sayWatermark: fc.boolean(),
})

class Writer {
  readonly chain: KeyedChain
  readonly #keys: readonly unknown[]
  #now = 0

  constructor(descriptor: WindowDescriptor, keys: readonly unknown[]) {
    this.chain = new KeyedChain(descriptor, byK, { generated: true, context: { subtaskIndex: 0, parallelism: 128 } })
    this.#keys = keys
  }

  write({ every, first, behind, advance, sayWatermark }: Write): void {
    this.#now += advance
    const batch: Emitted[] = []
    for (let i = first; i < this.#keys.length; i += every) batch.push(at(this.#now - ((i * 7) % (behind + 1)), { k: this.#keys[i], v: i }))
    this.chain.rows(batch)
    if (sayWatermark) this.chain.watermark(this.#now - 15)
    this.chain.emitted.length = 0
  }
}

test.for(Object.keys(kinds))('a snapshot of %s stays what it was while they change', (kind) => {
  const [assigner, apply, allowedLatenessMs] = kinds[kind]!
  const descriptor: WindowDescriptor = { kind: 'window', assigner, apply, allowedLatenessMs }
  let chunks = 0
  fc.assert(
    fc.property(
      fc.array(write, { minLength: 3, maxLength: 6 }),
      fc.array(write, { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      fc.boolean(),
      (before, meanwhile, textKeys, widens) => {
        const writer = new Writer(descriptor, textKeys ? texts : ints)
        const { operator, kernel } = writer.chain
        expect(kernel).toBeDefined()
        const all: Write = { every: 1, first: 0, behind: 20, advance: 30, sayWatermark: false }
        for (const each of [all, ...before]) writer.write(each)
        const [atOnce] = operator.snapshotState!(checkpoint)
        const [inBits] = operator.snapshotState!(checkpoint)
        expect(kernel!.isSaving).toBe(true)
        const expected = [...atOnce!.chunks()].flatMap(rowsOfChunk)
        const found = []
        atOnce!.release()
        const left = [...meanwhile]
        writer.write(left.shift()!)
        if (widens) writer.chain.rows([at(60, { k: ints[0]! as number, v: 1 }), at(60, { k: texts[0], v: 2 })])
        for (const chunk of inBits!.chunks()) {
          found.push(...rowsOfChunk(chunk))
          chunks++
          const next = left.shift()
          if (next !== undefined) writer.write(next)
          else writer.chain.watermark(maxWatermark)
        }
        inBits!.release()
        expect(found).toEqual(expected)
        expect(kernel!.isSaving).toBe(false)
        expect(found.map(({ keyGroup }) => keyGroup).every((group) => group === 0)).toBe(true)
      },
    ),
    { numRuns: 12 },
  )
  expect(chunks).toBeGreaterThan(10)
})
