import fc from 'fast-check'
import { expect, test } from 'vitest'
import { avg, count, max, min, sum } from '../../../../src/program/function/aggregate.ts'
import type { KeySpec, WindowApply, WindowDescriptor } from '../../../../src/program/graph/operator-descriptor.ts'
import type { SessionWindowKernel } from '../../../../src/runtime/operator/kernel/session-window-kernel.ts'
import { maxWatermark } from '../../../../src/runtime/operator/operator.ts'
import { at, type Emitted, KeyedChain } from '../../../support/keyed-chain.ts'

const byK: KeySpec = { kind: 'field', field: 'k' }
const aggregates: WindowApply = {
  kind: 'aggregates',
  aggregates: { n: count(), total: sum('v'), low: min('v'), high: max('v'), mean: avg('v') },
}
/** Keeps the order of merging visible: 31 * a + b is not symmetric. */
const ordered: WindowApply = {
  kind: 'aggregate',
  fn: {
    createAccumulator: () => ({ mixed: 7, n: 0 }),
    add: (row: any, acc: any) => ({ mixed: (acc.mixed * 31 + row.id) % 1_000_003, n: acc.n + 1 }),
    merge: (a: any, b: any) => ({ mixed: (a.mixed * 37 + b.mixed) % 1_000_003, n: a.n + b.n }),
    getResult: (acc: any) => ({ ...acc }),
  },
}
const sessions = (gapMs: number, rest: Partial<WindowDescriptor> = {}): WindowDescriptor => ({
  kind: 'window',
  assigner: { kind: 'session', time: 'event', gapMs },
  allowedLatenessMs: 0,
  apply: aggregates,
  ...rest,
})

type Step = { readonly rows: readonly Emitted[] } | { readonly watermark: number }

/** Rows of one time may go out in any order, but never before those of an earlier time. */
const inOrder = (emitted: readonly Emitted[]): string[] => {
  const texts = emitted.map(({ row, timestamp }) => JSON.stringify([timestamp, row]))
  return texts.sort()
}

/** Gives both forms the same; after every step both must have emitted the same, and dropped the same. */
function both(descriptor: WindowDescriptor, steps: readonly Step[], key = byK, rowsPerStep?: number): Emitted[] {
  const options = rowsPerStep === undefined ? {} : { rowsPerStep }
  const fast = new KeyedChain(descriptor, key, { generated: true, ...options })
  const plain = new KeyedChain(descriptor, key, { generated: false, ...options })
  expect(fast.kernel).toBeDefined()
  const all: Emitted[] = []
  for (const step of steps) {
    for (const chain of [fast, plain]) {
      if ('watermark' in step) chain.watermark(step.watermark)
      else chain.rows(step.rows)
    }
    const emitted = fast.emitted.splice(0)
    if ('watermark' in step)
      expect(emitted.map(({ timestamp }) => timestamp)).toEqual(emitted.map(({ timestamp }) => timestamp).sort((a, b) => a - b))
    expect(inOrder(emitted)).toEqual(inOrder(plain.emitted.splice(0)))
    expect(fast.numLateRecordsDropped.value).toBe(plain.numLateRecordsDropped.value)
    expect(fast.side).toEqual(plain.side)
    all.push(...emitted)
  }
  const { store, group } = fast.kernel as SessionWindowKernel
  if (steps.some((step) => 'watermark' in step && step.watermark === maxWatermark) && descriptor.allowedLatenessMs < 1e15) {
    expect([store.numRecords, store.nextTime]).toEqual([0, Number.POSITIVE_INFINITY])
    for (const table of group.tables) table.forEach((entry) => expect(table.isVacant?.(table.i32, table.f64, entry)).toBe(true))
  }
  return all
}

const row = (k: unknown, v: number, timestamp: number): Emitted => at(timestamp, { k, v, id: v })

test('a pause of exactly the gap stays one session, a longer one begins another', () => {
  const steps = [{ rows: [row(1, 1, 0), row(1, 2, 10), row(1, 4, 21), row(2, 8, 21)] }, { watermark: maxWatermark }]
  const emitted = both(sessions(10), steps)
  expect(emitted.map(({ row: r, timestamp }) => [r.k, r.windowStart, r.windowEnd, r.total, timestamp]).sort()).toEqual([
    [1, 0, 20, 3, 19],
    [1, 21, 31, 4, 30],
    [2, 21, 31, 8, 30],
  ])
})

test('an element out of order joins sessions on both sides, merged in order of their start', () => {
  const rows = [row(1, 1, 0), row(1, 2, 30), row(1, 3, 60), row(1, 4, 45), row(1, 5, 20), row(1, 6, 10), row(1, 7, 100)]
  for (const apply of [aggregates, ordered]) {
    for (let n = 1; n <= rows.length; n++)
      both(sessions(12, { apply }), [{ rows: rows.slice(0, n) }, { watermark: 25 }, { watermark: 64 }, { watermark: maxWatermark }])
  }
})

test('a live session rescues an element behind the watermark; one on its own is late', () => {
  const late = sessions(10, { lateTag: { id: 'late' } })
  both(sessions(10), [
    { rows: [row(1, 1, 95)] },
    { watermark: 100 },
    { rows: [row(1, 2, 86), row(1, 3, 80), row(2, 4, 86), row(2, 5, 91)] },
    { watermark: 200 },
  ])
  both(late, [
    { rows: [row(1, 1, 95)] },
    { watermark: 100 },
    { rows: [row(1, 2, 86), row(1, 3, 40), row(2, 4, 86), row(2, 5, 91)] },
    { watermark: 200 },
  ])
})

