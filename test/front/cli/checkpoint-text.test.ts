import { expect, test } from 'vitest'
import { droppedTexts } from '../../../src/front/cli/checkpoint-text.ts'

test('state that is not taken over is told, a line each', () => {
  const from = { kind: 'savepoint', checkpointId: 3, path: '/s', completedMs: 0 } as const
  expect(droppedTexts('orders', { ...from, dropped: [{ operator: 'totals', state: 'last' }] })).toEqual([
    "headrace: warning: state 'last' of operator 'totals' is dropped: 'orders' does not declare it any more",
  ])
  expect(droppedTexts('orders', { ...from, dropped: [] })).toEqual([])
  expect(droppedTexts('orders', undefined)).toEqual([])
})
