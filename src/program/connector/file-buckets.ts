/**
 * Which folder below a sink's folder a record goes to: none, one for each hour or another span of processing time, or what a function
 * says.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { SinkWriteContext } from '../function/sink.ts'

export interface BucketContext extends SinkWriteContext {
  /** Ms since 1970. */
  readonly processingTimeMs: number
}

/**
 * A pattern of the time at which a record is written, in the local time zone, as `yyyy-MM-dd--HH` (Flink's default) or `yyyy/MM/dd`; or a
 * function that names the folder: `(row) => row.country`.
 */
export type BucketBy<T> = string | ((record: T, ctx: BucketContext) => string)

const letters: readonly (readonly [letters: string, part: (date: Date) => number])[] = [
  ['yyyy', (date) => date.getFullYear()],
  ['MM', (date) => date.getMonth() + 1],
  ['dd', (date) => date.getDate()],
  ['HH', (date) => date.getHours()],
  ['mm', (date) => date.getMinutes()],
]

/** A time as `yyyy-MM-dd--HH` and the like say it, in the local time zone. */
export function formatTime(pattern: string, timeMs: number): string {
  const date = new Date(timeMs)
  return letters.reduce((text, [word, part]) => text.replaceAll(word, () => String(part(date)).padStart(word.length, '0')), pattern)
}

/** The folder of a record; undefined: there are no buckets. */
export function bucketFunction<T>(
  by: BucketBy<T> | undefined,
  now: () => number,
): ((record: T, ctx: SinkWriteContext) => string) | undefined {
  if (by === undefined) return undefined
  if (typeof by === 'function') return (record, ctx) => by(record, { ...ctx, processingTimeMs: now() })
  const minuteMs = 60_000
  let minute = Number.NaN
  let bucket = ''
  return () => {
    const current = Math.floor(now() / minuteMs)
    if (current !== minute) {
      minute = current
      bucket = formatTime(by, current * minuteMs)
    }
    return bucket
  }
}

export function checkBucketBy(what: string, by: unknown): void {
  if (by === undefined || typeof by === 'function') return
  const words = typeof by === 'string' ? (by.match(/[a-z]+/gi) ?? []) : []
  if (words.length > 0 && words.every((word) => letters.some(([known]) => known === word)))
    return checkBucket(what, formatTime(by as string, 0))
  throw new StreamError('INVALID_ARGUMENT', `${what}: bucketBy is ${typeof by === 'string' ? `'${by}'` : String(by)}`, {
    hint: `It is a pattern of ${letters.map(([word]) => word).join(', ')}, as in 'yyyy-MM-dd--HH', or a function.`,
    place: { option: 'bucketBy' },
  })
}

/** Fails unless readers will find what is in this folder, and find it below the sink's. */
export function checkBucket(what: string, bucket: unknown): void {
  if (typeof bucket === 'string' && bucket.split('/').every((name) => /^[^._]/.test(name) && !name.includes('\0'))) return
  throw new StreamError('INVALID_ARGUMENT', `${what}: bucketBy gave ${typeof bucket === 'string' ? `'${bucket}'` : String(bucket)}`, {
    hint: 'It is the name of a folder, or several with / between them; none is empty or begins with . or _, which readers skip.',
    place: { option: 'bucketBy' },
  })
}
