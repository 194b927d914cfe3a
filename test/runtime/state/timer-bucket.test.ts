import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashFloat64 } from '../../../src/base/columnar/key-hash.ts'
import { TimerBucket } from '../../../src/runtime/state/timer-bucket.ts'

const bucketOf = (keys: readonly number[], hashOf = hashFloat64): TimerBucket => {
  const bucket = new TimerBucket(hashOf)
  for (const key of keys) bucket.add(key, hashOf(key))
  return bucket
}
const takeAll = (bucket: TimerBucket): number[] => Array.from({ length: bucket.size }, () => bucket.take())
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

test('keys come out once, in the order in which they went in, be they few or many', () => {
  for (const count of [3, 8, 9, 1_000]) {
    const keys = range(count).map((i) => (i * 7919) % 10_007)
    expect(takeAll(bucketOf([...keys, ...keys]))).toEqual(keys)
  }
})

test('a key that was taken can be added again and goes to the end', () => {
  for (const count of [4, 40]) {
    const bucket = bucketOf(range(count))
    expect(bucket.take()).toBe(0)
    expect(bucket.add(0, hashFloat64(0))).toBe(true)
    expect(bucket.add(1, hashFloat64(1))).toBe(false)
    expect(takeAll(bucket)).toEqual([...range(count).slice(1), 0])
  }
})

test('a key deleted again and again leaves no trail: the list is rebuilt', () => {
  const bucket = bucketOf(range(50))
  for (let i = 0; i < 10_000; i++) {
    expect(bucket.delete(7, hashFloat64(7))).toBe(true)
    expect(bucket.delete(7, hashFloat64(7))).toBe(false)
    expect(bucket.add(7, hashFloat64(7))).toBe(true)
  }
  expect(takeAll(bucket)).toEqual([...range(50).filter((key) => key !== 7), 7])
})

test('keys of one hash are told apart, and NaN is a key', () => {
  const oneHash = (): number => 42
  const keys = [...range(30), Number.NaN, 0.5]
  const bucket = bucketOf([...keys, ...keys], oneHash)
  expect(bucket.delete(12, 42)).toBe(true)
  expect(bucket.add(Number.NaN, 42)).toBe(false)
  expect(takeAll(bucket)).toEqual(keys.filter((key) => key !== 12))
})

test('a bucket that is used again holds nothing of the time before', () => {
  const bucket = bucketOf(range(100))
  bucket.take()
  bucket.delete(50, hashFloat64(50))
  bucket.reset(9)
  expect([bucket.size, bucket.time]).toEqual([0, 9])
  for (const key of range(20).reverse()) expect(bucket.add(key, hashFloat64(key))).toBe(true)
  expect([...bucket.keys()]).toEqual(range(20).reverse())
})

test('any sequence of add, delete, take and rekey does what an ordered set does', () => {
  const key = fc.integer({ min: 0, max: 40 })
  const command = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('add' as const), key }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('take' as const), key }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('rekey' as const), key }) },
  )
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      const bucket = new TimerBucket(hashFloat64)
      const model = new Set<number>()
      let offset = 0
      for (const { do: what, key: base } of commands) {
        const key = base + offset
        if (what === 'add') {
          expect(bucket.add(key, hashFloat64(key))).toBe(!model.has(key))
          model.add(key)
        } else if (what === 'delete') expect(bucket.delete(key, hashFloat64(key))).toBe(model.delete(key))
        else if (what === 'rekey') {
          offset++
          bucket.rekey((old) => old + 1)
          const keys = [...model].map((old) => old + 1)
          model.clear()
          for (const moved of keys) model.add(moved)
        } else if (model.size > 0) {
          const [first] = model
          expect(bucket.take()).toBe(first)
          model.delete(first!)
        }
        expect(bucket.size).toBe(model.size)
        expect([...bucket.keys()]).toEqual([...model])
      }
    }),
  )
})

test('what is viewed stays as it was, whatever becomes of the bucket', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), key: fc.nat(30) }),
    fc.record({ do: fc.constant('delete' as const), key: fc.nat(30) }),
    fc.constant({ do: 'take' as const }),
    fc.constant({ do: 'view' as const }),
    fc.constant({ do: 'reset' as const }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.nat(25), (steps, many) => {
      const bucket = bucketOf(range(many))
      const views: { readonly expected: number[]; readonly view: ReturnType<TimerBucket['view']> }[] = []
      for (const each of steps) {
        if (each.do === 'add') bucket.add(each.key, hashFloat64(each.key))
        else if (each.do === 'delete') bucket.delete(each.key, hashFloat64(each.key))
        else if (each.do === 'take' && bucket.size > 0) bucket.take()
        else if (each.do === 'reset') bucket.reset(bucket.time + 1)
        else if (each.do === 'view') views.push({ expected: [...bucket.keys()], view: bucket.view() })
      }
      for (const { expected, view } of views) expect(view.keys.slice(view.from, view.to)).toEqual(expected)
    }),
    { numRuns: 500 },
  )
})
