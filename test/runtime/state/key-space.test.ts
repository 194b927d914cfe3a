import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalKey, hashKey } from '../../../src/base/columnar/key-hash.ts'
import { KeySpace, type KeySpaceKind } from '../../../src/runtime/state/key-space.ts'

const widened = (kind: KeySpaceKind) => {
  const keys = new KeySpace()
  keys.widenTo(kind)
  return keys
}

const anyKey = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.string(),
  fc.boolean(),
  fc.bigInt(),
  fc.constantFrom<unknown>(
    'a\ud83d',
    'a\ufffd',
    Number.NaN,
    -0,
    0n,
    { a: 1, b: null },
    { b: undefined, a: 1n },
    [1, null],
    new Date(5),
    new Uint8Array([1]),
  ),
)

describe('a key space', () => {
  test('only widens', () => {
    const keys = new KeySpace()
    expect(keys.kind).toBe('int32')
    expect(keys.isBelow('int32')).toBe(false)
    keys.widenTo('interned')
    expect(keys.isBelow('float64')).toBe(false)
    keys.widenTo('float64')
    expect(keys.kind).toBe('interned')
    expect([keys.tableKeyKind, widened('float64').tableKeyKind, widened('int32').tableKeyKind]).toEqual(['int32', 'float64', 'int32'])
  })

  test('hashes a number as its key in any kind', () => {
    for (const key of [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]) {
      for (const kind of ['int32', 'float64', 'interned'] as const) {
        const keys = widened(kind)
        expect(keys.hashOf(keys.idOf(key))).toBe(hashKey(key))
        expect(keys.keyOf(keys.idOf(key))).toBe(key)
      }
    }
    for (const key of [0.5, Number.NaN, 2 ** 40, -(2 ** 53)]) {
      const keys = widened('float64')
      expect(keys.hashOf(keys.idOf(key))).toBe(hashKey(key))
    }
  })

  test('gives equal keys one id, different keys different ones, and each its hash', () => {
    fc.assert(
      fc.property(fc.array(anyKey, { maxLength: 200 }), (all) => {
        const keys = widened('interned')
        const ids = new Map<number | string, number>()
        for (const key of all) {
          const canonical = canonicalKey(key)
          const id = keys.intern(key)
          expect(ids.get(canonical) ?? id).toBe(id)
          ids.set(canonical, id)
          expect(keys.hashOf(id)).toBe(hashKey(key))
          expect(canonicalKey(keys.keyOf(id))).toBe(canonical)
        }
        expect(new Set(ids.values()).size).toBe(ids.size)
        expect([...ids.values()].every((id) => id < ids.size)).toBe(true)
      }),
    )
  })

  test('refuses null', () => {
    expect(() => widened('interned').idOf(null)).toThrow('a key is null')
    expect(() => widened('interned').intern(undefined)).toThrow('a key is undefined')
  })

  test('translates a dictionary once, and what it has grown by', () => {
    const keys = widened('interned')
    const dictionary = ['b', 'a']
    keys.intern('a')
    const once = keys.translate(dictionary)
    expect([...once.subarray(1, 3)]).toEqual([keys.intern('b'), keys.intern('a')])
    expect(keys.translate(dictionary)).toBe(once)
    for (let i = 0; i < 5000; i++) {
      dictionary.push(`more ${i}`)
      if (i % 13 > 0) continue
      const ids = keys.translate(dictionary)
      for (let k = 0; k < dictionary.length; k += 97) expect(ids[k + 1]).toBe(keys.intern(dictionary[k]))
      expect(ids[dictionary.length]).toBe(keys.intern(dictionary.at(-1)))
    }
    expect(keys.keyOf(keys.translate(['a'])[1]!)).toBe('a')
  })

  test('two producers that number their strings differently mean the same keys', () => {
    const keys = widened('interned')
    const first = keys.translate(['x', 'y', 'z'])
    const second = keys.translate(['z', 'x'])
    expect(second[1]).toBe(first[3])
    expect(second[2]).toBe(first[1])
  })

  test('keeps memory for the keys that are marked, over millions that come and go', () => {
    const keys = widened('interned')
    const dictionary = ['of a producer', 'kept as well']
    const translated = [...keys.translate(dictionary)]
    const kept = keys.intern('kept')
    let longest = 0
    for (let i = 0; i < 2_000_000; i++) {
      keys.intern(`visitor ${i}`)
      if (keys.wantsSweep) keys.sweep((use) => use(kept))
      longest = Math.max(longest, keys.values.length, keys.hashes.length)
    }
    expect(longest).toBeLessThan(50_000)
    expect(keys.intern('kept')).toBe(kept)
    expect([keys.keyOf(kept), keys.hashOf(kept)]).toEqual(['kept', hashKey('kept')])
    expect([...keys.translate(dictionary)]).toEqual(translated)
    expect(translated.slice(1, 3).map((id) => keys.keyOf(id))).toEqual(dictionary)
  })

  test('after a sweep, marked keys have their ids and all others get ids that nobody has', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ added: fc.uniqueArray(fc.nat({ max: 60 }), { maxLength: 30 }), dropped: fc.uniqueArray(fc.nat({ max: 60 })) }),
          { maxLength: 8 },
        ),
        (rounds) => {
          const keys = widened('interned')
          const held = new Map<string, number>()
          for (const { added, dropped } of rounds) {
            for (const n of added) {
              const id = keys.intern(`key ${n}`)
              expect(held.get(`key ${n}`) ?? id).toBe(id)
              held.set(`key ${n}`, id)
            }
            expect(new Set(held.values()).size).toBe(held.size)
            for (const n of dropped) held.delete(`key ${n}`)
            keys.sweep((use) => held.forEach(use))
            expect(keys.size).toBe(held.size)
            for (const [key, id] of held) expect([keys.keyOf(id), keys.hashOf(id), keys.intern(key)]).toEqual([key, hashKey(key), id])
          }
        },
      ),
    )
  })

  test('keys of several fields are found after a sweep as before it', () => {
    const keys = widened('interned')
    const before = keys.tuples(2)
    const id = keys.intern({ a: 1, b: 2 })
    before.pairs[0]!.add(before.partOf(1), before.partOf(2), id)
    keys.intern({ a: 3, b: 4 })
    keys.sweep((use) => use(id))
    const after = keys.tuples(2)
    expect(after.pairs[0]!.find(after.partOf(1), after.partOf(2))).toBe(-1)
    expect(keys.intern({ b: 2, a: 1 })).toBe(id)
  })
})
