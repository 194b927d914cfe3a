/** A process function with a sum in value state and a timer at each full second, which emits the sum. */
import { type Collector, monotonousTimestamps, t, valueState } from 'headrace'
import { type KeyValue, keyOf, timedValues, timeOf, valueOf } from './records.ts'
import { runningTally } from './tallies.ts'
import { windowRows } from './window.ts'
import type { Workload } from './workload.ts'

const keyValueType = t.row({ key: t.int32, value: t.float64 })
const tally = () =>
  runningTally<KeyValue>(
    (row) => row.key,
    (row) => row.value,
  )

export const processState: Workload<KeyValue> = {
  name: 'process-state',
  forms: ['function'],
  recordsPerSecond: 15e6,
  build: (env, options) =>
    env
      .fromSource(timedValues(options), { name: 'records', watermarks: monotonousTimestamps('ts') })
      .keyBy('key')
      .process(
        {
          state: { sum: valueState(t.float64) },
          processElement(row, ctx) {
            const { sum } = ctx.state
            sum.update((sum.value ?? 0) + row.v)
            ctx.timerService.registerEventTimeTimer(Math.floor(row.ts / 1000) * 1000 + 1000)
          },
          onTimer(_at, ctx, out: Collector<KeyValue>) {
            out.collect({ key: ctx.currentKey, value: ctx.state.sum.value! })
          },
        },
        options.schema === 'declared' ? { returns: keyValueType } : {},
      ),
  tally,
  // What a timer sees depends on how far other records have come; the last one of a key sees them all.
  expected({ records, keys }) {
    const sums = new Map<number, number>()
    let fired = new Set<number>()
    let timers = 0
    let second = 0
    for (let i = 0; i < records; i++) {
      if (Math.floor(timeOf(i) / 1000) > second) {
        second = Math.floor(timeOf(i) / 1000)
        timers += fired.size
        fired = new Set()
      }
      const key = keyOf(i, keys)
      fired.add(key)
      sums.set(key, (sums.get(key) ?? 0) + valueOf(i))
    }
    const last = tally()
    for (const [key, value] of sums) last.add({ key, value })
    return { ...last.totals(), rows: timers + fired.size }
  },
  expectedRows: (options) => windowRows(options, 1),
  peer: ({ keys }) => ['process-state', `keys=${keys}`],
}
