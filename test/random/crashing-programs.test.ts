/**
 * Random programs whose slots die at any moment give every row exactly once: under a virtual clock, with checkpoints at all times,
 * aborted ones among them. Inline, with the real JobMaster and tasks. HEADRACE_RANDOM_RUNS sets the number of programs.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadColumnFormat } from '../../src/base/columnar/column-file-writer.ts'
import { MemoryFileSystem } from '../../src/base/filesystem/memory-file-system.ts'
import { Environment } from '../../src/program/api/environment.ts'
import type { JobClient } from '../../src/program/api/executor.ts'
import { CrashingExecutor } from '../support/crashing-executor.ts'
import { type FaultPlan, FaultyFileSystem } from '../support/faulty-file-system.ts'
import { contentOf } from '../support/local-job.ts'
import { arbitraryProgram } from '../support/random/arbitrary-program.ts'
import { runSpec } from '../support/random/build-program.ts'
import type { ProgramSpec } from '../support/random/program-spec.ts'
import { multiset } from '../support/reference/canonical.ts'
import { PassedOver, referenceStreams } from '../support/reference/program-reference.ts'

const runs = Math.ceil(Number(process.env.HEADRACE_RANDOM_RUNS ?? 200) / 2)

/** Passes over programs without one result to compare. */
function expectedOf(spec: ProgramSpec): string[][] {
  try {
    const streams = referenceStreams(spec)
    return spec.sinks.map((sink) => multiset(streams[sink]!.map(({ row }) => row)))
  } catch (thrown) {
    fc.pre(!(thrown instanceof PassedOver))
    throw thrown
  }
}

/** mulberry32 */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed >>> 0
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

const schedule = fc.record({
  seed: fc.nat(),
  crashes: fc.integer({ min: 0, max: 6 }),
  crashWithin: fc.constantFrom(4, 20, 80, 300),
  tickMs: fc.constantFrom(0.05, 0.3, 2),
  intervalMs: fc.constantFrom(10, 10, 30, 1000),
  stalls: fc.constantFrom(0, 0, 3),
  concurrent: fc.constantFrom(1, 3),
  region: fc.boolean(),
  /** One of so many operations on checkpoints' files fails, is not confirmed, slow or torn; 0: none. */
  faults: fc.constantFrom(0, 0, 10, 40),
})

/** Not for ever: in the end the disk is well. */
function faultsOf({ seed, faults }: { readonly seed: number; readonly faults: number }): FaultPlan {
  const random = randomFrom(seed + 1)
  let left = 20
  return ({ path }) => {
    if (faults === 0 || left === 0 || !path.startsWith('/checkpoints') || random(faults) > 0) return undefined
    left--
    return (['fails', 'unconfirmed', 'slow', 'torn'] as const)[random(4)]
  }
}

const configOf = (how: { readonly intervalMs: number; readonly concurrent: number; readonly region: boolean }) => ({
  'execution.checkpointing.interval': how.intervalMs,
  'execution.checkpointing.timeout': 10_000,
  'execution.checkpointing.tolerable-failed-checkpoints': 1_000_000,
  'execution.checkpointing.max-concurrent-checkpoints': how.concurrent,
  'execution.checkpointing.dir': '/checkpoints',
  'jobmanager.execution.failover-strategy': how.region ? 'region' : 'full',
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': 1_000_000,
  'restart-strategy.fixed-delay.delay': 1,
})

test('random programs give every row once, whatever dies', async () => {
  await loadColumnFormat()
  let restored = 0
  await fc.assert(
    fc.asyncProperty(arbitraryProgram({ sources: 3, steps: 8, rows: [60, 600, 1500] }), schedule, async (spec, how) => {
      const expected = expectedOf(spec)
      const files = new MemoryFileSystem()
      const fileSystem = new FaultyFileSystem(files, faultsOf(how))
      const crashing = new CrashingExecutor({ ...how, stallMs: 10_000, random: randomFrom(how.seed), fileSystem })
      const env = new Environment({ executor: async () => crashing.executor }).configure(configOf(how))
      const rows = await crashing.drive(runSpec(env, spec))
      restored += crashing.restored
      expect(rows.map(multiset)).toEqual(expected)
      if (how.faults === 0) expect(await contentOf(files, '/checkpoints')).toEqual({})
    }),
    { numRuns: runs },
  )
  expect(restored).toBeGreaterThan(runs / 10)
}, 3_600_000)

/** Asks until the job stops or has ended; undefined: it was faster. */
async function stopSoon(client: JobClient, turns: number): Promise<string | undefined> {
  for (let turn = 0; ; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    if (client.status === 'FINISHED') return undefined
    if (turn >= turns && client.status === 'RUNNING') {
      const stopped = await client.stopWithSavepoint({ directory: '/savepoints' }).catch(() => undefined)
      if (stopped !== undefined) return stopped
    }
  }
}

test('random programs that are stopped with savepoints, and go on from them in either form, give every row once', async () => {
  await loadColumnFormat()
  let stops = 0
  await fc.assert(
    fc.asyncProperty(arbitraryProgram({ sources: 3, steps: 8, rows: [60, 600, 1500] }), schedule, async (spec, how) => {
      const expected = expectedOf(spec)
      const fileSystem = new MemoryFileSystem()
      const random = randomFrom(how.seed + 7)
      const all: unknown[][] = spec.sinks.map(() => [])
      let from: string | undefined
      for (let round = 0; round === 0 || from !== undefined; round++) {
        const crashing = new CrashingExecutor({ ...how, stallMs: 10_000, random: randomFrom(how.seed + round), fileSystem })
        let stopped: Promise<string | undefined> | undefined
        const submit = async (job: Parameters<typeof crashing.executor.submit>[0]) => {
          const client = await crashing.executor.submit(job)
          if (round < 3) stopped = stopSoon(client, random(60))
          return client
        }
        const recovery = from !== undefined && { 'execution.state-recovery.path': from }
        const env = new Environment({ executor: async () => ({ ...crashing.executor, submit }) }).configure({
          ...configOf(how),
          ...recovery,
        })
        const config = { ...spec.config, codegen: random(2) === 0 }
        const rows = await crashing.drive(runSpec(env, { ...spec, config }))
        for (const [sink, more] of rows.entries()) all[sink]!.push(...more)
        from = await stopped
        if (from !== undefined) stops++
      }
      expect(all.map(multiset)).toEqual(expected)
    }),
    { numRuns: runs },
  )
  expect(stops).toBeGreaterThan(runs / 4)
}, 3_600_000)
