/**
 * `npm run bench -- --checkpoints`: what a checkpoint a second costs, beside Flink's HashMap state in the same run, and how soon a job
 * that failed goes on. Each run's rows are counted, and it is gone on from one of its checkpoints, to its end.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type CheckpointFigures, figuresOf, parseFlinkFigures } from './checkpoint-figures.ts'
import { runFlink } from './flink-peer.ts'
import { headraceRun } from './headrace-command.ts'
import { median } from './results.ts'
import { calibrate, check, type Figures, type Row, type RunSettings, steady, timed } from './rows.ts'
import type { RestartReport } from './workloads/restart.ts'
import { state32 } from './workloads/state32.ts'
import { windowTumbling } from './workloads/window.ts'

export interface Side {
  readonly figures: Figures
  readonly checkpoints: CheckpointFigures
}

export interface CheckpointRow {
  readonly title: string
  /** Records a second and how they compare, pair by pair, with runs without checkpoints. */
  readonly without: readonly Figures[]
  readonly ours: readonly Side[]
  readonly peer: readonly Side[]
  readonly failure?: string
}

export interface RestartRow {
  readonly title: string
  readonly ms: readonly number[]
  readonly failure?: string
}

export interface CheckpointOptions {
  readonly seconds: number
  readonly runs: number
  readonly settings: RunSettings
  readonly withFlink: boolean
  readonly progress: (text: string) => void
  /** Instead of all. */
  readonly only?: string
}

const here = (file: string): URL => new URL(file, import.meta.url)

interface Case extends Row {
  readonly title: string
  /** Runs without checkpoints beside those with them. */
  readonly paired: boolean
  /** Of the peer. */
  readonly heap?: string
}

const state = { workload: state32, form: 'function', schema: 'declared' } as const
const cases: readonly Case[] = [
  { ...state, title: 'state32, 1,000,000 keys', keys: 1_000_000, paired: false },
  { ...state, title: 'state32, 10,000,000 keys', keys: 10_000_000, paired: false, heap: '12g' },
  {
    workload: windowTumbling,
    form: 'kernel',
    schema: 'declared',
    title: 'window-tumbling, 10,000 keys, kernel',
    keys: 10_000,
    paired: true,
  },
]

export async function compareCheckpoints(options: CheckpointOptions): Promise<{ rows: CheckpointRow[]; restarts: RestartRow[] }> {
  const isAsked = (title: string): boolean => options.only === undefined || title.startsWith(options.only)
  const folder = mkdtempSync(path.join(tmpdir(), 'headrace-checkpoints-'))
  const rows: CheckpointRow[] = []
  const restarts: RestartRow[] = []
  try {
    for (const each of cases) if (isAsked(each.title)) rows.push(await compare(each, options, folder))
    for (const failure of ['throws', 'lost'] as const) if (isAsked('restart')) restarts.push(await restart(failure, options, folder))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return { rows, restarts }
}

async function compare(row: Case, options: CheckpointOptions, folder: string): Promise<CheckpointRow> {
  const { seconds, runs, withFlink, progress } = options
  const { title } = row
  const settings: RunSettings = { ...options.settings, checkpoints: path.join(folder, 'ours') }
  let records = 0
  let peerSeconds = seconds * 1.15
  const result = { title, without: [] as Figures[], ours: [] as Side[], peer: [] as Side[] }
  try {
    progress(`${title}: checking`)
    await check(row, settings)
    records = await calibrate(row, seconds, settings)
    for (let i = 0; i < runs; i++) {
      // Which of a pair goes first changes from pair to pair.
      const pair = [() => withCheckpoints(), ...(row.paired ? [() => without()] : [])]
      for (const side of i % 2 === 0 ? pair : pair.reverse()) await side()
      if (withFlink) await flink()
    }
    return result
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error)
    progress(`${title}: ${failure}`)
    return { ...result, failure: failure.split('\n')[0]! }
  }

  async function without(): Promise<void> {
    result.without.push(await steady(seconds, records, (size) => timed(row, size, options.settings)))
    progress(`${title}: ${rate(result.without.at(-1)!)} without checkpoints`)
  }
  async function withCheckpoints(): Promise<void> {
    rmSync(settings.checkpoints!, { recursive: true, force: true })
    const figures = await steady(seconds, records, (size) => {
      records = size
      return timed(row, size, settings)
    })
    const checkpoints = figuresOf(figures.checkpoints!)
    progress(`${title}: ${rate(figures)}, end to end ${checkpoints.endToEndMs.p50} ms`)
    await goOn(row, figures, settings)
    result.ours.push({ figures, checkpoints })
  }
  async function flink(): Promise<void> {
    const figures = await steady(seconds, peerSeconds, (size) => {
      peerSeconds = size
      const args = [...row.workload.peer({ ...row, records }), 'ckpt=1000', `dir=${path.join(folder, 'flink')}`]
      return runFlink(args, options.settings.parallelism, size, row.heap)
    })
    const checkpoints = parseFlinkFigures(figures.output)
    progress(`${title}: Flink ${rate(figures)}, end to end ${checkpoints.endToEndMs.p50} ms`)
    result.peer.push({ figures, checkpoints })
    rmSync(path.join(folder, 'flink'), { recursive: true, force: true })
  }
}

