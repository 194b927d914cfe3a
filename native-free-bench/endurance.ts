/**
 * Whether a job that goes on for ever stays as large as it is: workloads/endurance.ts for some minutes, and a line fitted to its
 * memory over all but the first fifth. Growth is a line that climbs by 1 MB a minute or more.
 */
import { headraceRun } from './headrace-command.ts'
import type { MemorySample } from './workloads/endurance.ts'

export interface Endurance {
  readonly seconds: number
  readonly samples: number
  readonly rss: Trend
  /** All heaps together. */
  readonly heap: Trend
}

export interface Trend {
  readonly meanMb: number
  readonly maxMb: number
  readonly mbPerMinute: number
}

export const allowedMbPerMinute = 1
/** Until tables, dictionaries and code are as large as they get. */
const warmPart = 0.2

export const grows = ({ rss, heap }: Endurance): boolean => rss.mbPerMinute >= allowedMbPerMinute || heap.mbPerMinute >= allowedMbPerMinute

/** Least squares over (second, MB). */
export function trendOf(points: readonly (readonly [second: number, mb: number])[]): Trend {
  if (points.length < 2) throw new Error(`${points.length} samples of memory are too few for a trend`)
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const covariance = mean(points.map(([x, y]) => (x - meanX) * (y - meanY)))
  const variance = mean(points.map(([x]) => (x - meanX) ** 2))
  return { meanMb: meanY, maxMb: Math.max(...points.map(([, y]) => y)), mbPerMinute: (60 * covariance) / variance }
}

export async function endurance(seconds: number, rate: number): Promise<Endurance> {
  const program = new URL('workloads/endurance.ts', import.meta.url)
  const text = await headraceRun({ program, parallelism: 2, mode: 'threads', define: [], args: { seconds, rate } }, 'pipe')
  const all = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as MemorySample)
  // The last samples are of a job that is ending.
  const steady = all.filter(({ second }) => second >= seconds * warmPart && second < seconds - 2)
  const heaps = new Map<number, Map<number, number>>()
  for (const { second, subtask = -1, heapMb } of steady) heaps.set(second, (heaps.get(second) ?? new Map()).set(subtask, heapMb))
  const whole = [...heaps].filter(([, parts]) => parts.size === 3)
  return {
    seconds,
    samples: steady.length,
    rss: trendOf(steady.flatMap(({ second, rssMb }) => (rssMb === undefined ? [] : [[second, rssMb] as const]))),
    heap: trendOf(whole.map(([second, parts]) => [second, [...parts.values()].reduce((sum, part) => sum + part, 0)])),
  }
}

export function enduranceText(result: Endurance, rate: number): string {
  const row = (name: string, { meanMb, maxMb, mbPerMinute }: Trend): string =>
    `| ${name} | ${meanMb.toFixed(0)} | ${maxMb.toFixed(0)} | ${mbPerMinute.toFixed(2)} |`
  return `## Endurance

${result.seconds} s at ${rate.toLocaleString('en')} records/s in 2 threads, 5,000 new keys a second, windows, state and processing-time timers; a line
fitted to all but the first fifth. Aim: below ${allowedMbPerMinute} MB a minute.

| memory, MB | mean | max | growth, MB a minute |
| --- | --- | --- | --- |
${row('resident', result.rss)}
${row('heaps', result.heap)}
`
}
