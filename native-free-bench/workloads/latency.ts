/**
 * Open-model latency: record i is due at start + i / rate, whether or not the pipeline keeps up, and carries that time through
 * a keyed running sum to a sink that notes how late it is. `headrace run` it; it writes one line of JSON.
 *
 *     headrace run native-free-bench/workloads/latency.ts -p 1 -- --rate=100000 --seconds=12 --warm=6 --timeout=0
 *
 * The clock is this process's, which all of its threads share.
 */
import type { Environment, ReaderOutput, Sink, Source, SourceReader } from 'headrace'
import { keyOf, valueOf } from './records.ts'

interface Args {
  readonly rate?: string
  readonly seconds?: string
  readonly warm?: string
  /** Buffer timeout in ms. */
  readonly timeout?: string
}

interface Timed {
  key: number
  due: number
  v: number
}

const keys = 10_000
const unitRows = 256
const now = (): number => performance.timeOrigin + performance.now()

/** Buckets of microseconds: exact below 64, then 64 a power of two. */
const perPower = 64
function bucketOf(us: number): number {
  if (us < perPower) return Math.max(0, us)
  const power = 31 - Math.clz32(us)
  return (power - 5) * perPower + (us >> (power - 6)) - perPower
}
function microseconds(bucket: number): number {
  if (bucket < perPower) return bucket
  const power = Math.floor(bucket / perPower) + 5
  return (perPower + (bucket % perPower)) * 2 ** (power - 6)
}

/** One split a subtask: records k, k + p, k + 2p, ... */
function dueSource(rate: number, count: number): Source<Timed> {
  return {
    name: `records due at ${rate}/s`,
    boundedness: 'bounded',
    createEnumerator: () => ({
      start() {},
      addReader() {},
      handleSplitRequest() {},
      snapshotState: () => null,
      close() {},
    }),
    createReader(ctx): SourceReader<Timed, unknown> {
      const msPerRecord = 1000 / rate
      let next = ctx.subtaskIndex
      let start = 0
      return {
        start() {
          start = now()
        },
        pollNext(output: ReaderOutput<Timed>) {
          if (next >= count) return 'end'
          const rows: Timed[] = []
          for (const at = now(); rows.length < unitRows && next < count; next += ctx.parallelism) {
            const due = start + next * msPerRecord
            if (due > at) break
            rows.push({ key: keyOf(next, keys), due, v: valueOf(next) })
          }
          if (rows.length === 0) return 'nothing'
          output.emit({ kind: 'rows', rows }, `record ${next}`)
          return 'more'
        },
        isAvailable: () => new Promise((resolve) => ctx.clock.setTimer(Math.max(0, start + next * msPerRecord - now()), resolve)),
        addSplits() {},
        notifyNoMoreSplits() {},
        snapshotState: () => [],
        close() {},
      }
    },
  }
}

/** Counts latencies by bucket, those of the warm-up left out. */
function latencySink(warmMs: number): Sink<Timed> {
  return {
    name: 'latency',
    createWriter(ctx) {
      const counts = new Map<number, number>()
      let from = Number.POSITIVE_INFINITY
      let max = 0
      return {
        write({ due }) {
          if (from === Number.POSITIVE_INFINITY) from = due + warmMs
          if (due < from) return
          const us = Math.round((now() - due) * 1000)
          const bucket = bucketOf(us)
          counts.set(bucket, (counts.get(bucket) ?? 0) + 1)
          max = Math.max(max, us)
        },
        flush(endOfInput) {
          if (!endOfInput) return
          for (const [bucket, count] of counts) ctx.addToCounter(`bucket-${bucket}`, count)
          ctx.addToCounter(`max-${ctx.subtaskIndex}`, max)
        },
        close() {},
      }
    },
  }
}

export default async function latency(env: Environment, args: Args): Promise<void> {
  const [rate, seconds, warm, timeout] = [args.rate ?? 100_000, args.seconds ?? 12, args.warm ?? 6, args.timeout ?? 0].map(Number) as [
    number,
    number,
    number,
    number,
  ]
  env
    .setBufferTimeout(timeout)
    .fromSource(dueSource(rate, rate * (seconds + warm)), { name: 'due' })
    .keyBy('key')
    .reduce((a, b) => ({ key: a.key, due: b.due, v: a.v + b.v }))
    .sinkTo(latencySink(warm * 1000))
  const job = await env.executeAsync('latency')
  const from = { at: performance.now(), cpu: process.cpuUsage() }
  const { counters } = await job.result
  const cpu = process.cpuUsage(from.cpu)
  const buckets = Object.entries(counters)
    .flatMap(([name, count]) => (name.startsWith('bucket-') ? [{ bucket: Number(name.slice(7)), count }] : []))
    .sort((a, b) => a.bucket - b.bucket)
  const records = buckets.reduce((sum, { count }) => sum + count, 0)
  const percentile = (part: number): number => {
    let seen = 0
    for (const { bucket, count } of buckets) {
      seen += count
      if (seen >= records * part) return microseconds(bucket) / 1000
    }
    return Number.NaN
  }
  const maxMs = Math.max(...Object.entries(counters).flatMap(([name, us]) => (name.startsWith('max-') ? [us] : []))) / 1000
  const ms = {
    p50: percentile(0.5),
    p90: percentile(0.9),
    p99: percentile(0.99),
    p999: percentile(0.999),
    p9999: percentile(0.9999),
    max: maxMs,
  }
  const cores = (cpu.user + cpu.system) / 1000 / (performance.now() - from.at)
  process.stdout.write(`${JSON.stringify({ rate, timeoutMs: timeout, records, ms, cores })}\n`)
}
