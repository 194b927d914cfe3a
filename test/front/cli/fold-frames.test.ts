import { expect, test } from 'vitest'
import { foldFrames } from '../../../src/front/cli/fold-frames.ts'

const times = (n: number, ...frames: string[]): string[] => Array.from({ length: n }, () => frames).flat()

test('a function that calls itself stands once, and how often it came again', () => {
  expect(foldFrames(['at top', ...times(46, 'at down'), 'at main'])).toEqual([
    'at top',
    'at down',
    '... this frame 45 times more',
    'at main',
  ])
})

test('functions that call each other are folded together, and a ring that was cut keeps its rest', () => {
  expect(foldFrames([...times(20, 'at a', 'at b', 'at c'), 'at a', 'at b'])).toEqual([
    'at a',
    'at b',
    'at c',
    '... these 3 frames 19 times more',
    'at a',
    'at b',
  ])
  expect(foldFrames([...times(4, 'at a', 'at a', 'at b')])).toEqual(['at a', 'at a', 'at b', '... these 3 frames 3 times more'])
})

test('frames that differ, and a few that are equal, are left as they are', () => {
  for (const frames of [[], ['at a'], ['at a', 'at a', 'at b'], times(2, 'at a', 'at b'), Array.from({ length: 30 }, (_, i) => `at f${i}`)])
    expect(foldFrames(frames)).toEqual(frames)
})
