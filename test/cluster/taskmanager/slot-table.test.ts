import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { SlotTable } from '../../../src/cluster/taskmanager/slot-table.ts'

let table = new SlotTable(2)
beforeEach(() => {
  table = new SlotTable(2)
})

describe('the slots of a TaskManager', () => {
  it('are each held by one allocation, which may be said twice', () => {
    expect(table.allocate(0, { allocationId: 'x', jobId: 'j' })).toBe(true)
    expect(table.allocate(0, { allocationId: 'x', jobId: 'j' })).toBe(true)
    expect(table.allocate(0, { allocationId: 'y', jobId: 'j' })).toBe(false)
    expect(table.allocate(1, { allocationId: 'x', jobId: 'j' })).toBe(false)
    expect(table.allocate(2, { allocationId: 'z', jobId: 'j' })).toBe(false)
    expect(table.reports()).toEqual([{ index: 0, allocation: { allocationId: 'x', jobId: 'j' } }, { index: 1 }])
  })

  it('are found by allocation and by job', () => {
    table.allocate(1, { allocationId: 'x', jobId: 'j' })
    expect([table.indexOf('x'), table.jobOf('x'), table.indexOf('y'), table.jobOf('y')]).toEqual([1, 'j', undefined, undefined])
    expect(table.ofJob('j')).toEqual([{ index: 1, allocationId: 'x' }])
    expect(table.ofJob('k')).toEqual([])
  })

  it('are free again once', () => {
    table.allocate(0, { allocationId: 'x', jobId: 'j' })
    expect([table.free('x'), table.free('x')]).toEqual([true, false])
    expect(table.allocate(0, { allocationId: 'y', jobId: 'k' })).toBe(true)
  })
})

it('whatever is asked, no slot and no allocation is in two places', () => {
  const step = fc.record({ free: fc.boolean(), index: fc.integer({ min: -1, max: 3 }), allocation: fc.nat(4) })
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const slots = new SlotTable(3)
      const held = new Map<string, number>()
      for (const { free, index, allocation } of steps) {
        const allocationId = `x${allocation}`
        if (free) expect(slots.free(allocationId)).toBe(held.delete(allocationId))
        else if (slots.allocate(index, { allocationId, jobId: 'j' })) {
          expect([undefined, index]).toContain(held.get(allocationId))
          held.set(allocationId, index)
        }
        expect(new Set(held.values()).size).toBe(held.size)
        expect(slots.ofJob('j').map((each) => [each.allocationId, each.index])).toEqual([...held].sort((a, b) => a[1] - b[1]))
      }
    }),
  )
})
