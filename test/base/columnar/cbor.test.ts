import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadCbor } from '../../../src/base/columnar/cbor.ts'
import { anyValue } from './arbitrary.ts'

const cbor = await loadCbor()
const roundTrip = (value: unknown): unknown => cbor.decode(cbor.encode(value, 'it'))

test('plain data, collections, dates, bigints, typed arrays and text of any kind come back', () => {
  const values = [
    undefined,
    null,
    -0,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
    2 ** 53,
    2 ** 60,
    1n,
    -(2n ** 70n),
    new Date(1.7e12),
    new Date(Number.NaN),
    { a: undefined, b: [null, undefined] },
    new Map<unknown, unknown>([[{ a: 1 }, new Set([new Map()])]]),
    new Float64Array([1, -0]),
    new BigInt64Array([-1n]),
    /a\/b/giu,
    JSON.parse('{"__proto__":{"x":1}}'),
  ]
  for (const value of values) expect(roundTrip(value)).toStrictEqual(value)
  expect(roundTrip(Buffer.from('abc'))).toStrictEqual(new Uint8Array([97, 98, 99]))
  expect(roundTrip(new RangeError('too far'))).toStrictEqual(new RangeError('too far'))
})

test('a date comes back to the millisecond', () => {
  for (const ms of [1003, -1003, 1_700_000_000_001, 253_402_300_799_999, -62_135_596_799_999])
    expect(roundTrip(new Date(ms))).toEqual(new Date(ms))
})

test('any value and any text comes back', () => {
  fc.assert(
    fc.property(anyValue, (value) => void expect(roundTrip(value)).toEqual(value)),
    { numRuns: 1000 },
  )
  const units = fc.array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd7f0, max: 0xe010 })), { maxLength: 8 })
  fc.assert(
    fc.property(units, (codes) => {
      const text = String.fromCharCode(...codes)
      expect(roundTrip([text])).toEqual([text])
    }),
    { numRuns: 1000 },
  )
})

test('what would come back as something else is refused, with its place', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  let deep: unknown = 1
  for (let i = 0; i < 100_000; i++) deep = [deep]
  const refused = [
    () => 1,
    Symbol('x'),
    new WeakMap(),
    Promise.resolve(),
    new ArrayBuffer(1),
    new DataView(new ArrayBuffer(1)),
    new SharedArrayBuffer(1),
    new Number(1),
    new String('x'),
    new URL('http://a.b'),
    cycle,
    deep,
    { '\ud800': 1 },
  ]
  for (const value of refused)
    for (const inside of [value, { deep: [value] }, new Map([[1, value]])])
      expect(() => cbor.encode(inside, "column 'v'"), String(Object.prototype.toString.call(value))).toThrow(
        expect.objectContaining({
          code: 'TYPE_MISMATCH',
          message: expect.stringMatching(/^column 'v' holds .*, which cannot be written to a checkpoint$/),
        }),
      )
})

test('bytes that are no CBOR, or more than one value, are an error', () => {
  const bytes = cbor.encode({ a: [1, 'x'] }, 'it')
  for (let i = 0; i < bytes.length; i++) expect(() => cbor.decode(bytes.slice(0, i))).toThrow()
  expect(() => cbor.decode(Uint8Array.of(...bytes, 0))).toThrow()
})
