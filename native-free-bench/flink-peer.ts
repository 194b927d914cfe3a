/**
 * Real Flink beside us: builds peers/flink where Maven and Java are, and runs one workload in a JVM of its own.
 */
import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Figures } from './rows.ts'

const folder = fileURLToPath(new URL('peers/flink/', import.meta.url))

/** undefined: it can run here; else why not. */
export function whyNoFlink(): string | undefined {
  for (const tool of ['java', 'mvn']) {
    if (spawnSync(tool, ['-version']).error !== undefined)
      return `Flink is left out: ${tool} is not on the PATH (Java 17 and Maven build peers/flink)`
  }
  return undefined
}

export function flinkVersions(): string {
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' }).stderr.split('\n')[0] ?? ''
  return `Flink 2.3.0, ${java.trim()}, G1, 4 GB heap, object reuse on`
}

export interface FlinkFigures extends Figures {
  /** All that it printed. */
  readonly output: string
}

/** One run after a warm-up in the same JVM, whose rate decides how many records make a run of so many seconds. */
export async function runFlink(args: readonly string[], parallelism: number, seconds: number, heap = '4g'): Promise<FlinkFigures> {
  const { stdout } = await promisify(execFile)('./run.sh', [...args, `p=${parallelism}`, `secs=${seconds.toFixed(2)}`, 'runs=1'], {
    cwd: folder,
    env: { ...process.env, HEAP: heap },
    maxBuffer: 1 << 24,
  })
  const steady = /steady ([\d.]+) s/.exec(stdout)
  const result = /RESULT .*\| med ([\d.]+) \| .*\| med ([\d.]+) M rec\/core-s/.exec(stdout)
  if (steady === null || result === null) throw new Error(`peers/flink/run.sh ${args.join(' ')} printed no result:\n${stdout}`)
  return {
    ...{ recordsPerSecond: Number(result[1]) * 1e6, recordsPerCoreSecond: Number(result[2]) * 1e6, seconds: Number(steady[1]) },
    output: stdout,
  }
}
