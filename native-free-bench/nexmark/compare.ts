/**
 * Nexmark beside real Flink: each query is first held to the rows that Flink gave for 100,000 events, then timed, ours and
 * Flink's SQL and hand-written DataStream programs one after the other, each in a process of its own.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type NexmarkAims, nexmarkAims, nexmarkMeanAim } from '../explanations.ts'
import { headraceRun } from '../headrace-command.ts'
import { geometricMean, steadySeconds } from '../results.ts'
import { type Figures, type RunSettings, steady } from '../rows.ts'
import { queries } from './queries/all.ts'
import { digestOf } from './rows.ts'
import { defaultBaseTime } from './source.ts'

export interface QueryResult {
  readonly query: string
  readonly ours?: Figures
  readonly sql?: Figures
  readonly dataStream?: Figures
  /** Why there is no figure. */
  readonly failure?: string
}

export interface CompareOptions {
  /** Absent: all. */
  readonly queries?: readonly string[]
  readonly seconds: number
  readonly withFlink: boolean
  readonly settings: RunSettings
  progress(text: string): void
}

type Api = 'sql' | 'datastream'

/** Events per second of Flink at parallelism 2 on some machine: only decides how many events a run has. */
const expected: Readonly<Record<string, Readonly<Record<Api, number>>>> = {
  source: { sql: 3.8e6, datastream: 13.2e6 },
  q0: { sql: 2.6e6, datastream: 12.3e6 },
  q1: { sql: 2.7e6, datastream: 12.3e6 },
  q2: { sql: 2.8e6, datastream: 16.6e6 },
  q3: { sql: 2.3e6, datastream: 11.3e6 },
  q5: { sql: 0.95e6, datastream: 1.17e6 },
  q7: { sql: 0.31e6, datastream: 3.2e6 },
  q8: { sql: 1.8e6, datastream: 8e6 },
  q11: { sql: 0.63e6, datastream: 1.36e6 },
}
const warm = 0.25
const calibrationEvents = 8_000_000
const folder = fileURLToPath(new URL('../peers/flink/', import.meta.url))
const golden = new URL('../../test/fixtures/nexmark/100k.json', import.meta.url)

async function run(query: string, events: number, settings: RunSettings, more: Readonly<Record<string, string | number>>): Promise<string> {
  return headraceRun(
    {
      program: new URL('program.ts', import.meta.url),
      ...settings,
      define: [],
      args: { query, events, rate: 10_000, 'base-time': defaultBaseTime, ...more },
    },
    'pipe',
  )
}

/** Throws unless the rows for 100,000 events are Flink's. */
async function check(query: string, settings: RunSettings): Promise<void> {
  const at = mkdtempSync(path.join(os.tmpdir(), 'nexmark-'))
  try {
    const output = path.join(at, 'rows.jsonl')
    await run(query, 100_000, settings, { generators: 1, output })
    const rows = readFileSync(output, 'latin1').split('\n').slice(0, -1)
    const { sha256 } = JSON.parse(readFileSync(golden, 'utf8')).queries[query]
    if (digestOf(rows) !== sha256) throw new Error(`${query} gave other rows than Flink for 100,000 events`)
  } finally {
    rmSync(at, { recursive: true })
  }
}

async function timed(query: string, events: number, settings: RunSettings): Promise<Figures> {
  const report = JSON.parse(await run(query, events, settings, { json: 'true' }))
  if ((query === 'q0' || query === 'q1') && report.rows !== undefined && Math.abs(report.rows - events * 0.92) > 100)
    throw new Error(`${query}: ${report.rows} rows came out of ${events} events`)
  return {
    recordsPerSecond: report.eventsPerSecond,
    recordsPerCoreSecond: report.eventsPerCoreSecond,
    seconds: report.seconds,
    rows: report.rows,
  }
}

async function ours(query: string, { seconds, settings }: CompareOptions): Promise<Figures> {
  const { recordsPerSecond } = await timed(query, calibrationEvents, settings)
  return steady(seconds, (recordsPerSecond * seconds * 1.3) / (1 - warm), (events) => timed(query, events, settings))
}

async function flink(query: string, api: Api, { seconds, settings }: CompareOptions): Promise<Figures> {
  const events = (expected[query]![api] * seconds * 1.15) / (1 - warm)
  return steady(seconds, events, (n) => flinkRun(query, api, n, settings))
}

async function flinkRun(query: string, api: Api, n: number, settings: RunSettings): Promise<Figures> {
  const args = [`q=${query}`, `n=${n}`, `parallelism=${settings.parallelism}`, ...(api === 'sql' ? [] : [`api=${api}`])]
  const { stdout } = await promisify(execFile)('./nexmark.sh', args, {
    cwd: folder,
    maxBuffer: 1 << 24,
    env: { HEAP: '8g', ...process.env },
  })
  const figure = (name: string): number => Number(new RegExp(` ${name}=([\\d.]+)`).exec(stdout)?.[1])
  const found = { recordsPerSecond: figure('events_per_s'), recordsPerCoreSecond: figure('events_per_core_s'), seconds: figure('wall_s') }
  if (Object.values(found).some(Number.isNaN)) throw new Error(`peers/flink/nexmark.sh ${args.join(' ')} printed no result:\n${stdout}`)
  return found
}

