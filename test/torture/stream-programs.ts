/**
 * Functions without state, rolling aggregates, streams that join and part, routes, schemas; and money that is moved.
 */
import { t } from '../../src/base/columnar/t.ts'
import { outputTag } from '../../src/program/api/output-tag.ts'
import { sliding, tumbling } from '../../src/program/api/windows.ts'
import { count, sum } from '../../src/program/function/aggregate.ts'
import type { Collector } from '../../src/program/function/functions.ts'
import { listState } from '../../src/program/function/state.ts'
import { mixed } from './seeded-random.ts'
import type { Stage, TortureProgram } from './stage.ts'
import type { Row } from './torture-source.ts'

type Build = TortureProgram['build']

const odd = outputTag<Row>('odd')

const rolling: Readonly<Record<string, Build>> = Object.fromEntries(
  (['sum', 'min', 'max', 'minBy', 'maxBy'] as const).map((kind) => [`rolling ${kind}`, (s: Stage) => s.rows().keyBy('key')[kind]('v')]),
)

const coProcess: Build = (s) =>
  s
    .rows({ splits: 2 })
    .connect(s.rows({ splits: 2 }))
    .keyBy('key', 'key')
    .process({
      state: { left: listState(t.float64), right: listState(t.float64) },
      processElement1(row, ctx, out: Collector<any>) {
        s.hurt()
        ctx.state.left.add(row.id)
        for (const id of ctx.state.right.get()) if ((id + row.id) % 17 === 0) out.collect({ left: row.id, right: id })
      },
      processElement2(row, ctx, out: Collector<any>) {
        ctx.state.right.add(row.id)
        for (const id of ctx.state.left.get()) if ((id + row.id) % 17 === 0) out.collect({ left: id, right: row.id })
      },
    })

/** Numbers become fractions, then nulls; fields appear late; one holds anything. */
const wideningRow = (split: number, i: number): any => ({
  ...{ id: split * 100_000 + i, key: split, ts: 1_000 + i * 10, v: i < 20 ? i : i < 40 ? i + 0.5 : null },
  ...(i % 30 > 20 && { late: `x${i}` }),
  ...(i > 50 && { any: i % 2 === 0 ? i : 'text' }),
})

const accounts = 12

/**
 * Every row moves money from one account to another: two entries. The balance of each account, and the sum of what moved at one time, which is
 * 0 in every window, whatever came late or twice.
 */
const transfers: Build = (s) => {
  const entries = s.rows().flatMap((row) => {
    const from = mixed(row.id, 1) % accounts
    const amount = s.hurt(1 + (mixed(row.id, 3) % 500))
    return [
      { account: from, amount: -amount, ts: row.ts },
      { account: (from + 1 + (mixed(row.id, 2) % (accounts - 1))) % accounts, amount, ts: row.ts },
    ]
  })
  const balances = entries
    .keyBy('account')
    .window(tumbling(100))
    .aggregate({ n: count(), balance: sum('amount') })
  const totals = balances.windowAll(tumbling(100)).aggregate({ accounts: count(), total: sum('balance') })
  return [balances, totals.map((row) => (row.total === 0 ? row : s.broken(`the accounts sum to ${row.total} at ${row.windowStart}`)))]
}

export const streamPrograms: Readonly<Record<string, Build | TortureProgram>> = {
  'map, filter, flatMap': (s) =>
    s
      .rows()
      .map((row) => ({ ...row, twice: row.v * 2 }))
      .filter({ open: s.open, filter: (row) => s.hurt(row.v > -50) })
      .flatMap((row) => (row.id % 3 === 0 ? [row, { ...row, id: -row.id }] : [row])),
  ...rolling,
  reduce: (s) =>
    s
      .rows()
      .keyBy('key')
      .reduce((a, b) => ({ ...b, v: a.v + b.v })),
  'reduce by two fields': (s) =>
    s
      .rows()
      .keyBy('key', 'w')
      .reduce((a, b) => s.hurt({ ...b, v: a.v + b.v })),
  union: (s) =>
    s
      .rows({ splits: 2 })
      .union(s.rows({ splits: 2, rowOf: (split, i) => ({ id: -i, key: 100 + split, ts: 1_000 + i * 10, v: i, w: 'fox' }) }))
      .keyBy('key')
      .sum('v'),
  'side outputs': (s) => {
    const even = s.rows().process((row: Row, ctx, out: Collector<Row>) => (row.v % 2 === 0 ? out.collect(row) : ctx.output(odd, row)))
    return [even, even.getSideOutput(odd).keyBy('key').max('v')]
  },
  coProcess,
  rebalance: (s) =>
    s
      .rows()
      .rebalance()
      .map((row) => s.hurt({ ...row, w: row.w.length })),
  rescale: (s) =>
    s
      .rows()
      .rescale()
      .map((row) => ({ id: row.id })),
  shuffle: (s) =>
    s
      .rows()
      .shuffle()
      .map((row) => ({ id: row.id }))
      .keyBy((row) => row.id % 10)
      .window(tumbling(150))
      .aggregate({ n: count() }),
  global: (s) =>
    s
      .rows()
      .global()
      .map((row) => ({ id: row.id })),
  'schemas that widen': (s) =>
    s
      .rows({ rowOf: wideningRow })
      .rebalance()
      .map((row: any) => ({ ...row, half: row.id / 2 })),
  'state of rows that widen': (s) =>
    s
      .rows({ rowOf: wideningRow })
      .keyBy('key')
      .reduce((a: any, b: any) => ({ ...b, id: a.id + b.id })),
  'declared rows': (s) =>
    s
      .rows({ type: t.row({ id: t.int32, key: t.int32, ts: t.timestamp, v: t.int32, w: t.string }) })
      .keyBy('w', 'key')
      .window(sliding(100, 50))
      .aggregate({ n: count(), total: sum('v') }),
  'two windows in a row': (s) =>
    s
      .rows()
      .keyBy('key')
      .window(tumbling(50))
      .aggregate({ n: count(), total: sum('v') })
      .keyBy((row) => row.key % 4)
      .window(tumbling(200))
      .aggregate({ keys: count(), all: sum('total') }),
  // Nothing joins them: each fails and goes on by itself.
  'two jobs in one': (s) => [
    s.rows({ splits: 2 }).keyBy('key').sum('v'),
    s
      .rows({ splits: 2 })
      .rebalance()
      .map((row) => s.hurt({ id: row.id })),
  ],
  'money transfers': transfers,
}
