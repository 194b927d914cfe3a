import fc from 'fast-check'
import { expect, test } from 'vitest'
import { operatorHarness, processHarness } from '../../../src/front/testing/harness.ts'
import type { Collector, OnTimerContext, ProcessContext } from '../../../src/program/function/functions.ts'
import { listState, type ValueState, valueState } from '../../../src/program/function/state.ts'

interface Row {
  readonly k: string
  readonly n: number
}
type Out = Collector<unknown>
const key = { keyBy: 'k' } as const
const totals = { total: valueState<number>(), seen: listState<number>() }
const firsts = { first: valueState<number>() }
const record = (value: unknown, timestamp: number | null) => ({ kind: 'record', value, timestamp })
const watermark = (time: number) => ({ kind: 'watermark', watermark: time })

test('timers fire in order of time before the watermark goes on, and see it already', async () => {
  const harness = await processHarness(
    {
      processElement(row: Row, ctx: ProcessContext) {
        for (const time of [30, 10, 20]) ctx.timerService.registerEventTimeTimer(time + row.n)
      },
      onTimer(time, ctx, out: Out) {
        out.collect([time, ctx.currentKey, ctx.timerService.currentWatermark, ctx.timestamp, ctx.timeDomain])
      },
    },
    key,
  )
  harness.processElement({ k: 'a', n: 0 }, 1)
  harness.processElement({ k: 'b', n: 1 }, 1)
  harness.processWatermark(20)
  expect(harness.output).toEqual([
    record([10, 'a', 20, 10, 'event'], 10),
    record([11, 'b', 20, 11, 'event'], 11),
    record([20, 'a', 20, 20, 'event'], 20),
    watermark(20),
  ])
  expect(harness.numEventTimeTimers).toBe(3)
})

test('timers registered in onTimer at or below the watermark fire in the same round', async () => {
  const harness = await processHarness(
    {
      processElement(_row: Row, ctx: ProcessContext) {
        ctx.timerService.registerEventTimeTimer(1)
      },
      onTimer(time, ctx, out: Out) {
        out.collect(time)
        ctx.timerService.registerEventTimeTimer(time + 1)
      },
    },
    key,
  )
  harness.processElement({ k: 'a', n: 0 })
  harness.processWatermark(3)
  expect(harness.output).toEqual([record(1, 1), record(2, 2), record(3, 3), watermark(3)])
})

test('an event timer registered at or below the watermark fires with the next watermark, not at once', async () => {
  const harness = await processHarness(
    {
      processElement(row: Row, ctx: ProcessContext) {
        ctx.timerService.registerEventTimeTimer(row.n)
      },
      onTimer(time, _ctx, out: Out) {
        out.collect(time)
      },
    },
    key,
  )
  harness.processWatermark(100)
  harness.processElement({ k: 'a', n: 50 })
  expect(harness.takeOutput()).toEqual([watermark(100)])
  harness.processWatermark(101)
  expect(harness.output).toEqual([record(50, 50), watermark(101)])
})

test('output of a processing timer carries no timestamp, and it never fires inside of an element', async () => {
  const harness = await processHarness(
    {
      processElement(row: Row, ctx: ProcessContext, out: Out) {
        ctx.timerService.registerProcessingTimeTimer(ctx.timerService.currentProcessingTime + row.n)
        out.collect('element')
      },
      onTimer(time, ctx, out: Out) {
        out.collect([time, ctx.timestamp, ctx.timeDomain, ctx.timerService.currentProcessingTime])
      },
    },
    { ...key, startMs: 1_000 },
  )
  harness.processElement({ k: 'a', n: 0 }, 5)
  harness.processElement({ k: 'a', n: 70 }, 5)
  harness.processElement({ k: 'b', n: 70 }, 5)
  expect(harness.takeOutput()).toEqual([record('element', 5), record('element', 5), record('element', 5)])
  expect(harness.numProcessingTimeTimers).toBe(3)
  harness.setProcessingTime(1_069)
  expect(harness.takeOutput()).toEqual([record([1_000, null, 'processing', 1_000], null)])
  harness.setProcessingTime(2_000)
  expect(harness.output).toEqual([record([1_070, null, 'processing', 1_070], null), record([1_070, null, 'processing', 1_070], null)])
})

