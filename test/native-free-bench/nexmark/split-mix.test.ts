import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { priceOf } from '../../../native-free-bench/nexmark/price.ts'
import { SlowDraws, SplitMix } from '../../../native-free-bench/nexmark/split-mix.ts'
import { pool, urls } from '../../../native-free-bench/nexmark/tables.ts'
import { Random } from './reference-events.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

test('the first draws of seed 44 are the published ones', () => {
  const random = new SplitMix(44)
  expect([...random.draws.subarray(0, 3)]).toEqual([-2117765550, -1827383147, -470817292])
  expect([random.double(0), random.double(1)]).toEqual([0.9815240544645374, 0.5662876947521744])
  const slow = new SlowDraws(44)
  expect(Array.from({ length: 8 }, () => slow.below(26))).toEqual([9, 8, 6, 19, 3, 16, 9, 17])
})

test('draws stay the same over any number of refills', () => {
  const random = new SplitMix(45)
  const reference = new Random(45)
  let cursor = 0
  for (let i = 0; i < 30_000; i++) {
    if (cursor === 7_000) cursor = random.refill(cursor)
    expect(random.draws[cursor++]).toBe(reference.nextInt())
  }
  expect(random.consumed(cursor)).toBe(30_000)
  expect(random.state(cursor)).toBe(reference.s)
})

test('a cursor that ran over the end of the block is an error, not a wrong number', () => {
  expect(() => new SplitMix(44).refill(8193)).toThrow('read 1 draws behind the end of the block')
})

test('the pool and the urls have the published digests', () => {
  expect(pool()).toHaveLength(2 ** 20)
  expect(sha256(pool())).toBe('e857c8fb9067d18eea060a35879f65a7709674dbd59c704df828d34ebcc85567')
  const channelUrls = urls().slice(4)
  expect(sha256(channelUrls.map((url) => `${url}\n`).join(''))).toBe('4fdb2ceef534a9e7907999f631e6f61237bce0bb2a0527d64a22927a9ef62e0c')
  expect(channelUrls.filter((url) => url.includes('channel_id='))).toHaveLength(8968)
})

test('prices are rounded as the exact power is, also right beside a half', () => {
  const random = new Random(7)
  for (let i = 0; i < 200_000; i++) {
    const u = random.nextDouble()
    expect(priceOf(u)).toBe(Math.round(10 ** (u * 6) * 100))
  }
  for (let cents = 100; cents < 100_000_000; cents = Math.ceil(cents * 1.01)) {
    const half = Math.log10((cents + 0.5) / 100) / 6
    for (const u of [half, half * (1 - 2 ** -50), half * (1 + 2 ** -50)]) expect(priceOf(u)).toBe(Math.round(10 ** (u * 6) * 100))
  }
  expect([priceOf(0), priceOf(1 - 2 ** -53)]).toEqual([100, 100_000_000])
})
