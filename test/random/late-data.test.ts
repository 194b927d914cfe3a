/**
 * Late data from end to end: one subtask, a watermark after each record, allowed lateness, with a late output and without. The
 * generated kernel and the plain operator both give what the definition gives: every firing, every update, every late row, or their number.
 */
import fc from 'fast-check'
import {
  avg,
  count,
  customWatermarks,
  type DataStream,
  getEnvironment,
  max,
  min,
  outputTag,
  type SingleOutput,
  session,
  sliding,
  sum,
  tumbling,
} from 'headrace'
import { expect, test } from 'vitest'
import { multiset } from '../support/reference/canonical.ts'
import { referenceWithLateness } from '../support/reference/late-reference.ts'
import type { ReferenceWindows } from '../support/reference/window-reference.ts'

interface Row {
  readonly id: number
  readonly at: number
  readonly word: string
  readonly number: number
  readonly v: number | null
}

interface LateSpec {
  readonly codegen: boolean
  readonly key: 'word' | 'number' | 'both'
  readonly windows: {
    readonly kind: 'tumbling' | 'sliding' | 'session'
    readonly size: number
    readonly slide: number
    readonly offset: number
  }
  readonly apply: 'aggregates' | 'user' | 'reduce'
  readonly lateness: number
  /** Late rows are an output; else they are dropped and counted. */
  readonly hasLateOutput: boolean
  /** The watermark lags so far behind the greatest timestamp: less than rows do. */
  readonly bound: number
  readonly rows: readonly Row[]
}

const runs = Math.ceil(Number(process.env.HEADRACE_RANDOM_RUNS ?? 300) / 3)

const words = ['a', 'b', '']
/** Keys widen in mid-stream: whole numbers, then fractions. */
const numbers = [1, 2, 1.5, 2 ** 40]

const specs: fc.Arbitrary<LateSpec> = fc
  .record({
    codegen: fc.boolean(),
    key: fc.constantFrom('word', 'number', 'both'),
    kind: fc.constantFrom('tumbling', 'sliding', 'session'),
    size: fc.integer({ min: 1, max: 30 }),
    slide: fc.integer({ min: 1, max: 40 }),
    offset: fc.nat({ max: 20 }),
    apply: fc.constantFrom('aggregates', 'user', 'reduce'),
    lateness: fc.oneof(fc.constant(0), fc.nat({ max: 30 })),
    hasLateOutput: fc.boolean(),
    bound: fc.nat({ max: 10 }),
    start: fc.constantFrom(0, -50, 1_000_000),
    steps: fc.array(
      fc.record({
        word: fc.nat({ max: 2 }),
        number: fc.nat({ max: 3 }),
        v: fc.option(fc.integer({ min: -9, max: 9 }), { freq: 6 }),
        advance: fc.nat({ max: 12 }),
        behind: fc.nat({ max: 40 }),
      }),
      { maxLength: 40 },
    ),
  } as const)
  .map(({ kind, size, slide, offset, start, steps, ...spec }) => {
    let now = start
    const rows = steps.map(({ word, number, v, advance, behind }, id) => {
      now += advance
      return { id, at: now - behind, word: words[word]!, number: numbers[number]!, v }
    })
    const every = kind === 'sliding' ? slide : size
    return { ...spec, rows, windows: { kind, size, slide: every, offset: offset % every } } as LateSpec
  })

const keyOf =
  ({ key }: LateSpec) =>
  (row: Row) =>
    key === 'word' ? row.word : key === 'number' ? row.number : `${row.word}/${row.number}`

const late = outputTag<Row>('late')

