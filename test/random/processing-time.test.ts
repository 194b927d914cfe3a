/**
 * Processing time from end to end under a clock that the test moves: between two moves everything that can be done is done, so
 * that each row has one time, and windows and timers of a keyed co-process have one result. Generated and interpreted.
 */
import fc from 'fast-check'
import { count, type DataStream, session, sliding, sum, tumbling, valueState } from 'headrace'
import { expect, test } from 'vitest'
import type { Environment } from '../../src/program/api/environment.ts'
import { JobBench, ListSink, rowsUnit, scriptedSource } from '../runtime/task/job-bench.ts'
import { multiset } from '../support/reference/canonical.ts'

interface Row {
  readonly k: string
  readonly v: number
  /** Which of the two streams of the co-process it is in. */
  readonly right: boolean
}

interface Spec {
  readonly codegen: boolean
  readonly parallelism: number
  readonly kind: 'tumbling' | 'sliding' | 'session'
  readonly size: number
  readonly slide: number
  readonly offset: number
  /** The clock goes on by `advance`, then the rows come. */
  readonly turns: readonly { readonly advance: number; readonly rows: readonly Row[] }[]
}

const runs = Math.ceil(Number(process.env.HEADRACE_RANDOM_RUNS ?? 200) / 2)
const startMs = 1_000

const specs: fc.Arbitrary<Spec> = fc.record({
  codegen: fc.boolean(),
  parallelism: fc.integer({ min: 1, max: 3 }),
  kind: fc.constantFrom('tumbling', 'sliding', 'session'),
  size: fc.integer({ min: 1, max: 30 }),
  slide: fc.integer({ min: 1, max: 40 }),
  offset: fc.nat({ max: 20 }),
  turns: fc.array(
    fc.record({
      advance: fc.oneof(fc.nat({ max: 12 }), fc.integer({ min: 30, max: 200 })),
      rows: fc.array(fc.record({ k: fc.constantFrom('a', 'b', ''), v: fc.integer({ min: -9, max: 9 }), right: fc.boolean() }), {
        maxLength: 6,
      }),
    }),
    { maxLength: 12 },
  ),
})

const floorTo = (time: number, step: number, offset: number): number => time - ((((time - offset) % step) + step) % step)

/** Starts and ends of the windows that hold a row of a key; `times`: of all rows of that key, ascending. */
function windowsOf({ kind, size, slide, offset }: Spec, time: number, times: readonly number[]): [start: number, end: number][] {
  if (kind === 'session') {
    let first = times.indexOf(time)
    let last = times.lastIndexOf(time)
    while (first > 0 && times[first]! - times[first - 1]! < size) first--
    while (last < times.length - 1 && times[last + 1]! - times[last]! < size) last++
    return [[times[first]!, times[last]! + size]]
  }
  const step = kind === 'tumbling' ? size : slide
  const windows: [number, number][] = []
  for (let start = floorTo(time, step, offset % step); start > time - size; start -= step) windows.push([start, start + size])
  return windows
}

/** The rows with their times. */
function timed({ turns }: Spec): (Row & { readonly time: number })[] {
  let time = startMs
  return turns.flatMap(({ advance, rows }) => {
    time += advance
    const at = time
    return rows.map((row) => ({ ...row, time: at }))
  })
}

function expectedWindows(spec: Spec): unknown[] {
  const all = timed(spec)
  const windows = new Map<string, { k: string; windowStart: number; windowEnd: number; n: number; total: number }>()
  for (const { k, v, time } of all) {
    const times = all.filter((other) => other.k === k).map((other) => other.time)
    for (const [windowStart, windowEnd] of windowsOf(spec, time, times)) {
      const id = `${k} ${windowStart}`
      const window = windows.get(id) ?? { k, windowStart, windowEnd, n: 0, total: 0 }
      windows.set(id, { ...window, n: window.n + 1, total: window.total + v })
    }
  }
  return [...windows.values()]
}

/** Rows of both sides by stretches of time, each of which ends with a timer in its last millisecond. */
function expectedPairs(spec: Spec): unknown[] {
  const stretches = new Map<string, { k: string; at: number; left: number; right: number }>()
  for (const { k, right, time } of timed(spec)) {
    const at = floorTo(time, spec.size, 0) + spec.size - 1
    const { left: lefts, right: rights } = stretches.get(`${k} ${at}`) ?? { left: 0, right: 0 }
    stretches.set(`${k} ${at}`, { k, at, left: lefts + (right ? 0 : 1), right: rights + (right ? 1 : 0) })
  }
  return [...stretches.values()]
}

