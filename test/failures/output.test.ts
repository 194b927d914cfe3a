/** Output that cannot be written: the job fails, nothing half written is published, nothing is left behind. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { start } from '../front/cli/run-headrace.ts'
import { failureOf, formNames } from './failure.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'headrace-output-'))
const full = path.join(folder, 'full')
const limitMs = 10_000

/** Why there is no small disk to fill; undefined: there is one. */
const whyNot = mountSmallDisk()
if (whyNot !== undefined) console.log(`not tested: a full disk, since no tmpfs can be mounted here: ${whyNot}`)

afterAll(() => {
  if (whyNot === undefined) execFileSync('umount', [full])
  rmSync(folder, { recursive: true, force: true })
})

function mountSmallDisk(): string | undefined {
  mkdirSync(full)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', full], { stdio: 'pipe' })
    return undefined
  } catch (thrown) {
    return (thrown as Error).message.split('\n').slice(0, 2).join(' ')
  }
}

const program = (target: string, rows = 10) => `import { jsonLinesSink } from 'headrace'
export default (env) => void env.fromSequence(1, ${rows}).map((n) => ({ n, text: 'some text that takes its place' })).sinkTo(jsonLinesSink({ path: ${JSON.stringify(target)} }), { name: 'mine' })`

test.skipIf(whyNot !== undefined).for(formNames.flatMap((form) => [[form, 'result.jsonl'] as const, [form, 'parts/'] as const]))(
  'a full disk fails the job and leaves nothing, %s',
  { timeout: limitMs },
  async ([form, name]) => {
    const { code, text } = await failureOf(program(path.join(full, name), 50_000), form)
    expect(code).toBe('NO_SPACE')
    const lines = text.split('\n')
    expect(lines[0]).toMatch(
      /^headrace: cannot (write|create|make durable) \S+\.JOB\.inprogress: the disk is full or the quota is used up$/,
    )
    expect(lines[1]).toBe('  Free some space there or choose a path on another disk, then run the job again.')
    expect(lines[2]).toMatch(/^ {2}at operator mine, subtask 0/)
    expect(readdirSync(full, { recursive: true }).filter((entry) => entry !== 'parts')).toEqual([])
  },
)

test.each(formNames)('a path that is a folder is told, %s', { timeout: limitMs }, async (form) => {
  const target = path.join(folder, `${form}-folder.jsonl`)
  mkdirSync(path.join(target, 'kept'), { recursive: true })
  const { code, text } = await failureOf(program(target), form)
  expect(code).toBe('IO_FAILED')
  expect(text.split('\n')[0]).toContain(target.split('/').at(-1))
  expect(text).toContain('  A folder stands where a file is expected, or a file where a folder is expected: check the path.')
  expect(text).toContain('  at operator mine, subtask 0')
  expect(readdirSync(folder).filter((name) => name.endsWith('.inprogress'))).toEqual([])
})

test('a folder that is a file is told', async () => {
  writeFileSync(path.join(folder, 'file.txt'), '')
  const { text } = await failureOf(program(path.join(folder, 'file.txt/out.jsonl')), 'inline')
  expect(text.split('\n').slice(0, 2)).toEqual([
    `headrace: cannot create ${folder}/file.txt/.out.jsonl.JOB.inprogress: ${folder}/file.txt is a file, not a folder`,
    '  A folder stands where a file is expected, or a file where a folder is expected: check the path.',
  ])
})

test.skipIf(!existsSync('/proc/self'))('a place where nothing can be made fails at once', { timeout: limitMs }, async () => {
  const { code } = await failureOf(program('/proc/nowhere/out.jsonl'), 'inline')
  expect(code).toBe('FILE_NOT_FOUND')
})

test('a job that fails publishes nothing', async () => {
  const target = path.join(folder, 'never.jsonl')
  const text = program(target).replace('({ n,', '({ n: n === 9 ? (() => { throw new Error("nine") })() : n,')
  expect((await failureOf(text, 'threads')).code).toBe('USER_FUNCTION_FAILED')
  expect(readdirSync(folder).filter((name) => name.includes('never'))).toEqual([])
})

test('a reader of stdout that goes away ends the program quietly', { timeout: limitMs }, async () => {
  const file = path.join(folder, 'many.ts')
  writeFileSync(file, 'export default (env) => void env.fromSequence(1, 1e12).print()')
  const running = start(['run', file, '-p', '1'])
  await running.saw('\n')
  running.child.stdout!.destroy()
  const { stderr, code } = await running.ended
  expect(stderr).toBe('')
  // As a program has it that SIGPIPE ended: 128 + 13.
  expect(code).toBe(141)
})
