/**
 * One Nexmark query as a program for `headrace run`. With `output` it writes the final rows in canonical form, else it
 * discards them and reports the speed.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { discardSink, type Environment } from 'headrace'
import { measure } from '../measure.ts'
import { queries } from './queries/all.ts'
import type { Query } from './queries/query.ts'
import { source } from './queries/source.ts'
import { canonical } from './rows.ts'
import type { NexmarkOptions } from './source.ts'

interface Args {
  readonly query: string
  readonly events: string
  readonly rate: string
  readonly 'base-time': string
  readonly generators?: string
  readonly output?: string
  readonly json?: string
}

/** A quarter of the events is warm-up, as on the peer. */
const warm = 0.25

export default async function nexmark(env: Environment, args: Args): Promise<void> {
  const query = args.query === 'source' ? source : queries[args.query]!
  const events: NexmarkOptions = {
    events: Number(args.events),
    rate: Number(args.rate),
    baseTime: Number(args['base-time']),
    ...(args.generators !== undefined && { generators: Number(args.generators) }),
  }
  if (args.output !== undefined) await writeRows(env, query, events, args.output)
  else await report(env, query, events, args)
}

async function writeRows(env: Environment, query: Query, events: NexmarkOptions, path: string): Promise<void> {
  // The file is opened when the first row is here: this function also runs in every task thread, up to the job's start.
  let file: number | undefined
  let lines = ''
  const flush = () => {
    file ??= openSync(path, 'w')
    writeSync(file, lines)
    lines = ''
  }
  for await (const row of query.build(env, events).collectAsync()) {
    lines += `${canonical(query.columns(row))}\n`
    if (lines.length > 1 << 16) flush()
  }
  flush()
  closeSync(file!)
}

async function report(env: Environment, query: Query, events: NexmarkOptions, args: Args): Promise<void> {
  query.build(env, events).sinkTo(discardSink(), { name: 'results' })
  const job = await env.executeAsync(`nexmark ${args.query}`)
  const { records, seconds, coreSeconds, result } = await measure(job, events.events * query.share, warm)
  const measured = records / query.share
  const rows = result.operators.find((operator) => operator.name === 'results' || operator.name === 'Sink: results')?.recordsIn
  const figures = {
    query: args.query,
    events: events.events,
    measuredEvents: Math.round(measured),
    rows,
    seconds,
    coreSeconds,
    eventsPerSecond: measured / seconds,
    eventsPerCoreSecond: measured / coreSeconds,
  }
  const million = (value: number) => `${(value / 1e6).toFixed(2)} M`
  const line = `${args.query}: ${million(figures.eventsPerSecond)} events/s, ${million(figures.eventsPerCoreSecond)} events per core-second (${seconds.toFixed(2)} s, ${coreSeconds.toFixed(2)} core-seconds for the last ${million(measured)} of ${million(events.events)} events${rows === undefined ? '' : `; ${rows} rows`})`
  process.stdout.write(`${args.json === undefined ? line : JSON.stringify(figures)}\n`)
}
