import { beforeEach, describe, expect, it } from 'vitest'
import { OfferedSlots } from '../../../src/cluster/jobmanager/offered-slots.ts'

let offered = new OfferedSlots()
const all = (): boolean => true
const ids = (taken: ReturnType<OfferedSlots['take']>): unknown =>
  taken && [...taken].map(([slot, { allocationId }]) => `${slot}: ${allocationId}`)

beforeEach(() => {
  offered = new OfferedSlots()
  offered.offer(
    'a',
    [0, 1].map((index) => ({ index, allocationId: `a${index}` })),
    0,
  )
  offered.offer('b', [{ index: 0, allocationId: 'b0' }], 0)
})

describe('slots that were offered', () => {
  it('are taken once each, and nothing is where there are too few', () => {
    expect(ids(offered.take([0, 1], 0, all))).toEqual(['0: a0', '1: a1'])
    expect(offered.take([2, 3], 0, all)).toBeUndefined()
    expect(ids(offered.take([2], 0, all))).toEqual(['2: b0'])
  })

  it('run again what they ran before', () => {
    offered.take([0, 1, 2], 0, all)
    for (const id of ['a0', 'a1', 'b0']) offered.free(id, 5)
    expect(ids(offered.take([2, 1], 1, all))).toEqual(['2: b0', '1: a1'])
  })

  it('of a TaskManager that is not usable now are left alone', () => {
    expect(ids(offered.take([0], 0, (id) => id === 'b'))).toEqual(['0: b0'])
    expect(offered.take([1], 0, (id) => id === 'b')).toBeUndefined()
  })

  it('are gone when their TaskManager is, or names them no more', () => {
    offered.lose('a')
    expect([offered.size, offered.numFree]).toEqual([1, 1])
    offered.offer('b', [{ index: 3, allocationId: 'b3' }], 9)
    expect(offered.of('b').map(({ allocationId }) => allocationId)).toEqual(['b3'])
  })

  it('keep what runs in them when they are offered again', () => {
    offered.take([0], 0, all)
    offered.offer(
      'a',
      [0, 1].map((index) => ({ index, allocationId: `a${index}` })),
      9,
    )
    expect(offered.numFree).toBe(2)
  })

  it('are too many when they have been idle for long beyond what is needed', () => {
    offered.take([0], 0, all)
    const excess = (needed: number, sinceMs: number) => offered.excess(needed, sinceMs).map(({ allocationId }) => allocationId)
    expect(excess(2, 0)).toEqual(['a1'])
    expect(excess(3, 0)).toEqual([])
    expect(excess(1, -1)).toEqual([])
    offered.free('a0', 50)
    expect(excess(0, 49)).toEqual(['a1', 'b0'])
  })
})
