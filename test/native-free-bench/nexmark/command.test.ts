/** `npm run nexmark` as its users type it, with the built command. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { digestOf } from '../../../native-free-bench/nexmark/rows.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const folder = mkdtempSync(path.join(os.tmpdir(), 'nexmark-'))
afterAll(() => rmSync(folder, { recursive: true }))

const nexmark = (words: string) => promisify(execFile)('npm', ['run', '--silent', 'nexmark', '--', ...words.split(' ')], { cwd: root })
const goldenOf = (file: string, query: string) =>
  JSON.parse(readFileSync(new URL(`../../fixtures/nexmark/${file}.json`, import.meta.url), 'utf8')).queries[query]

test.each([
  { rate: 10_000, file: '100k' },
  { rate: 1, file: '100k-rate1' },
])('writes the final rows, one JSON array a line, at rate $rate', { timeout: 120_000 }, async ({ rate, file }) => {
  const output = path.join(folder, `${file}.jsonl`)
  await nexmark(
    `--query q5 --events 100000 --rate ${rate} --base-time 1436918400000 --generators 1 --parallelism 2 --mode threads --output ${output}`,
  )
  const text = readFileSync(output, 'utf8')
  const rows = text.split('\n').slice(0, -1)
  const { rows: count, sha256 } = goldenOf(file, 'q5')
  expect(text.endsWith(']\n')).toBe(true)
  expect({ count: rows.length, sha256: digestOf(rows) }).toEqual({ count, sha256 })
})

test('without --output it discards the rows and tells the speed, as JSON too', { timeout: 60_000 }, async () => {
  const plain = await nexmark('--query q2 --events 200_000')
  expect(plain.stdout).toMatch(/^q2: [\d.]+ M events\/s, [\d.]+ M events per core-second \(/)
  const { stdout } = await nexmark('--query q0 --events 100_000 --generators 1 --json')
  const figures = JSON.parse(stdout)
  expect(figures).toMatchObject({ query: 'q0', events: 100_000, rows: goldenOf('100k', 'q0').rows })
  expect(figures.eventsPerSecond).toBeGreaterThan(0)
  expect(figures.eventsPerCoreSecond).toBeGreaterThan(0)
})

test.each([
  ['--query q6', '--query is q6; it is one of q0, q1'],
  ['--query q5 --events 0', "--events is '0', not a whole number from 1"],
])('refuses %s', async (words, message) => {
  await expect(nexmark(words)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(message) })
})
