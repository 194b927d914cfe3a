/** The section of RESULTS.md on checkpoints. */
import { type CheckpointFigures, type Spread, together } from './checkpoint-figures.ts'
import { type CheckpointRow, costOf, type RestartRow, type Side } from './checkpoints.ts'
import { checkpointAims as aims, whereCheckpointsGo } from './explanations.ts'
import { median } from './results.ts'

const million = (values: readonly number[]): string =>
  values.length === 0 ? '' : [Math.min(...values), median(values), Math.max(...values)].map((value) => (value / 1e6).toFixed(2)).join(' / ')
const rates = (sides: readonly Side[]): number[] => sides.map(({ figures }) => figures.recordsPerSecond)
const ms = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0))
const spread = ({ p50, p99, max }: Spread): string => [p50, p99, max].map(ms).join(' / ')

function lines(row: CheckpointRow): string[][] {
  const { title, ours, peer, failure } = row
  if (failure !== undefined) return [[title, failure, '', '', '', '', '', '']]
  const ratio = peer.length === 0 ? '' : (median(rates(ours)) / median(rates(peer))).toFixed(2)
  const line = (name: string, sides: readonly Side[], compared: string): string[] => {
    const figures: CheckpointFigures = together(sides.map(({ checkpoints }) => checkpoints))
    const { completed, failed, endToEndMs, syncMs, asyncMs, sizeMb } = figures
    const taken = failed === 0 ? String(completed) : `${completed}, ${failed} failed`
    return [name, million(rates(sides)), compared, taken, spread(endToEndMs), spread(syncMs), spread(asyncMs), sizeMb.toFixed(1)]
  }
  return [line(title, ours, ratio), ...(peer.length === 0 ? [] : [line(`${title}: Flink`, peer, '')])]
}

/** What a job misses, as the table says it. Only state32 has aims for the checkpoints themselves. */
function missedBy(row: CheckpointRow): string[] {
  if (row.failure !== undefined || row.ours.length === 0) return []
  const cost = costOf(row)
  if (cost !== undefined) return cost > aims.slowerBy ? [`${(cost * 100).toFixed(1)} % slower`] : []
  const { endToEndMs, syncMs } = together(row.ours.map(({ checkpoints }) => checkpoints))
  const ratio = row.peer.length === 0 ? undefined : median(rates(row.ours)) / median(rates(row.peer))
  return [
    ...(ratio !== undefined && ratio < aims.ratio ? [`${ratio.toFixed(2)} times the peer`] : []),
    ...(endToEndMs.p50 > aims.endToEndMs ? [`${ms(endToEndMs.p50)} ms end to end`] : []),
    ...(syncMs.p99 > aims.syncMs ? [`sync ${ms(syncMs.p99)} ms`] : []),
  ]
}

/** Where the time goes, of jobs that miss an aim. */
export function missesText(rows: readonly CheckpointRow[]): string[] {
  const lines = rows.flatMap((row) => {
    const missed = missedBy(row)
    return missed.length === 0 ? [] : [`- ${row.title} (${missed.join(', ')}): ${whereCheckpointsGo[row.title] ?? 'not explained yet'}.`]
  })
  return lines.length === 0 ? [] : [`Aims missed, and where the time goes:\n\n${lines.join('\n')}`]
}

export function checkpointsText(rows: readonly CheckpointRow[], restarts: readonly RestartRow[]): string {
  const head = ['job', 'M records/s, min / med / max', 'ratio', 'completed', 'end to end, ms', 'sync, ms', 'async, ms', 'MB']
  const table = (cells: readonly (readonly string[])[]): string => cells.map((line) => `| ${line.join(' | ')} |`).join('\n')
  const costs = rows.flatMap((row) => {
    const cost = costOf(row)
    return cost === undefined ? [] : [[row.title, million(row.without.map((f) => f.recordsPerSecond)), `${(cost * 100).toFixed(1)} %`]]
  })
  const parts = [table([head, head.map(() => '---'), ...rows.flatMap(lines)])]
  if (costs.length > 0)
    parts.push(table([['without checkpoints', 'M records/s, min / med / max', 'slower with them'], ['---', '---', '---'], ...costs]))
  if (restarts.length > 0) {
    const cells = restarts.map(({ title, ms: all, failure }) => [
      title,
      failure ?? [Math.min(...all), median(all), Math.max(...all)].map((value) => value.toFixed(0)).join(' / '),
    ])
    parts.push(table([['restart', 'min / med / max'], ['---', '---'], ...cells]))
  }
  parts.push(...missesText(rows))
  return parts.join('\n\n')
}

export function checkpointsSection(
  rows: readonly CheckpointRow[],
  restarts: readonly RestartRow[],
  command: string,
  flink: string,
): string {
  return `## Checkpoints

Taken ${new Date().toISOString().slice(0, 10)} by \`${command}\`. Peer: ${flink}, HashMap state.

A checkpoint every second, exactly once, into a local folder; both sides in one run, alternately. Durations are p50 / p99 / max over
the checkpoints of a run (of several runs: the median p50, the greatest of the others), "sync" and "async" those of the slowest
task of each; our "sync" is all the time in which a task took no input, and our files are on the disk (fsync) before a checkpoint is
complete. state32 holds four whole numbers a key and reads and writes them at each record; a side's state has the keys that its
records have reached, which is fewer than all where it reads few records (MB). Every run's rows are counted, a smaller one's are looked at, and from a
checkpoint out of the midst of each of our runs a job goes on to its end, whose rows must be right. Aims of state32: ${aims.ratio} times Flink's records,
end to end ${aims.endToEndMs} ms at p50, sync ${aims.syncMs} ms at p99; windows: at most ${aims.slowerBy * 100} % slower than without checkpoints (pairs of runs, alternating; the
median of the pairs); and ${aims.restartMs} ms from a failure to the first record, with no delay of restarts.

${checkpointsText(rows, restarts)}
`
}
