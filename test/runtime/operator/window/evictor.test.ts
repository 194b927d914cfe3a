import { expect, test } from 'vitest'
import { avg, count } from '../../../../src/program/function/aggregate.ts'
import type { Evictor } from '../../../../src/program/function/window.ts'
import type { WindowApply } from '../../../../src/program/graph/operator-descriptor.ts'
import { evict } from '../../../../src/runtime/operator/window/evictor.ts'
import { WindowDriver } from '../../../support/window-driver.ts'

const elements = [5, 1, 9, 3].map((v) => ({ value: { v }, timestamp: v }))
const left = (evictor: Evictor<any>, of = elements) => evict(evictor, of).map(({ value }) => (value as { v: number }).v)

test('count keeps the last n in order of arrival', () => {
  expect(left({ kind: 'count', count: 2, after: false })).toEqual([9, 3])
  expect(left({ kind: 'count', count: 9, after: false })).toEqual([5, 1, 9, 3])
})

test('time removes what is as old as the size or older, against the newest element', () => {
  expect(left({ kind: 'time', sizeMs: 4, after: false })).toEqual([9])
  expect(left({ kind: 'time', sizeMs: 5, after: false })).toEqual([5, 9])
  expect(left({ kind: 'time', sizeMs: 7, after: false })).toEqual([5, 9, 3])
})

test('time removes nothing from elements without timestamps', () => {
  expect(
    left(
      { kind: 'time', sizeMs: 1, after: false },
      elements.map(({ value }) => ({ value, timestamp: Number.NaN })),
    ),
  ).toEqual([5, 1, 9, 3])
})

test('delta removes what is as far from the last element as the threshold or further', () => {
  expect(left({ kind: 'delta', threshold: 2, delta: (element, last) => element.v - last.v, after: false })).toEqual([1, 3])
})

const global = { kind: 'global', fireAtEnd: false } as const
const everyOther = { kind: 'count', count: 2 } as const
const ids: WindowApply = { kind: 'process', process: (rows, _ctx, out) => out.collect(rows.map((row: any) => row.v)) }
const drive = (evictor: Evictor<any>, apply: WindowApply) => {
  const driver = new WindowDriver({ assigner: global, apply, trigger: everyOther, evictor })
  for (const v of [1, 2, 3, 4, 5, 6]) driver.element({ k: 'a', v })
  return driver.rows
}

test('what is evicted before the function is gone for good: a sliding count window', () => {
  expect(drive({ kind: 'count', count: 3, after: false }, ids)).toEqual([
    [1, 2],
    [2, 3, 4],
    [4, 5, 6],
  ])
})

test('what is evicted after the function was seen by it once more', () => {
  expect(drive({ kind: 'count', count: 1, after: true }, ids)).toEqual([
    [1, 2],
    [2, 3, 4],
    [4, 5, 6],
  ])
})

test('aggregates and reduce with an evictor see what is left', () => {
  const evictor = { kind: 'count', count: 3, after: false } as const
  const aggregates: WindowApply = { kind: 'aggregates', aggregates: { n: count(), mean: avg('v') } }
  expect(drive(evictor, aggregates).map(({ n, mean }) => [n, mean])).toEqual([
    [2, 1.5],
    [3, 3],
    [3, 5],
  ])
  expect(drive(evictor, { kind: 'reduce', fn: (a, b) => ({ k: a.k, v: a.v * b.v }) }).map(({ v }) => v)).toEqual([2, 24, 120])
})

test('a window from which everything is evicted does not call the function', () => {
  expect(drive({ kind: 'delta', threshold: 0, delta: () => 1, after: false }, ids)).toEqual([])
})

test('sessions with an evictor merge their elements', () => {
  const driver = new WindowDriver({
    assigner: { kind: 'session', time: 'event', gapMs: 10 },
    apply: ids,
    evictor: { kind: 'count', count: 3, after: false },
  })
  driver
    .element({ k: 'a', v: 1 }, 0)
    .element({ k: 'a', v: 2 }, 15)
    .element({ k: 'a', v: 3 }, 16)
    .element({ k: 'a', v: 4 }, 8)
    .watermark(100)
  expect(driver.rows).toEqual([[2, 3, 4]])
})
