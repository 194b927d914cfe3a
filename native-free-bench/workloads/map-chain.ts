/** One chained task: map, filter, map over records of a key and a value. */
import { noWatermarks } from 'headrace'
import { type KeyValue, keyOf, keyValues, valueOf } from './records.ts'
import { rowTally } from './tallies.ts'
import { exactly, type Workload } from './workload.ts'

const tally = () =>
  rowTally<KeyValue>(
    (row) => ({ value: row.value }),
    (row) => [row.key, row.value],
  )

export const mapChain: Workload<KeyValue> = {
  name: 'map-chain',
  forms: ['function'],
  recordsPerSecond: 100e6,
  build: (env, options) =>
    env
      .fromSource(keyValues(options), { name: 'records', watermarks: noWatermarks() })
      .map(({ key, value }) => ({ key, value: value * 2 }))
      .filter((row) => (row.key & 1) === 0)
      .map(({ key, value }) => ({ key, value: value + 1 })),
  tally,
  expected({ records, keys }) {
    const rows = tally()
    for (let i = 0; i < records; i++) if ((keyOf(i, keys) & 1) === 0) rows.add({ key: keyOf(i, keys), value: valueOf(i) * 2 + 1 })
    return rows.totals()
  },
  expectedRows({ records, keys }) {
    let rows = 0
    for (let i = 0; i < records; i++) rows += 1 - (keyOf(i, keys) & 1)
    return exactly(rows)
  },
  peer: ({ keys }) => ['map-chain', `keys=${keys}`],
}
