/**
 * `npm run bench`: every workload, ours and the peer's alternately, after a check of the result.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { checkpointsSection, checkpointsText } from './checkpoint-section.ts'
import { type CheckpointOptions, compareCheckpoints } from './checkpoints.ts'
import { endurance, enduranceText, grows } from './endurance.ts'
import { flinkVersions, runFlink, whyNoFlink } from './flink-peer.ts'
import { footprint, footprintText } from './footprint.ts'
import { type CompareOptions, compareNexmark, nexmarkMeans, nexmarkSection, nexmarkTable } from './nexmark/compare.ts'
import {
  geometricMean,
  machine,
  median,
  missedAims,
  type Result,
  ratioOf,
  steadySeconds,
  type ThinPath,
  table,
  writeResults,
  writeSection,
} from './results.ts'
import { calibrate, check, type Figures, type Row, type RunSettings, rowsOf, steady, timed, titleOf } from './rows.ts'

const help = `npm run bench -- [options]

  --workload A,B     only these: map-chain, rebalance, keyed-sum, window-tumbling, window-sliding, window-session,
                     window-pojo-strings, wordcount, process-state. Without it all run, and RESULTS.md is written if they run for 10 s
  --nexmark [Q,R]    the Nexmark queries in place of the workloads: --nexmark all, or --nexmark q5,q7
  --checkpoints [W]  jobs that take checkpoints, and restarts: --checkpoints all, or --checkpoints state32
  --endurance N      a job with changing keys for N seconds (600, say); ends with 1 if its memory grows
  --keys N           instead of a workload's own numbers of keys
  --peer flink       real Flink beside us (builds peers/flink: Java 17 and Maven)
  --seconds N        steady part of each run; default 10
  --runs N           runs of each side; default 3
  --parallelism N    default 2
  --mode M           threads (default) or inline
  --json             print the results as JSON`

const progress = (text: string): boolean => process.stderr.write(`${text}\n`)

async function measureRow(row: Row, settings: RunSettings, seconds: number, runs: number, withPeer: boolean): Promise<Result> {
  const title = titleOf(row)
  const ours: Figures[] = []
  const peer: Figures[] = []
  try {
    progress(`${title}: checking`)
    await check(row, settings)
    let records = await calibrate(row, seconds, settings)
    let peerSeconds = seconds * 1.15
    for (let i = 0; i < runs; i++) {
      ours.push(await steady(seconds, records, (size) => timed(row, size, settings)))
      records = ours.at(-1)!.records!
      progress(`${title}: ${(ours.at(-1)!.recordsPerSecond / 1e6).toFixed(2)} M records/s`)
      if (!withPeer) continue
      peer.push(
        await steady(seconds, peerSeconds, (size) => {
          peerSeconds = size
          return runFlink(row.workload.peer({ ...row, records }), settings.parallelism, size)
        }),
      )
      progress(`${title}: Flink ${(peer.at(-1)!.recordsPerSecond / 1e6).toFixed(2)} M records/s`)
    }
    return { title, ours, peer }
  } catch (error) {
    // One row that fails must not lose the others; the command ends with 1 all the same.
    const failure = error instanceof Error ? error.message : String(error)
    progress(`${title}: ${failure}`)
    return { title, ours: [], peer: [], failure: failure.split('\n')[0]! }
  }
}

async function prototype(form: 'row' | 'kernel', seconds: number): Promise<number> {
  const program = fileURLToPath(new URL('prototype/thin-path.mjs', import.meta.url))
  const run = async (records: number): Promise<number> => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, '10000', String(records), form])
    return Number(/: ([\d.]+) M rows/.exec(stdout)![1]) * 1e6
  }
  return run(Math.ceil((await run(50e6)) * seconds))
}

async function nexmark(which: string, options: Omit<CompareOptions, 'queries' | 'progress'>, json: boolean): Promise<boolean> {
  const results = await compareNexmark({ ...options, progress, ...(which !== 'all' && { queries: which.split(',') }) })
  const command = `npm run bench -- ${process.argv.slice(2).join(' ')}`
  if (which === 'all' && options.withFlink && options.seconds >= steadySeconds)
    writeSection('Nexmark', nexmarkSection(results, command, flinkVersions()))
  process.stdout.write(
    json ? `${JSON.stringify({ machine: machine(), results, ...nexmarkMeans(results) })}\n` : `${nexmarkTable(results)}\n`,
  )
  return results.every((result) => result.failure === undefined)
}

async function checkpoints(which: string, options: Omit<CheckpointOptions, 'only' | 'progress'>, json: boolean): Promise<boolean> {
  const { rows, restarts } = await compareCheckpoints({ ...options, progress, ...(which !== 'all' && { only: which }) })
  const command = `npm run bench -- ${process.argv.slice(2).join(' ')}`
  if (which === 'all' && options.withFlink && options.seconds >= steadySeconds)
    writeSection('Checkpoints', checkpointsSection(rows, restarts, command, flinkVersions()))
  process.stdout.write(json ? `${JSON.stringify({ machine: machine(), rows, restarts })}\n` : `${checkpointsText(rows, restarts)}\n`)
  return [...rows, ...restarts].every(({ failure }) => failure === undefined)
}

const enduranceRate = 200_000

async function endures(seconds: number, json: boolean): Promise<boolean> {
  const result = await endurance(seconds, enduranceRate)
  process.stdout.write(json ? `${JSON.stringify({ machine: machine(), ...result })}\n` : enduranceText(result, enduranceRate))
  return !grows(result)
}

async function main(): Promise<boolean> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      workload: text,
      keys: text,
      nexmark: text,
      checkpoints: text,
      endurance: text,
      peer: text,
      seconds: { ...text, default: '10' },
      runs: { ...text, default: '3' },
      parallelism: { ...text, default: '2' },
      mode: { ...text, default: 'threads' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return process.stdout.write(`${help}\n`)
  if (values.peer !== undefined && values.peer !== 'flink') throw new Error(`--peer is '${values.peer}'; the only peer is flink`)
  const seconds = Number(values.seconds)
  if (values.endurance !== undefined) return endures(Number(values.endurance), values.json)
  const settings: RunSettings = { parallelism: Number(values.parallelism), mode: values.mode }
  const missing = values.peer === undefined ? 'not asked for (--peer flink)' : whyNoFlink()
  if (values.peer !== undefined && missing !== undefined) progress(missing)
  if (values.nexmark !== undefined) return nexmark(values.nexmark, { seconds, settings, withFlink: missing === undefined }, values.json)
  if (values.checkpoints !== undefined)
    return checkpoints(values.checkpoints, { seconds, settings, runs: Number(values.runs), withFlink: missing === undefined }, values.json)
  const rows = rowsOf(values.workload, values.keys === undefined ? undefined : Number(values.keys))
  const results: Result[] = []
  for (const row of rows) results.push(await measureRow(row, settings, seconds, Number(values.runs), missing === undefined))

  const thinPath: ThinPath[] = []
  for (const [index, row] of rows.entries()) {
    const ours = results[index]!.ours.map((f) => f.recordsPerSecond)
    if (row.workload.name !== 'window-tumbling' || row.keys !== 10_000 || settings.parallelism !== 2 || ours.length === 0) continue
    const mode = row.form === 'kernel' ? 'kernel' : 'row'
    thinPath.push({ mode: titleOf(row), prototype: await prototype(mode, seconds), ours: median(ours) })
  }

  const flink = missing ?? flinkVersions()
  const isWhole = values.workload === undefined && values.keys === undefined && seconds >= steadySeconds
  if (isWhole) progress('start, memory, rest, latency')
  const sections = isWhole ? [footprintText(await footprint(missing === undefined))] : []
  if (isWhole)
    writeResults({ results, thinPath, sections, command: `npm run bench -- ${process.argv.slice(2).join(' ')}`.trimEnd(), flink })
  const summary = {
    machine: machine(),
    flink,
    results: results.map((result) => ({ ...result, ratio: ratioOf(result) })),
    geometricMean: geometricMean(results),
    thinPath,
  }
  if (values.json) process.stdout.write(`${JSON.stringify(summary)}\n`)
  else {
    process.stdout.write(`${table(results)}\n${missedAims(results)}\n`)
    for (const { mode, prototype: p, ours } of thinPath)
      process.stdout.write(`${mode}: ${(ours / p).toFixed(2)} of the prototype's ${(p / 1e6).toFixed(1)} M records/s\n`)
  }
  return results.every((result) => result.failure === undefined)
}

try {
  if (!(await main())) process.exitCode = 1
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
