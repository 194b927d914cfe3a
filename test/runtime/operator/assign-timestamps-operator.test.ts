import { expect, test } from 'vitest'
import { operatorHarness } from '../../../src/front/testing/harness.ts'
import type { WatermarkGenerator, WatermarkStrategy } from '../../../src/program/function/watermark.ts'

const record = (value: unknown, timestamp: number | null) => ({ kind: 'record', value, timestamp })
const watermark = (time: number) => ({ kind: 'watermark', watermark: time })
const bounded = (more: object = {}): WatermarkStrategy<number> => ({
  generator: { kind: 'bounded', outOfOrdernessMs: 5 },
  timestamp: (n) => n,
  ...more,
})
const custom = (generator: WatermarkGenerator<number>): WatermarkStrategy<number> => ({
  generator: { kind: 'custom', create: () => generator },
  timestamp: (n) => n,
})

test('rows get their timestamp, and the watermark comes at the interval', async () => {
  const harness = await operatorHarness({ kind: 'assignTimestamps', strategy: bounded() })
  harness.setProcessingTime(200)
  for (const n of [100, 90]) harness.processElement(n, 1)
  harness.setProcessingTime(399)
  expect(harness.output).toEqual([record(100, 100), record(90, 90)])
  harness.setProcessingTime(400)
  harness.setProcessingTime(1_000)
  expect(harness.output.slice(2)).toEqual([watermark(94)])
})

test('an interval of 0 asks the generator at no time but its elements', async () => {
  const harness = await operatorHarness({ kind: 'assignTimestamps', strategy: bounded() }, { autoWatermarkIntervalMs: 0 })
  harness.processElement(100)
  harness.setProcessingTime(10_000)
  expect(harness.output).toEqual([record(100, 100)])
})

test('a row goes out before the watermark that it caused', async () => {
  const harness = await operatorHarness({
    kind: 'assignTimestamps',
    strategy: custom({ onEvent: (_n, time, output) => output.emitWatermark(time) }),
  })
  for (const n of [3, 2, 4]) harness.processElement(n)
  expect(harness.output).toEqual([record(3, 3), watermark(3), record(2, 2), record(4, 4), watermark(4)])
})

test('watermarks and idleness from upstream are swallowed, except MAX', async () => {
  const harness = await operatorHarness({ kind: 'assignTimestamps', strategy: bounded() })
  harness.processElement(100)
  harness.processWatermark(5_000)
  harness.processWatermarkStatus('idle')
  harness.processWatermarkStatus('active')
  harness.setProcessingTime(200)
  await harness.endInput()
  harness.setProcessingTime(9_000)
  expect(harness.output).toEqual([record(100, 100), watermark(94), watermark(2 ** 63)])
})

test('idleness is said once, and active again before the watermark that ends it', async () => {
  const harness = await operatorHarness({ kind: 'assignTimestamps', strategy: bounded({ idlenessMs: 300 }) })
  harness.processElement(100)
  harness.setProcessingTime(2_000)
  expect(harness.takeOutput()).toEqual([record(100, 100), watermark(94), { kind: 'idle' }])
  harness.processElement(200)
  expect(harness.takeOutput()).toEqual([record(200, 200)])
  harness.setProcessingTime(2_200)
  expect(harness.takeOutput()).toEqual([{ kind: 'active' }, watermark(194)])
})

test('the idle clock stands still while the output is full', async () => {
  const harness = await operatorHarness({ kind: 'assignTimestamps', strategy: bounded({ idlenessMs: 300 }) }, { stopEvery: 0 })
  harness.setProcessingTime(5_000)
  expect(harness.output).toEqual([])
})

test('an assigner and a generator that throw name the operator', async () => {
  const assigner = await operatorHarness<any>(
    { kind: 'assignTimestamps', strategy: bounded({ timestamp: (n: any) => n.a.b }) },
    { name: 'times' },
  )
  expect(() => assigner.processElement(1)).toThrow(/^timestamp assigner of operator times failed: TypeError/)
  const generator = await operatorHarness(
    {
      kind: 'assignTimestamps',
      strategy: custom({
        onPeriodicEmit() {
          throw new Error('no time')
        },
      }),
    },
    { name: 'times' },
  )
  expect(() => generator.setProcessingTime(200)).toThrow('watermark generator of operator times failed: Error: no time')
  const nothing = await operatorHarness<any>({ kind: 'assignTimestamps', strategy: bounded({ timestamp: 'at' }) }, { name: 'times' })
  expect(() => nothing.processElement({})).toThrow(
    expect.objectContaining({ code: 'TYPE_MISMATCH', place: expect.objectContaining({ operator: 'times' }) }),
  )
})
