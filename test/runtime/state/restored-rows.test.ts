import { expect, test } from 'vitest'
import type { ColumnBatch } from '../../../src/base/columnar/column-batch.ts'
import { makeSchema } from '../../../src/base/columnar/schema.ts'
import { t } from '../../../src/base/columnar/t.ts'
import { numbersOfBatch } from '../../../src/runtime/state/restored-rows.ts'
import type { RestoredTable } from '../../../src/runtime/state/snapshot.ts'

const pair = t.row({ a: t.int32, b: t.float64 })
const declared = (type: { readonly dataType: typeof pair.dataType; readonly nullable: boolean }) => ({
  value: { type: type.dataType, nullable: type.nullable },
})
const a = Float64Array.of(1, 2)
const b = Float64Array.of(0.5, -0)

function batchOf(fields?: readonly { readonly name: string; readonly numbers: Float64Array }[]): ColumnBatch {
  const rest = { offset: 0, validity: null, validityBit: 0, nextByteOffset: 0 }
  const data = [
    { a: 1, b: 0.5 },
    { a: 2, b: -0 },
  ]
  return {
    schema: makeSchema('row', [{ name: 'value', type: pair.dataType, nullable: false }], false),
    rowCount: 2,
    columns: [{ layout: 'objects', data, ...rest, ...(fields && { fields }) }],
    timestamps: null,
  }
}
const table = (type?: typeof pair): RestoredTable => ({
  ...{ name: 's', scope: 'keyed', form: 'value', ...(type && { declared: declared(type) }) },
  batches: async function* () {},
})
const fields = [
  { name: 'a', numbers: a },
  { name: 'b', numbers: b },
]

test('rows of numbers are given as columns, in the order that is asked for', () => {
  expect(numbersOfBatch(table(pair), batchOf(fields), ['b', 'a'], declared(pair))).toEqual([b, a])
})

test('rows that are to become others, or that are no columns of numbers, are not', () => {
  const wider = t.row({ a: t.int32, b: t.float64, c: t.float64 })
  expect(numbersOfBatch(table(pair), batchOf(fields), ['a', 'b', 'c'], declared(wider))).toBeUndefined()
  expect(numbersOfBatch(table(pair), batchOf(fields), ['a'], declared(t.row({ a: t.int32 })))).toBeUndefined()
  expect(numbersOfBatch(table(pair), batchOf(fields), ['a', 'c'], declared(pair))).toBeUndefined()
  expect(numbersOfBatch(table(pair), batchOf(), ['a', 'b'], declared(pair))).toBeUndefined()
  expect(numbersOfBatch(table(), batchOf(fields), ['a', 'b'], declared(pair))).toBeUndefined()
})