const rate = ({ recordsPerSecond }: Figures): string => `${(recordsPerSecond / 1e6).toFixed(2)} M records/s`

/** From a checkpoint of a timed run to its end. */
async function goOn(row: Case, { checkpoints, records }: Figures, settings: RunSettings): Promise<void> {
  const kept = checkpoints!.kept
  if (kept === undefined) throw new Error(`${row.title}: no checkpoint was complete before the input had ended: let it run for longer`)
  const text = await headraceRun(
    {
      ...{ program: here('workloads/restored.ts'), parallelism: settings.parallelism, mode: settings.mode },
      define: [`execution.state-recovery.path=${kept}`],
      args: { workload: row.workload.name, records, keys: row.keys },
    },
    'pipe',
  )
  const counters = JSON.parse(text) as Record<string, number>
  if (row.workload === state32) {
    if (counters.wrong !== 0 || !(counters.seen! > 0))
      throw new Error(`${row.title}: ${counters.wrong} of ${counters.seen} keys are wrong in a job that went on from ${kept}`)
    return
  }
  const sizes = Object.entries(counters).sort(([a], [b]) => Number(a) - Number(b))
  const wrong = sizes.slice(0, -1).filter(([, size]) => size !== 1_000_000)
  if (sizes.length < 2 || wrong.length > 0)
    throw new Error(
      `${row.title}: windows of a job that went on from ${kept} hold ${wrong.map(([end, size]) => `${size} (${end})`).join(', ')}`,
    )
}

const restartTitles = {
  throws: 'a function throws, 1,000,000 keys: ms until the first record',
  lost: 'a thread is lost, 1,000,000 keys: ms until the first record',
} as const

async function restart(failure: 'throws' | 'lost', { settings, runs, progress }: CheckpointOptions, folder: string): Promise<RestartRow> {
  const title = restartTitles[failure]
  const ms: number[] = []
  try {
    for (let i = 0; i < runs + 2; i++) {
      const checkpoints = path.join(folder, `restart-${failure}-${i}`)
      mkdirSync(checkpoints)
      const args = { records: 24_000_000, failsAt: 18_000_001, keys: 1_000_000, checkpoints, failure }
      const text = await headraceRun(
        { program: here('workloads/restart.ts'), parallelism: settings.parallelism, mode: settings.mode, define: [], args },
        'pipe',
      )
      const report = JSON.parse(text) as RestartReport
      if (report.numRestarts !== 1 || report.restoredCheckpointId === undefined || report.wrong !== 0 || report.seen === 0)
        throw new Error(`${title}: it did not go on as it should: ${text.trim()}`)
      ms.push(report.ms)
      progress(`${title}: ${report.ms}`)
      rmSync(checkpoints, { recursive: true })
    }
    return { title, ms }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    progress(`${title}: ${reason}`)
    return { title, ms, failure: reason.split('\n')[0]! }
  }
}

/** How much slower than the run without them of its pair; the median. */
export function costOf({ ours, without }: CheckpointRow): number | undefined {
  if (without.length === 0 || ours.length !== without.length) return undefined
  return median(ours.map(({ figures }, i) => 1 - figures.recordsPerSecond / without[i]!.recordsPerSecond))
}
