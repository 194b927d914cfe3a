import { expect, test } from 'vitest'
import { count, sum } from '../../../../src/program/function/aggregate.ts'
import type { KeySpec, WindowDescriptor } from '../../../../src/program/graph/operator-descriptor.ts'
import { maxWatermark } from '../../../../src/runtime/operator/operator.ts'
import { at, KeyedChain } from '../../../support/keyed-chain.ts'

const sliding: WindowDescriptor = {
  kind: 'window',
  assigner: { kind: 'sliding', time: 'event', sizeMs: 20, slideMs: 10, offsetMs: 0 },
  allowedLatenessMs: 0,
  apply: { kind: 'aggregates', aggregates: { n: count(), total: sum('v') } },
}

test.each<[string, KeySpec]>([
  ['one field', { kind: 'field', field: 'k' }],
  ['two fields', { kind: 'fields', fields: ['k', 'shard'] }],
])('windows of keys that come and go hold memory for those that live, and give what they held: %s', (_, key) => {
  const chain = new KeyedChain(sliding, key, { generated: true })
  const rounds = 40
  const perRound = 2500
  let ids = 0
  for (let round = 0; round < rounds; round++) {
    chain.rows([
      at(round * 10, { k: 'stays', v: 1, shard: 1 }),
      ...Array.from({ length: perRound }, (__, i) => at(round * 10, { k: `guest ${round}/${i}`, v: round, shard: i % 3 })),
    ])
    chain.watermark(round * 10 - 1)
    ids = Math.max(ids, chain.kernel!.keys.size)
  }
  chain.watermark(maxWatermark)
  expect(ids).toBeLessThan(65_000)
  const rows = chain.take()
  expect(rows.length).toBe(rounds + 1 + 2 * rounds * perRound)
  for (const row of rows) {
    if (row.k === 'stays') expect(row.n).toBe(row.windowStart < 0 || row.windowEnd > rounds * 10 ? 1 : 2)
    else expect([row.n, row.total]).toEqual([1, Number(row.k.slice(6).split('/')[0])])
  }
  expect(new Set(rows.map((row) => `${row.k} ${row.windowStart}`)).size).toBe(rows.length)
})
