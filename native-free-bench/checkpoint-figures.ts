/** The figures of the checkpoints of one run, of either side. */
import type { TakenCheckpoints } from './workloads/taken-checkpoints.ts'

export interface Spread {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface CheckpointFigures {
  readonly completed: number
  readonly failed: number
  readonly endToEndMs: Spread
  /** The slowest task's of each checkpoint, as the asynchronous part. */
  readonly syncMs: Spread
  readonly asyncMs: Spread
  /** Of the largest. */
  readonly sizeMb: number
}

/** As the peer takes them. */
function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1)! }
}

export function figuresOf({ completed, failed }: TakenCheckpoints): CheckpointFigures {
  if (completed.length === 0) throw new Error(`no checkpoint was completed, and ${failed} failed`)
  return {
    ...{ completed: completed.length, failed },
    endToEndMs: spreadOf(completed.map(({ durationMs }) => durationMs)),
    syncMs: spreadOf(completed.map(({ syncMs }) => syncMs)),
    asyncMs: spreadOf(completed.map(({ asyncMs }) => asyncMs)),
    sizeMb: Math.max(...completed.map(({ sizeBytes }) => sizeBytes)) / 1e6,
  }
}

/** Of the line CKPT that peers/flink prints. */
export function parseFlinkFigures(output: string): CheckpointFigures {
  const line = /^CKPT (\d+) completed, (\d+) not; (.*)$/m.exec(output)
  const size = /max size ([\d.]+) MB/.exec(line?.[3] ?? '')
  if (line === null || size === null) throw new Error(`peers/flink/run.sh told nothing of checkpoints:\n${output}`)
  const spread = (name: string): Spread => {
    const found = new RegExp(`${name} min \\d+ p50 (\\d+) p99 (\\d+) max (\\d+) ms`).exec(line[3]!)
    if (found === null) throw new Error(`peers/flink/run.sh told nothing of '${name}': ${line[0]}`)
    return { p50: Number(found[1]), p99: Number(found[2]), max: Number(found[3]) }
  }
  return {
    ...{ completed: Number(line[1]), failed: Number(line[2]), sizeMb: Number(size[1]) },
    ...{ endToEndMs: spread('end-to-end'), syncMs: spread('sync'), asyncMs: spread('; async') },
  }
}

/** Several runs as one: the median of the medians, the greatest of the rest. */
export function together(runs: readonly CheckpointFigures[]): CheckpointFigures {
  const spread = (of: (run: CheckpointFigures) => Spread): Spread => ({
    p50: spreadOf(runs.map((run) => of(run).p50)).p50,
    p99: Math.max(...runs.map((run) => of(run).p99)),
    max: Math.max(...runs.map((run) => of(run).max)),
  })
  const sum = (of: (run: CheckpointFigures) => number): number => runs.reduce((total, run) => total + of(run), 0)
  return {
    ...{ completed: sum((run) => run.completed), failed: sum((run) => run.failed), sizeMb: Math.max(...runs.map((run) => run.sizeMb)) },
    ...{ endToEndMs: spread((run) => run.endToEndMs), syncMs: spread((run) => run.syncMs), asyncMs: spread((run) => run.asyncMs) },
  }
}
