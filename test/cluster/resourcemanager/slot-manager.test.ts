import { beforeEach, describe, expect, it } from 'vitest'
import { SlotManager } from '../../../src/cluster/resourcemanager/slot-manager.ts'
import type {
  SlotManagerDecision,
  SlotManagerSettings,
  TaskManagerFacts,
} from '../../../src/cluster/resourcemanager/slot-manager-events.ts'
import type { SlotReport } from '../../../src/cluster/rpc/protocols.ts'

const settings: SlotManagerSettings = { loadBalance: 'NONE', heartbeatIntervalMs: 1000, heartbeatTimeoutMs: 5000, jobTimeoutMs: 60_000 }
const workers = { slotsEach: 2, maxSlots: 8, idleTimeoutMs: 30_000, startTimeoutMs: 20_000, maxStartFailures: 2 }

function managerWith(changed: Partial<SlotManagerSettings> = {}): SlotManager {
  const count = { allocation: 0, worker: 0 }
  const newAllocationId = () => `x${count.allocation++}`
  const newWorkerId = () => `w${count.worker++}`
  return new SlotManager({ ...settings, ...changed, newAllocationId, newWorkerId })
}

const factsOf = (taskManagerId: string): TaskManagerFacts => ({
  ...{ taskManagerId, host: `${taskManagerId}.example`, dataAddress: `${taskManagerId}.example:1`, pid: 7 },
  hardware: { cpuCores: 2, memoryBytes: 4, freeMemoryBytes: 3 },
})
const free = (count: number): SlotReport[] => Array.from({ length: count }, (_, index) => ({ index }))
const held = (index: number, allocationId: string, jobId: string): SlotReport => ({ index, allocation: { allocationId, jobId } })

/** `a0` means slot 0 of TaskManager a. */
const allocated = (decisions: readonly SlotManagerDecision[]): readonly string[] =>
  decisions.flatMap((each) => (each.do === 'allocateSlot' ? [`${each.jobId}: ${each.taskManagerId}${each.index}`] : []))

let manager = managerWith()
beforeEach(() => {
  manager = managerWith()
})

const register = (id: string, slots: readonly SlotReport[], nowMs = 0) =>
  manager.apply({ on: 'registered', taskManager: factsOf(id), slots }, nowMs)
const beat = (id: string, slots: readonly SlotReport[], nowMs: number) =>
  manager.apply({ on: 'heartbeat', taskManagerId: id, slots, metrics: {} }, nowMs)
function declare(jobId: string, slots: number, nowMs = 0) {
  manager.apply({ on: 'jobRegistered', jobId, jobName: jobId, jobMaster: { address: 'jm:1', sessionId: jobId } }, nowMs)
  return manager.apply({ on: 'declared', jobId, slots }, nowMs)
}

describe('what jobs want', () => {
  it('is ordered from TaskManagers that are there, with the address of the JobMaster', () => {
    register('a', free(2))
    const decisions = declare('j', 1)
    expect(decisions).toEqual([
      {
        ...{ do: 'allocateSlot', taskManagerId: 'a', index: 0, allocationId: 'x0', jobId: 'j' },
        jobMaster: { address: 'jm:1', sessionId: 'j' },
      },
    ])
  })

  it('is ordered as TaskManagers come, for the job that declared first', () => {
    declare('first', 3)
    declare('second', 1)
    expect(allocated(register('a', free(2)))).toEqual(['first: a0', 'first: a1'])
    expect(allocated(register('b', free(2)))).toEqual(['first: b0', 'second: b1'])
  })

  it('is told not to suffice once for each number', () => {
    expect(declare('j', 3)).toEqual([{ do: 'notEnough', jobId: 'j', declared: 3, available: 0 }])
    expect(manager.apply({ on: 'tick' }, 100)).toEqual([])
    expect(register('a', free(1), 200).at(-1)).toEqual({ do: 'notEnough', jobId: 'j', declared: 3, available: 1 })
  })

  it('counts only the newest declaration', () => {
    declare('j', 3)
    declare('j', 1)
    expect(allocated(register('a', free(4)))).toEqual(['j: a0'])
  })

  it('gives everything back with a declaration of none', () => {
    register('a', [held(0, 'old', 'j'), { index: 1 }])
    declare('j', 2)
    const freed = declare('j', 0).map((each) => each.do === 'freeSlot' && each.allocationId)
    expect(freed).toEqual(['old', 'x0'])
  })
})

