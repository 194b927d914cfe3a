import { expect, test } from 'vitest'
import { runProgram } from '../../support/run-program.ts'

/** How often the watermark was another one than at the row before, over 200,000 rows that are read at once. */
async function advances(intervalMs: number): Promise<number> {
  const { value } = await runProgram(
    `import { generator, monotonousTimestamps } from 'headrace'
    export default async (env) => {
      let watermark = Number.NaN
      const seen = env
        .fromSource(generator((i) => ({ at: i }), { count: 200_000 }), { watermarks: monotonousTimestamps('at') })
        .process((row, ctx, out) => {
          if (ctx.timerService.currentWatermark !== watermark) out.collect((watermark = ctx.timerService.currentWatermark))
        })
      return (await seen.executeAndCollect()).length
    }`,
    { mode: 'inline', config: { 'pipeline.auto-watermark-interval': intervalMs } },
  )
  return value
}

test('a source faster than the clock tells time by rows, so that what waits for time stays bounded', async () => {
  expect(await advances(3_600_000)).toBeGreaterThanOrEqual(3)
})

test('an interval of 0 asks no watermark before the end of the input', async () => {
  expect(await advances(0)).toBe(1)
})
