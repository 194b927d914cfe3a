import fc from 'fast-check'
import { expect, test } from 'vitest'
import { avg, count, max, min, sum } from '../../../../src/program/function/aggregate.ts'
import type { WindowAssigner } from '../../../../src/program/function/window.ts'
import type { WindowApply } from '../../../../src/program/graph/operator-descriptor.ts'
import { maxWatermark } from '../../../../src/runtime/operator/operator.ts'
import { referenceWithLateness } from '../../../support/reference/late-reference.ts'
import { type ReferenceWindows, referenceWindows } from '../../../support/reference/window-reference.ts'
import { WindowDriver } from '../../../support/window-driver.ts'

interface Row {
  readonly k: string
  readonly id: number
  /** null now and then, as in real data. */
  readonly v: number | null
  readonly gap: number
}

interface Windows {
  readonly assigner: WindowAssigner<Row>
  readonly reference: ReferenceWindows<Row>
}

const aligned = fc
  .record({
    size: fc.integer({ min: 1, max: 30 }),
    slide: fc.integer({ min: 1, max: 40 }),
    part: fc.double({ min: -0.99, max: 0.99, noNaN: true }),
    tumbling: fc.boolean(),
  })
  .map(({ size, slide, part, tumbling }): Windows => {
    const every = tumbling ? size : slide
    const offset = Math.trunc(part * every)
    const reference = { kind: 'sliding', size, slide: every, offset } as const
    return tumbling
      ? { assigner: { kind: 'tumbling', time: 'event', sizeMs: size, offsetMs: offset }, reference }
      : { assigner: { kind: 'sliding', time: 'event', sizeMs: size, slideMs: slide, offsetMs: offset }, reference }
  })
const sessions = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant('dynamic' as const)).map((gap): Windows => {
  const gapOf = gap === 'dynamic' ? (row: Row) => row.gap : () => gap
  return {
    assigner: { kind: 'session', time: 'event', gapMs: gap === 'dynamic' ? gapOf : gap },
    reference: { kind: 'session', gap: gapOf },
  }
})
const global = fc.constant<Windows>({ assigner: { kind: 'global', fireAtEnd: true }, reference: { kind: 'global' } })

const value = fc.option(fc.integer({ min: -1000, max: 1000 }), { freq: 8 })
const step = fc.record({
  k: fc.constantFrom('a', 'b', 'c'),
  v: value,
  gap: fc.integer({ min: 1, max: 20 }),
  /** How far time goes on, and how far behind it this element is (a part of the bound). */
  advance: fc.integer({ min: 0, max: 15 }),
  behind: fc.double({ min: 0, max: 1, noNaN: true }),
  sayWatermark: fc.boolean(),
})
const program = {
  start: fc.integer({ min: -100, max: 100 }),
  bound: fc.integer({ min: 0, max: 40 }),
  steps: fc.array(step, { maxLength: 60 }),
  rowsPerStep: fc.integer({ min: 1, max: 4 }),
}

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** Elements behind the newest by at most the bound, and the watermark that this allows. */
function elementsOf({ start, bound, steps }: { start: number; bound: number; steps: readonly Step[] }) {
  let now = start
  return steps.map(({ k, v, gap, advance, behind, sayWatermark }, id) => {
    now += advance
    return { row: { k, id, v, gap }, timestamp: now - Math.trunc(behind * bound), watermark: now - bound - 1, sayWatermark }
  })
}

const rowsOf = (rows: readonly Row[]): number[] => rows.flatMap(({ v }) => (v === null ? [] : [v]))
const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

const aggregates: WindowApply = {
  kind: 'aggregates',
  aggregates: { n: count(), total: sum('v'), low: min('v'), high: max('v'), mean: avg('v') },
}
const aggregated = ({ key, start, end, rows }: { key: string; start: number; end: number; rows: readonly Row[] }) => {
  const values = rowsOf(rows)
  const none = values.length === 0
  return {
    ...{ k: key, windowStart: start, windowEnd: end, n: rows.length, total: total(values) },
    ...{
      low: none ? null : Math.min(...values),
      high: none ? null : Math.max(...values),
      mean: none ? null : total(values) / values.length,
    },
  }
}

const sorted = (rows: readonly object[]): string[] => rows.map((row) => JSON.stringify(row)).sort()

