import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatMemorySize, parseMemorySize } from '../../../src/base/core/memory-size.ts'

test.each([
  ['1024', 1024],
  ['64 mb', 64 * 1024 ** 2],
  ['128kb', 128 * 1024],
  ['1g', 1024 ** 3],
  ['1.5 k', 1536],
  ['12 bytes', 12],
  ['2 TiB', 2 * 1024 ** 4],
])('%s is %d bytes', (text, bytes) => {
  expect(parseMemorySize(text)).toBe(bytes)
})

test.each(['', '-1', '64 mbit', 'mb', '1 kb 2'])('%j is no size', (text) => {
  expect(parseMemorySize(text)).toBeUndefined()
})

test('what is shown reads back as the same size, but for digits cut', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 45 }), (bytes) => {
      const back = parseMemorySize(formatMemorySize(bytes))
      expect(Math.abs(back! - bytes)).toBeLessThanOrEqual(bytes * 0.005)
    }),
  )
})
