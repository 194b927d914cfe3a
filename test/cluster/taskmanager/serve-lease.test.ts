import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import type { FileSystem } from '../../../src/base/filesystem/file-system.ts'
import { serveLease, type ThreadHost } from '../../../src/cluster/taskmanager/serve-lease.ts'
import type { FromThread, SlotLease, ToThread } from '../../../src/cluster/taskmanager/slot-lease.ts'
import { jobGraphOf } from '../jobmanager/plans.ts'

/** A lease without a thread: what is posted, and a way to say something to it. */
function scriptedLease(): { lease: SlotLease; said: FromThread[]; tell: (message: ToThread) => void } {
  const said: FromThread[] = []
  let listener: (message: ToThread) => void = () => undefined
  const port = {
    postMessage: (message: unknown) => void said.push(message as FromThread),
    on: (_event: 'message', listens: (message: any) => void) => void (listener = listens),
    close: () => undefined,
  }
  const program = { url: 'file:///jobs.mjs', file: 'jobs.ts', args: {}, seed: { timeMs: 0, random: 1 } }
  return { lease: { port, program, earlier: [{ collected: {} }] }, said, tell: (message) => listener(message) }
}

const hostWith = (clock: ManualClock, plan: ThreadHost['plan']): ThreadHost => ({
  plan,
  clock,
  fileSystem: {} as FileSystem,
  yieldTo: (callback) => callback(),
  flushConsole: async () => undefined,
  runSlot: () => ({ wake: () => undefined, done: Promise.resolve() }) as never,
})

const deploymentOf = (jobGraph: unknown): ToThread => ({ lease: 'deploy', deployment: { jobGraph } as never, peers: [] })

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

test('a main that waits for what only the starting thread sees fails its job instead of hanging it', async () => {
  const clock = new ManualClock()
  const { lease, said, tell } = scriptedLease()
  const served = serveLease(
    lease,
    hostWith(clock, () => new Promise(() => undefined)),
  )
  clock.advance(1_000_000)
  await turns()
  expect(said).toEqual([])
  tell(deploymentOf(jobGraphOf([{ name: 'second', parallelism: 1 }])))
  await turns()
  clock.advance(59_999)
  await turns()
  expect(said).toEqual([])
  clock.advance(1)
  await served
  expect(said.at(-1)).toEqual({ lease: 'done' })
  const [failed] = said as [Extract<FromThread, { lease: 'failed' }>]
  expect(failed.error.code).toBe('INVALID_PROGRAM')
  expect(failed.error.message).toMatch(/^main of jobs\.ts did not come to its execute\(\) number 2 in a task thread within 60 s/)
})

test('a plan that fails is told before there is a deployment', async () => {
  const { lease, said } = scriptedLease()
  await serveLease(
    lease,
    hostWith(new ManualClock(), () => Promise.reject(new Error('no such module'))),
  )
  expect(said).toMatchObject([{ lease: 'failed', error: { message: 'no such module' } }, { lease: 'done' }])
})
