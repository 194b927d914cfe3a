import { expect, test } from 'vitest'
import { formatDuration, parseDuration } from '../../../src/base/core/duration.ts'

test.each([
  ['10 s', 10_000],
  ['10s', 10_000],
  ['5 min', 300_000],
  ['5m', 300_000],
  ['1 h', 3_600_000],
  ['2 days', 172_800_000],
  ['200', 200],
  [' 0 ms ', 0],
  ['1.5 s', 1500],
  ['-1', -1],
  ['500 us', 0.5],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', 'ten s', '10 parsecs', '1 h 30 min', 's', '1e3'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined()
})

test.each([
  [0, '0 ms'],
  [850.4, '850 ms'],
  [3210, '3.2 s'],
  [59_940, '59.9 s'],
  [59_960, '1 min'],
  [125_000, '2 min 5 s'],
  [3_600_000, '1 h'],
  [3_780_000, '1 h 3 min'],
  [90_000_000, '1 d 1 h'],
])('%d ms reads %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})
