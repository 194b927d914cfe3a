import fc from 'fast-check'
import { expect, test } from 'vitest'
import { t } from '../../../../src/base/columnar/t.ts'
import type { KeySpec, OperatorDescriptor } from '../../../../src/program/graph/operator-descriptor.ts'
import type { RollingKernel } from '../../../../src/runtime/operator/kernel/rolling-kernel.ts'
import { KeyedChain, type KeyedChainOptions, untimed } from '../../../support/keyed-chain.ts'

const byK: KeySpec = { kind: 'field', field: 'k' }
const sum = (field = 'n'): OperatorDescriptor => ({ kind: 'rolling', op: 'sum', field, first: true })
const reduce = (fn: (a: any, b: any) => any): OperatorDescriptor => ({ kind: 'reduce', fn })

/** What both forms emit for batches of rows; they must agree. */
function both(
  descriptor: OperatorDescriptor,
  batches: readonly (readonly unknown[])[],
  key = byK,
  options: Partial<KeyedChainOptions> = {},
): { rows: any[]; layout: string } {
  const fast = new KeyedChain(descriptor, key, { ...options, generated: true })
  const plain = new KeyedChain(descriptor, key, { ...options, generated: false })
  expect(fast.kernel).toBeDefined()
  batches.forEach((batch, i) => {
    for (const chain of [fast, plain]) chain.rows(untimed(batch), i % (options.producers ?? 1))
  })
  expect(fast.emitted).toEqual(plain.emitted)
  return { rows: fast.take(), layout: (fast.kernel as RollingKernel).layout }
}

const counts = (n: number, keys: number) => Array.from({ length: n }, (_, i) => ({ k: (i * 7) % keys, n: i % 5 }))

test('sum of a number field lives in the table, whatever the key', () => {
  const { rows, layout } = both(sum(), [counts(5000, 37)])
  expect(layout).toContain('key,number')
  expect(rows.length).toBe(5000)
  const words = counts(5000, 37).map(({ k, n }) => ({ k: `word ${k} of many`, n }))
  expect(both(sum(), [words]).layout).toContain('key,number')
})

test('fields that are no numbers are those of the first row and stay beside the table', () => {
  const rows = counts(300, 7).map((row, i) => ({ ...row, name: `name of row ${i}`, ok: i % 2 === 0, tags: [i] }))
  expect(both(sum(), [rows]).layout).toContain('key,number,rest,boolean,rest')
})

test('the key may be several fields, computed, or the very field that is summed', () => {
  expect(both(sum(), [counts(200, 5)], { kind: 'fields', fields: ['k', 'n'] }).rows.length).toBe(200)
  expect(both(sum(), [counts(200, 5)], { kind: 'function', fn: (row) => `k${row.k}` }).rows.length).toBe(200)
  expect(both(sum('k'), [counts(200, 5)]).rows.at(-1).k).toBeGreaterThan(5)
})

test('a field that rows do not have changes nothing, and one that is no number fails as in the plain form', () => {
  expect(both(sum('missing'), [counts(50, 5)]).rows.length).toBe(50)
  const texts = [
    untimed([
      { k: 1, n: 'a' },
      { k: 1, n: 'b' },
    ]),
  ]
  for (const generated of [true, false]) {
    expect(() => new KeyedChain(sum(), byK, { generated }).rows(texts[0]!)).toThrow('sum of field n met a string')
  }
})

test('tables follow rows whose types widen in mid-stream', () => {
  const batches = [
    [
      { k: 1, n: 1, m: 1 },
      { k: 2, n: 1, m: 2 },
    ],
    [
      { k: 1, n: 2, m: null },
      { k: 2.5, n: 2, m: 3 },
    ],
    [
      { k: 'one', n: 3, m: 'text' },
      { k: 1, n: 4, m: 5 },
    ],
    [
      { k: 1, n: 4, m: 5, late: 'field' },
      { k: 2, n: 4, m: 5 },
    ],
  ]
  expect(both(sum(), batches.slice(0, 2)).layout).toContain('key,number,rest')
  expect(both(sum(), batches.slice(0, 3)).layout).toContain('number,rest')
  expect(both(sum(), batches).layout).toBe('plain')
  expect(both(sum(), [[{ k: 1, n: 1 }], [{ k: 1, n: null }], [{ k: 1, n: 5 }]]).layout).toBe('plain')
})

test('numbers that equal each other are one key, and the first is the one that goes out', () => {
  const { rows } = both(sum(), [
    [
      { k: 0.5, n: 1 },
      { k: -0, n: 1 },
      { k: 0, n: 1 },
      { k: Number.NaN, n: 1 },
      { k: Number.NaN, n: 2 },
    ],
  ])
  expect(rows.map(({ k }) => k)).toEqual([0.5, -0, -0, Number.NaN, Number.NaN])
})

test('a key beside the table that becomes its other zero is kept so', () => {
  const rows = [[{ k: 0, n: 0 }], [{ k: 'a', n: 0 }], [{ k: -0, n: -1 }], [{ k: 0, n: 0 }]]
  expect(
    both(
      reduce((a, b) => (a.n <= b.n ? a : b)),
      rows,
    ).rows.at(-1),
  ).toEqual({ k: -0, n: -1 })
})