export async function compareNexmark(options: CompareOptions): Promise<QueryResult[]> {
  const results: QueryResult[] = []
  const said = (who: string, { recordsPerSecond, recordsPerCoreSecond, seconds }: Figures) =>
    options.progress(
      `${who}: ${(recordsPerSecond / 1e6).toFixed(2)} M events/s, ${(recordsPerCoreSecond / 1e6).toFixed(2)} M per core-second (${seconds.toFixed(1)} s)`,
    )
  for (const query of options.queries ?? ['source', ...Object.keys(queries)]) {
    let result: QueryResult = { query }
    try {
      if (query !== 'source') await check(query, options.settings)
      result = { ...result, ours: await ours(query, options) }
      said(query, result.ours!)
      if (options.withFlink) {
        result = { ...result, dataStream: await flink(query, 'datastream', options) }
        said(`${query}, Flink DataStream`, result.dataStream!)
        result = { ...result, sql: await flink(query, 'sql', options) }
        said(`${query}, Flink SQL`, result.sql!)
      }
    } catch (error) {
      // One query that fails must not lose the others; the command ends with 1 all the same.
      result = { ...result, failure: error instanceof Error ? error.message : String(error) }
      options.progress(`${query}: ${result.failure}`)
    }
    results.push(result)
  }
  return results
}

const million = (value: number): string => (value / 1e6).toFixed(value < 1e7 ? 2 : 1)
const cell = (figures: Figures | undefined): string =>
  figures === undefined ? '' : `${million(figures.recordsPerSecond)} / ${million(figures.recordsPerCoreSecond)}`

function ratio(ours: Figures | undefined, peer: Figures | undefined): string {
  if (ours === undefined || peer === undefined) return ''
  const isSteady = ours.seconds >= steadySeconds && peer.seconds >= steadySeconds
  return `${(ours.recordsPerSecond / peer.recordsPerSecond).toFixed(2)} / ${(ours.recordsPerCoreSecond / peer.recordsPerCoreSecond).toFixed(2)}${isSteady ? '' : ' *'}`
}

const aim = (query: string, of: keyof NexmarkAims): string => String(nexmarkAims[query]?.[of] ?? '')

export function nexmarkTable(results: readonly QueryResult[]): string {
  const head = ['query', 'ours', 'Flink SQL', 'ratio', 'aim', 'Flink DataStream', 'ratio', 'aim']
  const rows = results.map(({ query, ours, sql, dataStream, failure }) =>
    failure === undefined
      ? [
          query,
          cell(ours),
          cell(sql),
          ratio(ours, sql),
          aim(query, 'sql'),
          cell(dataStream),
          ratio(ours, dataStream),
          aim(query, 'dataStream'),
        ]
      : [query, failure.split('\n')[0]!, '', '', '', '', '', ''],
  )
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** Geometric means of the ratios over the queries (the generator alone is none), per second. */
export function nexmarkMeans(results: readonly QueryResult[]): {
  readonly sql: number | undefined
  readonly dataStream: number | undefined
} {
  const mean = (api: 'sql' | 'dataStream') =>
    geometricMean(
      results.flatMap(({ query, ours, [api]: peer }) =>
        query === 'source' || ours === undefined || peer === undefined ? [] : [{ title: query, ours: [ours], peer: [peer] }],
      ),
    )
  return { sql: mean('sql'), dataStream: mean('dataStream') }
}

export function nexmarkSection(results: readonly QueryResult[], command: string, flinkVersion: string): string {
  const { sql, dataStream } = nexmarkMeans(results)
  const means =
    sql === undefined || dataStream === undefined
      ? ''
      : `\nGeometric mean of the ratios per second: ${sql.toFixed(2)} to SQL (the aim is ${nexmarkMeanAim}), ${dataStream.toFixed(2)} to DataStream.\n`
  return `## Nexmark

Taken ${new Date().toISOString().slice(0, 10)} by \`${command}\`. Peer: ${flinkVersion.replace('4 GB', '8 GB')}.

M events per second / per core-second at 10,000 events per second of event time, one generator a subtask, results discarded;
from a quarter of the events on until the job has ended. Aims are of the first figure of a ratio. A ratio with * comes from a run shorter than ${steadySeconds} s. "source" is the
generator alone, every event dropped: ours makes the columns of q0, Flink's nothing that Java's compiler can drop. Before it is timed
each query is held to the rows that Flink gave for 100,000 events.

${nexmarkTable(results)}
${means}`
}
