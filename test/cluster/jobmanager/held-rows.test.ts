import { describe, expect, it } from 'vitest'
import { HeldRows } from '../../../src/cluster/jobmanager/held-rows.ts'

function begin(holds: boolean) {
  const handedOn: unknown[] = []
  const held = new HeldRows({ holds, handOn: (_channel, rows) => void handedOn.push(...rows) })
  return { held, handedOn }
}

describe('rows for the client', () => {
  it('go on at once in a job without checkpoints, which is remembered', () => {
    const { held, handedOn } = begin(false)
    held.collected(0, 2, 'c', [1])
    expect(handedOn).toEqual([1])
    expect([held.hasHandedOn([2]), held.hasHandedOn([0, 1])]).toEqual([true, false])
  })

  it('wait for a checkpoint whose barrier came behind them, in order', () => {
    const { held, handedOn } = begin(true)
    held.collected(0, 0, 'c', [1])
    held.passed(0, 0, 1)
    held.collected(0, 0, 'c', [2])
    held.passed(0, 0, 2)
    held.collected(0, 0, 'c', [3])
    held.completed(1)
    expect(handedOn).toEqual([1])
    held.completed(2)
    expect(handedOn).toEqual([1, 2])
  })

  it('are covered by a later checkpoint when one between was given up', () => {
    const { held, handedOn } = begin(true)
    held.collected(0, 0, 'c', [1])
    held.passed(0, 0, 1)
    held.completed(2)
    expect(handedOn).toEqual([1])
  })

  it('are those of their own task', () => {
    const { held, handedOn } = begin(true)
    held.collected(0, 0, 'c', ['of vertex 0'])
    held.collected(1, 0, 'd', ['of vertex 1'])
    held.passed(1, 0, 1)
    held.completed(1)
    expect(handedOn).toEqual(['of vertex 1'])
  })

  it('are dropped with their slots', () => {
    const { held, handedOn } = begin(true)
    held.collected(0, 0, 'c', ['lost'])
    held.collected(0, 1, 'c', ['kept'])
    held.drop([0])
    for (const slot of [0, 1]) held.passed(0, slot, 1)
    held.completed(1)
    expect(handedOn).toEqual(['kept'])
  })
})
