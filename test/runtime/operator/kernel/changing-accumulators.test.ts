import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { t } from '../../../../src/base/columnar/t.ts'
import type { AggregateFunction } from '../../../../src/program/function/functions.ts'
import type { WindowAssigner } from '../../../../src/program/function/window.ts'
import type { KeySpec, WindowDescriptor } from '../../../../src/program/graph/operator-descriptor.ts'
import { maxWatermark } from '../../../../src/runtime/operator/operator.ts'
import { at, type Emitted, KeyedChain } from '../../../support/keyed-chain.ts'

const byK: KeySpec = { kind: 'field', field: 'k' }
const assigners: Record<string, WindowAssigner<any>> = {
  tumbling: { kind: 'tumbling', time: 'event', sizeMs: 10, offsetMs: 0 },
  sliding: { kind: 'sliding', time: 'event', sizeMs: 20, slideMs: 10, offsetMs: 0 },
  session: { kind: 'session', time: 'event', gapMs: 6 },
  global: { kind: 'global', fireAtEnd: true },
}
type Aggregate = AggregateFunction<any, any, any>
const merge = (a: any, b: any) => ({ ...a, ...b, ids: [...(a.ids ?? [a.n]), ...(b.ids ?? [b.n])].sort((x, y) => x - y), n: a.n + b.n })
/** They begin as numbers; a row with v = 9 makes something else of them. */
const aggregates: Record<string, Aggregate> = {
  'a field more': {
    createAccumulator: () => ({ n: 0, last: 0 }),
    add: (row, acc) => (row.v === 9 ? { ...acc, n: acc.n + 1, note: 'nine' } : { ...acc, n: acc.n + 1, last: row.v }),
    merge: (a, b) => ({ ...a, ...b, n: a.n + b.n, last: Math.max(a.last, b.last) }),
    getResult: (acc) => ({ ...acc }),
  },
  'a null': {
    createAccumulator: () => ({ n: 0, low: 0 }),
    add: (row, acc) => ({ n: acc.n + 1, low: row.v === 9 ? null : row.v }),
    merge: (a, b) => ({ n: a.n + b.n, low: a.low === null || b.low === null ? null : Math.min(a.low, b.low) }),
    getResult: (acc) => ({ ...acc }),
  },
  'a field that the same object gets': {
    createAccumulator: () => ({ n: 0 }),
    add(row, acc) {
      acc.n++
      if (row.v === 9) acc.nines = (acc.nines ?? 0) + 1
      return acc
    },
    merge: (a, b) => ({
      n: a.n + b.n,
      ...(a.nines === undefined && b.nines === undefined ? {} : { nines: (a.nines ?? 0) + (b.nines ?? 0) }),
    }),
    getResult: (acc) => ({ ...acc }),
  },
  'a number that becomes text': {
    createAccumulator: () => 0,
    add: (row, acc) => (row.v === 9 ? `${acc}+9` : typeof acc === 'number' ? acc + row.v : `${acc}+${row.v}`),
    merge: (a, b) => (typeof a === 'number' && typeof b === 'number' ? a + b : [a, b].map(String).sort().join('|')),
    getResult: (acc) => ({ total: acc }),
  },
  'a shape that only merging gives': {
    createAccumulator: () => ({ n: 0 }),
    add: (_row, acc) => ({ n: acc.n + 1 }),
    merge,
    getResult: (acc) => ({ ...acc }),
  },
}

type Step = { readonly rows: readonly Emitted[] } | { readonly watermark: number }

const texts = (emitted: readonly Emitted[]): string[] => emitted.map(({ row, timestamp }) => JSON.stringify([timestamp, row])).sort()

function both(descriptor: WindowDescriptor, steps: readonly Step[], rowsPerStep?: number): { rows: number; isPlain: boolean } {
  const options = rowsPerStep === undefined ? {} : { rowsPerStep }
  const fast = new KeyedChain(descriptor, byK, { generated: true, ...options })
  const plain = new KeyedChain(descriptor, byK, { generated: false, ...options })
  expect(fast.kernel).toBeDefined()
  let rows = 0
  for (const step of steps) {
    for (const chain of [fast, plain]) {
      if ('watermark' in step) chain.watermark(step.watermark)
      else chain.rows(step.rows)
    }
    rows += fast.emitted.length
    expect(texts(fast.emitted.splice(0))).toEqual(texts(plain.emitted.splice(0)))
    expect(fast.numLateRecordsDropped).toEqual(plain.numLateRecordsDropped)
  }
  return { rows, isPlain: fast.kernel!.layout === 'plain' }
}

const windows = (assigner: WindowAssigner<any>, fn: Aggregate, allowedLatenessMs = 0): WindowDescriptor => ({
  kind: 'window',
  assigner,
  allowedLatenessMs,
  apply: { kind: 'aggregate', fn },
})
const row = (k: unknown, v: number, timestamp: number): Emitted => at(timestamp, { k, v })

