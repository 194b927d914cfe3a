import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  canonicalKey,
  hashFloat64,
  hashInt32,
  hashKey,
  hashString,
  keyGroupOf,
  keyGroupRange,
  subtaskOfKeyGroup,
} from '../../../src/base/columnar/key-hash.ts'

const part = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.bigInt(),
  fc.boolean(),
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('1', '\0', '\0T', '\0s', '#1;', '1:a', '', 'T', '\ud83d', '\ufffd', 2 ** 53, 2n ** 64n),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 5 }),
)
const { key } = fc.letrec((tie) => ({
  key: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    part,
    fc.array(fc.oneof(tie('key'), fc.constantFrom(null, undefined)), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', '1:a', '#', '__proto__'), fc.oneof(tie('key'), fc.constantFrom(null, undefined)), {
      maxKeys: 3,
    }),
  ),
}))

/** Equality of keys, told once more in the plainest way. */
function equalKeys(a: unknown, b: unknown): boolean {
  if ((typeof a === 'number' || typeof a === 'bigint') && (typeof b === 'number' || typeof b === 'bigint'))
    return a == b || (a !== a && b !== b)
  if (typeof a !== typeof b) return false
  if (typeof a === 'string') return a.toWellFormed() === (b as string).toWellFormed()
  if (typeof a !== 'object' || a === null || b === null) return (a ?? null) === (b ?? null)
  if (a instanceof Date || b instanceof Date) return a instanceof Date && b instanceof Date && a.getTime() === b.getTime()
  if (a instanceof Uint8Array || b instanceof Uint8Array)
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => equalKeys(item ?? null, b[i] ?? null))
  const present = (row: object): [string, unknown][] => Object.entries(row).filter(([, value]) => value !== null && value !== undefined)
  const others = new Map(present(b as object))
  const own = present(a)
  return own.length === others.size && own.every(([name, value]) => others.has(name) && equalKeys(value, others.get(name)))
}

describe('keys', () => {
  it('have one canonical form exactly if they are equal, and equal keys one hash', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        const equal = equalKeys(a, b)
        expect(new Map([[canonicalKey(a), 1]]).has(canonicalKey(b))).toBe(equal)
        if (equal) expect(hashKey(a)).toBe(hashKey(b))
      }),
      { numRuns: 3000 },
    )
  })

  it('are equal to a copy of themselves with fields in another order and text made well formed', () => {
    const copy = (value: unknown): unknown => {
      if (typeof value === 'string') return value.toWellFormed()
      if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value
      if (Array.isArray(value)) return value.map((item) => copy(item ?? null))
      if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array) return value
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([name, field]) => [name, copy(field)]),
      )
    }
    fc.assert(
      fc.property(key, (value) => {
        expect(hashKey(copy(value))).toBe(hashKey(value))
        expect(canonicalKey(copy(value))).toBe(canonicalKey(value))
      }),
      { numRuns: 1000 },
    )
  })

  it('of numbers agree, whatever type the number came in', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        (n) => hashKey(n) === hashInt32(n) && hashFloat64(n) === hashInt32(n) && hashKey(BigInt(n)) === hashInt32(n),
      ),
    )
    fc.assert(fc.property(fc.maxSafeInteger(), (n) => hashKey(n) === hashKey(BigInt(n)) && canonicalKey(n) === canonicalKey(BigInt(n))))
    expect(hashKey(-0)).toBe(hashKey(0))
    const otherNaN = new Float64Array(new BigInt64Array([0x7ff8_0000_dead_beefn]).buffer)[0]!
    expect(hashKey(otherNaN)).toBe(hashKey(Number.NaN))
    expect(canonicalKey('1')).not.toBe(canonicalKey(1))
  })

  it('may not be null, undefined or an object without a value of its own', () => {
    for (const refused of [null, undefined]) {
      expect(() => hashKey(refused)).toThrow(expect.objectContaining({ code: 'TYPE_MISMATCH', message: `a key is ${refused}` }))
      expect(() => canonicalKey(refused)).toThrow(expect.objectContaining({ code: 'TYPE_MISMATCH' }))
    }
    for (const refused of [new Map(), () => 1, Symbol('x'), [new Set()], { a: /x/ }]) {
      expect(() => hashKey(refused)).toThrow('cannot be a key')
      expect(() => canonicalKey(refused)).toThrow('cannot be a key')
    }
  })
})

describe('hashes of keys, frozen for ever since snapshots are divided by them', () => {
  const golden: [unknown, number][] = [
    [0, 0],
    [1, 1364076727],
    [-1, -2114883783],
    [42, 142593372],
    [2 ** 31 - 1, -104067416],
    [-(2 ** 31), 1832674720],
    [2 ** 31, -1752133708],
    [2 ** 53, -2137375992],
    [0.5, -1617438816],
    [-1.5, -2144416083],
    [1e300, 2093100220],
    [Number.NaN, 1428788237],
    [Number.POSITIVE_INFINITY, 420913893],
    [2n ** 64n, 1499637188],
    [-(2n ** 70n), -1852830258],
    ['', 0],
    ['1', -1810453357],
    ['user-17', -715857175],
    ['größe 😀', -1217703319],
    [true, -1211444679],
    [false, 1319885309],
    [new Date(0), -2076455298],
    [new Date(1_700_000_000_000), 939427924],
    [new Uint8Array([1, 2, 3]), 1277792099],
    [[], 1558924552],
    [[1, 'a', null], -1877021776],
    [{}, 415870660],
    [{ a: 1, b: 'x' }, -2025290629],
    [{ nested: { list: [[true]] } }, 2002310114],
  ]
  it.each(golden)('%o', (value, hash) => {
    expect(hashKey(value)).toBe(hash)
    if (typeof value === 'string') expect(hashString(value)).toBe(hash)
  })
})

describe('key groups', () => {
  it('are the unsigned hash modulo max parallelism', () => {
    expect(keyGroupOf(-1, 128)).toBe(127)
    expect(keyGroupOf(-1, 100)).toBe(0xffffffff % 100)
    expect(keyGroupOf(300, 128)).toBe(44)
  })

  it('belong each to the one subtask whose range holds it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300 }), (a, b) => {
        const [parallelism, max] = [Math.min(a, b), Math.max(a, b)]
        let next = 0
        for (let subtask = 0; subtask < parallelism; subtask++) {
          const { start, end } = keyGroupRange(subtask, parallelism, max)
          expect(start).toBe(next)
          for (let group = start; group < end; group++) expect(subtaskOfKeyGroup(group, parallelism, max)).toBe(subtask)
          next = end
        }
        expect(next).toBe(max)
      }),
    )
  })

  it('spread small integers and short strings evenly', () => {
    for (const keys of [Array.from({ length: 12_800 }, (_, i) => i), Array.from({ length: 12_800 }, (_, i) => `user-${i}`)]) {
      const counts = new Int32Array(128)
      for (const value of keys) counts[keyGroupOf(hashKey(value), 128)]!++
      expect(Math.min(...counts)).toBeGreaterThan(55)
      expect(Math.max(...counts)).toBeLessThan(150)
    }
  })
})
