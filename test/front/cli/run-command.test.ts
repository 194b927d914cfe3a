import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { headrace, program, start } from './run-headrace.ts'

const programs = fileURLToPath(new URL('../../fixtures/programs/', import.meta.url))
const modes = ['threads', 'inline']

test.each(modes)('a program runs, prints, and says nothing else when piped: %s', async (mode) => {
  expect(await headrace('run', program('one-record'), '-p', '1', '--mode', mode)).toEqual({
    stdout: "{ word: 'hello' }\n",
    stderr: '',
    code: 0,
    signal: null,
  })
})

test.each(modes)('a script without a default export runs its jobs one after the other: %s', async (mode) => {
  expect(await headrace('run', program('script'), '-p', '1', '--mode', mode)).toEqual({
    stdout: '1\n2\n3\nfirst\n',
    stderr: '',
    code: 0,
    signal: null,
  })
})

test('words after -- reach main as an object', async () => {
  const { stdout } = await headrace('run', program('arguments'), '-p1', '--', '--input', 'x.csv', '--dry-run')
  expect(JSON.parse(stdout)).toEqual({ input: 'x.csv', 'dry-run': true, _: [] })
})

test.each(modes)(
  'a user function that throws fails the job with its operator, the record and the line of the .ts file: %s',
  async (mode) => {
    const { stderr, code } = await headrace('run', program('fails'), '-p', '1', '--mode', mode)
    expect(code).toBe(1)
    const lines = stderr.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^headrace: .*parse readings.*RangeError: no number in reading 7$/)
    expect(lines[1]).toMatch(/^ {2}at subtask 0, record 7 /)
    expect(lines[2]).toBe(`    at parse (${programs}run/fails.ts:9:31)`)
    expect(lines[3]).toContain(`${programs}run/fails.ts:17:23`)
    expect(lines).toHaveLength(4)
  },
)

test('--verbose shows the frames of headrace too', async () => {
  const { stderr } = await headrace('run', program('fails'), '-p', '1', '--mode', 'inline', '--verbose')
  expect(stderr).toContain('/src/runtime/')
})

test('--json writes one object a line, print() and the failure among them', async () => {
  const { stdout, stderr, code } = await headrace('run', program('fails'), '-p', '1', '--json')
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(code).toBe(1)
  expect(stderr).toBe('')
  expect(events[0]).toMatchObject({ event: 'submitted', jobName: 'fails' })
  expect(events).toContainEqual({ event: 'print', stream: 'stdout', line: '6' })
  expect(events.at(-1)).toMatchObject({ event: 'failed', error: { code: 'USER_FUNCTION_FAILED', place: { operator: 'parse readings' } } })
})

test.each(modes)('--json has the standard output for itself, what the program writes goes to the standard error: %s', async (mode) => {
  const { stdout, stderr } = await headrace('run', program('talks'), '-p', '1', '--mode', mode, '--json')
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event)
  expect(events).toContain('finished')
  expect(stderr).toContain('main speaks')
  expect(stderr).toContain('function speaks of 2')
})

test('--json tells the result of a job that finished', async () => {
  const { stdout } = await headrace('run', program('one-record'), '--json')
  const finished = JSON.parse(stdout.trimEnd().split('\n').at(-1)!)
  expect(finished).toMatchObject({ event: 'finished', jobName: 'one-record', jobId: expect.stringMatching(/^[0-9a-f]{32}$/) })
})

test.each([
  ...modes.map((mode) => ['endless', mode, 'SIGINT', 130] as const),
  ['endless', 'threads', 'SIGTERM', 143] as const,
  ['stuck', 'threads', 'SIGINT', 130] as const,
])('a signal ends the job within a second: %s, %s, %s', async (name, mode, signal, code) => {
  const running = start(['run', program(name), '-p', '1', '--mode', mode, '--json'])
  await running.saw('"submitted"')
  if (name === 'endless') await running.saw('"line":"2"')
  const sentMs = performance.now()
  running.child.kill(signal)
  const ended = await running.ended
  expect(ended.code).toBe(code)
  const events = ended.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event)
  expect(events.filter((event) => event !== 'progress').slice(-2)).toEqual(['cancelling', 'canceled'])
  // 10 to 120 ms where little else runs.
  expect(performance.now() - sentMs).toBeLessThan(1000)
})

