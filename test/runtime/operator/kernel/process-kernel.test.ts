import fc from 'fast-check'
import { expect, test } from 'vitest'
import { t } from '../../../../src/base/columnar/t.ts'
import type { ProcessFunction } from '../../../../src/program/function/functions.ts'
import { listState, mapState, valueState } from '../../../../src/program/function/state.ts'
import type { KeySpec } from '../../../../src/program/graph/operator-descriptor.ts'
import { at, type Emitted, KeyedChain, type KeyedChainOptions } from '../../../support/keyed-chain.ts'

const byK: KeySpec = { kind: 'field', field: 'k' }
const sideTags = ['odd']

function chains(
  fn: ProcessFunction<any, any, any, any>,
  key: KeySpec = byK,
  options: Partial<KeyedChainOptions> = {},
): readonly [KeyedChain, KeyedChain] {
  const descriptor = { kind: 'process', fn } as const
  const fast = new KeyedChain(descriptor, key, { sideTags, ...options, generated: true })
  expect(fast.kernel).toBeDefined()
  return [fast, new KeyedChain(descriptor, key, { sideTags, ...options, generated: false })]
}

/** What both forms do under the same drive; they must agree. */
function both(
  fn: ProcessFunction<any, any, any, any>,
  drive: (chain: KeyedChain) => void,
  key: KeySpec = byK,
  options: Partial<KeyedChainOptions> = {},
): KeyedChain {
  const [fast, plain] = chains(fn, key, options)
  for (const chain of [fast, plain]) drive(chain)
  expect(fast.emitted).toEqual(plain.emitted)
  expect(fast.side).toEqual(plain.side)
  expect(fast.requested).toEqual(plain.requested)
  return fast
}

const sums = {
  state: { sum: valueState<number>(t.float64) },
  processElement(row: any, ctx: any) {
    const { sum } = ctx.state
    sum.update((sum.value ?? 0) + row.n)
    ctx.timerService.registerEventTimeTimer(Math.floor(ctx.timestamp / 10) * 10 + 10)
  },
  onTimer(time: number, ctx: any, out: any) {
    out.collect([time, ctx.currentKey, ctx.state.sum.value, ctx.timestamp, ctx.timeDomain, ctx.timerService.currentWatermark])
  },
}
const counts = (n: number, keys: number, keyOf: (k: number) => unknown = (k) => k): Emitted[] =>
  Array.from({ length: n }, (_, i) => at(Math.floor(i / 50), { k: keyOf((i * 7) % keys), n: i % 5 }))

test('sums that a timer emits are those of the plain form, whatever the key', () => {
  const run = (keyOf: (k: number) => unknown, key: KeySpec = byK) =>
    both(
      sums,
      (chain) =>
        chain
          .rows(counts(5_000, 37, keyOf))
          .watermark(45)
          .watermark(1_000),
      key,
    ).emitted
  expect(run((k) => k).length).toBe(37 * 10)
  expect(run((k) => k + 0.5).length).toBe(37 * 10)
  expect(run((k) => `user number ${k}`).length).toBe(37 * 10)
  expect(run((k) => k, { kind: 'fields', fields: ['k', 'n'] }).length).toBe(185 * 10)
  expect(run((k) => k, { kind: 'function', fn: (row) => `of ${row.k % 3}` }).length).toBe(3 * 10)
})

test('keys widen in mid-stream and keep their state and timers', () => {
  const batches = [counts(100, 5), counts(100, 5, (k) => k + 0.5), counts(100, 5), counts(100, 5, (k) => `key ${k}`), counts(100, 5)]
  const { emitted } = both(sums, (chain) => {
    for (const batch of batches) chain.rows(batch)
    chain.watermark(100)
  })
  expect(emitted.length).toBe(15)
  expect(emitted.map(({ row }) => row[2]).reduce((a, b) => a + b)).toBe(1_000)
})

