import { describe, expect, it } from 'vitest'
import { type Candidate, chooseSlots } from '../../../src/cluster/resourcemanager/choose-slots.ts'

const candidate = (taskManagerId: string, total: number, free: readonly number[], ofJob = 0): Candidate => ({
  taskManagerId,
  total,
  ofJob,
  free,
})
const names = (chosen: readonly { taskManagerId: string; index: number }[]): string =>
  chosen.map(({ taskManagerId, index }) => `${taskManagerId}${index}`).join(' ')

describe('packing', () => {
  it('fills one TaskManager before the next', () => {
    expect(names(chooseSlots([candidate('a', 2, [0, 1]), candidate('b', 2, [0, 1])], 3, 'NONE'))).toBe('a0 a1 b0')
  })

  it('begins where the job has slots already, then where most are taken', () => {
    const candidates = [candidate('a', 4, [0, 1, 2, 3]), candidate('b', 4, [3]), candidate('c', 4, [1, 2, 3], 1)]
    expect(names(chooseSlots(candidates, 5, 'NONE'))).toBe('c1 c2 c3 b3 a0')
  })
})

describe('spreading', () => {
  it('takes each slot where the least part is taken', () => {
    expect(names(chooseSlots([candidate('a', 2, [0, 1]), candidate('b', 4, [0, 1, 2, 3])], 4, 'SLOTS'))).toBe('a0 b0 b1 a1')
  })

  it('prefers, of equally loaded ones, the TaskManager that has the least of the job', () => {
    expect(names(chooseSlots([candidate('a', 2, [1], 1), candidate('b', 2, [1])], 1, 'SLOTS'))).toBe('b1')
  })
})

it.each(['NONE', 'SLOTS'] as const)('%s gives what there is where there is too little', (mode) => {
  expect(names(chooseSlots([candidate('a', 1, [0])], 3, mode))).toBe('a0')
})