test('a second signal ends the process at once', async () => {
  const running = start(['run', program('stuck'), '-p', '1', '--json', '-D', 'task.cancellation.timeout=1 min'])
  await running.saw('"submitted"')
  running.child.kill('SIGINT')
  await running.saw('"cancelling"')
  running.child.kill('SIGINT')
  const { code, stdout } = await running.ended
  expect(code).toBe(130)
  expect(stdout).not.toContain('"canceled"')
})

test('the folder of the bundle is gone when the process has ended, also one that a killed process left', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'headrace-test-'))
  try {
    const running = start(['run', program('endless'), '-p', '1', '--json', '-D', `io.tmp.dirs=${folder}`])
    await running.saw('"submitted"')
    running.child.kill('SIGKILL')
    await running.ended
    expect(readdirSync(folder)).toHaveLength(1)
    expect((await headrace('run', program('fails'), '-D', `io.tmp.dirs=${folder}`)).code).toBe(1)
    expect(readdirSync(folder)).toEqual([])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a place for the bundle that cannot be written is told', async () => {
  const { stderr, code } = await headrace('run', program('one-record'), '-D', 'io.tmp.dirs=/proc/nowhere')
  expect(code).toBe(1)
  expect(stderr).toContain('-D io.tmp.dirs=<folder> names another place')
})

test.each<[string, string[], number, RegExp]>([
  ['no program', ['run'], 2, /needs a program\n {2}For example: headrace run program\.ts/],
  ['two programs', ['run', 'a.ts', 'b'], 2, /Arguments of the program go after --: headrace run a\.ts -- b/],
  [
    'a program that is not there',
    ['run', 'test/fixtures/programs/run/scirpt.ts'],
    2,
    /Did you mean test\/fixtures\/programs\/run\/script\.ts\?/,
  ],
  ['a folder', ['info', 'test/fixtures/programs/run'], 2, /is a folder, not a program/],
  ['an unknown option', ['run', 'a.ts', '--paralelism', '2'], 2, /Did you mean --parallelism\?/],
  ['an unknown key', ['run', program('one-record'), '-D', 'paralelism.default=2'], 2, /Did you mean parallelism\.default\?/],
  [
    'a value that does not fit',
    ['run', program('one-record'), '-p', 'many'],
    2,
    /parallelism\.default: 'many' is not a value.*\n {2}It expects a whole number/,
  ],
  ['-D without a value', ['run', program('one-record'), '-D', 'x'], 2, /-D x has no value/],
  ['an unknown command', ['rnu', 'a.ts'], 2, /Did you mean headrace run\?/],
  ['a forgotten command', ['a.ts', '-p', '2'], 2, /Did you mean: headrace run a\.ts -p 2/],
  ['a main that makes no job', ['run', program('nothing')], 1, /main ended without a job/],
  [
    'a module that is no program',
    ['run', 'test/fixtures/programs/lib/boom.ts'],
    1,
    /has no default export and executed no job \(it exports boom\)/,
  ],
  ['a syntax error', ['run', 'test/fixtures/programs/syntax-error.ts'], 1, /syntax-error\.ts:3:1: Unexpected "}"\n {2}3 \| }/],
  [
    'a main that throws',
    ['info', 'test/fixtures/programs/top-level-throw.ts'],
    1,
    /TypeError: no rows: 0\n {4}at .*top-level-throw\.ts:3:7/,
  ],
])('%s is answered with what to do', async (_what, args, code, message) => {
  const ended = await headrace(...args)
  expect(ended.stderr).toMatch(message)
  expect(ended.stdout).toBe('')
  expect(ended.code).toBe(code)
})

test('an option that has no effect yet is told once, on stderr', async () => {
  const { stdout, stderr } = await headrace(
    'run',
    program('one-record'),
    '-p',
    '1',
    '-D',
    'heartbeat.interval=2 s',
    '-D',
    'env.java.home=/x',
  )
  expect(stdout).toBe("{ word: 'hello' }\n")
  expect(stderr.trimEnd().split('\n')).toEqual([
    'headrace: warning: Ignored, since there is no JVM here: env.java.home',
    expect.stringMatching(/^headrace: warning: Without effect in this version.*: heartbeat\.interval$/),
  ])
})
