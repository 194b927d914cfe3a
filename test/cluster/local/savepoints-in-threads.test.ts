/** What savepoints.test.ts says of savepoints, for jobs in threads: a few of it, through a program as a user writes it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JobClient } from '../../../src/program/api/executor.ts'
import { runProgram } from '../../support/run-program.ts'

const rows = 200_000
const keys = 7
let folder = ''
let savepoint = ''

const counting = `
  import { generator, t, valueState } from 'headrace'
  export default async (env, args) => {
    env.setParallelism(args.parallelism).configure({ 'execution.checkpointing.interval': 50, ...args.config })
    return env.fromSource(generator((n) => n, { count: ${rows}, ratePerSecond: args.rate ?? 400_000 }), { uid: 'numbers' })
      .map((n) => ({ key: n % ${keys} }))
      .keyBy('key')
      .process({
        state: { seen: valueState(t[args.type ?? 'int32']) },
        processElement({ key }, ctx, out) {
          const seen = (ctx.state.seen.value ?? 0) + 1
          ctx.state.seen.update(seen)
          out.collect({ key, seen })
        },
      }, { uid: args.uid ?? 'count', name: 'counting' })
      .executeAndCollect()
  }`

interface Seen {
  readonly key: number
  readonly seen: number
}

const run = async (args: object, onJob?: (job: JobClient) => void): Promise<Seen[]> =>
  (await runProgram(counting, { mode: 'threads', args, ...(onJob && { onJob }) })).value

const restored = (more: object = {}) => ({ 'execution.state-recovery.path': savepoint, ...more })
const bytesOf = (at: string) => readdirSync(at).map((name) => [name, readFileSync(path.join(at, name)).toString('hex')])
const totalOf = (key: number): number => Math.floor(rows / keys) + (key < rows % keys ? 1 : 0)

/** Of each key its last rows, and of some key not all. */
function expectTheRest(seen: readonly Seen[]): void {
  expect(seen.length).toBeGreaterThan(0)
  expect(seen.length).toBeLessThan(rows)
  for (let key = 0; key < keys; key++) {
    const own = seen.filter((row) => row.key === key).map((row) => row.seen)
    own.sort((a, b) => a - b)
    expect(own.at(-1)).toBe(totalOf(key))
    expect(own.every((n, i) => n === own[0]! + i)).toBe(true)
  }
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'headrace-savepoints-'))
  let taken: Promise<string> | undefined
  const all = await run({ parallelism: 2, rate: 60_000 }, (job) =>
    job.onEvent((event) => {
      if (event.on === 'checkpointCompleted') taken ??= job.triggerSavepoint(folder)
    }),
  )
  savepoint = await taken!
  expect(all.length).toBe(rows)
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a savepoint of a job in threads', { timeout: 60_000 }, () => {
  it.each([1, 2, 3])('is restored at parallelism %i, with a wider type, and stays what it was', async (parallelism) => {
    const bytes = bytesOf(savepoint)
    expectTheRest(await run({ parallelism, type: parallelism === 2 ? 'int32' : 'float64', config: restored() }))
    expect(bytesOf(savepoint)).toEqual(bytes)
  })

  it('is refused by a program with another type, and by one without the operator', async () => {
    await expect(run({ parallelism: 2, type: 'utf8', config: restored() })).rejects.toMatchObject({
      code: 'STATE_INCOMPATIBLE',
      message: expect.stringMatching(/seen.*counting.*t\.utf8.*t\.int32/),
    })
    await expect(run({ parallelism: 2, uid: 'other', config: restored() })).rejects.toMatchObject({
      code: 'STATE_INCOMPATIBLE',
      message: expect.stringContaining('uid count'),
    })
  })

  it('is refused where a file of it was changed, which the thread that reads it says', async () => {
    const name = readdirSync(savepoint).find((each) => each.includes('-seen-'))!
    const file = path.join(savepoint, name)
    const whole = readFileSync(file)
    writeFileSync(file, whole.with(whole.length >> 1, whole[whole.length >> 1]! ^ 4))
    const error = run({ parallelism: 2, config: restored() })
    await expect(error).rejects.toMatchObject({ code: 'STATE_INCOMPATIBLE', message: expect.stringContaining(name) })
    writeFileSync(file, whole)
  })

  it('belongs to the job that claims it', async () => {
    expectTheRest(await run({ parallelism: 2, config: restored({ 'execution.state-recovery.claim-mode': 'CLAIM' }) }))
    expect(readdirSync(folder)).toEqual([])
  })
})
