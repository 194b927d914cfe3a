/**
 * Jobs that fail and go on, with real tasks: inline and in threads.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { JobClient, JobEvent } from '../../../src/program/api/executor.ts'
import { runProgram } from '../../support/run-program.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'headrace-restarts-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const gatedSource = fileURLToPath(new URL('../../fixtures/programs/recovery/gated-source.ts', import.meta.url))

/**
 * Counts n per key; each key's rows come out as 1, 2, 3, ... The failing step runs in the first attempt only, at the row `failsAt`. With a
 * gate the rows behind half of them come when a checkpoint that has the others is complete.
 */
const counting = (failure: string) => `
  import { generator, t, valueState } from 'headrace'
  import { gated } from ${JSON.stringify(gatedSource)}
  let attempt = 0
  export default async (env, args) => {
    env.setParallelism(args.parallelism ?? 2).configure(args.config)
    const source = args.gate ? gated({ rows: args.rows / 2, gates: [args.rows / 4] }) : generator((index) => index, { count: args.rows })
    return env.fromSource(source, { uid: 'numbers' })
      .map((index) => ({ key: (index + 1) % 7, n: index + 1 }), { uid: 'keys' })
      .keyBy('key')
      .process({
        state: { seen: valueState(t.float64) },
        open(ctx) { attempt = ctx.attemptNumber },
        processElement(row, ctx, out) {
          const seen = (ctx.state.seen.value ?? 0) + 1
          ctx.state.seen.update(seen)
          out.collect({ key: row.key, seen })
          if (attempt === 0 && row.n === args.failsAt) { ${failure} }
        },
      }, { uid: 'count' })
      .executeAndCollect()
  }`

interface Row {
  readonly key: number
  readonly seen: number
}

/** Exactly once: each key counts 1, 2, 3, ... up to the number of its rows. */
function expectExactlyOnce(value: unknown, rows: number, from = 0): void {
  const sorted = (value as Row[]).map(({ key, seen }) => `${key} ${String(seen).padStart(9)}`).sort()
  const expected = Array.from({ length: rows - from }, (_, n) => {
    const number = from + n + 1
    return `${number % 7} ${String(Math.floor(number / 7) + (number % 7 === 0 ? 0 : 1)).padStart(9)}`
  }).sort()
  expect(sorted).toEqual(expected)
}

const fast = {
  'execution.checkpointing.interval': 20,
  'restart-strategy.exponential-delay.initial-backoff': 10,
  'restart-strategy.exponential-delay.max-backoff': 50,
}

describe.each(['inline', 'threads'] as const)('a job with checkpoints, %s', (mode) => {
  it('goes on from the latest one after a function threw, and collects each row exactly once', async () => {
    const events: JobEvent[] = []
    const { value, jobs } = await runProgram(counting("throw new Error('seeded')"), {
      mode,
      args: { rows: 4_000, gate: true, failsAt: 3_000, config: fast },
      onJob: (job) => job.onEvent((event) => void events.push(event)),
    })
    expectExactlyOnce(value, 4_000)
    expect(jobs[0]!.numRestarts).toBe(1)
    const restarting = events.find((event) => event.on === 'restarting')
    expect(restarting).toMatchObject({
      checkpointId: expect.any(Number),
      restart: 1,
      cause: { code: 'USER_FUNCTION_FAILED', message: expect.stringContaining('seeded') },
    })
    expect(events.filter((event) => event.on === 'checkpointCompleted').length).toBeGreaterThan(0)
  })

  it('begins at the beginning where it has none yet', async () => {
    const { value, jobs } = await runProgram(counting("throw new Error('early')"), {
      mode,
      args: { rows: 5_000, failsAt: 100, config: { ...fast, 'execution.checkpointing.interval': 60_000 } },
    })
    expectExactlyOnce(value, 5_000)
    expect(jobs[0]!.numRestarts).toBe(1)
  })

  it('leaves no checkpoint behind when it is finished', async () => {
    const config = {
      ...fast,
      'execution.checkpointing.dir': folder,
      'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    }
    const { value } = await runProgram(counting("throw new Error('seeded')"), { mode, args: { rows: 60_000, failsAt: 50_000, config } })
    expectExactlyOnce(value, 60_000)
    expect(readdirSync(folder, { recursive: true })).toEqual([])
  })

  it('stops with a savepoint, and goes on from it at another parallelism', async () => {
    const rows = 4_000
    let stopped: Promise<string> | undefined
    const stop = (job: JobClient): void =>
      job.onEvent((event) => {
        if (event.on === 'checkpointCompleted') stopped ??= job.stopWithSavepoint({ directory: folder })
      })
    const first = await runProgram(counting(''), { mode, args: { rows, gate: true, config: fast }, onJob: stop })
    const savepoint = await stopped!
    expect(first.jobs[0]!.status).toBe('FINISHED')
    const second = await runProgram(counting(''), {
      mode,
      args: { rows, gate: true, parallelism: 3, config: { ...fast, 'execution.state-recovery.path': savepoint } },
    })
    expect((first.value as Row[]).length).toBeGreaterThan(0)
    expect((second.value as Row[]).length).toBeGreaterThan(0)
    expectExactlyOnce([...(first.value as Row[]), ...(second.value as Row[])], rows)
    expect(readdirSync(savepoint)).toContain('_metadata.json')
  })
})

describe('a job in threads', () => {
  it('replaces a thread that was lost', async () => {
    const { value, jobs } = await runProgram(counting('process.exit(3)'), {
      mode: 'threads',
      args: { rows: 4_000, gate: true, failsAt: 3_000, config: fast },
    })
    expectExactlyOnce(value, 4_000)
    expect(jobs[0]!.numRestarts).toBe(1)
  })
})

describe('a job without checkpoints', () => {
  it('does not run again where its client has rows of it already', async () => {
    const config = { 'restart-strategy.type': 'fixed-delay', 'restart-strategy.fixed-delay.delay': 10 }
    const run = runProgram(counting("throw new Error('seeded')"), { mode: 'inline', args: { rows: 50_000, failsAt: 40_000, config } })
    await expect(run).rejects.toThrow('seeded')
  })

  it('runs again from the beginning under a restart strategy', async () => {
    const text = `
      let attempts = 0
      export default (env) => {
        env.configure({ 'restart-strategy.type': 'fixed-delay', 'restart-strategy.fixed-delay.delay': 10 })
        env.fromSequence(1, 1000).filter({ open: () => void attempts++, filter: (n) => { if (n === 500 && attempts === 1) throw new Error('once'); return n > 998 } }).print()
      }`
    const { lines, jobs } = await runProgram(text, { mode: 'inline' })
    expect(lines).toEqual(['999', '1000'])
    expect(jobs[0]!.numRestarts).toBe(1)
  })
})
