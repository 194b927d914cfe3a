/** Runs the commands of docs/checkpoints.md over its first program, in order, as a user does: the first one is killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { pageOf, programsOf } from './page-programs.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'headrace-test-'))
const headrace = fileURLToPath(new URL('../../src/front/cli/headrace.ts', import.meta.url))
const commands = [...pageOf('checkpoints').matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, lines]) => lines!.trimEnd().split('\n'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function start(command: string): { child: ChildProcess; ended: Promise<{ code: number | null; stdout: string; stderr: string }> } {
  const [name, ...words] = command.split(' ')
  expect(name).toBe('headrace')
  const child = spawn(process.execPath, [headrace, ...words], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (text) => (stdout += text))
  child.stderr.on('data', (text) => (stderr += text))
  return { child, ended: new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr }))) }
}

const checkpoints = (): string[] =>
  existsSync(path.join(folder, 'state'))
    ? readdirSync(path.join(folder, 'state'), { recursive: true })
        .map(String)
        .filter((name) => name.endsWith('_metadata.json'))
    : []

test('the commands of the page do what it says', { timeout: 120_000 }, async () => {
  writeFileSync(path.join(folder, 'orders.ts'), programsOf('checkpoints')[0]!.code)
  expect(commands).toHaveLength(6)
  const [begin, goOn, check, inspect, rows, dispose] = commands as [string, string, string, string, string, string]
  const first = start(begin)
  await new Promise<void>((resolve, reject) => {
    const look = setInterval(() => {
      if (checkpoints().length > 0) resolve(clearInterval(look))
    }, 20)
    void first.ended.then(({ stderr }) => reject(new Error(`ended without a checkpoint: ${stderr}`)))
  })
  first.child.kill('SIGKILL')
  await first.ended

  const checked = await start(check).ended
  expect([checked.stderr, checked.code]).toEqual(['', 0])
  expect(checked.stdout).toContain('It can be taken up.')
  const at = path.join('state', path.dirname(checkpoints()[0]!))
  expect((await start(inspect.replace('PATH', at)).ended).stdout).toContain('  total: keyed value')
  expect((await start(rows.replace('PATH', at)).ended).stdout).toMatch(/^\{"key":\d,"value":\d+\}$/m)

  const second = await start(goOn.replace('20000', '3000')).ended
  expect([second.stderr, second.code]).toEqual([expect.stringContaining("'orders' goes on from checkpoint"), 0])
  const parts = readdirSync(path.join(folder, 'out/totals')).filter((name) => name.startsWith('part-'))
  const lines = parts.flatMap((name) =>
    readFileSync(path.join(folder, 'out/totals', name), 'utf8')
      .trimEnd()
      .split('\n'),
  )
  expect(lines).toHaveLength(3000)
  expect((await start(dispose.replace('PATH', at)).ended).stderr).toContain(
    `there is no checkpoint or savepoint at ${path.join(folder, at)}`,
  )
})