describe('reports', () => {
  it('heard twice change nothing', () => {
    register('a', free(2))
    declare('j', 1)
    expect(beat('a', [held(0, 'x0', 'j'), { index: 1 }], 100)).toEqual([])
    expect(beat('a', [held(0, 'x0', 'j'), { index: 1 }], 200)).toEqual([])
  })

  it('that crossed an order do not make its slot free', () => {
    register('a', free(1))
    declare('j', 1)
    declare('other', 1)
    expect(beat('a', free(1), 10)).toEqual([])
  })

  it('that show another allocation in an ordered slot are believed, and the order is made anew', () => {
    register('a', free(2))
    declare('j', 1)
    expect(allocated(beat('a', [held(0, 'stranger', 'k'), { index: 1 }], 10))).toEqual(['j: a1'])
  })

  it('of a slot that became free give it to who waits', () => {
    register('a', [held(0, 'old', 'k')])
    declare('j', 1)
    expect(allocated(beat('a', free(1), 10))).toEqual(['j: a0'])
  })

  it('of a new connection void what was ordered on an earlier one', () => {
    register('a', free(1))
    declare('j', 1)
    expect(allocated(register('a', free(1), 50))).toEqual(['j: a0'])
  })

  it('that never mention an order let it be given to somebody else', () => {
    register('a', free(1))
    register('b', free(1))
    declare('j', 1)
    for (const ms of [1000, 2000, 3000, 4000, 5000]) beat('a', free(1), ms)
    expect(allocated(manager.apply({ on: 'tick' }, 5000))).toEqual(['j: a0'])
  })
})

describe('a TaskManager', () => {
  it('whose connection broke gets nothing new, and its slots still count until it is given up', () => {
    register('a', [held(0, 'old', 'j'), { index: 1 }])
    declare('j', 1)
    manager.apply({ on: 'disconnected', taskManagerId: 'a', reason: 'gone' }, 100)
    expect(declare('k', 1, 100)).toEqual([{ do: 'notEnough', jobId: 'k', declared: 1, available: 0 }])
    expect(manager.apply({ on: 'tick' }, 5099)).toEqual([])
    expect(manager.apply({ on: 'tick' }, 5100)).toEqual([
      { do: 'tellLost', jobId: 'j', taskManagerId: 'a', reason: 'gone, and it did not come back' },
      { do: 'notEnough', jobId: 'j', declared: 1, available: 0 },
    ])
    expect(manager.taskManagers((ms) => ms)).toEqual([])
  })

  it('that a JobMaster suspects is replaced at once for that job, and gets nothing new from any', () => {
    register('a', [held(0, 'old', 'j'), held(1, 'older', 'k'), { index: 2 }])
    register('b', free(2))
    declare('j', 1)
    declare('k', 1)
    expect(allocated(manager.apply({ on: 'suspected', taskManagerId: 'a', jobId: 'j' }, 50))).toEqual(['j: b0'])
    expect(allocated(declare('l', 2, 60))).toEqual(['l: b1'])
  })

  it('is trusted again when it is heard', () => {
    register('a', free(2))
    manager.apply({ on: 'suspected', taskManagerId: 'a', jobId: 'j' }, 50)
    declare('j', 1, 60)
    expect(allocated(beat('a', free(2), 70))).toEqual(['j: a0'])
  })

  it('that has missed heartbeats gets nothing new until it is heard', () => {
    register('a', free(1))
    expect(allocated(declare('j', 1, 2500))).toEqual([])
    expect(allocated([...beat('a', free(1), 2600), ...manager.apply({ on: 'tick' }, 2600)])).toEqual(['j: a0'])
  })

  it('that is lost is told to those who had slots there, which get others', () => {
    register('a', [held(0, 'old', 'j')])
    register('b', free(1))
    declare('j', 1)
    const decisions = manager.apply({ on: 'lost', taskManagerId: 'a', reason: 'it was silent' }, 100)
    expect(decisions[0]).toEqual({ do: 'tellLost', jobId: 'j', taskManagerId: 'a', reason: 'it was silent' })
    expect(allocated(decisions)).toEqual(['j: b0'])
  })

  it('shows its slots and what it said of itself', () => {
    register('a', [held(0, 'old', 'j'), { index: 1 }], 10)
    manager.apply({ on: 'heartbeat', taskManagerId: 'a', slots: [held(0, 'old', 'j'), { index: 1 }], metrics: { threads: 3 } }, 20)
    expect(manager.taskManagers((ms) => 1000 + ms)).toEqual([
      {
        ...factsOf('a'),
        ...{ slots: [held(0, 'old', 'j'), { index: 1 }], lastHeartbeatMs: 1020, suspected: false, metrics: { threads: 3 } },
      },
    ])
  })
})

