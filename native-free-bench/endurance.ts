/**
 * Whether a job that goes on for ever stays as large as it is: workloads/endurance.ts for some minutes, and a line fitted to the least
 * memory of each minute, all but the first fifth. Growth is a line that climbs by 1 MB a minute or more. The least, because in between
 * V8 lets garbage gather for minutes, and a small heap for the threads, so that it does so less.
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
  /** Mean of the least in each minute. */
  readonly floorMb: number
  readonly maxMb: number
  readonly mbPerMinute: number
}

export const allowedMbPerMinute = 1
const heapSize = '128mb'
/** Until tables, dictionaries and code are as large as they get. */
const warmPart = 0.2

export const grows = ({ rss, heap }: Endurance): boolean => rss.mbPerMinute >= allowedMbPerMinute || heap.mbPerMinute >= allowedMbPerMinute

type Points = readonly (readonly [second: number, mb: number])[]

/** The least point of each minute, or of each eighth where that is shorter. */
function floorOf(points: Points): Points {
  const from = points[0]![0]
  const span = points.at(-1)![0] - from
  const windows = Math.max(8, Math.floor(span / 60))
  const least = new Map<number, Points[number]>()
  for (const point of points) {
    // The last point belongs to the last window: alone in one of its own it would be no least of anything.
    const at = Math.min(windows - 1, Math.floor(((point[0] - from) / span) * windows))
    if (point[1] < (least.get(at)?.[1] ?? Number.POSITIVE_INFINITY)) least.set(at, point)
  }
  return [...least.values()]
}

/** Least squares over the floor of (second, MB), in the order of time. */
export function trendOf(all: Points): Trend {
  if (all.length < 2) throw new Error(`${all.length} samples of memory are too few for a trend`)
  const points = floorOf(all)
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const covariance = mean(points.map(([x, y]) => (x - meanX) * (y - meanY)))
  const variance = mean(points.map(([x]) => (x - meanX) ** 2))
  return { floorMb: meanY, maxMb: Math.max(...all.map(([, y]) => y)), mbPerMinute: (60 * covariance) / variance }
}

export async function endurance(seconds: number, rate: number): Promise<Endurance> {
  const program = new URL('workloads/endurance.ts', import.meta.url)
  const text = await headraceRun(
    { program, parallelism: 2, mode: 'threads', define: [`taskmanager.memory.task.heap.size=${heapSize}`], args: { seconds, rate } },
    'pipe',
  )
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
  const row = (name: string, { floorMb, maxMb, mbPerMinute }: Trend): string =>
    `| ${name} | ${floorMb.toFixed(0)} | ${maxMb.toFixed(0)} | ${mbPerMinute.toFixed(2)} |`
  return `## Endurance

${result.seconds} s at ${rate.toLocaleString('en')} records/s in 2 threads, 5,000 new keys a second, windows, state and processing-time timers; a line
fitted to the least of each minute, all but the first fifth; heaps of ${heapSize} a thread. Aim: below ${allowedMbPerMinute} MB a minute.

| memory, MB | least of a minute | max | growth, MB a minute |
| --- | --- | --- | --- |
${row('resident', result.rss)}
${row('heaps', result.heap)}
`
}
