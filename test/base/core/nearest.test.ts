import { expect, test } from 'vitest'
import { editDistance, nearest } from '../../../src/base/core/nearest.ts'

test('counts insertions, deletions, replacements and swaps', () => {
  expect(editDistance('run', 'run')).toBe(0)
  expect(editDistance('', 'run')).toBe(3)
  expect(editDistance('rnu', 'run')).toBe(1)
  expect(editDistance('kitten', 'sitting')).toBe(3)
})

test('names the closest candidate, whatever the case', () => {
  expect(nearest('Flihgts.ts', ['flights.ts', 'lights.ts', 'weather.ts'])).toBe('flights.ts')
})

test('names none when none is close', () => {
  expect(nearest('xyzzy', ['run', 'info'])).toBeUndefined()
  expect(nearest('x', [])).toBeUndefined()
})
