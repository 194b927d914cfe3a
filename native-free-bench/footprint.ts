/**
 * What a job costs beside its records: start-up, memory, processor time at rest, and latency in the open model; whole
 * processes, looked at from outside. Memory and idle time are read from /proc, so they are Linux's.
 */
import { execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { headraceRun } from './headrace-command.ts'
import { median } from './results.ts'

export interface Footprint {
  readonly startMs: readonly number[]
  readonly flinkStartMs: readonly number[]
  /** Peak resident memory of a 2-slot window job over 10,000 numeric keys, in MB. */
  readonly memoryMb: number | undefined
  /** Part of one core that a job at rest takes. */
  readonly idleCores: number | undefined
  readonly latency: readonly { readonly timeoutMs: number; readonly cores: number; readonly ms: Readonly<Record<string, number>> }[]
}

const here = (path: string): URL => new URL(path, import.meta.url)

async function startTimes(runs: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < runs; i++) {
    const from = performance.now()
    await headraceRun({ program: here('workloads/one-record.ts'), parallelism: 2, mode: 'threads', define: [], args: {} }, 'inherit')
    times.push(performance.now() - from)
  }
  return times
}

async function flinkStartTimes(runs: number): Promise<number[]> {
  const cwd = fileURLToPath(here('peers/flink/'))
  const run = () => promisify(execFile)('./run.sh', ['one'], { cwd, maxBuffer: 1 << 24 })
  await run() // builds, and fills the page cache
  const times: number[] = []
  for (let i = 0; i < runs; i++) {
    const from = performance.now()
    await run()
    times.push(performance.now() - from)
  }
  return times
}

interface Process {
  readonly pid: number
  readonly ended: Promise<number | null>
}

function start(program: string, args: readonly string[]): Process {
  const command = fileURLToPath(here('../dist/bin/headrace.js'))
  const child = spawn(process.execPath, [command, 'run', fileURLToPath(here(program)), '-p', '2', '--', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return { pid: child.pid!, ended: new Promise((resolve) => child.once('close', resolve)) }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function peakMemoryMb(): Promise<number | undefined> {
  if (!existsSync('/proc/self/status')) return undefined
  const job = start('workloads/program.ts', [
    '--workload=window-tumbling',
    '--records=60000000',
    '--keys=10000',
    '--form=kernel',
    '--schema=declared',
  ])
  let peak = 0
  let isOver = false
  const over = job.ended.then(() => {
    isOver = true
  })
  while (!isOver) {
    const status = existsSync(`/proc/${job.pid}/status`) ? readFileSync(`/proc/${job.pid}/status`, 'utf8') : ''
    peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0))
    await Promise.race([over, sleep(50)])
  }
  return peak / 1024
}

async function idleCores(): Promise<number | undefined> {
  if (!existsSync('/proc/self/stat')) return undefined
  const job = start('workloads/idle.ts', ['--seconds=13'])
  // utime and stime are in hundredths of a second.
  const cpuSeconds = () => {
    const fields = readFileSync(`/proc/${job.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  }
  await sleep(2000)
  const before = cpuSeconds()
  await sleep(10_000)
  const used = cpuSeconds() - before
  await job.ended
  return used / 10
}

type Latency = Footprint['latency'][number]

/** The median of three runs in each figure: one stall of the machine, 20 ms long, is all that lies beyond p99.9 of a run. */
async function latency(timeoutMs: number): Promise<Latency> {
  const runs: Latency[] = []
  for (let i = 0; i < 3; i++) runs.push(await latencyOnce(timeoutMs))
  const ms = Object.fromEntries(Object.keys(runs[0]!.ms).map((name) => [name, median(runs.map((run) => run.ms[name]!))]))
  return { timeoutMs, cores: median(runs.map((run) => run.cores)), ms }
}

async function latencyOnce(timeoutMs: number): Promise<Latency> {
  const args = { rate: 100_000, seconds: 12, warm: 6, timeout: timeoutMs }
  return JSON.parse(await headraceRun({ program: here('workloads/latency.ts'), parallelism: 1, mode: 'threads', define: [], args }, 'pipe'))
}

export async function footprint(withFlink: boolean): Promise<Footprint> {
  return {
    startMs: await startTimes(9),
    flinkStartMs: withFlink ? await flinkStartTimes(3) : [],
    memoryMb: await peakMemoryMb(),
    idleCores: await idleCores(),
    latency: [await latency(0), await latency(5)],
  }
}

export function footprintText({ startMs, flinkStartMs, memoryMb, idleCores: idle, latency: rows }: Footprint): string {
  const span = (ms: readonly number[]) =>
    ms.length === 0 ? 'not run' : [Math.min(...ms), median(ms), Math.max(...ms)].map((v) => v.toFixed(0)).join(' / ')
  const columns = ['p50', 'p90', 'p99', 'p999', 'p9999', 'max']
  return `## Start, memory, rest

| what | figure | aim |
| --- | --- | --- |
| one-record job, process start to exit, threads, parallelism 2, ms, min / med / max | ${span(startMs)} | 500 |
| the same in Flink (MiniCluster in a JVM) | ${span(flinkStartMs)} | |
| peak resident memory, 2 slots, windows over 10,000 numeric keys, MB | ${memoryMb?.toFixed(0) ?? 'not Linux'} | 250 |
| processor time of a job at rest, part of one core | ${idle === undefined ? 'not Linux' : `${(idle * 100).toFixed(1)} %`} | 1 % |

## Latency

100,000 records/s on a fixed schedule (open model), keyed running sum over 10,000 keys, parallelism 1, 12 s after 6 s of warm-up;
ms from the time a record was due to the sink, the median of three runs. Aims: p50 1, p99 3, p99.99 10.

| buffer timeout | ${columns.join(' | ')} | cores |
| --- | ${columns.map(() => '---').join(' | ')} | --- |
${rows.map((row) => `| ${row.timeoutMs} ms | ${columns.map((name) => row.ms[name]!.toFixed(2)).join(' | ')} | ${row.cores.toFixed(2)} |`).join('\n')}
`
}