test('pending processing timers do not fire at the end of input; event timers do', async () => {
  const harness = await processHarness(
    {
      processElement(_row: Row, ctx: ProcessContext) {
        ctx.timerService.registerProcessingTimeTimer(10)
        ctx.timerService.registerEventTimeTimer(1e15)
      },
      onTimer(time, _ctx, out: Out) {
        out.collect(time)
      },
    },
    key,
  )
  harness.processElement({ k: 'a', n: 0 })
  await harness.endInput()
  expect(harness.output).toEqual([record(1e15, 1e15), watermark(2 ** 63)])
  expect(harness.numProcessingTimeTimers).toBe(1)
})

test('a deleted timer does not fire, and one per key, time and domain is kept', async () => {
  const harness = await processHarness(
    {
      processElement(row: Row, ctx: ProcessContext) {
        const { timerService } = ctx
        if (row.n === 0) timerService.deleteEventTimeTimer(5)
        else for (let i = 0; i < 3; i++) timerService.registerEventTimeTimer(5)
      },
      onTimer(_time, ctx, out: Out) {
        out.collect(ctx.currentKey)
      },
    },
    key,
  )
  for (const k of ['a', 'b']) harness.processElement({ k, n: 1 })
  expect(harness.numEventTimeTimers).toBe(2)
  harness.processElement({ k: 'a', n: 0 })
  harness.processElement({ k: 'c', n: 0 })
  harness.processWatermark(5)
  expect(harness.values).toEqual(['b'])
})

test('state is scoped to the key, in elements and in timers', async () => {
  const harness = await processHarness(
    {
      state: totals,
      processElement(row: Row, ctx: ProcessContext<typeof totals>) {
        ctx.state.total.update((ctx.state.total.value ?? 0) + row.n)
        ctx.state.seen.add(row.n)
        ctx.timerService.registerEventTimeTimer(9)
      },
      onTimer(_time, ctx: OnTimerContext<typeof totals>, out: Out) {
        out.collect([ctx.currentKey, ctx.state.total.value, ctx.state.seen.get()])
        ctx.state.total.clear()
      },
    },
    key,
  )
  for (const [k, n] of [
    ['a', 1],
    ['b', 2],
    ['a', 3],
  ] as const)
    harness.processElement({ k, n })
  harness.processWatermark(9)
  expect(harness.values).toEqual([
    ['a', 4, [1, 3]],
    ['b', 2, [2]],
  ])
})

test('without keys timers and declared state are errors that say keyBy', async () => {
  const harness = await processHarness({
    processElement(_row: Row, ctx: ProcessContext) {
      ctx.timerService.registerEventTimeTimer(5)
    },
    onTimer: () => undefined,
  })
  expect(() => harness.processElement({ k: 'a', n: 1 })).toThrow(/its stream has no keys/)
  await expect(async () =>
    processHarness({ state: { total: valueState<number>() }, processElement: () => undefined }),
  ).rejects.toMatchObject({
    code: 'INVALID_PROGRAM',
    hint: expect.stringContaining('keyBy'),
  })
})

test('without keys a process function still knows timestamps, time and side outputs', async () => {
  const late = { id: 'late' }
  const harness = await processHarness((n: number, ctx: ProcessContext, out: Out) => {
    out.collect([n, ctx.timestamp, ctx.timerService.currentWatermark, ctx.currentKey])
    ctx.output(late, n + 1)
  })
  harness.processElement(1)
  harness.processWatermark(8)
  harness.processElement(2, 4)
  expect(harness.output).toEqual([record([1, null, -(2 ** 63), undefined], null), watermark(8), record([2, 4, 8, undefined], 4)])
  expect(harness.sideOutput(late)).toEqual([record(2, null), record(3, 4)])
})

test('a timer without onTimer, a null key and a bad time are errors', async () => {
  const harness = await processHarness((_row: Row, ctx: ProcessContext) => ctx.timerService.registerEventTimeTimer(5), key)
  expect(() => harness.processElement({ k: 'a', n: 1 })).toThrow(/has no onTimer/)
  expect(() => harness.processElement({ k: null as unknown as string, n: 1 })).toThrow(/key is null/)
  const withTimer = await processHarness(
    { processElement: (_row: Row, ctx: ProcessContext) => ctx.timerService.registerEventTimeTimer(Number.NaN), onTimer: () => undefined },
    key,
  )
  expect(() => withTimer.processElement({ k: 'a', n: 1 })).toThrow(/not a time/)
})

