/** A process function with four whole numbers a key in value state, 32 bytes, read and written at each record: what checkpoints are measured with. */
import { noWatermarks, t, valueState } from 'headrace'
import { type KeyValue, keyOf, keyValues, valueOf } from './records.ts'
import { runningTally } from './tallies.ts'
import { exactly, type Workload } from './workload.ts'

export const keyValueType = t.row({ key: t.int32, value: t.float64 })
const stateType = t.row({ n: t.int64, key: t.int64, sum: t.int64, spare: t.int64 })

/** What a key's state is, in one number that grows with each record. */
const shown = (n: number, sum: number): number => n * 2 ** 26 + sum

/** The process function, for programs of their own. */
export const state32Function = {
  state: { s32: valueState(stateType) },
  processElement(row: KeyValue, ctx: { readonly state: any }, out: { collect(row: KeyValue): void }) {
    const { s32 } = ctx.state
    const s = s32.value
    const n = s === null ? 1 : s.n + 1
    // The peer leaves the first record out of the sum, which then depends on the order of records.
    const sum = (s === null ? 0 : s.sum) + Math.floor(row.value)
    s32.update({ n, key: row.key, sum, spare: 0 })
    out.collect({ key: row.key, value: shown(n, sum) })
  },
}

const tally = () =>
  runningTally<KeyValue>(
    (row) => row.key,
    (row) => row.value,
  )

/** By key: what its last row shows. */
export function lastShown(records: number, keys: number): Float64Array {
  const ns = new Int32Array(keys)
  const sums = new Float64Array(keys)
  for (let i = 0; i < records; i++) {
    const key = keyOf(i, keys)
    ns[key]!++
    sums[key]! += Math.floor(valueOf(i))
  }
  return sums.map((sum, key) => (ns[key] === 0 ? 0 : shown(ns[key]!, sum)))
}

export const state32: Workload<KeyValue> = {
  name: 'state32',
  forms: ['function'],
  recordsPerSecond: 6e6,
  build: (env, options) =>
    env
      .fromSource(keyValues(options), { name: 'records', watermarks: noWatermarks(), uid: 'records' })
      .keyBy('key')
      .process(state32Function, { returns: keyValueType, uid: 'state32' }),
  tally,
  expected({ records, keys }) {
    const rows = tally()
    for (const [key, value] of lastShown(records, keys).entries()) if (value > 0) rows.add({ key, value })
    return { ...rows.totals(), rows: records }
  },
  expectedRows: ({ records }) => exactly(records),
  peer: ({ keys }) => ['state32', `keys=${keys}`],
}
