/**
 * Least, greatest, mean and percentiles of numbers, as Flink's bodies have them; a double without a value is the text "NaN". Pure.
 */

type Double = number | 'NaN'

export interface StatsSummary {
  readonly min: number
  readonly max: number
  readonly avg: number
  readonly p50: Double
  readonly p90: Double
  readonly p95: Double
  readonly p99: Double
  readonly p999: Double
}

/** Of whole numbers: what is not is rounded, as Java's longs cannot read it. */
export function summaryOf(values: readonly number[]): StatsSummary {
  const sorted = values.map(Math.round).sort((a, b) => a - b)
  const at = (percent: number): Double => percentile(sorted, percent) ?? 'NaN'
  const [min, max] = [sorted[0] ?? 0, sorted.at(-1) ?? 0]
  return { min, max, avg: Math.floor(mean(sorted)), p50: at(50), p90: at(90), p95: at(95), p99: at(99), p999: at(99.9) }
}

export interface Distribution {
  readonly min: number
  readonly max: number
  readonly avg: number
  readonly sum: number
  readonly median: number
  readonly p25: number
  readonly p75: number
  readonly p95: number
}

/** Of one figure over the subtasks of a vertex. */
export function distributionOf(values: readonly number[]): Distribution {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (percent: number): number => Math.floor(percentile(sorted, percent) ?? 0)
  const sum = sorted.reduce((total, value) => total + value, 0)
  const [min, max] = [sorted[0] ?? 0, sorted.at(-1) ?? 0]
  return { min, max, avg: Math.floor(mean(sorted)), sum, median: at(50), p25: at(25), p75: at(75), p95: at(95) }
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

/** Between two values as commons-math, which Flink uses, estimates it. */
function percentile(sorted: readonly number[], percent: number): number | undefined {
  if (sorted.length === 0) return undefined
  const position = (percent / 100) * (sorted.length + 1)
  if (position < 1) return sorted[0]
  if (position >= sorted.length) return sorted.at(-1)
  const [lower, upper] = [sorted[Math.floor(position) - 1]!, sorted[Math.floor(position)]!]
  return lower + (position - Math.floor(position)) * (upper - lower)
}