const pairs = (size: number) => {
  const add = (ctx: any, side: 'left' | 'right'): void => {
    const { counts } = ctx.state
    counts.update({ left: 0, right: 0, ...counts.value, [side]: (counts.value?.[side] ?? 0) + 1 })
    const at = floorTo(ctx.timerService.currentProcessingTime, size, 0) + size - 1
    ctx.timerService.registerProcessingTimeTimer(at)
    ctx.timerService.registerProcessingTimeTimer(at + 0.5)
    ctx.timerService.deleteProcessingTimeTimer(at + 0.5)
  }
  return {
    state: { counts: valueState<{ left: number; right: number }>() },
    processElement1: (_row: any, ctx: any) => add(ctx, 'left'),
    processElement2: (_row: any, ctx: any) => add(ctx, 'right'),
    onTimer(at: number, ctx: any, out: any) {
      out.collect({ k: ctx.currentKey, at, ...ctx.state.counts.value })
      ctx.state.counts.clear()
    },
  }
}

/** Steps until nothing goes on at this time. */
async function rest(bench: JobBench): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    quiet = bench.round().includes('progressed') ? 0 : quiet + 1
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function run(
  spec: Spec,
  program: (env: Environment, rows: (which: (row: Row) => boolean) => DataStream<Row>) => void,
): Promise<void> {
  const gates = [...spec.turns, undefined].map(() => Promise.withResolvers<void>())
  const config = { 'execution.codegen': spec.codegen, 'parallelism.default': spec.parallelism, 'execution.buffer-timeout.interval': 0 }
  const bench = await JobBench.of(
    (env) =>
      program(env, (which) => {
        const source = scriptedSource(function* (subtask) {
          for (const [i, { rows }] of spec.turns.entries()) {
            yield { wait: gates[i]!.promise }
            const own = rows.filter((row, r) => which(row) && r % spec.parallelism === subtask)
            if (own.length > 0) yield rowsUnit(own)
          }
          yield { wait: gates.at(-1)!.promise }
        })
        return env.fromSource(source)
      }),
    { config },
  )
  await bench.open()
  await rest(bench)
  // After the last turn all windows and timers fall due, ahead of the end.
  for (const [i, gate] of gates.entries()) {
    bench.clock.advance(spec.turns[i]?.advance ?? 1_000)
    await rest(bench)
    gate.resolve()
    await rest(bench)
  }
  expect(bench.failures).toEqual([])
  expect(bench.tasks.map(({ phase }) => phase)).toEqual(bench.tasks.map(() => 'finished'))
  await Promise.all(bench.tasks.map((task) => task.close()))
}

test('random windows in processing time hold the rows that came in their time', async () => {
  await fc.assert(
    fc.asyncProperty(specs, async (spec) => {
      const sink = new ListSink()
      const { size, slide } = spec
      await run(spec, (_env, rows) => {
        const options = { time: 'processing', offset: spec.offset % (spec.kind === 'sliding' ? slide : size) } as const
        const windows = {
          tumbling: () => tumbling(size, options),
          sliding: () => sliding(size, slide, options),
          session: () => session(size, { time: 'processing' }),
        }[spec.kind]()
        rows(() => true)
          .keyBy('k')
          .window(windows)
          .aggregate({ n: count(), total: sum('v') })
          .sinkTo(sink)
      })
      expect(multiset(sink.rows)).toEqual(multiset(expectedWindows(spec)))
    }),
    { numRuns: runs },
  )
}, 3_600_000)

test('random timers in processing time fire once for the rows of both inputs of a keyed co-process', async () => {
  await fc.assert(
    fc.asyncProperty(specs, async (spec) => {
      const sink = new ListSink()
      await run(spec, (_env, rows) => {
        rows((row) => !row.right)
          .connect(rows((row) => row.right))
          .keyBy('k', 'k')
          .process(pairs(spec.size) as any)
          .sinkTo(sink)
      })
      expect(multiset(sink.rows)).toEqual(multiset(expectedPairs(spec)))
    }),
    { numRuns: runs },
  )
}, 3_600_000)