test('what is emitted carries the time of the element or timer, and side outputs get theirs', () => {
  const fn = {
    processElement(row: any, ctx: any, out: any) {
      out.collect([row.n, ctx.timestamp, ctx.currentKey])
      if (row.n % 2 === 1) ctx.output({ id: 'odd' }, row)
      ctx.timerService.registerProcessingTimeTimer(100 + row.n)
    },
    onTimer(time: number, ctx: any, out: any) {
      out.collect([time, ctx.timestamp, ctx.timeDomain, ctx.currentKey])
      ctx.output({ id: 'odd' }, time)
    },
  }
  const { emitted, side } = both(fn, (chain) => chain.rows([at(5, { k: 'a', n: 1 }), at(Number.NaN, { k: 'a', n: 2 })]).processingTime(101))
  expect(emitted).toEqual([
    { row: [1, 5, 'a'], timestamp: 5 },
    { row: [2, null, 'a'], timestamp: Number.NaN },
    { row: [101, null, 'processing', 'a'], timestamp: Number.NaN },
  ])
  expect(side).toEqual({
    odd: [
      { row: { k: 'a', n: 1 }, timestamp: 5 },
      { row: 101, timestamp: Number.NaN },
    ],
  })
})

test('emitting, timers and state outside of the turn are errors, and so is a promise', () => {
  let kept: any
  const [fast] = chains({
    state: { sum: valueState<number>(t.float64) },
    processElement: (_row: any, ctx: any, out: any) => void (kept = { ctx, out }),
    onTimer: () => undefined,
  })
  fast.rows([at(1, { k: 1, n: 1 })])
  expect(() => kept.out.collect(1)).toThrow(/emitted a row outside of its turn/)
  expect(() => kept.ctx.timerService.registerEventTimeTimer(1)).toThrow(/used a timer outside of its turn/)
  expect(() => kept.ctx.state.sum.value).toThrow(/State sum of operator keyed was used outside of a keyed element/)
  const [waiting] = chains((async () => undefined) as () => void)
  expect(() => waiting.rows([at(1, { k: 1 })])).toThrow(/processElement of operator keyed returned a promise/)
})

test('what the function throws names the operator and the call, in both forms alike', () => {
  const failing: [ProcessFunction<any, any, any, any>, string][] = [
    [
      () => {
        throw new Error('boom')
      },
      'processElement of operator keyed failed: Error: boom',
    ],
    [
      {
        processElement: (_row: any, ctx: any) => ctx.timerService.registerEventTimeTimer(1),
        onTimer: () => {
          throw new TypeError('bad')
        },
      },
      'onTimer of operator keyed failed: TypeError: bad',
    ],
    [(_row: any, ctx: any) => ctx.timerService.registerEventTimeTimer(1), 'Operator keyed sets a timer and has no onTimer'],
    [
      { processElement: (_row: any, ctx: any) => ctx.timerService.registerEventTimeTimer('soon'), onTimer: () => undefined },
      'A timer was registered for soon, which is not a time',
    ],
  ]
  for (const [fn, message] of failing) {
    for (const chain of chains(fn)) expect(() => chain.rows([at(1, { k: 1 })]).watermark(5)).toThrow(message)
  }
  for (const chain of chains(() => undefined)) expect(() => chain.rows([at(1, { k: null })])).toThrow(/key is null/)
})

test('an error in one element does not leave the turn open', () => {
  let kept: any
  const [fast] = chains((_row: any, _ctx: any, out: any) => {
    kept = out
    throw new Error('boom')
  })
  expect(() => fast.rows([at(1, { k: 1 })])).toThrow('boom')
  expect(() => kept.collect(1)).toThrow(/outside of its turn/)
})

test('open comes before the first element and close once, and the function is called on its object', async () => {
  const calls: unknown[] = []
  const fn = {
    word: 'mine',
    open: (runtime: any) => void calls.push(runtime.operatorName),
    processElement(this: any, row: any) {
      calls.push([this.word, row])
    },
    close: () => void calls.push('close'),
  }
  const [fast] = chains(fn)
  await fast.operator.open!()
  fast.rows([at(1, { k: 1 })])
  await fast.operator.close!()
  await fast.operator.close!()
  expect(calls).toEqual(['keyed', ['mine', { k: 1 }], 'close'])
})

