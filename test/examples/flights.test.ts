/** examples/flights.ts gives what DuckDB gives for the same file: in threads, inline, and interpreted for a part of it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { headrace } from '../front/cli/run-headrace.ts'

const whole = 'node_modules/vega-datasets/data/flights-3m.parquet'
let folder: string
let duckdb: DuckDBConnection

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'headrace-test-'))
  duckdb = await (await DuckDBInstance.create(':memory:')).connect()
})

afterAll(() => {
  duckdb.closeSync()
  rmSync(folder, { recursive: true, force: true })
})

const rowsOf = async (sql: string): Promise<any[]> => (await duckdb.runAndReadAll(sql)).getRowObjectsJson()

/** The file's lines without the head, sorted; means rounded to nine digits, since the order of a sum is free. */
async function hoursOf(file: string): Promise<string[]> {
  const rows = await rowsOf(
    `select strftime(date_trunc('hour', date), '%Y-%m-%dT%H:%M:%S.000Z') as hour, origin, count(*) as flights, avg(delay) as mean, max(delay) as worst
     from '${file}' group by all`,
  )
  return rows.map(({ hour, origin, flights, mean, worst }) => `${hour},${origin},${flights},${Number(mean).toPrecision(9)},${worst}`).sort()
}

function linesOf(csv: string): string[] {
  const [head, ...lines] = readFileSync(csv, 'utf8').trimEnd().split('\n')
  expect(head).toBe('hour,origin,flights,meanDelay,worstDelay')
  return lines.map((line) => line.replace(/,([^,]+),([^,]+)$/, (_, mean, worst) => `,${Number(mean).toPrecision(9)},${worst}`)).sort()
}

/** Rows of a printed table, cell by cell. */
function tableOf(stdout: string, title: string): string[][] {
  const lines = stdout
    .slice(stdout.indexOf(`${title}\n`))
    .split('\n\n')[0]!
    .split('\n')
  return lines.slice(2).map((line) => line.trim().split(/ {2,}/))
}

/** The ten rows are among all, and the values that they are ranked by are the ten first; equal ranks may stand in any order. */
function expectTop(printed: readonly string[][], all: readonly string[][], rank: number): void {
  const known = new Set(all.map((row) => row.join()))
  expect(printed.filter((row) => !known.has(row.join()))).toEqual([])
  expect(printed.map((row) => row[rank])).toEqual(all.slice(0, 10).map((row) => row[rank]))
}

const thousands = (n: string): string => Number(n).toLocaleString('en-US')

async function expectTables(stdout: string, file: string): Promise<void> {
  const airports = await rowsOf(
    `select origin, count(*) as flights, avg(delay) as delay from '${file}' group by all having count(*) >= 1000 order by delay desc`,
  )
  expectTop(
    tableOf(stdout, 'worst mean delay, airports with 1,000 flights or more'),
    airports.map(({ origin, flights, delay }) => [origin, thousands(flights), delay.toFixed(1)]),
    2,
  )
  const routes = await rowsOf(
    `select origin || ' - ' || destination as route, count(*) as flights, avg(delay) as delay, max(distance) as miles
     from '${file}' group by all order by flights desc`,
  )
  expectTop(
    tableOf(stdout, 'busiest routes'),
    routes.map(({ route, flights, delay, miles }) => [route, thousands(flights), delay.toFixed(1), String(miles)]),
    1,
  )
}

test('in threads, over the whole file', { timeout: 120_000 }, async () => {
  const output = path.join(folder, 'threads.csv')
  const { stdout, stderr, code } = await headrace('run', 'examples/flights.ts', '-p', '2', '--', '--output', output)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  await expectTables(stdout, whole)
  expect(linesOf(output)).toEqual(await hoursOf(whole))
})

for (const [how, options] of Object.entries({
  'inline, generated': ['--mode', 'inline', '-p', '1'],
  'inline, interpreted': ['--mode', 'inline', '-p', '2', '-D', 'execution.codegen=false'],
  'in threads, interpreted': ['-p', '2', '-D', 'execution.codegen=false'],
})) {
  test(`${how}, over a part of the file`, { timeout: 120_000 }, async () => {
    const input = path.join(folder, 'part.parquet')
    await duckdb.run(`copy (from '${whole}' limit 100000) to '${input}' (row_group_size 10000)`)
    const output = path.join(folder, 'part.csv')
    const { stdout, stderr, code } = await headrace('run', 'examples/flights.ts', ...options, '--', '--input', input, '--output', output)
    expect(stderr).toBe('')
    expect(code).toBe(0)
    await expectTables(stdout, input)
    expect(linesOf(output)).toEqual(await hoursOf(input))
  })
}
