import { expect, test } from 'vitest'
import { sinkHarness } from '../../../src/front/testing/harness.ts'
import type { Sink, SinkWriter } from '../../../src/program/function/sink.ts'
import { SinkTask } from '../../support/sink-driver.ts'

/** A sink that notes what happens to its writer; async writes end when told to. */
function noting(options: { readonly slow?: boolean; readonly writer?: Partial<SinkWriter<number>> } = {}): {
  sink: Sink<number>
  log: unknown[]
  release: () => void
} {
  const log: unknown[] = []
  const waiting: (() => void)[] = []
  const writer: SinkWriter<number> = {
    write(row, { timestamp, currentWatermark }) {
      log.push(['write', row, timestamp, currentWatermark])
      if (options.slow) return new Promise<void>((resolve) => void waiting.push(resolve)).then(() => void log.push(['written', row]))
    },
    writeWatermark: (time) => void log.push(['watermark', time]),
    flush: async (endOfInput) => void log.push(['flush', endOfInput]),
    close: () => void log.push(['close']),
    ...options.writer,
  }
  return { sink: { name: 'noting', createWriter: async () => writer }, log, release: () => waiting.shift()?.() }
}

test('rows and watermarks reach the writer in order with time and timestamp, and the end flushes once', async () => {
  const { sink, log } = noting()
  const harness = await sinkHarness(sink)
  harness.processElement(1, 10)
  harness.processWatermark(20)
  harness.processElement(2)
  await harness.endInput()
  await harness.close()
  await harness.close()
  expect(log).toEqual([
    ['write', 1, 10, -(2 ** 63)],
    ['watermark', 20],
    ['write', 2, null, 20],
    ['watermark', 2 ** 63],
    ['flush', true],
    ['close'],
  ])
})

test('while a write is under way later rows and watermarks wait behind it in order', async () => {
  const { sink, log, release } = noting({ slow: true })
  const harness = await sinkHarness(sink)
  harness.processElement(1, 1)
  harness.processElement(2, 2)
  harness.processWatermark(5)
  expect(log.length).toBe(1)
  release()
  const settled = harness.settled()
  // The second write starts when the first has ended.
  await expect.poll(() => log.length).toBe(3)
  release()
  await settled
  expect(log).toEqual([
    ['write', 1, 1, -(2 ** 63)],
    ['written', 1],
    ['write', 2, 2, -(2 ** 63)],
    ['written', 2],
    ['watermark', 5],
  ])
  await harness.close()
})

test('a failed async write fails whoever awaits it and the next call, naming the operator, and close still comes', async () => {
  const closed: boolean[] = []
  const { sink } = noting({ writer: { write: () => Promise.reject(new Error('disk')), close: () => void closed.push(true) } })
  const harness = await sinkHarness(sink, { name: 'out' })
  harness.processElement(1)
  await expect(harness.settled()).rejects.toMatchObject({
    code: 'USER_FUNCTION_FAILED',
    message: 'write of operator out failed: Error: disk',
    place: { operator: 'out' },
  })
  expect(() => harness.processElement(2)).toThrow('disk')
  await expect(harness.endInput()).rejects.toThrow('disk')
  await harness.close()
  expect(closed).toEqual([true])
})

test('a write that throws, a flush that rejects and a writer that cannot be made name the operator', async () => {
  const throwing = await sinkHarness(
    noting({
      writer: {
        write() {
          throw new Error('full')
        },
      },
    }).sink,
  )
  expect(() => throwing.processElement(1)).toThrow('write of operator tested failed: Error: full')
  const flushing = await sinkHarness(noting({ writer: { flush: () => Promise.reject(new Error('late')) } }).sink)
  await expect(flushing.endInput()).rejects.toThrow('flush of operator tested failed: Error: late')
  const unmade: Sink<number> = { name: 'unmade', createWriter: () => Promise.reject(new Error('denied')) }
  await expect(sinkHarness(unmade)).rejects.toThrow('createWriter of operator tested failed: Error: denied')
})

test('event time of a restored sink goes on from where it was: what lags behind that is not told', async () => {
  const { sink, log } = noting()
  const task = await new SinkTask(sink, { restored: { checkpointId: 3, tables: {}, watermark: 100 } }).open()
  for (const watermark of [5, 100, 101]) task.operator.advanceWatermark(watermark)
  task.operator.advanceWatermark(50)
  await task.write(7)
  expect(log).toEqual([
    ['watermark', 100],
    ['watermark', 101],
    ['write', 7, null, 101],
  ])
})
