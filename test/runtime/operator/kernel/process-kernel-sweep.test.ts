import { expect, test } from 'vitest'
import { t } from '../../../../src/base/columnar/t.ts'
import { valueState } from '../../../../src/program/function/state.ts'
import { maxWatermark } from '../../../../src/runtime/operator/operator.ts'
import { at, KeyedChain } from '../../../support/keyed-chain.ts'

const sums = {
  state: { sum: valueState<number>(t.float64) },
  processElement(row: any, ctx: any) {
    ctx.state.sum.update((ctx.state.sum.value ?? 0) + row.v)
    ctx.timerService.registerEventTimeTimer(row.until)
  },
  onTimer(_: number, ctx: any, out: any) {
    if (ctx.state.sum.value !== null) out.collect({ k: ctx.currentKey, sum: ctx.state.sum.value })
    ctx.state.sum.clear()
  },
}

test('state and timers of keys that come and go hold memory for those that live, and stay with their keys', () => {
  const chain = new KeyedChain({ kind: 'process', fn: sums }, { kind: 'field', field: 'k' }, { generated: true })
  const rounds = 40
  const perRound = 2500
  let ids = 0
  for (let round = 0; round < rounds; round++) {
    const guests = Array.from({ length: perRound }, (_, i) => at(round, { k: `guest ${round}/${i}`, v: round, until: round + 2 }))
    chain.rows([at(round, { k: 'stays', v: 1, until: 1000 }), ...guests])
    chain.watermark(round)
    ids = Math.max(ids, chain.kernel!.keys.size)
  }
  chain.watermark(maxWatermark)
  expect(ids).toBeLessThan(65_000)
  const rows = chain.take()
  expect(rows.length).toBe(rounds * perRound + 1)
  expect(new Set(rows.map(({ k }) => k)).size).toBe(rows.length)
  for (const { k, sum } of rows) expect(sum).toBe(k === 'stays' ? rounds : Number(k.slice(6).split('/')[0]))
})
