/**
 * Goes on from a checkpoint of a timed run (`execution.state-recovery.path`) to its end, and tells as counters what a harness holds to
 * the records: of state32 how many keys were seen and how many of them are wrong at the end, of windows how many records each holds.
 */
import type { Environment, Sink } from 'headrace'
import { workloads } from './all.ts'
import { lastShown, state32 } from './state32.ts'

export default async function restored(env: Environment, args: { workload: string; records: string; keys: string }): Promise<void> {
  const options = { records: Number(args.records), keys: Number(args.keys), form: 'kernel', schema: 'declared' } as const
  const workload = workloads[args.workload]!
  const rows = workload.build(env, workload === state32 ? { ...options, form: 'function' } : options)
  const sink: Sink<any> = workload === state32 ? lastRowsSink(options.records, options.keys) : windowSizesSink()
  rows.sinkTo(sink, { name: 'results' })
  const { counters } = await env.execute('restored')
  process.stdout.write(`${JSON.stringify(counters)}\n`)
}

/** Counters `seen` and `wrong`: keys of which a row came, and those whose last row is not what all records make it. */
export function lastRowsSink(records: number, keys: number): Sink<{ key: number; value: number }> {
  return {
    name: 'last rows',
    createWriter(ctx) {
      const last = new Float64Array(keys)
      return {
        write({ key, value }) {
          last[key] = Math.max(last[key]!, value)
        },
        flush(endOfInput) {
          if (!endOfInput) return
          const expected = lastShown(records, keys)
          let seen = 0
          let wrong = 0
          for (const [key, value] of last.entries()) {
            if (value === 0) continue
            seen++
            if (value !== expected[key]) wrong++
          }
          ctx.addToCounter('seen', seen)
          ctx.addToCounter('wrong', wrong)
        },
        close: () => {},
      }
    },
  }
}

/** A counter for each window's end: the records in it. */
function windowSizesSink(): Sink<{ windowEnd: number; count: number }> {
  return {
    name: 'window sizes',
    createWriter: (ctx) => ({
      write: ({ windowEnd, count }) => ctx.addToCounter(String(windowEnd), count),
      flush() {},
      close: () => {},
    }),
  }
}