test('emitting, timers and state outside of the turn are errors', async () => {
  let kept: { ctx: ProcessContext<typeof totals>; out: Out; total: ValueState<number> } | undefined
  const harness = await processHarness(
    {
      state: totals,
      processElement(_row: Row, ctx: ProcessContext<typeof totals>, out: Out) {
        kept = { ctx, out, total: ctx.state.total }
      },
      onTimer: () => undefined,
    },
    key,
  )
  harness.processElement({ k: 'a', n: 1 })
  expect(() => kept!.out.collect(1)).toThrow(/emitted a row outside of its turn/)
  expect(() => kept!.ctx.output({ id: 'x' }, 1)).toThrow(/side output x outside of its turn/)
  expect(() => kept!.ctx.timerService.registerEventTimeTimer(1)).toThrow(/used a timer outside of its turn/)
  expect(() => kept!.total.value).toThrow(/outside of a keyed element/)
})

test('an async processElement fails the record, and so does one that throws, naming the operator', async () => {
  const waiting = await processHarness((async () => undefined) as () => void, { name: 'slow' })
  expect(() => waiting.processElement(1)).toThrow(/processElement of operator slow returned a promise/)
  const failing = await processHarness(
    {
      processElement: (_row: Row, ctx: ProcessContext) => ctx.timerService.registerEventTimeTimer(1),
      onTimer() {
        throw new Error('boom')
      },
    },
    { ...key, name: 'slow' },
  )
  failing.processElement({ k: 'a', n: 1 })
  expect(() => failing.processWatermark(1)).toThrow('onTimer of operator slow failed: Error: boom')
})

test('firing that is interrupted by a full output gives the same rows in the same order', async () => {
  const step = fc.record({
    k: fc.constantFrom('a', 'b', 'c'),
    n: fc.integer({ min: 0, max: 9 }),
    watermark: fc.option(fc.integer({ min: 0, max: 12 })),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 4 }), async (steps, stopEvery) => {
      const run = async (stopEvery?: number): Promise<unknown> => {
        const harness = await processHarness(
          {
            processElement: (row: Row, ctx: ProcessContext) => ctx.timerService.registerEventTimeTimer(row.n),
            onTimer(time, ctx, out: Out) {
              for (let i = 0; i <= time % 3; i++) out.collect([ctx.currentKey, time])
              if (time % 4 === 0) ctx.timerService.registerEventTimeTimer(time + 3)
            },
          },
          { ...key, stopEvery },
        )
        for (const { k, n, watermark } of steps) {
          harness.processElement({ k, n }, n)
          if (watermark !== null) harness.processWatermark(watermark)
        }
        await harness.endInput()
        return harness.output
      }
      expect(await run(stopEvery)).toEqual(await run())
    }),
  )
})

test('two keyed inputs share state and timers by key, and see the minimum of their watermarks', async () => {
  const harness = await operatorHarness<Row, unknown, Row>(
    {
      kind: 'coProcess',
      fn: {
        state: firsts,
        processElement1(row: Row, ctx: ProcessContext<typeof firsts>) {
          ctx.state.first.update(row.n)
          ctx.timerService.registerEventTimeTimer(10)
        },
        processElement2(row: Row, ctx: ProcessContext<typeof firsts>, out: Out) {
          out.collect([ctx.currentKey, ctx.state.first.value, row.n])
        },
        onTimer(time, ctx: OnTimerContext<typeof firsts>, out: Out) {
          out.collect(['timer', ctx.currentKey, time, ctx.state.first.value])
        },
      },
    },
    { keyBy: 'k', keyBy2: (row) => row.k },
  )
  harness.processElement({ k: 'a', n: 1 }, 3)
  harness.processElement2({ k: 'a', n: 2 }, 4)
  harness.processElement2({ k: 'b', n: 2 }, 4)
  harness.processWatermark(50)
  expect(harness.output).toEqual([record(['a', 1, 2], 4), record(['b', null, 2], 4)])
  harness.processWatermark2(10)
  expect(harness.output.slice(2)).toEqual([record(['timer', 'a', 10, 1], 10), watermark(10)])
  await harness.endInput()
  expect(harness.output.at(-1)).toEqual(watermark(2 ** 63))
})
