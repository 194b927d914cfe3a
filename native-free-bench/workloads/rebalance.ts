/** Every record crosses to the other subtasks in turn. */
import { noWatermarks } from 'headrace'
import { type KeyValue, keyOf, keyValues, valueOf } from './records.ts'
import { rowTally } from './tallies.ts'
import { exactly, type Workload } from './workload.ts'

const tally = () =>
  rowTally<KeyValue>(
    (row) => ({ value: row.value }),
    (row) => [row.key, row.value],
  )

export const rebalance: Workload<KeyValue> = {
  name: 'rebalance',
  forms: ['function'],
  recordsPerSecond: 60e6,
  build: (env, options) =>
    env
      .fromSource(keyValues(options), { name: 'records', watermarks: noWatermarks() })
      .rebalance()
      .map(({ key, value }) => ({ key, value: value + 1 })),
  tally,
  expected({ records, keys }) {
    const rows = tally()
    for (let i = 0; i < records; i++) rows.add({ key: keyOf(i, keys), value: valueOf(i) + 1 })
    return rows.totals()
  },
  expectedRows: ({ records }) => exactly(records),
  peer: ({ keys }) => ['rebalance', `keys=${keys}`],
}
