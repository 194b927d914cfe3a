import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { headrace, program, start } from './run-headrace.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'headrace-test-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const often = ['-D', 'execution.checkpointing.interval=100ms']
const kept = () => ['--checkpoints', path.join(folder, 'state'), ...often, '-p', '1']
const output = () => ['--output', path.join(folder, 'out/')]
const completed = '"status":"completed"'

/** What the job has published, in order. */
const ticks = (): number[] =>
  readdirSync(path.join(folder, 'out'))
    .filter((name) => name.startsWith('part-'))
    .flatMap((name) =>
      readFileSync(path.join(folder, 'out', name), 'utf8')
        .trimEnd()
        .split('\n'),
    )
    .map((line) => JSON.parse(line).n)
    .sort((a, b) => a - b)

/** Runs it without an end until a checkpoint is complete, and ends it by the signal; its JSON events. */
async function runUntilCheckpoint(signal: NodeJS.Signals): Promise<any[]> {
  const running = start(['run', program('ticking'), ...kept(), '--json', '--', ...output()])
  await running.saw(completed)
  running.child.kill(signal)
  const { stdout } = await running.ended
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}

test('a job that was killed goes on from its latest checkpoint, and publishes each row once', { timeout: 60_000 }, async () => {
  await runUntilCheckpoint('SIGKILL')
  const { stderr, code } = await headrace('run', program('ticking'), ...kept(), '--from', 'latest', '--', ...output(), '--count', '3000')
  expect(stderr).toMatch(/^headrace: 'ticking' goes on from checkpoint \d+ of \S+Z, .*state\/[0-9a-f]{32}\/chk-\d+\n$/)
  expect(code).toBe(0)
  expect(ticks()).toEqual(Array.from({ length: 3000 }, (_, n) => n))
  // A job that has finished leaves nothing, what the killed one had begun to write among it.
  expect(readdirSync(path.join(folder, 'state'), { recursive: true })).toEqual([])
})

test('ctrl-C keeps the last checkpoint, says where it is and how to go on', { timeout: 60_000 }, async () => {
  const running = start(['run', program('ticking'), ...kept(), '--json', '--', ...output()])
  await running.saw(completed)
  running.child.kill('SIGINT')
  const { stdout, code } = await running.ended
  expect(code).toBe(130)
  const canceled = JSON.parse(stdout.trimEnd().split('\n').at(-1)!)
  const [{ path: at }] = canceled.checkpoints
  expect(canceled).toEqual({ event: 'canceled', checkpoints: [{ jobName: 'ticking', checkpointId: expect.any(Number), path: at }] })
  const again = start(['run', program('ticking'), ...often, '-p1', '--from', at, '--json', '--', ...output()])
  await again.saw('"submitted"')
  again.child.kill('SIGINT')
  expect((await again.ended).stdout).toContain(
    `"restoredFrom":{"kind":"checkpoint","checkpointId":${canceled.checkpoints[0].checkpointId},"path":"${at}"`,
  )
})

test('people are told the command that goes on', { timeout: 60_000 }, async () => {
  await runUntilCheckpoint('SIGKILL')
  const running = start(['run', program('ticking'), ...kept(), '--from', 'latest', '--', ...output(), '--uid', 'count'])
  await new Promise<void>((resolve) => running.child.stderr!.on('data', (text: string) => text.includes('goes on') && resolve()))
  running.child.kill('SIGINT')
  const { stderr } = await running.ended
  const lines = stderr.trimEnd().split('\n')
  expect(lines.slice(1, -1)).toEqual([
    'headrace: cancelling; ctrl-C again stops at once',
    expect.stringMatching(/^headrace: the last checkpoint is kept in .*\/chk-\d+; go on with:$/),
  ])
  expect(lines.at(-1)).toBe(
    `  headrace run ${program('ticking')} --checkpoints ${folder}/state -D execution.checkpointing.interval=100ms --parallelism 1 --from latest -- --output ${folder}/out/ --uid count`,
  )
})

