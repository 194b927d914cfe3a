import { expect, test } from 'vitest'
import { headrace, program } from './run-headrace.ts'

test('the plan for people, without running the job', async () => {
  const { stdout, code } = await headrace('info', program('fails'), '-p', '3')
  expect(code).toBe(0)
  expect(stdout).toContain('Job fails: 1 vertex, 3 slots')
  expect(stdout).toContain('parse readings')
  expect(stdout).not.toContain('no number')
})

test('the plan as JSON, with the same fingerprint each time', async () => {
  const [first, second] = await Promise.all([headrace('info', program('fails'), '--json'), headrace('info', program('fails'), '--json')])
  const plan = JSON.parse(first.stdout)
  expect(plan).toMatchObject({ version: 1, jobName: 'fails', vertices: [{ operators: expect.any(Array) }] })
  expect(JSON.parse(second.stdout).fingerprint).toBe(plan.fingerprint)
})

test.each([[], ['--json']])(
  'what main writes goes to the standard error, the plan alone to the standard output: %s',
  async (...options) => {
    const { stdout, stderr } = await headrace('info', program('talks'), ...options)
    expect(stdout).toMatch(options.length === 0 ? /^Job talks/ : /^{\n/)
    expect(stderr).toBe('main speaks\n')
  },
)

test('every command has a help that names its options', async () => {
  const help = await Promise.all([headrace('--help'), headrace('help', 'run'), headrace('info', '-h'), headrace()])
  expect(help.map(({ code }) => code)).toEqual([0, 0, 0, 2])
  expect(help[0]!.stdout).toMatch(/run +run a program.*info +show the plan/s)
  expect(help[1]!.stdout).toMatch(/-p, --parallelism N/)
  expect(help[2]!.stdout).toMatch(/Print the plan as JSON/)
  for (const { stdout } of help) for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
})

test('the version is that of package.json', async () => {
  expect((await headrace('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('every job of a program is shown, and one line says which operators want a uid', async () => {
  const { stdout, code } = await headrace('info', program('two-jobs'))
  expect(code).toBe(0)
  expect(stdout.match(/^Job .*$/gm)).toHaveLength(2)
  expect(stdout.match(/no uid/g)).toHaveLength(2)
  expect(JSON.parse((await headrace('info', program('two-jobs'), '--json')).stdout)).toHaveLength(2)
})
