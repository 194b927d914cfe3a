/**
 * Durations as Flink's configuration writes them ("10 s", "5min", "200" = 200 ms), kept as milliseconds everywhere else.
 */

const msOfUnit: readonly (readonly [names: readonly string[], ms: number])[] = [
  [['d', 'day', 'days'], 86_400_000],
  [['h', 'hour', 'hours'], 3_600_000],
  [['m', 'min', 'minute', 'minutes'], 60_000],
  [['s', 'sec', 'second', 'seconds'], 1000],
  [['ms', 'milli', 'millis', 'millisecond', 'milliseconds', ''], 1],
  [['us', 'µs', 'micro', 'micros', 'microsecond', 'microseconds'], 1e-3],
  [['ns', 'nano', 'nanos', 'nanosecond', 'nanoseconds'], 1e-6],
]

/** Milliseconds of a duration's text, or undefined when it is none. A number alone is milliseconds, as in Flink. */
export function parseDuration(text: string): number | undefined {
  const match = /^\s*(-?\d+(?:\.\d+)?)\s*([a-zµ]*)\s*$/i.exec(text)
  if (match === null) return undefined
  const unit = msOfUnit.find(([names]) => names.includes(match[2]!.toLowerCase()))
  return unit === undefined ? undefined : Number(match[1]) * unit[1]
}

/** A duration for people, in at most two units: "850 ms", "3.2 s", "2 min 5 s", "1 h 3 min". */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's')
  const minutes = Math.round(seconds / 60)
  if (minutes < 1440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
  const hours = Math.round(minutes / 60)
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

function pair(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`
}
