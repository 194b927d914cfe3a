/** The typed-table form of windows against the window operator: the same stream through both, compared as multisets. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Environment } from '../../../../src/program/api/environment.ts'
import { outputTag } from '../../../../src/program/api/output-tag.ts'
import { PaneWindowKernel } from '../../../../src/runtime/operator/kernel/pane-window-kernel.ts'
import { failuresOf, JobBench, ListSink, rowsUnit, runJob, type SourceStep, scriptedSource } from '../../task/job-bench.ts'

interface Shape {
  readonly sizeMs: number
  readonly slideMs: number | undefined
  readonly offsetMs: number
  readonly allowedLatenessMs: number
  readonly sideOutput: boolean
  readonly apply: 'aggregates' | 'number' | 'object'
  readonly key: 'field' | 'fields' | 'function'
  /** The sink waits after each row, so that firing is interrupted after each. */
  readonly waits: boolean
}

const late = outputTag<any>('late')

const aggregateFunctions = {
  number: {
    createAccumulator: () => 0,
    add: (row: any, sum: number) => sum + row.n * 2,
    getResult: (sum: number) => ({ sum }),
    merge: (a: number, b: number) => a + b,
  },
  object: {
    createAccumulator: () => ({ n: 0, 'the last': -1 }),
    add: (row: any, acc: any) => ({ n: acc.n + 1, 'the last': Math.max(acc['the last'], row.n) }),
    getResult: (acc: any) => acc,
    merge: (a: any, b: any) => ({ n: a.n + b.n, 'the last': Math.max(a['the last'], b['the last']) }),
  },
}

const aggregates = {
  rows: { kind: 'count' },
  sum: { kind: 'sum', field: 'n' },
  least: { kind: 'min', field: 'm' },
  most: { kind: 'max', field: 'm' },
  mean: { kind: 'avg', field: 'm' },
} as const

async function runBoth(steps: readonly SourceStep[], shape: Shape) {
  const results = []
  for (const codegen of [true, false]) {
    const wait = () => (shape.waits ? Promise.resolve() : undefined)
    const sinks = { main: new ListSink(wait), late: new ListSink() }
    const program = (env: Environment) => {
      const stream = env.fromSource(
        scriptedSource(() => steps),
        { name: 'in' },
      )
      const keyed: any =
        shape.key === 'field'
          ? stream.keyBy('k')
          : shape.key === 'fields'
            ? (stream as any).keyBy('k', 'j')
            : stream.keyBy((row: any) => row.k)
      const { sizeMs, slideMs, offsetMs, allowedLatenessMs } = shape
      const assigner =
        slideMs === undefined
          ? { kind: 'tumbling', time: 'event', sizeMs, offsetMs }
          : { kind: 'sliding', time: 'event', sizeMs, slideMs, offsetMs }
      const windowed = keyed.window(assigner, { allowedLateness: allowedLatenessMs, ...(shape.sideOutput && { lateOutput: late }) })
      const out = shape.apply === 'aggregates' ? windowed.aggregate(aggregates) : windowed.aggregate(aggregateFunctions[shape.apply])
      out.sinkTo(sinks.main)
      if (shape.sideOutput) out.getSideOutput(late).sinkTo(sinks.late)
    }
    const bench = await JobBench.of(program, { config: { 'execution.codegen': codegen } })
    const { operator } = bench.task(1).options.chain.runtime.nodes[0]!
    expect(operator instanceof PaneWindowKernel).toBe(codegen)
    await bench.run()
    const asTexts = (sink: ListSink) => sink.written.map(({ row, timestamp }) => JSON.stringify([byValue(row), timestamp])).sort()
    results.push({ main: asTexts(sinks.main), late: asTexts(sinks.late), dropped: bench.lateRecordsDropped })
  }
  return results
}

/** Of equal keys (3 and 3n, 0 and -0) a row shows any. */
const byValue = (row: any) =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value === 0 ? 0 : value]),
  )

const keys = {
  ints: fc.integer({ min: -3, max: 3 }),
  floats: fc.constantFrom(0.5, -1.25, 1, 2 ** 40, -0),
  texts: fc.constantFrom('a', 'b', 'ü', '1'),
  mixed: fc.constantFrom<unknown>(1, '1', true, 2.5, 'a', 3n),
}

/** Batches whose keys are of one kind each, so that the key space widens at random points. */
const batch = (from: fc.Arbitrary<unknown>): fc.Arbitrary<SourceStep> =>
  fc
    .array(
      fc.record({
        k: from,
        j: fc.integer({ min: 0, max: 1 }),
        n: fc.integer({ min: -5, max: 5 }),
        m: fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constant(null)),
        t: fc.integer({ min: -40, max: 120 }),
      }),
      { minLength: 1, maxLength: 12 },
    )
    .map((rows) =>
      rowsUnit(
        rows.map(({ t: _, ...row }) => row),
        rows.map(({ t }) => t),
      ),
    )

