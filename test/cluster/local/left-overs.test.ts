/** What a killed process had begun and not completed, under the id of its job: whoever takes that job's checkpoint over removes it. */
import { expect, it } from 'vitest'
import type { ConfigInput } from '../../../src/base/core/config-options.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import type { Environment } from '../../../src/program/api/environment.ts'
import { discardSink } from '../../../src/program/connector/discard-sink.ts'
import { generator } from '../../../src/program/connector/generator.ts'
import { checkpointOf, contentOf, startJob } from '../../support/local-job.ts'

const numbers = (env: Environment): void =>
  void env
    .fromSource(
      generator((n) => n, { count: Infinity, ratePerSecond: 1_000 }),
      { uid: 'numbers' },
    )
    .sinkTo(discardSink())

const retains: ConfigInput = { 'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION' }

async function write(fileSystem: MemoryFileSystem, path: string): Promise<void> {
  await (await fileSystem.create(path)).close()
}

it.each([
  ['CLAIM', true],
  ['NO_CLAIM', false],
] as const)('in mode %s', async (mode, removes) => {
  const fileSystem = new MemoryFileSystem()
  const job = await startJob(numbers, { fileSystem, config: retains })
  const kept = await checkpointOf(job)
  await job.client.cancel()
  const folder = kept.slice(0, kept.lastIndexOf('/'))
  const unfinished = [`${folder}/chk-97/4f2a9c01-0-totals-0.arrow`, `${folder}/chk-98/_metadata.json.part`]
  const others = [`${folder}/chk-97/mine.txt`, `${folder}/notes/4f2a9c01-0-totals-0.arrow`, `/checkpoints/other/chk-1/4f2a9c01-0-a-0.arrow`]
  for (const path of [...unfinished, ...others]) await write(fileSystem, path)
  const whole = await contentOf(fileSystem, kept)
  const config = { ...retains, 'execution.state-recovery.path': 'latest', 'execution.state-recovery.claim-mode': mode }
  const next = await startJob(numbers, { fileSystem, config })
  await next.client.cancel()
  const left = Object.keys(await contentOf(fileSystem, '/checkpoints'))
  expect(left).toEqual(expect.arrayContaining(others))
  expect(unfinished.filter((path) => left.includes(path))).toEqual(removes ? [] : unfinished)
  expect(left.includes(`${folder}/chk-98`)).toBe(!removes)
  // It had no checkpoint of its own yet.
  expect(await contentOf(fileSystem, kept)).toEqual(whole)
})