describe('a job without a JobMaster', () => {
  it('keeps its slots for a while, then loses them', () => {
    register('a', [held(0, 'old', 'j')])
    declare('j', 1)
    manager.apply({ on: 'jobDisconnected', jobId: 'j' }, 1000)
    expect(manager.apply({ on: 'tick' }, 60_999)).toEqual([])
    expect(manager.apply({ on: 'tick' }, 61_000)).toMatchObject([{ do: 'freeSlot', allocationId: 'old' }])
  })

  it('gets nothing new meanwhile', () => {
    declare('j', 1)
    manager.apply({ on: 'jobDisconnected', jobId: 'j' }, 10)
    expect(register('a', free(1), 20)).toEqual([])
  })

  it('that has ended is freed until no TaskManager reports it', () => {
    register('a', [held(0, 'old', 'j')])
    declare('j', 0)
    manager.apply({ on: 'jobDisconnected', jobId: 'j' }, 10)
    expect(manager.apply({ on: 'tick' }, 20)).toMatchObject([{ do: 'freeSlot', allocationId: 'old' }])
    expect(manager.apply({ on: 'tick' }, 30)).toMatchObject([{ do: 'freeSlot', allocationId: 'old' }])
    beat('a', free(1), 40)
    expect(manager.apply({ on: 'tick' }, 50)).toEqual([])
  })

  it('of which nobody has heard but a TaskManager is given the time to speak', () => {
    register('a', [held(0, 'old', 'j')])
    expect(manager.apply({ on: 'tick' }, 59_000)).toEqual([])
    expect(declare('j', 1, 59_500)).toEqual([])
    expect(manager.apply({ on: 'tick' }, 70_000)).toEqual([])
  })
})

describe('where workers can be started', () => {
  beforeEach(() => {
    manager = managerWith({ workers })
  })

  it('starts as many as the slots need, and says nothing of too few meanwhile', () => {
    expect(declare('j', 3)).toEqual([
      { do: 'startWorker', taskManagerId: 'w0' },
      { do: 'startWorker', taskManagerId: 'w1' },
    ])
    expect(manager.apply({ on: 'tick' }, 1000)).toEqual([])
    expect(allocated(register('w0', free(2), 2000))).toEqual(['j: w00', 'j: w01'])
    expect(allocated(register('w1', free(2), 2000))).toEqual(['j: w10'])
  })

  it('starts none beyond the most slots of the cluster', () => {
    const decisions = declare('j', 20)
    expect(decisions.filter((each) => each.do === 'startWorker')).toHaveLength(4)
  })

  it('starts others for those that fail or never come, but not for ever', () => {
    declare('j', 1)
    expect(manager.apply({ on: 'startFailed', taskManagerId: 'w0' }, 10)).toEqual([{ do: 'startWorker', taskManagerId: 'w1' }])
    expect(manager.apply({ on: 'tick' }, 20_010)).toEqual([{ do: 'notEnough', jobId: 'j', declared: 1, available: 0 }])
    expect(manager.apply({ on: 'tick' }, 60_010)).toEqual([{ do: 'startWorker', taskManagerId: 'w2' }])
  })

  it('stops those that have had no job for a while, and only those that it started', () => {
    register('by-hand', free(2))
    declare('j', 4)
    register('w0', free(2), 1000)
    beat('w0', [held(0, 'x2', 'j'), held(1, 'x3', 'j')], 1500)
    declare('j', 0, 2000)
    beat('w0', free(2), 3000)
    beat('by-hand', free(2), 3000)
    expect(manager.apply({ on: 'tick' }, 32_999)).toEqual([])
    expect(manager.apply({ on: 'tick' }, 33_000)).toMatchObject([{ do: 'stopWorker', taskManagerId: 'w0' }])
    expect(manager.taskManagers((ms) => ms).map(({ taskManagerId }) => taskManagerId)).toEqual(['by-hand'])
  })
})
