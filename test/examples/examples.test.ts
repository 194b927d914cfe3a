/** Runs every example but flights as a user does, and looks at what it prints and writes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { tableFromIPC } from 'apache-arrow'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { headrace } from '../front/cli/run-headrace.ts'

let folder: string
const tested = new Set(['flights'])

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'headrace-test-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function linesOf(example: string, parallelism: number, ...args: string[]): Promise<string[]> {
  tested.add(example)
  const options = ['-p', String(parallelism), ...(args.length === 0 ? [] : ['--', ...args])]
  const { stdout, stderr, code } = await headrace('run', `examples/${example}.ts`, ...options)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return stdout.split('\n').filter((line) => line !== '')
}

/** Without the number of the subtask that printed it; which one it is depends on the key. */
const unnumbered = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/^(.*:)?\d+> /, '')).sort()

test('word-count counts words', async () => {
  const text = readFileSync('LICENSE', 'utf8').toLowerCase()
  const times = (word: string) => text.match(new RegExp(`(?<![a-z])${word}(?![a-z])`, 'g'))!.length
  for (const parallelism of [1, 2]) {
    const lines = await linesOf('word-count', parallelism)
    expect(lines.length).toBe(10)
    expect(lines[0]).toBe(`  ${times('the')} the`)
    for (const line of lines) expect(Number(line.trim().split(' ')[0])).toBe(times(line.trim().split(' ')[1]!))
  }
})

test('sessions joins the clicks of each user', async () => {
  const sessions = [
    '2026-03-02T09:04:20.000Z bob: /help / in 0.7 min',
    '2026-03-02T09:00:00.000Z ada: / /books /cart in 21.5 min',
    '2026-03-02T10:02:00.000Z ada: / in 0.0 min',
    '2026-03-02T10:03:00.000Z cy: /books /cart /pay in 4.0 min',
    '2026-03-02T10:10:00.000Z bob: / in 0.0 min',
  ]
  expect(await linesOf('sessions', 1)).toEqual(sessions)
  expect(unnumbered(await linesOf('sessions', 2))).toEqual([...sessions].sort())
})

test('alerts tells of machines that stay hot', async () => {
  const alerts = [
    '2026-03-02T09:01:20.000Z press has been above 90 degrees for a minute',
    '2026-03-02T09:01:40.000Z oven has been above 90 degrees for a minute',
  ]
  expect(await linesOf('alerts', 1)).toEqual(alerts)
  expect(unnumbered(await linesOf('alerts', 2))).toEqual(alerts)
})

test('late-data updates a window, and puts what is too late aside', async () => {
  expect(await linesOf('late-data', 1)).toEqual([
    '2026-03-02T09:00:00.000Z Oslo: 2 orders, 35',
    '2026-03-02T09:00:00.000Z Oslo: 3 orders, 40',
    'too late> order 6 of Oslo',
    '2026-03-02T09:01:00.000Z Oslo: 2 orders, 39',
  ])
})

test('rain writes the months as CSV', async () => {
  const output = path.join(folder, 'rain.csv')
  expect(await linesOf('rain', 2, '--output', output)).toEqual([])
  const [head, ...months] = readFileSync(output, 'utf8').trimEnd().split('\n')
  expect(head).toBe('month,rainyDays,rain,wettestDay')
  const [, ...days] = readFileSync('node_modules/vega-datasets/data/seattle-weather.csv', 'utf8').trimEnd().split('\n')
  const rain = new Map<string, number[]>()
  for (const day of days.map((line) => line.split(','))) {
    const month = day[0]!.slice(0, 7)
    if (Number(day[1]) > 0) rain.set(month, [...(rain.get(month) ?? []), Number(day[1])])
  }
  expect(months.length).toBeGreaterThan(40)
  expect(months.sort()).toEqual(
    [...rain]
      .map(([month, all]) => [month, all.length, Math.round(all.reduce((sum, mm) => sum + mm, 0) * 10) / 10, Math.max(...all)].join())
      .sort(),
  )
})

test('to-arrow writes a file that apache-arrow opens, and reads it back', async () => {
  const output = path.join(folder, 'clicks.arrow')
  expect(await linesOf('to-arrow', 2, '--output', output)).toEqual([
    '2026-03-02T09:00:00.000Z ada',
    '2026-03-02T09:04:10.000Z ada',
    '2026-03-02T09:05:00.000Z bob',
  ])
  const table = tableFromIPC(readFileSync(output))
  expect(table.schema.fields.map(({ name }) => name)).toEqual(['user', 'page', 'at'])
  expect([...table.getChild('user')!]).toEqual(['ada', 'ada', 'bob', 'ada', 'bob', 'ada', 'cy', 'bob', 'cy', 'cy'])
})

test('bank books each transfer once, whatever happens amid them', { timeout: 120_000 }, async () => {
  tested.add('bank')
  for (const parallelism of ['1', '2']) {
    const output = path.join(folder, `bookings-${parallelism}.jsonl`)
    const { stdout, stderr, code } = await headrace('run', 'examples/bank.ts', '-p', parallelism, '--', '--output', output)
    expect(stderr).toMatch(
      /^headrace: restarting 'bank' from (checkpoint \d+|the beginning) in 0\.1 s after: .*: Error: the power is cut\n$/,
    )
    expect([stdout, code]).toEqual(['1 restart, 24000 bookings, which add up to 0\n', 0])
    const bookings = readFileSync(output, 'utf8').trimEnd().split('\n')
    const balances = new Map(bookings.map((line) => JSON.parse(line)).map(({ account, balance }) => [account, balance]))
    expect([...balances.values()].reduce((sum, balance) => sum + balance, 0)).toBe(0)
  }
})

test('every example has a test', () => {
  const examples = readdirSync('examples').filter((name) => name.endsWith('.ts'))
  expect(examples.length).toBeGreaterThan(6)
  expect(examples.map((name) => name.slice(0, -3)).filter((name) => !tested.has(name))).toEqual([])
})
