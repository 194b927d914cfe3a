/**
 * The results as a table: for a terminal, and RESULTS.md. Every figure is minimum / median / maximum over the runs; a ratio
 * is that of the medians.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { aims, meanAim } from './explanations.ts'
import type { Figures } from './rows.ts'

export interface Result {
  readonly title: string
  readonly ours: readonly Figures[]
  readonly peer: readonly Figures[]
  /** Why there is no figure. */
  readonly failure?: string
}

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
const million = (value: number): string => (value / 1e6).toFixed(value < 1e7 ? 2 : 1)
const spread = (values: readonly number[]): string =>
  values.length === 0 ? '' : [Math.min(...values), median(values), Math.max(...values)].map(million).join(' / ')

export function ratioOf(
  { ours, peer }: Result,
  figure: 'recordsPerSecond' | 'recordsPerCoreSecond' = 'recordsPerSecond',
): number | undefined {
  return ours.length === 0 || peer.length === 0 ? undefined : median(ours.map((f) => f[figure])) / median(peer.map((f) => f[figure]))
}

/** A ratio counts when both sides ran steadily for that long. */
export const steadySeconds = 10
const isSteady = ({ ours, peer }: Result): boolean => [...ours, ...peer].every((f) => f.seconds >= steadySeconds)

function line(result: Result): string[] {
  const { title, ours, peer, failure } = result
  if (failure !== undefined) return [title, failure, '', '', '', '']
  const ratio = ratioOf(result)
  return [
    title,
    spread(ours.map((f) => f.recordsPerSecond)),
    spread(ours.map((f) => f.recordsPerCoreSecond)),
    spread(peer.map((f) => f.recordsPerSecond)),
    ratio === undefined ? '' : `${ratio.toFixed(2)}${isSteady(result) ? '' : ' *'}${ours.every((f) => f.rows !== undefined) ? '' : ' †'}`,
    aims[title] === undefined ? '' : String(aims[title].ratio),
  ]
}

export function table(results: readonly Result[]): string {
  const head = ['workload', 'M records/s, min / med / max', 'M records per core-second', 'Flink, M records/s', 'ratio', 'aim']
  const rows = [head, head.map(() => '---'), ...results.map(line)]
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** Rows that miss their aim, and why; empty when none does. */
export function missedAims(results: readonly Result[]): string {
  const rows = results.flatMap((result) => {
    const aim = aims[result.title]
    const ratio = ratioOf(result)
    if (aim === undefined || ratio === undefined || ratio >= aim.ratio) return []
    return [`| ${result.title} | ${aim.ratio} | ${ratio.toFixed(2)} | ${aim.whereTheTimeGoes ?? 'not looked into yet'} |`]
  })
  return rows.length === 0
    ? ''
    : ['| below its aim | aim | reached | where the time goes |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

export function geometricMean(results: readonly Result[]): number | undefined {
  const ratios = results.map((result) => ratioOf(result)).filter((ratio) => ratio !== undefined)
  return ratios.length === 0 ? undefined : Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length)
}

export interface Report {
  readonly results: readonly Result[]
  readonly thinPath: readonly ThinPath[]
  /** Further sections, as text. */
  readonly sections: readonly string[]
  readonly command: string
  readonly flink: string
}

/** Our window workload against the prototype that cuts every corner. */
export interface ThinPath {
  readonly mode: string
  readonly prototype: number
  readonly ours: number
}

export function machine(): string {
  return `${os.availableParallelism()} x ${os.cpus()[0]?.model.trim() ?? 'unknown processor'}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.type()} ${os.release()}, Node ${process.versions.node}`
}

const file = new URL('RESULTS.md', import.meta.url)
/** Sections that commands of their own write, in their order behind what the workloads' command writes. */
const sections = ['Checkpoints', 'Nexmark'] as const

const startOf = (text: string, section: string): number => text.indexOf(`\n## ${section}\n`)

/** RESULTS.md as the workloads' part and the sections with their headings, where there are any. */
function parts(): { workloads: string; sections: Map<string, string> } {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '# Results\n'
  const starts = sections.map((section) => startOf(text, section)).filter((at) => at >= 0)
  const endOf = (start: number): number => Math.min(text.length, ...starts.filter((at) => at > start))
  const found = sections.flatMap((section): [string, string][] => {
    const start = startOf(text, section)
    return start < 0 ? [] : [[section, text.slice(start + 1, endOf(start))]]
  })
  return { workloads: text.slice(0, endOf(-1)), sections: new Map(found) }
}

function write(workloads: string, kept: ReadonlyMap<string, string>): void {
  const texts = [workloads, ...sections.flatMap((section) => kept.get(section) ?? [])]
  writeFileSync(file, `${texts.map((text) => text.trimEnd()).join('\n\n')}\n`)
}

/** `text` begins with its heading. */
export function writeSection(section: (typeof sections)[number], text: string): void {
  const { workloads, sections: kept } = parts()
  write(workloads, kept.set(section, text))
}

export function writeResults(report: Report): void {
  const mean = geometricMean(report.results)
  const text = `# Results

Taken ${new Date().toISOString().slice(0, 10)} by \`${report.command}\` on ${machine()}.
Peer: ${report.flink}.

Both sides run alternately in one run, each in a process of its own, at the parallelism of the command. Measured is the
steady part: from 10 % of the records read until the job has ended. Every timed run is held to the number of rows that must
come out, and a smaller run before it to the rows themselves. Only ratios hold from one machine, or hour, to the next; a
ratio with * comes from runs shorter than ${steadySeconds} s and does not count; with † the engine did not tell the rows of the
sink in the timed runs, so that only the smaller run was checked. "kernel" uses built-in aggregates, "function" a user
function in their place. peers/flink/README.md defines the workloads.

${table(report.results)}

${missedAims(report.results)}

${mean === undefined ? '' : `Geometric mean of the ratios: ${mean.toFixed(2)}; the aim is ${meanAim}.\n`}
## Against the prototype

prototype/thin-path.mjs runs window-tumbling with 10,000 keys, with every corner cut that a real engine may not cut. The
aim for the declared schema is 0.7 of it.

| form | prototype, M records/s | ours | part |
| --- | --- | --- | --- |
${report.thinPath.map((t) => `| ${t.mode} | ${million(t.prototype)} | ${million(t.ours)} | ${(t.ours / t.prototype).toFixed(2)} |`).join('\n')}

${report.sections.join('\n')}`
  write(text, parts().sections)
}
