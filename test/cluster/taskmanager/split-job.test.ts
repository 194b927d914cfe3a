import { afterEach, describe, expect, it } from 'vitest'
import { localExecutor } from '../../../src/cluster/local/local-executor.ts'
import { boundedOutOfOrderness, count, Environment, generator, milliseconds, sum, tumbling } from '../../../src/index.ts'
import type { Executor, JobEvent } from '../../../src/program/api/executor.ts'
import { type SplitExecutor, splitExecutor } from '../../support/split-executor.ts'

let split: SplitExecutor | undefined
afterEach(async () => {
  await split?.close()
  split = undefined
})

const rows = 30_000

/** Every kind of partitioning, strings, a row of half a megabyte, late and early rows. */
function windows(env: Environment, ratePerSecond?: number) {
  env.setParallelism(4)
  const rowOf = (n: number) => ({ n, key: `k${n % 37}`, at: n - (n % 10), text: n === 777 ? 'x'.repeat(500_000) : 'y' })
  const source = generator(rowOf, { count: rows, ...(ratePerSecond !== undefined && { ratePerSecond }) })
  return env
    .fromSource(source)
    .rebalance()
    .map((row) => ({ ...row, length: row.text.length }))
    .assignTimestampsAndWatermarks(boundedOutOfOrderness(milliseconds(40_000), (row: { at: number }) => row.at))
    .keyBy('key')
    .window(tumbling(milliseconds(1000)))
    .aggregate({ rows: count(), length: sum('length') })
}

const sorted = (all: readonly unknown[]) => all.map((row) => JSON.stringify(row)).sort()

async function run(executor: Executor, config = {}, ratePerSecond?: number) {
  const env = new Environment({ executor: async () => executor }).configure(config)
  return sorted(await windows(env, ratePerSecond).executeAndCollect())
}

describe('a job on two TaskManagers', () => {
  it('gives the rows that it gives on one', async () => {
    const expected = await run(localExecutor({ mode: 'inline' }))
    expect(expected.length).toBe(37 * 30)
    split = splitExecutor()
    expect(await run(split)).toEqual(expected)
    expect(split.remoteChannels).toBe(2 * (8 + 8))
    expect(split.broken).toEqual([])
  })

  it('goes on from its last checkpoint when the connection between them breaks', async () => {
    const expected = await run(localExecutor({ mode: 'inline' }))
    split = splitExecutor()
    const restarts: JobEvent[] = []
    const observed: Executor = {
      async submit(request) {
        const client = await split!.submit(request)
        client.onEvent((event) => {
          if (event.on === 'checkpointCompleted') checkpointed()
          if (event.on === 'restarting') restarts.push(event)
        })
        return client
      },
    }
    const { promise, resolve: checkpointed } = Promise.withResolvers<void>()
    const config = {
      'execution.checkpointing.interval': 50,
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.attempts': 5,
      'restart-strategy.fixed-delay.delay': 1,
    }
    const collected = run(observed, config, rows / 2)
    await promise
    await split.breakNetwork()
    expect(await collected).toEqual(expected)
    expect(split.broken.join()).toContain('(attempt 0)')
    expect(restarts).toEqual([expect.objectContaining({ restart: 1, checkpointId: expect.any(Number) })])
  })
})