const steps: fc.Arbitrary<SourceStep[]> = fc
  .tuple(
    fc.array(fc.oneof({ weight: 3, arbitrary: batch(keys.ints) }, batch(keys.floats), batch(keys.texts), batch(keys.mixed)), {
      maxLength: 8,
    }),
    fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 8, maxLength: 8 }),
  )
  .map(([batches, advances]) => {
    let watermark = -45
    return batches.flatMap((unit, i) => [unit, ...(advances[i]! > 10 ? [{ watermark: (watermark += advances[i]! - 10) }] : [])])
  })

const shape: fc.Arbitrary<Shape> = fc.record({
  sizeMs: fc.integer({ min: 1, max: 30 }),
  slideMs: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
  offsetMs: fc.integer({ min: -5, max: 5 }),
  allowedLatenessMs: fc.constantFrom(0, 0, 3, 20),
  sideOutput: fc.boolean(),
  apply: fc.constantFrom('aggregates' as const, 'number' as const, 'object' as const),
  key: fc.constantFrom('field' as const, 'fields' as const, 'function' as const),
  waits: fc.boolean(),
})

describe('windows over typed tables', () => {
  test('answer what the window operator answers, late data and lateness included', async () => {
    await fc.assert(
      fc.asyncProperty(steps, shape, async (script, random) => {
        const offsetMs =
          random.slideMs === undefined
            ? Math.sign(random.offsetMs) * Math.min(Math.abs(random.offsetMs), random.sizeMs - 1)
            : Math.sign(random.offsetMs) * Math.min(Math.abs(random.offsetMs), random.slideMs - 1)
        const [kernel, plain] = await runBoth(script, { ...random, offsetMs })
        expect(kernel).toEqual(plain)
      }),
      { numRuns: 250 },
    )
  }, 120_000)

  test('fire many keys in many steps, through an edge that fills up', async () => {
    const rows = Array.from({ length: 7000 }, (_, i) => ({ k: i % 6000, j: 0, n: i, m: i % 3 === 0 ? null : i }))
    const script = [
      rowsUnit(
        rows,
        rows.map((_, i) => i % 25),
      ),
      { watermark: 9 },
      rowsUnit(
        rows.map((row) => ({ ...row, k: row.k + 0.5 })),
        rows.map((_, i) => 10 + (i % 25)),
      ),
    ]
    for (const slideMs of [undefined, 5]) {
      const [kernel, plain] = await runBoth(script, {
        sizeMs: 10,
        slideMs,
        offsetMs: 0,
        allowedLatenessMs: 5,
        sideOutput: false,
        apply: 'aggregates',
        key: 'field',
        waits: false,
      })
      expect(kernel!.main.length).toBeGreaterThanOrEqual(12_000)
      expect(kernel).toEqual(plain)
    }
  })

  test('refuse what is no number as the window operator does', async () => {
    for (const values of [['a', 'b'], [true], [1n], [1, 'b'], [new Date(1)]]) {
      const program = (env: Environment) =>
        (
          env.fromSource(
            scriptedSource(() => [
              rowsUnit(
                values.map((n) => ({ k: 1, n })),
                values.map(() => 1),
              ),
            ]),
            { name: 'in' },
          ) as any
        )
          .keyBy('k')
          .window({ kind: 'tumbling', time: 'event', sizeMs: 10, offsetMs: 0 })
          .aggregate({ total: { kind: 'sum', field: 'n' } }, { name: 'sums' })
          .sinkTo(new ListSink())
      const [generated, plain] = await failuresOf(program)
      expect(plain.code).toBe('TYPE_MISMATCH')
      expect(generated.code).toBe('TYPE_MISMATCH')
      expect(generated.message).toBe(plain.message)
      expect(generated.place.operator).toBe('sums')
    }
  })

  test('refuse a record without a timestamp, and a key that is null', async () => {
    for (const [rows, timestamps, what] of [
      [[{ k: 1 }], undefined, 'timestamp'],
      [[{ k: null }], [1], 'key'],
    ] as const) {
      const program = (env: Environment) =>
        (
          env.fromSource(
            scriptedSource(() => [rowsUnit(rows, timestamps as any)]),
            { name: 'in' },
          ) as any
        )
          .keyBy('k')
          .window({ kind: 'tumbling', time: 'event', sizeMs: 10, offsetMs: 0 })
          .aggregate({ n: { kind: 'count' } })
          .sinkTo(new ListSink())
      for (const error of await failuresOf(program)) expect(error.message).toContain(what)
    }
  })

  test('a window whose size and slide have a small common divisor runs in the general form', async () => {
    const program = (env: Environment) =>
      (
        env.fromSource(
          scriptedSource(() => [rowsUnit([{ k: 1 }], [1])]),
          { name: 'in' },
        ) as any
      )
        .keyBy('k')
        .window({ kind: 'sliding', time: 'event', sizeMs: 60_000, slideMs: 59_999, offsetMs: 0 })
        .aggregate({ n: { kind: 'count' } })
        .sinkTo(new ListSink())
    const bench = await runJob(program)
    expect(bench.task(1).options.chain.runtime.nodes[0]!.operator).not.toBeInstanceOf(PaneWindowKernel)
  })
})
