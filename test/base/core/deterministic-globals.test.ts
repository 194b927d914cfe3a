import defaultCrypto, { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { deterministicGlobals, seededRandom } from '../../../src/base/core/deterministic-globals.ts'

const RealDate = Date
const realNow = Date.now
const realRandom = Math.random
const seed = { timeMs: Date.UTC(2026, 0, 2, 3, 4, 5), random: 42 }
let globals = deterministicGlobals(seed)

afterEach(() => globals.remove())

function draw(): unknown[] {
  return [Date.now(), new Date().toISOString(), Date(), Math.random(), crypto.randomUUID(), randomUUID(), defaultCrypto.randomUUID()]
}

describe('deterministic globals', () => {
  it('give the same readings for the same seed, and others for another', () => {
    const readings = [seed, seed, { ...seed, random: 43 }].map((one) => {
      globals = deterministicGlobals(one)
      globals.install()
      const drawn = draw()
      globals.remove()
      return drawn
    })
    expect(readings[1]).toEqual(readings[0])
    expect(readings[2]!.slice(0, 3)).toEqual(readings[0]!.slice(0, 3))
    for (const index of [3, 4, 5, 6]) expect(readings[2]![index]).not.toEqual(readings[0]![index])
  })

  it('keep all ways to read the time at the time of the plan, and dates with arguments as they are', () => {
    globals = deterministicGlobals(seed)
    globals.install()
    expect(new Date().toISOString()).toBe('2026-01-02T03:04:05.000Z')
    expect(RealDate.now()).toBe(seed.timeMs)
    expect(new Date(7).getTime()).toBe(7)
    expect(new Date(2020, 1).getMonth()).toBe(1)
    expect(new Date() instanceof Date).toBe(true)
    expect(new RealDate(1) instanceof Date).toBe(true)
    class MyDate extends Date {}
    expect(new MyDate() instanceof MyDate).toBe(true)
    expect(new MyDate().getTime()).toBe(seed.timeMs)
  })

  it('give back what they replaced', () => {
    globals = deterministicGlobals(seed)
    globals.install()
    globals.remove()
    expect(Date).toBe(RealDate)
    expect(Date.now).toBe(realNow)
    expect(Math.random).toBe(realRandom)
    expect(randomUUID()).not.toBe(randomUUID())
    expect(Object.hasOwn(crypto, 'randomUUID')).toBe(false)
    globals.remove()
  })

  it('go on with the random numbers where they stood', () => {
    globals = deterministicGlobals(seed)
    globals.install()
    const first = Math.random()
    globals.remove()
    globals.install()
    expect(Math.random()).not.toBe(first)
  })

  it('refuse to be installed over one another', () => {
    globals = deterministicGlobals(seed)
    globals.install()
    expect(() => deterministicGlobals(seed).install()).toThrow('installed twice')
  })

  it('make version 4 UUIDs', () => {
    globals = deterministicGlobals(seed)
    globals.install()
    for (let i = 0; i < 50; i++)
      expect(crypto.randomUUID()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })
})

describe('seeded random numbers', () => {
  it('lie in [0, 1) and are spread evenly', () => {
    const random = seededRandom(1)
    const buckets = new Array<number>(10).fill(0)
    for (let i = 0; i < 10_000; i++) {
      const value = random()
      expect(value >= 0 && value < 1).toBe(true)
      buckets[Math.floor(value * 10)]!++
    }
    for (const count of buckets) expect(Math.abs(count - 1000)).toBeLessThan(150)
  })

  it('differ for seeds that differ only above 32 bits', () => {
    expect(seededRandom(1)()).not.toBe(seededRandom(1 + 2 ** 32)())
  })
})
