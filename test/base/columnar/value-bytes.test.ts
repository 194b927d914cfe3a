import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bigintToBytes, bytesToBigint, serializeValue } from '../../../src/base/columnar/value-bytes.ts'

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
  it('that cannot be copied are refused with the name of their field', () => {
    expect(() => serializeValue(() => 1, 'callback')).toThrow(
      expect.objectContaining({ code: 'TYPE_MISMATCH', message: "field 'callback' holds a function, which cannot leave its thread" }),
    )
  })
})
