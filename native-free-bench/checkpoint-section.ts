/** The section of RESULTS.md on checkpoints. */
import { type CheckpointFigures, type Spread, together } from './checkpoint-figures.ts'
import { type CheckpointRow, costOf, type RestartRow, type Side } from './checkpoints.ts'
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
checkpoint out of the midst of each of our runs a job goes on to its end, whose rows must be right. Aims: 6 times Flink's records,
end to end 250 ms at p50, sync 10 ms at p99, windows at most 5 % slower than without checkpoints (pairs of runs, alternating; the
median of the pairs), and 1000 ms from a failure to the first record, with no delay of restarts.

${checkpointsText(rows, restarts)}
`
}
