import { describe, expect, test } from 'vitest'
import type { Environment } from '../../../src/program/api/environment.ts'
import type { Task } from '../../../src/runtime/task/task.ts'
import { JobBench, ListSink, rowsUnit, runJob, type SourceStep, scriptedSource } from './job-bench.ts'

const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, i) => ({ i: from + i }))
const sourceOf = (...steps: SourceStep[]) => scriptedSource(() => steps)
/** Rings of the least size, so that a consumer is soon behind. */
const tight = { segmentSizeBytes: 4096, maxBytes: 2 * (256 + 2 * 4096) }
const never = new Promise<void>(() => undefined)

/** source, over an edge, into `sink`. */
const overEdge =
  (steps: readonly SourceStep[], sink: ListSink, timeoutMs = 100) =>
  (env: Environment) =>
    void env
      .fromSource(
        scriptedSource(() => steps),
        { name: 'in' },
      )
      .map((row: any) => row)
      .setBufferTimeout(timeoutMs)
      .rebalance()
      .map((row: any) => row)
      .sinkTo(sink)

const stepUntil = (task: Task, result: string, most = 100_000) => {
  for (let i = 0; i < most; i++) if (task.step() === result) return
  throw new Error(`the task was never ${result}`)
}

describe('what a step says', () => {
  test('idle without input, blocked without credit, awaiting a write, ended at the end', async () => {
    const sink = new ListSink()
    const bench = await (await JobBench.of(overEdge([rowsUnit(numbered(40_000))], sink), { network: tight })).open()
    const source = bench.task(0)
    const consumer = bench.task(1)
    expect(consumer.step()).toBe('idle')
    stepUntil(source, 'blocked')
    for (let i = 0; i < 10; i++) expect(source.step()).toBe('blocked')
    expect(consumer.step()).toBe('progressed')
    await bench.settle()
    expect(sink.rows).toEqual(numbered(40_000))
    expect([source.step(), consumer.step(), source.phase, consumer.phase]).toEqual(['ended', 'ended', 'finished', 'finished'])
  })

  test('awaiting while a sink writes; the loop stops behind the row', async () => {
    let finish!: () => void
    const sink = new ListSink((row) => (row.i === 3 ? new Promise((resolve) => (finish = resolve)) : undefined))
    const bench = await (
      await JobBench.of((env) => void env.fromSource(sourceOf(rowsUnit(numbered(10))), { name: 'in' }).sinkTo(sink))
    ).open()
    const task = bench.task(0)
    stepUntil(task, 'awaiting')
    expect(sink.rows).toEqual(numbered(4))
    expect(task.wakeAtMs).toBe(Number.POSITIVE_INFINITY)
    expect(task.step()).toBe('awaiting')
    const { wakes } = bench
    finish()
    await new Promise((resolve) => setImmediate(resolve))
    expect(bench.wakes).toBeGreaterThan(wakes)
    await bench.settle()
    expect(sink.rows).toEqual(numbered(10))
  })

  test('a write that fails fails the task, with the operator', async () => {
    const sink = new ListSink(async (row) => {
      if (row.i === 3) throw new Error('disk full')
    })
    const failure = await runJob(
      (env) => void env.fromSource(sourceOf(rowsUnit(numbered(10))), { name: 'in' }).sinkTo(sink, { name: 'out' }),
    ).catch((thrown) => thrown)
    expect(failure.message).toContain('disk full')
    expect(failure.place.operator).toBe('out')
  })
})

