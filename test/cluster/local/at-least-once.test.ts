/**
 * What a job in at-least-once mode promises, end to end: after failures every row has counted, some of them perhaps twice. Its tasks have
 * several channels of different speeds, so that checkpoints hold rows from behind the barriers of the fast ones.
 */
import { expect, it } from 'vitest'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import type { Environment } from '../../../src/program/api/environment.ts'
import { generator } from '../../../src/program/connector/generator.ts'
import type { Collector } from '../../../src/program/function/functions.ts'
import { valueState } from '../../../src/program/function/state.ts'
import { intoArray } from '../../support/into-array.ts'
import { startJob } from '../../support/local-job.ts'

const keys = 5
const rows = 3_000
const failures = 3

interface Seen {
  readonly id: string
  readonly key: number
  readonly count: number
}

async function run(mode: 'AT_LEAST_ONCE' | 'EXACTLY_ONCE'): Promise<Seen[]> {
  const seen: Seen[] = []
  let [checkpoints, failed, sinceFailure] = [0, 0, 0]
  const build = (env: Environment): void => {
    const source = (name: string, ratePerSecond: number) =>
      env.fromSource(
        generator((n) => ({ id: `${name}${n}`, key: n % keys }), { count: rows, ratePerSecond }),
        { uid: name },
      )
    source('fast', 60_000)
      .union(source('slow', 3_000))
      .keyBy('key')
      .process(
        {
          state: { count: valueState<number>() },
          processElement({ id, key }, { state }, out: Collector<Seen>) {
            if (failed < failures && checkpoints > 0 && ++sinceFailure > 300) {
              failed++
              ;[checkpoints, sinceFailure] = [0, 0]
              throw new Error('seeded')
            }
            const count = (state.count.value ?? 0) + 1
            state.count.update(count)
            out.collect({ id, key, count })
          },
        },
        { uid: 'counts' },
      )
      .sinkTo(intoArray(seen), { uid: 'seen' })
  }
  const config = { 'execution.checkpointing.mode': mode, 'execution.checkpointing.interval': 15, 'parallelism.default': 2 }
  const job = await startJob(build, { fileSystem: new MemoryFileSystem(), config })
  job.client.onEvent(({ on }) => {
    if (on === 'checkpointCompleted') checkpoints++
  })
  await job.client.result
  expect(failed).toBeGreaterThan(0)
  expect(job.client.numRestarts).toBe(failed)
  return seen
}

const expected = new Set(['fast', 'slow'].flatMap((name) => Array.from({ length: rows }, (_, n) => `${name}${n}`)))
const lastCounts = (seen: readonly Seen[]): number[] =>
  Array.from({ length: keys }, (_, key) => Math.max(...seen.filter((row) => row.key === key).map(({ count }) => count)))
const exact = (2 * rows) / keys

it('at least once: no row is lost, and no key has counted too few', async () => {
  const seen = await run('AT_LEAST_ONCE')
  expect(new Set(seen.map(({ id }) => id))).toEqual(expected)
  for (const count of lastCounts(seen)) expect(count).toBeGreaterThanOrEqual(exact)
}, 60_000)

it('exactly once: the same program has counted each row once', async () => {
  const seen = await run('EXACTLY_ONCE')
  expect(new Set(seen.map(({ id }) => id))).toEqual(expected)
  expect(lastCounts(seen)).toEqual(Array.from({ length: keys }, () => exact))
}, 60_000)
