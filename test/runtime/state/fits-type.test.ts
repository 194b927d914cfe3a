import { expect, it } from 'vitest'
import { t } from '../../../src/base/columnar/t.ts'
import { fitsType } from '../../../src/runtime/state/fits-type.ts'

const row = t.row({ n: t.int32, tags: t.list(t.utf8), at: t.nullable(t.date) })

const cases: readonly [name: string, type: { dataType: any; nullable: boolean }, fitting: unknown[], others: unknown[]][] = [
  ['int32', t.int32, [0, -0, -(2 ** 31), 2 ** 31 - 1], [0.5, 2 ** 31, Number.NaN, '1', 1n, null, undefined]],
  ['int64', t.int64, [2 ** 40, -1], [2 ** 54, 0.5, Number.POSITIVE_INFINITY, 1n, null]],
  ['timestamp', t.timestamp, [0, 1.7e12], [0.5, new Date(0)]],
  ['float64', t.float64, [0.5, Number.NaN], ['0.5', 1n, null]],
  ['utf8', t.utf8, ['', 'a'], [1, null, ['a']]],
  ['boolean', t.boolean, [true, false], [0, 'true']],
  ['bigint', t.bigint, [1n], [1]],
  ['date', t.date, [new Date(0)], [0, '1970-01-01']],
  ['binary', t.binary, [new Uint8Array(2)], ['ab', [1, 2]]],
  ['any', t.any, [1, null, { a: 1 }, new Map()], []],
  ['nullable', t.nullable(t.int32), [null, undefined, 1], ['1']],
  ['list', t.list(t.int32), [[], [1, 2]], [[1, null], [0.5], 1, { 0: 1 }]],
  [
    'row',
    row,
    [
      { n: 1, tags: [] },
      { n: 1, tags: ['a'], at: null, more: 1 },
    ],
    [{ n: 0.5, tags: [] }, { n: 1, tags: [1] }, { n: 1 }, 1, 'n'],
  ],
]

it.each(cases)('%s says which values are its own', (_, { dataType: type, nullable }, fitting, others) => {
  for (const value of fitting) expect([value, fitsType(value, { type, nullable })]).toEqual([value, true])
  for (const value of others) expect([value, fitsType(value, { type, nullable })]).toEqual([value, false])
})
