import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fmix32, murmur3, murmur3String } from '../../../src/base/core/hash.ts'

const hex = (hash: number): string => (hash >>> 0).toString(16).padStart(8, '0')

describe('murmur3', () => {
  it('agrees with the published vectors', () => {
    expect(hex(murmur3String(''))).toBe('00000000')
    expect(hex(murmur3String('', 1))).toBe('514e28b7')
    expect(hex(murmur3String('hello'))).toBe('248bfa47')
    expect(hex(murmur3String('hello, world'))).toBe('149bbb7f')
    expect(hex(murmur3String('The quick brown fox jumps over the lazy dog', 0x9747b28c))).toBe('2fa826cd')
    expect(hex(murmur3(new Uint8Array([0xff, 0xff, 0xff, 0xff])))).toBe('76293b50')
    expect(hex(murmur3(new Uint8Array([0x21, 0x43, 0x65, 0x87]), 0x5082edee))).toBe('2362f9de')
    expect(hex(murmur3(new Uint8Array([0x21, 0x43, 0x65])))).toBe('7e4a8634')
    expect(hex(fmix32(1))).toBe('514e28b7')
  })

  it('hashes a string as the bytes of its UTF-8', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), fc.integer(), (text, seed) => {
        expect(murmur3String(text, seed)).toBe(murmur3(Buffer.from(text), seed))
      }),
    )
    expect(murmur3String('a\ud83d')).toBe(murmur3String('a\ufffd'))
  })

  it('hashes a part of an array as the part alone', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.nat(5), (bytes, start) => {
        const inside = new Uint8Array([...new Uint8Array(start).fill(7), ...bytes, 9, 9])
        expect(murmur3(inside, 3, start, bytes.length)).toBe(murmur3(bytes, 3))
      }),
    )
  })
})
