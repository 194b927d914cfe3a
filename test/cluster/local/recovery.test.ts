/**
 * Threads that fail in every way that a program can fail, behind a complete checkpoint: the job goes on, and what its file sink has
 * committed is there exactly once.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { JobClient, JobEvent } from '../../../src/program/api/executor.ts'
import type { Args, Failure } from '../../fixtures/programs/recovery/fails.ts'
import { headrace } from '../../front/cli/run-headrace.ts'
import { publishedRows } from '../../support/published-rows.ts'
import { runModule } from '../../support/run-program.ts'

const program = new URL('../../fixtures/programs/recovery/fails.ts', import.meta.url)

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'headrace-recovery-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const fast = {
  'execution.checkpointing.interval': 10,
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.delay': 0,
  'restart-strategy.fixed-delay.attempts': 3,
  'task.cancellation.timeout': 200,
}

/** Its rows by key, of the files that are published; no other file is left. */
function published(): Readonly<Record<string, readonly number[]>> {
  const byKey: Record<string, number[]> = {}
  for (const { key, seen } of publishedRows<{ key: number; seen: number }>(path.join(folder, 'out'))) {
    const rows = (byKey[key] ??= [])
    rows.push(seen)
  }
  for (const rows of Object.values(byKey)) rows.sort((a, b) => a - b)
  return byKey
}

/** Each key of 0 to `numbers` counted 1, 2, 3, ... */
function exactlyOnce(numbers: number): Readonly<Record<string, readonly number[]>> {
  return Object.fromEntries(
    Array.from({ length: 7 }, (_, key) => [key, Array.from({ length: Math.ceil((numbers - key) / 7) }, (_, n) => n + 1)]),
  )
}

async function run(failure: Failure, config: Readonly<Record<string, unknown>> = {}) {
  const args: Args = { failure, output: `${folder}/out/`, flag: `${folder}/flag`, config: { ...fast, ...config } }
  const events: JobEvent[] = []
  let job: JobClient | undefined
  const onJob = (client: JobClient): void => {
    job = client
    client.onEvent((event) => void events.push(event))
  }
  const done = runModule(program, { mode: 'threads', args, onJob })
  const error = await done.then(
    () => undefined,
    (thrown) => thrown,
  )
  return { job: job!, events, error }
}

const failures: readonly { failure: Failure; restarts: number; code: string; message: string }[] = [
  { failure: 'throws', restarts: 1, code: 'USER_FUNCTION_FAILED', message: 'seeded: throws' },
  { failure: 'throws later', restarts: 1, code: 'TASK_LOST', message: 'seeded: throws later' },
  { failure: 'exits', restarts: 1, code: 'TASK_LOST', message: 'ended unexpectedly' },
  { failure: 'throws in open', restarts: 2, code: 'USER_FUNCTION_FAILED', message: 'seeded: throws in open' },
  { failure: 'throws in close', restarts: 1, code: 'USER_FUNCTION_FAILED', message: 'seeded: throws in close' },
  { failure: 'throws in a timer', restarts: 1, code: 'USER_FUNCTION_FAILED', message: 'seeded: throws in a timer' },
  { failure: 'throws in a write', restarts: 1, code: 'USER_FUNCTION_FAILED', message: 'seeded: throws in a write' },
  { failure: 'throws in the enumerator', restarts: 1, code: 'USER_FUNCTION_FAILED', message: 'seeded: throws in the enumerator' },
  { failure: 'loops after the restart', restarts: 2, code: 'USER_FUNCTION_FAILED', message: 'seeded: the other loops' },
]

describe('a job in threads whose program', () => {
  it.each(failures)('$failure goes on from its last checkpoint, exactly once', async ({ failure, restarts, code, message }) => {
    const { job, events, error } = await run(failure)
    expect(error).toBeUndefined()
    expect(published()).toEqual(exactlyOnce(4_000))
    expect(job.numRestarts).toBe(restarts)
    const restarting = events.filter((event) => event.on === 'restarting')
    expect(restarting.map(({ checkpointId }) => typeof checkpointId)).toEqual(Array.from({ length: restarts }, () => 'number'))
    expect(job.exceptions.map(({ restart }) => restart)).toEqual(Array.from({ length: restarts }, (_, n) => n + 1))
    expect(job.exceptions.at(-1)!.error).toMatchObject({ code, message: expect.stringContaining(message) })
  })

  it('fails more often than is allowed says so', async () => {
    const strategy = { 'restart-strategy.fixed-delay.attempts': 1 }
    const { job, error } = await run('throws in open', strategy)
    expect(error.hint).toBe('Not restarted: 1 restart so far, and restart-strategy.fixed-delay.attempts is 1.')
    expect(job.exceptions).toMatchObject([
      { restart: 1, task: { operator: 'Keyed Process' }, error: { message: expect.stringContaining('seeded: throws in open') } },
      { task: { operator: 'Keyed Process' }, error: { message: expect.stringContaining('seeded: throws in open') } },
    ])
    expect(job.exceptions[1]).not.toHaveProperty('restart')
  })
})

// In a process of its own: where V8 does not end the thread it aborts the process, which would be that of the tests.
describe('a thread that runs out of memory', () => {
  it('is replaced, or takes its process with it, which goes on when it is run again', { timeout: 60_000 }, async () => {
    const config = ['-D', 'execution.checkpointing.interval=10ms', '-D', 'taskmanager.memory.task.heap.size=64mb']
    const command = ['run', fileURLToPath(program), '--checkpoints', `${folder}/state`, ...config]
    const first = await headrace(...command, '--', '--output', `${folder}/out/`, '--failure', 'runs out of memory')
    if (first.code === 0) expect(first.stderr).toContain('it ran out of heap memory')
    else {
      expect(first.signal).toBe('SIGABRT')
      expect((await headrace(...command, '--from', 'latest', '--', '--output', `${folder}/out/`)).code).toBe(0)
    }
    expect(published()).toEqual(exactlyOnce(4_000))
  })
})

describe('a process that V8 aborts, as it does where one allocation is too large for what is left', () => {
  it('goes on from its latest checkpoint when it is run again', { timeout: 60_000 }, async () => {
    const config = ['-D', 'execution.checkpointing.interval=10ms', '-D', 'taskmanager.memory.task.heap.size=64mb']
    const command = ['run', fileURLToPath(program), '--checkpoints', `${folder}/state`, ...config]
    const first = await headrace(...command, '--', '--output', `${folder}/out/`, '--failure', 'aborts')
    expect(first.signal).toBe('SIGABRT')
    const second = await headrace(...command, '--from', 'latest', '--', '--output', `${folder}/out/`)
    expect(second).toMatchObject({ code: 0, stderr: expect.stringMatching(/goes on from checkpoint \d+/) })
    expect(published()).toEqual(exactlyOnce(4_000))
  })
})
