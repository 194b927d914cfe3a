import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dictionaryPolicy, StringDictionary } from '../../../src/base/columnar/dictionary.ts'
import { hashKey } from '../../../src/base/columnar/key-hash.ts'
import { openColumn } from '../../../src/base/columnar/read-column.ts'
import { segmentViews, writeColumn } from '../../../src/base/columnar/write-column.ts'
import { text } from './arbitrary.ts'

describe('StringDictionary', () => {
  it('gives a consumer that gets each new entry once every string back', () => {
    const batches = fc.array(
      fc.array(fc.oneof({ weight: 4, arbitrary: text }, { weight: 1, arbitrary: fc.constant(null) }), { maxLength: 20 }),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(batches, (all) => {
        const producer = new StringDictionary()
        const consumer: string[] = []
        for (const values of all) {
          const ids = new Int32Array(values.length)
          const nulls = Uint8Array.from(values, (value) => (value === null ? 1 : 0))
          expect(producer.encode(values, nulls, values.length, ids)).toBe(true)
          const delta = producer.size - consumer.length
          const views = segmentViews(new SharedArrayBuffer(65_536))
          writeColumn(
            { type: { kind: 'utf8' }, nullable: false, values: producer.values, nulls: null },
            null,
            consumer.length,
            delta,
            views,
            0,
          )
          consumer.push(...(openColumn({ kind: 'utf8' }, views, 0, delta).data as string[]))
          expect(values.map((value, i) => (value === null ? null : consumer[ids[i]!]))).toEqual(
            values.map((value) => value?.toWellFormed() ?? null),
          )
        }
      }),
    )
  })

  it('keeps ids dense and stable, with the hash of each entry as a key', () => {
    const dictionary = new StringDictionary()
    const ids = new Int32Array(1000)
    dictionary.encode(
      Array.from({ length: 1000 }, (_, i) => `user-${i % 700}`),
      null,
      1000,
      ids,
    )
    expect(dictionary.size).toBe(700)
    expect(ids[0]).toBe(0)
    expect(ids[999]).toBe(299)
    expect(dictionary.values.every((value, id) => dictionary.hashes[id] === hashKey(value))).toBe(true)
    dictionary.encode(['user-5'], null, 1, ids)
    expect(ids[0]).toBe(5)
  })

  it('is given up for good when there are too many distinct strings', () => {
    const dictionary = new StringDictionary({ ...dictionaryPolicy, maxEntries: 10 })
    const ids = new Int32Array(11)
    const values = Array.from({ length: 11 }, (_, i) => `${i}`)
    expect(dictionary.encode(values.slice(0, 10), null, 10, ids)).toBe(true)
    expect(dictionary.encode(values, null, 11, ids)).toBe(false)
    expect(dictionary.isOff).toBe(true)
    expect(dictionary.encode(['0'], null, 1, ids)).toBe(false)
  })

  it('is given up when nearly every string is a new one, but only after enough rows', () => {
    const dictionary = new StringDictionary()
    const ids = new Int32Array(2048)
    let row = 0
    const next = (): boolean =>
      dictionary.encode(
        Array.from({ length: 2048 }, () => `${row++}`),
        null,
        2048,
        ids,
      )
    for (let batch = 0; batch < 7; batch++) expect(next()).toBe(true)
    expect(next()).toBe(false)
  })

  it('stays while some ten thousand keys are seen for the first time', () => {
    const dictionary = new StringDictionary()
    const ids = new Int32Array(2048)
    for (let batch = 0; batch < 40; batch++) {
      const keys = Array.from({ length: 2048 }, (_, i) => (hashKey(batch * 2048 + i) >>> 0) % 10_000)
      const known = dictionary.encode(
        keys.map((key) => `user-${key}`),
        null,
        2048,
        ids,
      )
      expect(known).toBe(true)
      expect(keys.map((key) => `user-${key}`)).toEqual(Array.from(ids, (id) => dictionary.values[id]))
    }
  })

  it('tells strings apart that share length, beginning and end, and takes the empty one for itself', () => {
    const dictionary = new StringDictionary()
    const values = ['', 'a', 'aaaa', 'ab-1-wxyz', 'ab-2-wxyz', 'ab-3-wxyz', '\0', 'é', '\ud800', '\ud800a', 'ab-1-wxyz', '']
    const ids = new Int32Array(values.length)
    for (let pass = 0; pass < 3; pass++) {
      expect(dictionary.encode(values, null, values.length, ids)).toBe(true)
      expect(Array.from(ids)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 3, 0])
    }
  })

  it("takes another dictionary's indices for its strings, mixed with rows that have none", () => {
    const dictionary = new StringDictionary()
    const ids = new Int32Array(4)
    dictionary.encode(['x', 'b'], null, 2, ids)
    const source = ['a', 'b', 'c']
    const codes = dictionary.codesFor(source)
    expect(Array.from(codes.subarray(0, 3))).toEqual([0, 0, 0])
    expect([dictionary.learn(codes, 1, 'b'), dictionary.learn(codes, 2, 'c')]).toEqual([2, 3])
    const given = Int32Array.of(codes[2]!, 0, codes[1]!, 0)
    expect(dictionary.encode(['c', 'a', 'b', null], Uint8Array.of(0, 0, 0, 1), 4, ids, given)).toBe(true)
    expect(Array.from(ids)).toEqual([2, 3, 1, 0])
    expect(dictionary.values).toEqual(['x', 'b', 'c', 'a'])
    expect(dictionary.values.every((value, id) => dictionary.hashes[id] === hashKey(value))).toBe(true)
  })

  it('knows what it has learned of a dictionary that has grown since', () => {
    const dictionary = new StringDictionary()
    const source = ['a']
    dictionary.learn(dictionary.codesFor(source), 0, 'a')
    source.push('b', 'c')
    const codes = dictionary.codesFor(source)
    expect(codes.length).toBeGreaterThanOrEqual(3)
    expect(Array.from(codes.subarray(0, 3))).toEqual([1, 0, 0])
    expect(dictionary.codesFor(source)).toBe(codes)
  })

  it('is given up when it learns too many strings, and says so in place of their codes', () => {
    const dictionary = new StringDictionary({ ...dictionaryPolicy, maxEntries: 1 })
    const codes = dictionary.codesFor(['a', 'b', 'c'])
    expect([dictionary.learn(codes, 0, 'a'), dictionary.learn(codes, 1, 'b'), dictionary.learn(codes, 2, 'c')]).toEqual([1, -1, -1])
    expect(dictionary.encode(['a'], null, 1, new Int32Array(1), Int32Array.of(1))).toBe(false)
  })

  it('does not keep long strings', () => {
    const dictionary = new StringDictionary()
    expect(dictionary.encode(['x'.repeat(dictionaryPolicy.maxTextLength + 1)], null, 1, new Int32Array(1))).toBe(false)
  })
})