test('aggregates over windows of every kind equal their definition, whatever the disorder within the bound', () => {
  fc.assert(
    fc.property(fc.oneof(aligned, sessions, global), fc.record(program), ({ assigner, reference }, input) => {
      const elements = elementsOf(input)
      const driver = new WindowDriver({ assigner, apply: aggregates }, undefined, { rowsPerStep: input.rowsPerStep })
      for (const { row, timestamp, watermark, sayWatermark } of elements) {
        driver.element(row, timestamp)
        if (sayWatermark) driver.watermark(watermark)
      }
      driver.watermark(maxWatermark)
      expect(sorted(driver.rows)).toEqual(sorted(referenceWindows(elements, (row) => row.k, reference).map(aggregated)))
      expect(driver.numLateRecordsDropped.value).toBe(0)
      if (assigner.kind !== 'global') expect([driver.operator.numKeys, driver.operator.numEventTimers]).toEqual([0, 0])
    }),
    { numRuns: 300 },
  )
})

test('a process function sees exactly the elements of each window, and windows without keys hold those of all keys', () => {
  const ids: WindowApply = {
    kind: 'process',
    process: (elements, { window }, out) => out.collect({ ...window, ids: elements.map((row: Row) => row.id).sort((a, b) => a - b) }),
  }
  fc.assert(
    fc.property(fc.oneof(aligned, sessions, global), fc.record(program), fc.boolean(), ({ assigner, reference }, input, keyed) => {
      const elements = elementsOf(input)
      const driver = new WindowDriver({ assigner, apply: ids }, keyed ? undefined : 'whole stream', { rowsPerStep: input.rowsPerStep })
      for (const { row, timestamp, watermark, sayWatermark } of elements) {
        driver.element(row, timestamp)
        if (sayWatermark) driver.watermark(watermark)
      }
      driver.watermark(maxWatermark)
      const expected = referenceWindows(elements, (row) => (keyed ? row.k : 'all'), reference)
      expect(sorted(driver.rows)).toEqual(
        sorted(expected.map(({ start, end, rows }) => ({ start, end, ids: rows.map((row) => row.id).sort((a, b) => a - b) }))),
      )
    }),
    { numRuns: 200 },
  )
})

test('with a watermark after each element, firings, updates and late elements equal their definition', () => {
  fc.assert(
    fc.property(
      fc.oneof(aligned, sessions),
      fc.record(program),
      fc.integer({ min: 0, max: 30 }),
      fc.integer({ min: 0, max: 40 }),
      (windows, input, lateness, tooFew) => {
        // The bound that the watermark is made with is too small by some, so that some elements are late.
        const inputs = elementsOf(input).map((element) => ({ ...element, watermark: element.watermark + tooFew }))
        const driver = new WindowDriver({
          assigner: windows.assigner,
          apply: aggregates,
          allowedLatenessMs: lateness,
          lateTag: { id: 'late' },
        })
        for (const { row, timestamp, watermark } of inputs) driver.element(row, timestamp).watermark(watermark)
        driver.watermark(maxWatermark)
        const expected = referenceWithLateness(inputs, (row) => row.k, windows.reference, lateness)
        expect(sorted(driver.rows)).toEqual(sorted(expected.firings.map(aggregated)))
        expect((driver.side.late ?? []).map(({ row }) => row.id)).toEqual(expected.late.map(({ id }) => id))
        expect([driver.operator.numKeys, driver.operator.numEventTimers]).toEqual([0, 0])
      },
    ),
    { numRuns: 300 },
  )
})

test('what a window gives does not depend on how often its output was full', () => {
  fc.assert(
    fc.property(fc.oneof(aligned, sessions), fc.record(program), ({ assigner }, input) => {
      const logOf = (rowsPerStep: number) => {
        const driver = new WindowDriver({ assigner, apply: aggregates }, undefined, { rowsPerStep })
        for (const { row, timestamp, watermark } of elementsOf(input)) driver.element(row, timestamp).watermark(watermark)
        driver.watermark(maxWatermark)
        return driver.log
      }
      expect(logOf(1)).toEqual(logOf(Number.POSITIVE_INFINITY))
    }),
    { numRuns: 50 },
  )
})
