import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalKey } from '../../../src/base/columnar/key-hash.ts'
import { KeySpace } from '../../../src/runtime/state/key-space.ts'
import { PairTable } from '../../../src/runtime/state/tuple-keys.ts'

test('a pair table gives back what was put in, and -1 for all else', () => {
  const id = fc.integer({ min: 0, max: 50_000 })
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(id, id), { selector: ([a, b]) => `${a},${b}`, maxLength: 500 }), ([...pairs]) => {
      const table = new PairTable()
      pairs.forEach(([a, b], i) => {
        expect(table.find(a, b)).toBe(-1)
        expect(table.add(a, b, i)).toBe(i)
      })
      expect(pairs.map(([a, b]) => table.find(a, b))).toEqual(pairs.map((_, i) => i))
      expect(table.size).toBe(pairs.length)
    }),
  )
})

test('parts are equal exactly where values are equal as keys', () => {
  const tuples = new KeySpace().tuples(2)
  const value = fc.constantFrom<unknown>(
    0,
    -0,
    1,
    1n,
    '1',
    'a',
    true,
    null,
    undefined,
    2.5,
    Number.NaN,
    new Date(1),
    [1],
    { x: 1 },
    { x: 1, y: null },
  )
  const form = (v: unknown) => (v === null || v === undefined ? undefined : canonicalKey(v))
  fc.assert(fc.property(value, value, (a, b) => (tuples.partOf(a) === tuples.partOf(b)) === Object.is(form(a), form(b))))
  const dictionary = ['a', 'b', '1']
  const ids = tuples.translate(dictionary)
  expect(dictionary.map((_, d) => ids[d + 1]! + 1)).toEqual(dictionary.map((text) => tuples.partOf(text)))
})