describe.each(Object.keys(assigners))('a kernel of %s windows', (kind) => {
  const assigner = assigners[kind]!
  test.each(Object.keys(aggregates))('whose accumulators take on %s does as the plain form does', (name) => {
    const fn = sorted(aggregates[name]!, kind)
    const element = fc.record({
      k: fc.constantFrom<unknown>(1, 2, 'three'),
      v: fc.integer({ min: 0, max: 9 }),
      advance: fc.integer({ min: 0, max: 6 }),
      behind: fc.constantFrom(0, 0, 0, 7, 30),
      watermark: fc.option(fc.integer({ min: 0, max: 12 }), { freq: 3 }),
    })
    fc.assert(
      fc.property(
        fc.array(element, { maxLength: 40 }),
        fc.constantFrom(0, 0, 15),
        fc.integer({ min: 1, max: 3 }),
        (elements, lateness, rowsPerStep) => {
          let now = 0
          let said = Number.NEGATIVE_INFINITY
          const steps: Step[] = []
          for (const { k, v, advance, behind, watermark } of elements) {
            now += advance
            steps.push({ rows: [row(k, v, now - behind)] })
            if (watermark !== null) steps.push({ watermark: (said = Math.max(said, now - watermark)) })
          }
          both(windows(assigner, fn, lateness), [...steps, { watermark: maxWatermark }], rowsPerStep)
        },
      ),
      { numRuns: 100 },
    )
  })

  test('stays fast while the shape stays, and takes the plain form when it changes', () => {
    const fn = sorted(aggregates['a null']!, kind)
    const rows = Array.from({ length: 500 }, (_, i) => row(i % 7, i % 9, i / 10))
    expect(both(windows(assigner, fn), [{ rows }, { watermark: 30 }, { watermark: maxWatermark }]).isPlain).toBe(false)
    const changed = both(windows(assigner, fn), [
      { rows },
      { watermark: 30 },
      { rows: [row(3, 9, 50), row(3, 1, 50), row(4, 1, 51)] },
      { watermark: maxWatermark },
    ])
    expect(changed.isPlain).toBe(true)
    expect(changed.rows).toBeGreaterThan(6)
  })
})

/** Panes are merged in order of time, the plain operator adds rows as they come: what depends on that order is left out. */
function sorted(fn: Aggregate, kind: string): Aggregate {
  if (kind !== 'sliding') return fn
  const { createAccumulator, add, merge } = fn
  return { createAccumulator, add, merge: merge!, getResult: (acc) => (typeof acc === 'object' ? { n: acc.n } : { kind: typeof acc }) }
}

test('merging that changes the shape of a sliding window’s accumulator fires the same windows', () => {
  const fn: Aggregate = {
    createAccumulator: () => ({ n: 0, low: 0 }),
    add: (r, acc) => ({ n: acc.n + 1, low: acc.low + r.v }),
    merge: (a, b) => ({ n: a.n + b.n, low: a.low + b.low, merged: true }),
    getResult: ({ n, low }) => ({ n, low }),
  }
  const rows = Array.from({ length: 300 }, (_, i) => row(i % 5, i % 7, i / 5))
  for (const lateness of [0, 25]) {
    const steps = [
      { rows: rows.slice(0, 200) },
      { watermark: 25 },
      { rows: [row(1, 3, 12), row(1, 3, 28), ...rows.slice(200)] },
      { watermark: 40 },
      { rows: [row(2, 5, 33)] },
      { watermark: maxWatermark },
    ]
    expect(both(windows(assigners.sliding!, fn, lateness), steps, 2).isPlain).toBe(true)
  }
})

test('a declared accumulator is trusted to have its fields, and not to hold numbers in them', () => {
  const type = t.row({ n: t.float64 })
  const odd: Aggregate = {
    accumulatorType: type,
    createAccumulator: () => ({ n: 0 }),
    add: (r, acc) => (r.v === 9 ? { n: null } : Object.assign({ n: acc.n + 1 })),
    getResult: (acc) => ({ n: acc.n }),
  }
  const rows = Array.from({ length: 100 }, (_, i) => row(i % 3, i % 5, i))
  expect(both(windows(assigners.tumbling!, odd), [{ rows }, { watermark: maxWatermark }]).isPlain).toBe(false)
  expect(both(windows(assigners.tumbling!, odd), [{ rows }, { rows: [row(1, 9, 99)] }, { watermark: maxWatermark }]).isPlain).toBe(true)
})

test('a result that is undefined is null, and one that is a promise fails, as in the plain form', () => {
  const give = (getResult: (acc: any) => unknown): Aggregate => ({ createAccumulator: () => ({ n: 0 }), add: (_, acc) => acc, getResult })
  expect(
    both(
      windows(
        assigners.tumbling!,
        give(() => undefined),
      ),
      [{ rows: [row(1, 1, 1)] }, { watermark: maxWatermark }],
    ).rows,
  ).toBe(1)
  for (const generated of [true, false]) {
    const late = new KeyedChain(
      windows(
        assigners.tumbling!,
        give(async () => 1),
      ),
      byK,
      { generated },
    ).rows([row(1, 1, 1)])
    expect(() => late.watermark(maxWatermark)).toThrow(/getResult of operator keyed returned a promise/)
    const early = new KeyedChain(
      windows(assigners.tumbling!, { createAccumulator: () => 0, add: async () => 1, getResult: (acc) => acc }),
      byK,
      { generated },
    )
    expect(() => early.rows([row(1, 1, 1)])).toThrow(/add of operator keyed returned a promise/)
  }
})
