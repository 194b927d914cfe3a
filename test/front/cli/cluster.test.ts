/**
 * A whole cluster in processes of its own on the loopback address, as a user starts it: every command about it once.
 */
import { type ChildProcess, execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const entry = path.join(import.meta.dirname, '../../../src/front/cli/headrace.ts')
const home = mkdtempSync(path.join(tmpdir(), 'headrace-cluster-'))

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function headrace(...words: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child: ChildProcess = execFile(
      process.execPath,
      [entry, ...words],
      { env: { ...process.env, HEADRACE_HOME: home }, cwd: home },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

const json = (outcome: Outcome): any => JSON.parse(outcome.stdout)

function program(name: string, text: string): string {
  const file = path.join(home, name)
  writeFileSync(file, text)
  return file
}

const counts = `
  import { csvSink } from 'headrace'
  export default async (env, args) => {
    env.fromSequence(1, Number(args.to)).map((n) => ({ k: n % 3, n })).keyBy('k').sum('n').filter((row) => row.n > 0)
      .sinkTo(csvSink({ path: args.output }))
    await env.execute('counts')
  }`

const endless = `
  export default async (env) => {
    env.enableCheckpointing(300, { dir: ${JSON.stringify(path.join(home, 'checkpoints'))} })
    env.fromSequence(1, 1e12).filter((n) => n % 1e9 === 0).print()
    await env.execute('endless')
  }`

const fails = `
  export default async (env) => {
    env.configure({ 'restart-strategy.type': 'none' })
    env.fromSequence(1, 100).map((n) => { if (n === 50) throw new Error('bad fifty'); return n }).print()
    await env.execute('fails')
  }`

beforeAll(async () => {
  const started = await headrace(
    'cluster',
    'start',
    '--json',
    '-D',
    'rest.port=0',
    '-D',
    'jobmanager.rpc.port=0',
    '-D',
    'taskmanager.numberOfTaskSlots=2',
  )
  expect(started.stderr).toBe('')
  expect(json(started)).toMatchObject({ slots: 2, taskManagers: 1, restUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) })
}, 60_000)

afterAll(async () => {
  const stopped = await headrace('cluster', 'stop')
  rmSync(home, { recursive: true, force: true })
  expect(stopped).toMatchObject({ code: 0, stderr: '' })
}, 60_000)

describe('a cluster on this machine', { timeout: 60_000 }, () => {
  it('runs a program that is submitted, and shows how it went', async () => {
    const output = `${path.join(home, 'sums')}/`
    const run = await headrace('submit', program('counts.ts', counts), '-p', '2', '--', '--to', '3000', '--output', output)
    expect(run.stderr).toBe('')
    expect(run.stdout).toMatch(/^submitted [0-9a-f]{32}\ncounts finished in /)
    expect(existsSync(output) ? readdirSync(output).length : 0).toBeGreaterThan(0)
    const [job] = json(await headrace('list', '--json'))
    expect(job).toMatchObject({ jobName: 'counts', state: 'FINISHED' })
  })

  it('tells why a program failed, in main and in a job', async () => {
    const inMain = await headrace('submit', program('throws.ts', "export default () => { throw new Error('boom') }"))
    expect(inMain).toMatchObject({ code: 1, stderr: 'headrace: boom\n' })
    const inJob = await headrace('submit', program('fails.ts', fails))
    expect(inJob.code).toBe(1)
    expect(inJob.stderr).toContain('bad fifty')
  })

  it('takes savepoints, stops with one, goes on from it and cancels', async () => {
    const file = program('endless.ts', endless)
    const savepoints = path.join(home, 'savepoints')
    const { stdout } = await headrace('submit', file, '--detach')
    const jobId = stdout.trim()
    await running(jobId)
    const taken = json(await headrace('savepoint', 'trigger', jobId.slice(0, 10), '--savepoint-dir', savepoints, '--json'))
    expect(existsSync(path.join(taken.savepoint, '_metadata.json'))).toBe(true)
    const stopped = json(await headrace('stop', jobId, '--savepoint-dir', savepoints, '--json'))
    const again = (await headrace('submit', file, '--detach', '--from', stopped.savepoint)).stdout.trim()
    await running(again)
    expect(await headrace('cancel', again)).toMatchObject({ code: 0, stdout: `cancelled ${again} (endless)\n` })
    const states = json(await headrace('list', '--json')).map((job: any) => [job.jobId, job.state])
    expect(states).toContainEqual([jobId, 'FINISHED'])
    expect(states).toContainEqual([again, 'CANCELED'])
  })

  it('says what is wrong with a command', async () => {
    expect((await headrace('cancel', 'nope')).stderr).toMatch(/^headrace: There is no job nope at http/)
    expect(await headrace('cluster', 'start')).toMatchObject({ code: 1, stderr: expect.stringContaining('A cluster runs already') })
    expect(await headrace('list', '--cluster', 'http://127.0.0.1:9')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no cluster at'),
    })
    expect(await headrace('cluster')).toMatchObject({ code: 2 })
    expect(await headrace('jobmanager', '-D', 'jobmanager.bind-host=0.0.0.0')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('can be reached from other machines'),
    })
  })
})

/** Every task of it. */
async function running(jobId: string): Promise<void> {
  for (;;) {
    const job = json(await headrace('list', '--json')).find((each: any) => each.jobId === jobId)
    if (job?.state === 'RUNNING' && job.tasks.running === job.tasks.total) return
    expect(['CREATED', 'INITIALIZING', 'RUNNING']).toContain(job?.state)
  }
}