test('reduce computes on literals whose fields come from the table', () => {
  const fn = (a: any, b: any) => ({ k: a.k, n: a.n + b.n })
  expect(both(reduce(fn), [counts(5000, 37)]).layout).toContain('key,number')
  expect(both(reduce({ reduce: fn } as any), [counts(100, 5)]).layout).toContain('key,number')
  expect(
    both(
      reduce((a, b) => (a.n > b.n ? a : b)),
      [counts(500, 7)],
    ).layout,
  ).toContain('key,number')
  const words = counts(500, 7).map((row) => ({ ...row, word: `the word number ${row.n}` }))
  expect(
    both(
      reduce((a, b) => ({ ...a, n: a.n + b.n, word: b.word })),
      [words],
    ).layout,
  ).toContain('key,number,rest')
})

test('reduce of rows that are numbers', () => {
  const key: KeySpec = { kind: 'function', fn: (n: number) => n % 3 }
  expect(
    both(
      reduce((a, b) => a + b),
      [[1, 2, 3, 4, 5, 6.5]],
      key,
    ),
  ).toEqual({ rows: [1, 2, 3, 5, 7, 6.5], layout: 'value ["value"] number' })
  expect(
    both(
      reduce((a, b) => (b === 4 ? 'four' : a + b)),
      [[1, 2, 3, 4, 7]],
      key,
    ).rows,
  ).toEqual([1, 2, 3, 'four', 'four7'])
})

test('an answer of another shape than the rows goes on in the plain form', () => {
  const odd = [
    (a: any, b: any) => ({ k: a.k, n: a.n + b.n, more: b.n }),
    (a: any) => ({ k: a.k }),
    (a: any, b: any) => ({ k: b.n > 3 ? 'other' : a.k, n: a.n + b.n }),
    (a: any, b: any) => ({ k: a.k, n: b.n > 2 ? null : a.n }),
    (a: any, b: any) => (b.n > 3 ? null : a),
    (_a: any, b: any) => (b.n > 3 ? undefined : { k: b.k, n: 1 }),
    (a: any, b: any) => Object.assign(Object.create({ n: 1 }), { k: a.k, m: b.n }),
  ]
  for (const fn of odd) {
    const { rows, layout } = both(reduce(fn), [counts(100, 7), counts(100, 9)])
    expect(rows.length, fn.toString()).toBe(200)
    expect(layout, fn.toString()).toBe('plain')
  }
})

test('a reduce function that throws or returns a promise fails as in the plain form', () => {
  for (const generated of [true, false]) {
    const run = (fn: any) => () => new KeyedChain(reduce(fn), byK, { generated }).rows(untimed(counts(20, 3)))
    expect(run(() => JSON.parse('{'))).toThrow(/^reduce of operator keyed failed: SyntaxError/)
    expect(run(async () => 1)).toThrow(/reduce of operator keyed returned a promise/)
    expect(() => new KeyedChain(sum(), byK, { generated }).rows(untimed([{ k: null, n: 1 }]))).toThrow('a key is null')
  }
})

test('both forms agree on random rows, operations, keys, producers and types', () => {
  const value = fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: -3, max: 3 }) },
    { weight: 3, arbitrary: fc.constantFrom(0.5, -0, Number.NaN, 2 ** 40) },
    { weight: 1, arbitrary: fc.constantFrom(null, true, 'text') },
  )
  const key = fc.oneof(
    { weight: 30, arbitrary: fc.integer({ min: 0, max: 4 }) },
    { weight: 2, arbitrary: fc.constantFrom<unknown>(0.5, -0, Number.NaN) },
    { weight: 1, arbitrary: fc.constantFrom<unknown>('a', 'a longer text for a key', true, 3n) },
  )
  const number = fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: -3, max: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom(0.25, Number.NaN, Number.POSITIVE_INFINITY) },
  )
  const row = fc.record({ k: key, n: number, v: value, s: fc.constantFrom('x', 'y') })
  const operation = fc.constantFrom<OperatorDescriptor>(
    ...(['sum', 'min', 'max', 'minBy', 'maxBy'] as const).flatMap((op) =>
      [true, false].map((first): OperatorDescriptor => ({ kind: 'rolling', op, field: 'n', first })),
    ),
    reduce((a, b) => ({ k: a.k, n: a.n + b.n, v: b.v, s: a.s })),
    reduce((a, b) => ({ k: b.k, n: Math.max(a.n, b.n), v: a.v, s: b.s })),
    reduce((a, b) => (a.n <= b.n ? a : b)),
  )
  fc.assert(
    fc.property(
      fc.array(fc.array(row, { maxLength: 12 }), { maxLength: 8 }),
      operation,
      fc.constantFrom(byK, { kind: 'fields', fields: ['k', 's'] } as const),
      fc.constantFrom(1, 2),
      (batches, descriptor, spec, producers) => {
        both(descriptor, batches, spec, { producers })
      },
    ),
    { numRuns: 500 },
  )
})

test('a declared type is trusted, and minBy keeps the whole row', () => {
  const type = t.row({ k: t.int32, n: t.float64, s: t.string, b: t.boolean })
  const rows = Array.from({ length: 400 }, (_, i) => ({ k: i % 5, n: (i * 37) % 101, s: `row ${i}`, b: i % 3 === 0 }))
  for (const first of [true, false])
    for (const op of ['minBy', 'maxBy'] as const) both({ kind: 'rolling', op, field: 'n', first }, [rows], byK, { type })
})
