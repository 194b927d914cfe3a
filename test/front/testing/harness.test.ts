import { expect, test } from 'vitest'
import { coProcessHarness, operatorHarness, processHarness } from '../../../src/front/testing/harness.ts'
import { endOfTime } from '../../../src/front/testing/operator-harness.ts'

test('output holds records, watermarks and statuses in their order, and takeOutput empties it', async () => {
  const harness = await operatorHarness<number, number>({ kind: 'map', fn: (n: number) => n + 1 })
  harness.processElement(1, 5)
  harness.processWatermark(5)
  harness.processWatermark(4)
  harness.processWatermarkStatus('idle')
  harness.processWatermarkStatus('active')
  const expected = [{ kind: 'record', value: 2, timestamp: 5 }, { kind: 'watermark', watermark: 5 }, { kind: 'idle' }, { kind: 'active' }]
  expect(harness.takeOutput()).toEqual(expected)
  expect(harness.output).toEqual([])
  await harness.endInput()
  expect(harness.output).toEqual([{ kind: 'watermark', watermark: endOfTime }])
})

test('a function sees its runtime, counts and prints', async () => {
  const harness = await processHarness(
    (n: number, ctx) => {
      ctx.runtime.addToCounter('seen', n)
      ctx.runtime.printLine('stdout', `${ctx.runtime.operatorName} ${ctx.runtime.subtaskIndex}/${ctx.runtime.parallelism}`)
    },
    { name: 'counting', parallelism: 4, subtaskIndex: 2 },
  )
  for (const n of [1, 2]) harness.processElement(n)
  expect(harness.counters).toEqual({ seen: 3 })
  expect(harness.lines).toEqual(['counting 2/4', 'counting 2/4'])
})

test('several fields make a key that is an object of them', async () => {
  const harness = await processHarness(
    (_row: { a: number; b: string; c: number }, ctx, out: { collect(key: unknown): void }) => out.collect(ctx.currentKey),
    { keyBy: ['a', 'b'] },
  )
  harness.processElement({ a: 1, b: 'x', c: 3 })
  expect(harness.values).toEqual([{ a: 1, b: 'x' }])
})

test('processing time cannot go back, and a second input needs a function of two', async () => {
  const harness = await processHarness(() => undefined, { startMs: 100 })
  expect(() => harness.setProcessingTime(99)).toThrow(/cannot go back to 99/)
  expect(() => harness.processElement2(1)).toThrow(/one input/)
})

test('connected streams without keys have two inputs and no timers', async () => {
  const harness = await coProcessHarness({
    processElement1: (n: number, _ctx, out) => out.collect(`one ${n}`),
    processElement2: (text: string, _ctx, out: { collect(text: string): void }) => out.collect(`two ${text}`),
  })
  harness.processElement(1)
  harness.processElement2('x')
  harness.processWatermarkStatus('idle', 1)
  harness.processWatermark(3)
  expect(harness.values).toEqual(['one 1', 'two x'])
  expect(harness.output.at(-1)).toEqual({ kind: 'watermark', watermark: 3 })
})
