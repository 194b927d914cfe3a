/** What listeners of a job do while it is told of something comes behind that; and a disk that hangs does not keep a job from its end. */
import { expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import type { Environment } from '../../../src/program/api/environment.ts'
import { discardSink } from '../../../src/program/connector/discard-sink.ts'
import { generator } from '../../../src/program/connector/generator.ts'
import { checkpointOf, startJob, turn } from '../../support/local-job.ts'

const numbers =
  (failsAt = Number.POSITIVE_INFINITY) =>
  (env: Environment): void =>
    void env
      .fromSource(
        generator((n) => n, { count: Infinity, ratePerSecond: 10_000 }),
        { uid: 'numbers' },
      )
      .map((n) => {
        if (n === failsAt) throw new Error('seeded')
        return n
      })
      .sinkTo(discardSink())

it('a job that is cancelled by who is told of its restart is told of to the end first', async () => {
  const { client } = await startJob(numbers(500))
  const seen: string[] = []
  client.onEvent(({ on }) => {
    if (on === 'restarting') void client.cancel()
  })
  client.onEvent(({ on }) => void seen.push(`${on}, ${client.status}`))
  await expect(client.result).rejects.toMatchObject({ code: 'CANCELLED' })
  expect(seen).toEqual(['restarting, RESTARTING'])
})

it('a job whose checkpoint cannot be written to its end is cancelled all the same, and says so', async () => {
  const clock = new ManualClock()
  const fileSystem = new MemoryFileSystem()
  const create = fileSystem.create.bind(fileSystem)
  let hangs = false
  fileSystem.create = (path, options) => {
    if (!path.endsWith('_metadata.json.part')) return create(path, options)
    hangs = true
    return new Promise(() => {})
  }
  const job = await startJob(numbers(), { fileSystem, clock })
  const failed = checkpointOf(job).then(
    () => undefined,
    (error) => error,
  )
  const moves = async (until: () => boolean): Promise<void> => {
    while (!until()) {
      clock.advance(5)
      await turn()
    }
  }
  await moves(() => hangs)
  let isOver = false
  void job.client.cancel().then(() => {
    isOver = true
  })
  const atMs = clock.now()
  await moves(() => isOver || clock.now() > atMs + 60_000)
  expect(isOver).toBe(true)
  expect(job.client.status).toBe('CANCELED')
  expect(await failed).toMatchObject({ code: 'CHECKPOINT_DECLINED' })
  expect(job.events).toContainEqual(expect.objectContaining({ on: 'cleanupFailed', path: expect.stringContaining('/checkpoints/') }))
})