test('where there is no checkpoint, latest is the beginning, and a line says so', async () => {
  const { stderr, code } = await headrace('run', program('ticking'), ...kept(), '--from', 'latest', '--', ...output(), '--count', '10')
  expect([stderr, code]).toEqual([`headrace: 'ticking' begins at the beginning: there is no checkpoint of it in ${folder}/state\n`, 0])
  expect(ticks()).toHaveLength(10)
})

test('a restart is told with its cause, and the job goes on', { timeout: 60_000 }, async () => {
  const args = [...output(), '--count', '6000', '--fail-at', '900']
  const { stderr, code } = await headrace('run', program('ticking'), ...often, '-p', '1', '--', ...args)
  expect(stderr).toMatch(
    /^headrace: restarting 'ticking' from checkpoint \d+ in 1\.\d s after: processElement of operator count failed: RangeError: tick 900\n$/,
  )
  expect(code).toBe(0)
  expect(ticks()).toEqual(Array.from({ length: 6000 }, (_, n) => n))
})

test('check says of each operator what becomes of its state', { timeout: 60_000 }, async () => {
  const events = await runUntilCheckpoint('SIGINT')
  const from = ['--from', events.at(-1).checkpoints[0].path]
  const check = (...args: string[]) => headrace('check', program('ticking'), ...from, ...args)
  const same = await check('--', ...output())
  expect([same.code, same.stderr]).toEqual([0, ''])
  expect(same.stdout).toContain('  count  taken up as it is  (uid count)\n')
  expect(same.stdout).toMatch(/\nIt can be taken up\.\n$/)

  const evolved = await check('--', ...output(), '--type', 'nullable')
  expect(evolved.code).toBe(0)
  expect(evolved.stdout).toContain('    total: value state of t.float64 becomes value state of t.nullable(t.float64)\n')

  const narrower = await check('--', ...output(), '--type', 'int32')
  expect(narrower.code).toBe(1)
  expect(narrower.stdout).toContain(
    '  count  incompatible  (uid count)\n    total: State total of operator count is t.int32 in the program and t.float64 in the snapshot\n',
  )

  const renamed = await check('--json', '--', ...output(), '--uid', 'other')
  expect(renamed.code).toBe(1)
  const [job] = JSON.parse(renamed.stdout)
  expect(job).toMatchObject({ jobName: 'ticking', canBeTakenUp: false, refusal: { code: 'STATE_INCOMPATIBLE' } })
  expect(job.operators.map(({ uid, is }: { uid: string; is: string }) => [uid, is])).toEqual([
    ['ticks', 'as is'],
    ['other', 'new'],
    ['lines', 'as is'],
    ['count', 'left over'],
  ])
  const allowed = await check('--allow-left-over', '--', ...output(), '--uid', 'other')
  expect([allowed.code, allowed.stdout]).toEqual([
    0,
    expect.stringContaining('  count  left over (total, _timers), dropped  (uid count)\n'),
  ])

  const file = path.join(from[1], readdirSync(from[1]).find((name: string) => name.includes('-total-'))!)
  const bytes = readFileSync(file)
  bytes[bytes.length >> 1]! ^= 0xff
  writeFileSync(file, bytes)
  const damaged = await check('--', ...output())
  expect([damaged.code, damaged.stderr]).toEqual([1, expect.stringContaining('it is corrupt (its checksum is ')])
})

test('what run and check are not told is wrong usage, and a snapshot that is not there an error', async () => {
  const without = await headrace('check', program('ticking'), '--', ...output())
  expect([without.code, without.stderr]).toEqual([2, expect.stringContaining('headrace check needs a snapshot')])
  const latest = await headrace('run', program('ticking'), '--from', 'latest')
  expect([latest.code, latest.stderr]).toEqual([2, expect.stringContaining('Add --checkpoints DIR')])
  for (const command of ['check', 'run']) {
    const nowhere = await headrace(command, program('ticking'), '--from', path.join(folder, 'none'), '--', ...output())
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining(`there is no checkpoint or savepoint at ${folder}/none`)])
  }
})