test('with allowed lateness a session that has fired takes more, grows past the watermark and fires again', () => {
  const steps = [
    { rows: [row(1, 1, 0), row(1, 2, 15), row(2, 1, 0)] },
    { watermark: 12 },
    { rows: [row(1, 3, 3)] },
    { rows: [row(1, 4, 9)] },
    { watermark: 17 },
    { rows: [row(2, 5, 9), row(1, 6, 2)] },
    { watermark: 22 },
    { watermark: 40 },
    { rows: [row(1, 7, 17), row(2, 7, 17)] },
    { watermark: maxWatermark },
  ]
  for (const allowedLatenessMs of [1, 5, 20, 30, Number.POSITIVE_INFINITY])
    for (const apply of [aggregates, ordered]) both(sessions(10, { allowedLatenessMs, apply }), steps)
})

test('a record without a timestamp fails, naming the operator', () => {
  for (const generated of [true, false])
    expect(() => new KeyedChain(sessions(10), byK, { generated }).rows([row(1, 1, Number.NaN)])).toThrow(
      /without a timestamp.*keyed|keyed.*without a timestamp/,
    )
})

test('memory follows the keys that have sessions, however many come and go', () => {
  const chain = new KeyedChain(sessions(10), byK, { generated: true, discards: true })
  const { group, keys, store } = chain.kernel as SessionWindowKernel
  const rounds = 100
  const perRound = 3000
  const sizes = { entries: 0, ids: 0, records: 0 }
  for (let round = 0; round < rounds; round++) {
    const passing = Array.from({ length: perRound }, (_, i) => row(`a visitor's number ${round * perRound + i}`, 1, round * 5))
    chain.rows([...passing, row('always here', 1, round * 5)])
    chain.watermark(round * 5 - 1)
    sizes.entries = Math.max(
      sizes.entries,
      group.tables.reduce((size, { capacity }) => size + capacity, 0),
    )
    sizes.ids = Math.max(sizes.ids, keys.size, keys.values.length)
    sizes.records = Math.max(sizes.records, store.numRecords)
  }
  chain.watermark(maxWatermark)
  expect(chain.collector.count).toBe(rounds * perRound + 1)
  // Three rounds' keys live at a time; slots of open addressing come in powers of two.
  expect(sizes.entries).toBeLessThan(10 * 3 * perRound)
  // A dictionary that its producer has given up keeps its words.
  expect(sizes.ids).toBeLessThan(35 * perRound)
})

test('a session goes on through sweeps that give other keys its neighbours’ ids', () => {
  const chain = new KeyedChain(sessions(10), byK, { generated: true })
  for (let round = 0; round < 30; round++) {
    chain.rows([row('stays', 1, round * 5), ...Array.from({ length: 2500 }, (_, i) => row(`guest ${round}/${i}`, round, round * 5))])
    chain.watermark(round * 5 - 1)
  }
  chain.watermark(maxWatermark)
  const found = new Map(chain.emitted.map(({ row: r }) => [r.k, r]))
  expect(found.size).toBe(chain.emitted.length)
  expect(found.size).toBe(30 * 2500 + 1)
  expect(found.get('stays')).toMatchObject({ windowStart: 0, windowEnd: 155, n: 30 })
  for (const { row: r } of chain.emitted)
    if (r.k !== 'stays')
      expect(r).toEqual({
        k: r.k,
        windowStart: r.total * 5,
        windowEnd: r.total * 5 + 10,
        n: 1,
        total: Number(r.k.slice(6).split('/')[0]),
        low: r.total,
        high: r.total,
        mean: r.total,
      })
})

test('both forms agree on random elements, keys, gaps, lateness and watermarks', () => {
  const key = fc.oneof(
    { weight: 40, arbitrary: fc.integer({ min: 0, max: 2 }) },
    { weight: 1, arbitrary: fc.constantFrom<unknown>(0.5, 'text', true) },
  )
  const element = fc.record({
    k: key,
    v: fc.oneof({ weight: 20, arbitrary: fc.integer({ min: -9, max: 9 }) }, { weight: 1, arbitrary: fc.constant(null) }),
    advance: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 12 })),
    behind: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60 })),
    watermark: fc.option(fc.integer({ min: -20, max: 30 }), { freq: 3 }),
    batch: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.array(element, { maxLength: 60 }),
      fc.record({
        gap: fc.constantFrom(1, 5, 10, 2.5),
        lateness: fc.constantFrom(0, 0, 3, 15, 100),
        late: fc.boolean(),
        order: fc.boolean(),
        rowsPerStep: fc.integer({ min: 1, max: 3 }),
        byTwo: fc.integer({ min: 0, max: 5 }),
      }),
      (elements, { gap, lateness, late, order, rowsPerStep, byTwo }) => {
        const steps: Step[] = []
        let rows: Emitted[] = []
        let now = 0
        const send = (): void => {
          if (rows.length > 0) steps.push({ rows })
          rows = []
        }
        elements.forEach(({ k, v, advance, behind, watermark, batch }, id) => {
          now += advance
          rows.push(at(now - behind, { k, v, id }))
          if (batch || watermark !== null) send()
          if (watermark !== null) steps.push({ watermark: now - watermark })
        })
        send()
        let last = Number.NEGATIVE_INFINITY
        const rising = steps.map((step) => ('watermark' in step ? { watermark: (last = Math.max(last, step.watermark)) } : step))
        const descriptor = sessions(gap, {
          allowedLatenessMs: lateness,
          apply: order ? ordered : aggregates,
          ...(late ? { lateTag: { id: 'late' } } : {}),
        })
        both(descriptor, [...rising, { watermark: maxWatermark }], byTwo === 0 ? { kind: 'fields', fields: ['k', 'v'] } : byK, rowsPerStep)
      },
    ),
    { numRuns: 1000 },
  )
})
