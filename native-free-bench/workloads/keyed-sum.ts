/** A running sum per key: one row out for each record. */
import { noWatermarks } from 'headrace'
import { type KeyValue, keyOf, keyValues, valueOf } from './records.ts'
import { runningTally } from './tallies.ts'
import { exactly, type Workload } from './workload.ts'

const tally = () =>
  runningTally<KeyValue>(
    (row) => row.key,
    (row) => row.value,
  )

export const keyedSum: Workload<KeyValue> = {
  name: 'keyed-sum',
  forms: ['kernel', 'function'],
  recordsPerSecond: 40e6,
  build(env, options) {
    const keyed = env.fromSource(keyValues(options), { name: 'records', watermarks: noWatermarks() }).keyBy('key')
    return options.form === 'kernel' ? keyed.sum('value') : keyed.reduce((a, b) => ({ key: a.key, value: a.value + b.value }))
  },
  tally,
  expected({ records, keys }) {
    const sums = new Float64Array(keys)
    const rows = tally()
    for (let i = 0; i < records; i++) {
      const key = keyOf(i, keys)
      sums[key]! += valueOf(i)
      rows.add({ key, value: sums[key]! })
    }
    return rows.totals()
  },
  expectedRows: ({ records }) => exactly(records),
  peer: ({ keys }) => ['keyed-sum', `keys=${keys}`],
}
