/** A checkpoint stands behind what is on its way to a consumer: where that is slow, it must be little. */
import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import { generator } from '../../../src/program/connector/generator.ts'
import type { Sink } from '../../../src/program/function/sink.ts'
import { startJob, until } from '../../support/local-job.ts'

const rowMs = 3

/** Takes 3 ms a row. */
const slowSink = (clock: ManualClock, onRow: () => void): Sink<unknown> => ({
  name: 'slow',
  createWriter: () => ({
    write() {
      clock.advance(rowMs)
      onRow()
    },
    flush() {},
    close() {},
  }),
})

test('a checkpoint waits for the rows in the channels of a slow sink, not for a whole unit of its source', async () => {
  const clock = new ManualClock()
  let rows = 0
  const job = await startJob(
    (env) => {
      const big = generator((n) => ({ n, text: `${n}`.padEnd(10_000, '.') }), { count: 1_000_000 })
      env
        .setParallelism(1)
        .fromSource(big, { uid: 'big' })
        .rebalance()
        .sinkTo(
          slowSink(clock, () => rows++),
          { uid: 'slow' },
        )
    },
    { clock },
  )
  const waitedFor: number[] = []
  for (const from of [100, 1_000, 2_200, 2_700]) {
    await until(() => rows > from)
    const before = rows
    await job.client.triggerCheckpoint()
    waitedFor.push(rows - before)
  }
  // Four segments of 128 KB hold some 50 rows; then there is what the source has staged, and what it has read.
  expect(Math.max(...waitedFor), String(waitedFor)).toBeLessThan(120)
  await job.client.cancel()
})
