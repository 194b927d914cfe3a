import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bigintToBytes, bytesToBigint, deserializeValue, serializeValue } from '../../../src/base/columnar/value-bytes.ts'

describe('bigints as bytes', () => {
  it("are two's complement, little endian, and no longer than they need be", () => {
    expect([...bigintToBytes(0n)]).toEqual([0])
    expect([...bigintToBytes(127n)]).toEqual([127])
    expect([...bigintToBytes(128n)]).toEqual([128, 0])
    expect([...bigintToBytes(-128n)]).toEqual([128])
    expect([...bigintToBytes(-129n)]).toEqual([127, 255])
    expect([...bigintToBytes(2n ** 64n - 1n)]).toEqual([255, 255, 255, 255, 255, 255, 255, 255, 0])
  })

  it('come back', () => {
    fc.assert(fc.property(fc.bigInt(), (value) => bytesToBigint(bigintToBytes(value)) === value))
  })
})

describe('opaque values', () => {
  it('take the same bytes wherever a number lay before', () => {
    const doubles = [0.5, 53, -0, 2 ** 31]
    expect(serializeValue(doubles[1])).toEqual(serializeValue(53))
    expect(serializeValue(new Float64Array([53])[0])).toEqual(serializeValue(53))
    expect(deserializeValue(serializeValue(doubles[2]))).toBe(-0)
    expect(deserializeValue(serializeValue(doubles[3]))).toBe(2 ** 31)
  })

  it('that cannot be copied are refused with the name of their field', () => {
    expect(() => serializeValue(() => 1, 'callback')).toThrow(
      expect.objectContaining({ code: 'TYPE_MISMATCH', message: "field 'callback' holds a function, which cannot leave its thread" }),
    )
  })
})