function windowed(spec: LateSpec, stream: DataStream<Row>): SingleOutput<any> {
  const { windows, key, lateness, hasLateOutput } = spec
  const options = { allowedLateness: lateness, ...(hasLateOutput && { lateOutput: late }) }
  const keyed: any = key === 'both' ? stream.keyBy('word', 'number') : stream.keyBy(key)
  const { size, slide, offset } = windows
  const assigner =
    windows.kind === 'tumbling' ? tumbling(size, { offset }) : windows.kind === 'sliding' ? sliding(size, slide, { offset }) : session(size)
  const stage = keyed.window(assigner, options)
  switch (spec.apply) {
    case 'aggregates':
      return stage.aggregate({ n: count(), total: sum('v'), low: min('v'), high: max('v'), mean: avg('v') })
    case 'user':
      return stage.aggregate({
        createAccumulator: () => ({ n: 0, ids: 0 }),
        add: (row: Row, held: any) => ({ n: held.n + 1, ids: held.ids + row.id }),
        getResult: (held: any) => held,
        merge: (a: any, b: any) => ({ n: a.n + b.n, ids: a.ids + b.ids }),
      })
    case 'reduce':
      return stage.reduce((a: Row, b: Row) => (a.id > b.id ? a : b))
  }
}

async function run(spec: LateSpec): Promise<{ readonly results: unknown[]; readonly late: unknown[]; readonly dropped: number }> {
  const env = getEnvironment().configure({ 'execution.codegen': spec.codegen })
  const watermarks = customWatermarks<Row>(
    () => {
      let latest = Number.NEGATIVE_INFINITY
      return {
        onEvent(_row, timestamp, output) {
          latest = Math.max(latest, timestamp)
          output.emitWatermark(latest - spec.bound - 1)
        },
      }
    },
    (row) => row.at,
  )
  const results = windowed(spec, env.fromData(spec.rows, { watermarks }))
  const collected = [results.collectAsync(), results.getSideOutput(late).collectAsync()]
  const { operators } = await env.execute()
  const [rows, lateRows] = await Promise.all(collected.map((sink) => Array.fromAsync(sink)))
  return { results: rows!, late: lateRows!, dropped: operators.reduce((sum, { lateRecordsDropped }) => sum + lateRecordsDropped, 0) }
}

function resultOf(
  { key, apply }: LateSpec,
  { start, end, rows }: { readonly start: number; readonly end: number; readonly rows: readonly Row[] },
): unknown {
  const { word, number } = rows[0]!
  const values = rows.flatMap(({ v }) => (v === null ? [] : [v]))
  const total = values.reduce((a, b) => a + b, 0)
  if (apply === 'user') return { n: rows.length, ids: rows.reduce((ids, { id }) => ids + id, 0) }
  if (apply === 'reduce') return rows.reduce((a, b) => (a.id > b.id ? a : b))
  const some = values.length > 0
  return {
    ...(key !== 'number' && { word }),
    ...(key !== 'word' && { number }),
    ...{ windowStart: start, windowEnd: end, n: rows.length, total },
    ...(some && { low: Math.min(...values), high: Math.max(...values), mean: total / values.length }),
  }
}

test('late rows and the updates they cause are those of the definition, with kernels and without', async () => {
  await fc.assert(
    fc.asyncProperty(specs, async (spec) => {
      let latest = Number.NEGATIVE_INFINITY
      const inputs = spec.rows.map((row) => {
        latest = Math.max(latest, row.at)
        return { row, timestamp: row.at, watermark: latest - spec.bound - 1 }
      })
      const { kind, size, slide, offset } = spec.windows
      const windows: ReferenceWindows<Row> = kind === 'session' ? { kind, gap: () => size } : { kind: 'sliding', size, slide, offset }
      const expected = referenceWithLateness(inputs, keyOf(spec), windows, spec.lateness)
      const actual = await run(spec)
      expect(multiset(actual.results)).toEqual(multiset(expected.firings.map((firing) => resultOf(spec, firing))))
      expect(multiset(actual.late)).toEqual(multiset(spec.hasLateOutput ? expected.late : []))
      expect(actual.dropped).toBe(spec.hasLateOutput ? 0 : expected.late.length)
    }),
    { numRuns: runs },
  )
}, 600_000)