interface Step {
  readonly rows: readonly { k: unknown; n: number; op: number; at: number }[]
  readonly watermark: number | null
  readonly clock: number | null
}

/** A program out of numbers: what an element or a timer does follows from the row and the state. */
const random = {
  state: {
    sum: valueState<number>(t.float64),
    any: valueState<any>(),
    row: valueState<any>(t.row({ a: t.float64, b: t.int32 })),
    list: listState<number>(),
    map: mapState<string, number>(),
  },
  processElement(row: any, ctx: any, out: any) {
    const { sum, any, list, map, row: pair } = ctx.state
    const { timerService: timers } = ctx
    const { n, op } = row
    if (op === 0) sum.update((sum.value ?? 0) + n)
    else if (op === 1) list.add(n)
    else if (op === 2) map.put(`m${n % 3}`, n)
    else if (op === 3) timers.registerEventTimeTimer(row.at + n)
    else if (op === 4) timers.registerProcessingTimeTimer(row.at + n)
    else if (op === 5) timers.deleteEventTimeTimer(row.at + n)
    else if (op === 6) timers.deleteProcessingTimeTimer(row.at + n)
    else if (op === 7) any.update(n % 2 === 0 ? n : { n })
    else if (op === 8) pair.update({ a: (pair.value?.a ?? 0) + 0.5, b: n })
    else if (op === 9) for (const state of [sum, list, map, any, pair]) state.clear()
    else ctx.output({ id: 'odd' }, n)
    out.collect([
      row.k,
      ctx.currentKey,
      ctx.timestamp,
      timers.currentWatermark,
      sum.value,
      any.value,
      pair.value,
      list.get(),
      [...map.entries()],
    ])
  },
  onTimer(time: number, ctx: any, out: any) {
    const { sum, list, row: pair } = ctx.state
    out.collect([time, ctx.currentKey, ctx.timestamp, ctx.timeDomain, sum.value, pair.value, list.get()])
    if (time % 3 === 0) sum.update((sum.value ?? 0) + 1)
    if (time % 4 === 0 && list.get().length < 5) {
      list.add(time)
      ctx.timerService.registerEventTimeTimer(time + (time % 8 === 0 ? 0 : 3))
    }
    if (time % 5 === 0) ctx.timerService.deleteEventTimeTimer(time + 1)
  },
}

const timeOf = fc.integer({ min: 0, max: 40 })
const steps = (key: fc.Arbitrary<unknown>): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      rows: fc.array(fc.record({ k: key, n: fc.integer({ min: 0, max: 9 }), op: fc.integer({ min: 0, max: 10 }), at: timeOf }), {
        maxLength: 20,
      }),
      watermark: fc.option(timeOf),
      clock: fc.option(timeOf),
    }),
    { maxLength: 12 },
  )

for (const [name, key] of [
  ['whole numbers', fc.integer({ min: -2, max: 4 })],
  ['strings', fc.constantFrom('a', 'b', 'a key of more than thirteen characters')],
  ['any kind', fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom<unknown>(0.5, 'a', true))],
] as const) {
  test(`any program does the same as in the plain form, with keys of ${name} and outputs that fill up`, () => {
    fc.assert(
      fc.property(steps(key), fc.integer({ min: 1, max: 5 }), (steps, rowsPerStep) => {
        both(
          random,
          (chain) => {
            for (const { rows, watermark, clock } of steps) {
              chain.rows(rows.map((row) => at(row.at, row)))
              if (watermark !== null) chain.watermark(watermark)
              if (clock !== null) chain.processingTime(clock)
            }
            chain.watermark(2 ** 63)
          },
          byK,
          { rowsPerStep },
        )
      }),
      { numRuns: 100 },
    )
  })
}
