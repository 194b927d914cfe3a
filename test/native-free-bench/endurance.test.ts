import { expect, test } from 'vitest'
import { type Endurance, grows, trendOf } from '../../native-free-bench/endurance.ts'

const samples = (mbAt: (second: number) => number) => Array.from({ length: 480 }, (_, i) => [120 + i, mbAt(120 + i)] as const)

test('a sawtooth that stays where it is does not grow, and one that climbs does', () => {
  const flat = trendOf(samples((second) => 150 + (second % 7) * 5))
  const climbing = trendOf(samples((second) => 150 + (second % 7) * 5 + second / 30))
  expect(Math.abs(flat.mbPerMinute)).toBeLessThan(0.1)
  expect(climbing.mbPerMinute).toBeGreaterThan(1.9)
  expect(climbing.mbPerMinute).toBeLessThan(2.1)
  expect(flat.floorMb).toBe(150)
  const of = (rss: typeof flat, heap: typeof flat): Endurance => ({ seconds: 600, samples: 480, rss, heap })
  expect(grows(of(flat, flat))).toBe(false)
  expect(grows(of(climbing, flat))).toBe(true)
  expect(grows(of(flat, climbing))).toBe(true)
})

test('a trend of hardly any samples is refused', () => {
  expect(() => trendOf([[1, 2]])).toThrow('1 samples of memory are too few')
})