describe('a task that can do nothing', () => {
  test('asks for no time: neither idle, nor blocked with timers due, nor awaiting', async () => {
    const fired: number[] = []
    const sink = new ListSink()
    const program = (env: Environment) =>
      void env
        .fromSource(sourceOf(rowsUnit(numbered(30_000)), { wait: never }), { name: 'in' })
        .keyBy('i')
        .process({
          processElement: (row: any, ctx: any, out: any) => {
            ctx.timerService.registerProcessingTimeTimer(ctx.timerService.currentProcessingTime + 10)
            out.collect(row)
          },
          onTimer: (at: number) => void fired.push(at),
        } as any)
        .rebalance()
        .map((row: any) => row)
        .sinkTo(sink)
    const bench = await (await JobBench.of(program, { network: tight })).open()
    const middle = bench.task(1)
    for (let i = 0; i < 2_000 && middle.step() !== 'blocked'; i++) bench.task(0).step()
    expect(middle.step()).toBe('blocked')
    bench.clock.advance(60_000)
    for (let i = 0; i < 5; i++) middle.step()
    expect(middle.step()).toBe('blocked')
    expect(middle.wakeAtMs).toBe(Number.POSITIVE_INFINITY)
    expect(fired).toEqual([])
    const isSettled = () => bench.clock.advance(10) === undefined && fired.length === 30_000
    for (let i = 0; i < 10_000 && !isSettled(); i++) bench.round()
    for (let i = 0; i < 200; i++) bench.round()
    expect(sink.rows).toHaveLength(30_000)
    expect(fired).toHaveLength(30_000)
    for (const task of bench.tasks) expect(task.wakeAtMs).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('the buffer timeout', () => {
  const rows = numbered(3)
  /** A source that has given one unit, which its consumer was sent, and then gives another one. */
  async function secondUnit(timeoutMs: number) {
    const sink = new ListSink()
    let goOn!: () => void
    const wait = new Promise<void>((resolve) => (goOn = resolve))
    const bench = await (
      await JobBench.of(overEdge([rowsUnit(rows), { wait }, rowsUnit(numbered(1, 3)), { wait: never }], sink, timeoutMs))
    ).open()
    const [consumer, source] = [bench.task(1), bench.task(0)]
    stepUntil(source, 'idle')
    goOn()
    await new Promise((resolve) => setImmediate(resolve))
    stepUntil(source, 'idle')
    return { sink, bench, consumer, source }
  }

  test('of 0 sends what a unit gave at once', async () => {
    const { sink, consumer, source } = await secondUnit(0)
    expect(source.wakeAtMs).toBe(Number.POSITIVE_INFINITY)
    stepUntil(consumer, 'idle')
    expect(sink.rows).toEqual(numbered(4))
  })

  test('of 5 ms sends it 5 ms later, if the consumer has not read what it was sent before', async () => {
    const { sink, bench, consumer, source } = await secondUnit(5)
    expect(source.wakeAtMs).toBe(bench.clock.now() + 5)
    bench.clock.advance(4)
    source.step()
    stepUntil(consumer, 'idle')
    expect(sink.rows).toEqual(rows)
    bench.clock.advance(1)
    source.step()
    stepUntil(consumer, 'idle')
    expect(sink.rows).toEqual(numbered(4))
    expect(source.wakeAtMs).toBe(Number.POSITIVE_INFINITY)
  })

  test('does not wait where producer and consumer both have nothing else to do', async () => {
    const { sink, consumer, source } = await secondUnit(60_000)
    stepUntil(consumer, 'idle')
    expect(sink.rows).toEqual(rows)
    expect(source.step()).toBe('idle')
    stepUntil(consumer, 'idle')
    expect(sink.rows).toEqual(numbered(4))
  })

  test('of -1 sends full segments only, and the rest at the end', async () => {
    const sink = new ListSink()
    const bench = await (await JobBench.of(overEdge([rowsUnit(rows), { watermark: 5 }], sink, -1))).open()
    const source = bench.task(0)
    source.step()
    bench.clock.advance(1_000_000)
    source.step()
    expect(bench.task(1).step()).toBe('idle')
    await bench.settle()
    expect(sink.rows).toEqual(rows)
    expect(sink.written.every(({ watermark }) => watermark < 5)).toBe(true)
  })

  test('holds within a unit that takes long', async () => {
    const sink = new ListSink()
    let bench!: JobBench
    const slow = (row: any) => {
      bench.clock.advance(1)
      return row
    }
    bench = await JobBench.of(
      (env) =>
        void env
          .fromSource(sourceOf(rowsUnit(numbered(10_000))), { name: 'in' })
          .map(slow)
          .setBufferTimeout(50)
          .rebalance()
          .map((row: any) => row)
          .sinkTo(sink),
    )
    await bench.open()
    const startedMs = bench.clock.now()
    while (sink.rows.length === 0) {
      bench.task(0).step()
      bench.task(1).step()
    }
    // Loops are left every so many rows; a timeout is looked at then.
    expect(bench.clock.now() - startedMs).toBeLessThan(1_000)
  })

  test('events that wait for credit go out as soon as there is some', async () => {
    const sink = new ListSink()
    const bench = await (
      await JobBench.of(overEdge([rowsUnit(numbered(1200)), { watermark: 7 }, { watermark: 8 }, { wait: never }], sink, 5), {
        network: tight,
      })
    ).open()
    const source = bench.task(0)
    for (let i = 0; i < 200; i++) {
      source.step()
      bench.clock.advance(5)
    }
    expect(source.wakeAtMs).toBe(Number.POSITIVE_INFINITY)
    for (let i = 0; i < 500; i++) {
      bench.task(1).step()
      source.step()
    }
    expect(sink.rows).toEqual(numbered(1200))
    expect(bench.task(1).metrics().watermark).toBe(8)
  })
})

describe('time', () => {
  test('divides into busy, idle and backpressured, which add up to all of it', async () => {
    const sink = new ListSink()
    let bench!: JobBench
    const slow = (row: any) => {
      if (row.i % 100 === 0) bench.clock.advance(3)
      return row
    }
    bench = await JobBench.of(
      (env) =>
        void env
          .fromSource(sourceOf(rowsUnit(numbered(20_000))), { name: 'in' })
          .map(slow)
          .rebalance()
          .map((row: any) => row)
          .sinkTo(sink),
      { network: tight },
    )
    const startedMs = bench.clock.elapsed()
    await bench.open()
    const source = bench.task(0)
    const total = ({ busyMs, idleMs, backPressuredMs }: { busyMs: number; idleMs: number; backPressuredMs: number }) =>
      busyMs + idleMs + backPressuredMs
    stepUntil(source, 'blocked')
    const { busyMs } = source.metrics()
    expect(busyMs).toBe(bench.clock.elapsed() - startedMs)
    bench.clock.advance(500)
    source.step()
    expect(source.metrics().backPressuredMs).toBe(500)
    expect(bench.task(1).step()).toBe('progressed')
    await bench.settle()
    for (const task of bench.tasks) {
      const before = total(task.metrics())
      expect(before).toBeLessThanOrEqual(bench.clock.elapsed() - startedMs)
      // A task that is over takes no more time.
      bench.clock.advance(1_000)
      expect(total(task.metrics())).toBe(before)
    }
  })
})

describe('the end', () => {
  test('comes in order: results that end of time causes, the flush of sinks, and only then the end for consumers', async () => {
    const first = new ListSink()
    const second = new ListSink()
    const bench = await runJob((env) => {
      const counted: any = (
        env.fromSource(
          sourceOf(
            rowsUnit(
              numbered(10),
              numbered(10).map(({ i }) => i),
            ),
          ),
          { name: 'in' },
        ) as any
      )
        .keyBy((row: any) => row.i % 2)
        .window({ kind: 'tumbling', time: 'event', sizeMs: 100, offsetMs: 0 })
        .aggregate({ n: { kind: 'count' } })
      counted.sinkTo(first)
      counted
        .rebalance()
        .map((row: any) => row)
        .sinkTo(second)
    })
    expect(first.rows.map(({ n }) => n)).toEqual([5, 5])
    expect(second.rows).toEqual(first.rows)
    expect([first.log, second.log]).toEqual([
      ['flush true', 'close'],
      ['flush true', 'close'],
    ])
    const finished = bench.phases.filter((phase) => phase.endsWith('finished'))
    expect(finished).toEqual(['0/0 finished', '1/0 finished', '2/0 finished'])
  })

  test('reaches the other consumers though one is stuck', async () => {
    const stuck = new ListSink(() => never)
    const free = new ListSink()
    const bench = await JobBench.of(
      (env) => {
        const stream = env.fromSource(sourceOf(rowsUnit(numbered(5))), { name: 'in' })
        stream
          .rebalance()
          .map((row: any) => row)
          .sinkTo(stuck)
        stream
          .rebalance()
          .map((row: any) => row)
          .sinkTo(free)
      },
      { network: tight },
    )
    await bench.open()
    for (let i = 0; i < 1_000; i++) bench.round()
    expect(free.log).toContain('flush true')
    expect(stuck.log).not.toContain('flush true')
  })
})

describe('cancelling', () => {
  test.each([
    ['running', 0],
    ['running', 50],
    ['blocked', -1],
  ])('a task that is %s stops it at once, and it closes', async (_what, steps) => {
    let closed = 0
    const sink = new ListSink()
    const bench = await JobBench.of(
      (env) =>
        void env
          .fromSource(
            scriptedSource(
              () => [rowsUnit(numbered(50_000))],
              () => closed++,
            ),
            { name: 'in' },
          )
          .rebalance()
          .map((row: any) => row)
          .sinkTo(sink),
      { network: tight },
    )
    await bench.open()
    if (steps < 0) stepUntil(bench.task(0), 'blocked')
    else for (let i = 0; i < steps; i++) bench.round()
    for (const task of bench.tasks) task.cancel()
    expect(bench.round()).toEqual(['ended', 'ended'])
    expect((await Promise.all(bench.tasks.map((task) => task.close()))).flat()).toEqual([])
    expect([closed, sink.log, bench.failures]).toEqual([1, ['close'], []])
    expect(bench.tasks.map(({ phase }) => phase)).toEqual(['canceled', 'canceled'])
  })

  test('a task that awaits a write which fails later leaves it canceled', async () => {
    let fail!: (thrown: unknown) => void
    const sink = new ListSink(() => new Promise<void>((_, reject) => (fail = reject)))
    const bench = await (
      await JobBench.of((env) => void env.fromSource(sourceOf(rowsUnit(numbered(5))), { name: 'in' }).sinkTo(sink))
    ).open()
    stepUntil(bench.task(0), 'awaiting')
    bench.task(0).cancel()
    fail(new Error('too late'))
    await new Promise((resolve) => setImmediate(resolve))
    expect([bench.task(0).phase, bench.failures]).toEqual(['canceled', []])
  })

  test('a task that has finished stays finished', async () => {
    const bench = await runJob((env) => void env.fromSource(sourceOf(), { name: 'in' }).sinkTo(new ListSink()))
    bench.task(0).cancel()
    expect(bench.task(0).phase).toBe('finished')
  })
})

describe('processing-time timers', () => {
  test('fire when due, in steps where the output is full, and hold back rows until they are through', async () => {
    const sink = new ListSink()
    let end!: () => void
    const wait = new Promise<void>((resolve) => (end = resolve))
    const program = (env: Environment) =>
      void env
        .fromSource(sourceOf(rowsUnit(numbered(6_000)), { wait }), { name: 'in' })
        .keyBy('i')
        .process({
          processElement: (row: any, ctx: any) => ctx.timerService.registerProcessingTimeTimer(5_000 + (row.i % 3)),
          onTimer: (at: number, ctx: any, out: any) => out.collect({ at, i: ctx.currentKey }),
        } as any)
        .rebalance()
        .map((row: any) => row)
        .sinkTo(sink)
    const bench = await (await JobBench.of(program, { network: tight })).open()
    const timers = bench.task(1)
    while (timers.recordsIn < 6_000) bench.round()
    stepUntil(timers, 'idle')
    // Once the millisecond is over: rows may come until then.
    expect(timers.wakeAtMs).toBe(5_001)
    bench.clock.advance(5_002 - bench.clock.now())
    stepUntil(timers, 'blocked')
    bench.clock.advance(1)
    for (let i = 0; i < 10_000; i++) bench.round()
    expect(sink.rows.sort((a, b) => a.i - b.i)).toEqual(numbered(6_000).map(({ i }) => ({ at: 5_000 + (i % 3), i })))
    expect(timers.wakeAtMs).toBe(Number.POSITIVE_INFINITY)
    end()
    await new Promise((resolve) => setImmediate(resolve))
    await bench.settle()
    expect(timers.phase).toBe('finished')
  })
})
