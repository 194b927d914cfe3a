import { expect, test } from 'vitest'
import { maxWatermark, minWatermark } from '../../../../src/runtime/operator/operator.ts'
import { createAssigner, maxTimestamp } from '../../../../src/runtime/operator/window/window-assigner.ts'

const ranges = (assigner: Parameters<typeof createAssigner>[0], timestamp: number, nowMs = 0, row: unknown = {}) =>
  createAssigner(assigner)
    .assign(row, timestamp, nowMs)
    .map(({ start, end }) => [start, end])

test('tumbling windows align to the epoch, before 1970 too, and shift with the offset', () => {
  const tumbling = (offsetMs: number) => ({ kind: 'tumbling', time: 'event', sizeMs: 10, offsetMs }) as const
  expect([0, 9, 10, -1, -10, -11].map((ts) => ranges(tumbling(0), ts)[0])).toEqual([
    [0, 10],
    [0, 10],
    [10, 20],
    [-10, 0],
    [-10, 0],
    [-20, -10],
  ])
  expect([2, 3, -7, -8].map((ts) => ranges(tumbling(3), ts)[0])).toEqual([
    [-7, 3],
    [3, 13],
    [-7, 3],
    [-17, -7],
  ])
  expect([6, 7].map((ts) => ranges(tumbling(-3), ts)[0])).toEqual([
    [-3, 7],
    [7, 17],
  ])
})

test('a start is never minus zero, which would be another key in JSON and in tests', () => {
  expect(Object.is(ranges({ kind: 'tumbling', time: 'event', sizeMs: 10, offsetMs: 0 }, -0)[0]![0], 0)).toBe(true)
})

test('sliding windows are all those that contain the element, the latest first', () => {
  const sliding = { kind: 'sliding', time: 'event', sizeMs: 10, slideMs: 5, offsetMs: 0 } as const
  expect(ranges(sliding, 12)).toEqual([
    [10, 20],
    [5, 15],
  ])
  expect(ranges(sliding, -1)).toEqual([
    [-5, 5],
    [-10, 0],
  ])
})

test('sliding windows whose slide does not divide their size differ within one slide', () => {
  const assigner = createAssigner({ kind: 'sliding', time: 'event', sizeMs: 7, slideMs: 5, offsetMs: 0 })
  const starts = (timestamp: number) => assigner.assign({}, timestamp, 0).map(({ start }) => start)
  expect([10, 11, 12, 14, 15].map(starts)).toEqual([[10, 5], [10, 5], [10], [10], [15, 10]])
})

test('a slide longer than the size leaves gaps whose elements belong to no window', () => {
  const sliding = { kind: 'sliding', time: 'event', sizeMs: 3, slideMs: 10, offsetMs: 0 } as const
  expect([0, 2, 3, 9, 10].map((ts) => ranges(sliding, ts))).toEqual([[[0, 3]], [[0, 3]], [], [], [[10, 13]]])
})

test('processing-time windows go by the clock, whatever the timestamp', () => {
  expect(ranges({ kind: 'tumbling', time: 'processing', sizeMs: 10, offsetMs: 0 }, Number.NaN, 27)).toEqual([[20, 30]])
  expect(ranges({ kind: 'session', time: 'processing', gapMs: 10 }, Number.NaN, 27)).toEqual([[27, 37]])
})

test('a dynamic gap comes from the element, and one that is not positive is an error', () => {
  const session = { kind: 'session', time: 'event', gapMs: (row: any) => row.gap } as const
  expect(ranges(session, 5, 0, { gap: 3 })).toEqual([[5, 8]])
  for (const gap of [0, -1, Number.NaN, undefined, '5'])
    expect(() => ranges(session, 5, 0, { gap })).toThrow(/gap function of a session window returned/)
})

test('the global window is all of time and its last millisecond is MAX', () => {
  expect(ranges({ kind: 'global', fireAtEnd: false }, Number.NaN)).toEqual([[minWatermark, maxWatermark]])
  expect(maxTimestamp({ start: minWatermark, end: maxWatermark })).toBe(maxWatermark)
})
