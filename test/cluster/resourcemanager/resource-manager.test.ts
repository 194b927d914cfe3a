/**
 * A ResourceManager with scripted TaskManagers and JobMasters at the other ends.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import { ResourceManager } from '../../../src/cluster/resourcemanager/resource-manager.ts'
import { localProcessProvider, type ResourceProvider, standaloneProvider } from '../../../src/cluster/resourcemanager/resource-provider.ts'
import type {
  FromResourceManager,
  Requirements,
  RequirementsAnswer,
  SlotReport,
  ToResourceManager,
} from '../../../src/cluster/rpc/protocols.ts'
import { Heard, SettledNetwork } from '../../support/settled-network.ts'

let world = new SettledNetwork()
let manager: ResourceManager
let counts: number[] = []

async function begin(provider: ResourceProvider): Promise<void> {
  world = new SettledNetwork()
  counts = []
  let ids = 0
  manager = new ResourceManager({
    ...{ heartbeat: { intervalMs: 1000, timeoutMs: 5000 }, loadBalance: 'NONE', jobTimeoutMs: 60_000 },
    ...{ clock: world.clock, sessionId: 'r', provider },
    newAllocationId: () => `x${ids++}`,
    newWorkerId: () => `w${ids++}`,
    onTaskManagers: (count) => void counts.push(count),
  })
  await world.listen('rm', manager.acceptors)
}

beforeEach(() => begin(standaloneProvider))

type TaskManagerEnd = Heard<FromResourceManager, ToResourceManager>
type JobEnd = Heard<RequirementsAnswer, Requirements>

async function taskManager(id: string, slots: readonly SlotReport[] = [{ index: 0 }]): Promise<TaskManagerEnd> {
  const end: TaskManagerEnd = new Heard(world.network.transportOf(id).connect('rm:1', 'taskManager', { version: '1', from: id }))
  const facts = { taskManagerId: id, host: id, dataAddress: `${id}:9`, pid: 7 }
  end.link.send({ say: 'register', ...facts, hardware: { cpuCores: 1, memoryBytes: 2, freeMemoryBytes: 1 }, slots })
  await world.settle()
  return end
}

async function job(jobId: string, slots: number): Promise<JobEnd> {
  const end: JobEnd = new Heard(world.network.transportOf(jobId).connect('rm:1', 'requirements', { version: '1', from: jobId, jobId }))
  end.link.send({ say: 'register', jobName: jobId, jobMaster: { address: 'jm:1', sessionId: 's' } })
  end.link.send({ say: 'declare', slots })
  await world.settle()
  return end
}

const holding = (allocationId: string, jobId: string): readonly SlotReport[] => [{ index: 0, allocation: { allocationId, jobId } }]
const ids = (): readonly string[] => manager.taskManagers().map(({ taskManagerId }) => taskManagerId)

describe('a ResourceManager', () => {
  it('takes TaskManagers and jobs, and orders what they need of each other', async () => {
    const a = await taskManager('a')
    const j = await job('j', 1)
    expect(a.take()).toEqual([
      { do: 'registered', sessionId: 'r' },
      { do: 'allocateSlot', index: 0, allocationId: 'x0', jobId: 'j', jobMaster: { address: 'jm:1', sessionId: 's' } },
    ])
    expect(j.take()).toEqual([{ do: 'registered', sessionId: 'r' }])
    expect(counts).toEqual([1])
  })

  it('tells a job once that there is not enough', async () => {
    const j = await job('j', 2)
    await world.pass(3000)
    expect(j.take().slice(1)).toEqual([{ do: 'notEnough', declared: 2, available: 0 }])
  })

  it('frees what a job gives back', async () => {
    const a = await taskManager('a', holding('old', 'j'))
    const j = await job('j', 1)
    j.link.send({ say: 'declare', slots: 0 })
    await world.settle()
    expect(a.take().slice(1)).toMatchObject([{ do: 'freeSlot', allocationId: 'old' }])
  })

  it('tells of its TaskManagers as they last reported', async () => {
    const a = await taskManager('a')
    await world.pass(1000)
    a.link.send({ say: 'heartbeat', slots: holding('x', 'j'), metrics: { threads: 3 } })
    await world.settle()
    expect(manager.taskManagers()).toEqual([
      {
        ...{ taskManagerId: 'a', host: 'a', dataAddress: 'a:9', pid: 7, hardware: { cpuCores: 1, memoryBytes: 2, freeMemoryBytes: 1 } },
        ...{ slots: holding('x', 'j'), lastHeartbeatMs: 1000, suspected: false, metrics: { threads: 3 } },
      },
    ])
  })
})

describe('a TaskManager', () => {
  it('that is silent for the timeout is given up, and the jobs that had slots there hear of it', async () => {
    const a = await taskManager('a', holding('old', 'j'))
    const j = await job('j', 1)
    for (let passed = 0; passed < 6; passed++) {
      j.link.send({ say: 'heartbeat' })
      await world.pass(1000)
    }
    expect(a.heartbeats).toBe(4)
    expect(a.closed).toBeDefined()
    expect(ids()).toEqual([])
    expect(j.take().slice(1, 2)).toEqual([{ do: 'taskManagerLost', taskManagerId: 'a', reason: 'It was silent for 5.0 s' }])
    expect(counts).toEqual([1, 0])
  })

  it('whose connection broke is suspected, and given up when it does not come back', async () => {
    await taskManager('a')
    world.network.break('a')
    await world.settle()
    expect(manager.taskManagers()).toMatchObject([{ suspected: true }])
    await world.pass(6000)
    expect(ids()).toEqual([])
  })

  it('that comes back is as good as before, and its older connection is not heard', async () => {
    const older = await taskManager('a')
    await taskManager('a', holding('x', 'j'))
    expect(older.closed).toBeDefined()
    older.link.send({ say: 'heartbeat', slots: [{ index: 0 }], metrics: {} })
    await world.settle()
    expect(manager.taskManagers()).toMatchObject([{ slots: holding('x', 'j'), suspected: false }])
  })

  it('that closes in order is gone at once', async () => {
    const a = await taskManager('a')
    a.link.close()
    await world.settle()
    expect(ids()).toEqual([])
  })

  it('that a JobMaster suspects gets nothing until it is heard', async () => {
    const a = await taskManager('a')
    const j = await job('j', 0)
    j.link.send({ say: 'suspect', taskManagerId: 'a' })
    j.link.send({ say: 'declare', slots: 1 })
    await world.settle()
    expect(a.take()).toHaveLength(1)
    a.link.send({ say: 'heartbeat', slots: [{ index: 0 }], metrics: {} })
    await world.settle()
    expect(a.take()).toMatchObject([{ do: 'allocateSlot', jobId: 'j' }])
  })
})

it('a link that was meant for another leader is refused, and so is one of no job', async () => {
  const { connect } = world.network.transportOf('a')
  const stale: TaskManagerEnd = new Heard(connect('rm:1', 'taskManager', { version: '1', from: 'a', sessionId: 'older' }))
  const nobody: JobEnd = new Heard(connect('rm:1', 'requirements', { version: '1', from: 'a' }))
  await world.settle()
  expect(stale.closed?.cause).toContain('not the leader')
  expect(nobody.closed?.cause).toContain('without a job id')
})

describe('with workers that it can start', () => {
  const workers = { slotsEach: 1, maxSlots: 4, idleTimeoutMs: 30_000, startTimeoutMs: 20_000, maxStartFailures: 3 }
  let started: string[] = []
  let stopped: string[] = []
  let end: Map<string, (reason: string) => void> = new Map()

  beforeEach(async () => {
    started = []
    stopped = []
    end = new Map()
    await begin(
      localProcessProvider(workers, async (taskManagerId) => {
        started.push(taskManagerId)
        if (started.length === 2) throw new Error('no such file')
        const ended = new Promise<string>((resolve) => void end.set(taskManagerId, resolve))
        return { ended, stop: () => void stopped.push(taskManagerId) }
      }),
    )
  })

  it('starts them as they are needed, and another one for each that ends or cannot begin', async () => {
    const j = await job('j', 1)
    expect(started).toEqual(['w0'])
    await taskManager('w0')
    end.get('w0')!('it ended with code 1')
    await world.settle()
    expect(started).toHaveLength(3)
    expect(ids()).toEqual([])
    expect(j.take().slice(1)).toEqual([{ do: 'taskManagerLost', taskManagerId: 'w0', reason: 'it ended with code 1' }])
  })

  it('stops them when no job has needed them for a while', async () => {
    const j = await job('j', 1)
    const w = await taskManager('w0')
    j.link.send({ say: 'declare', slots: 0 })
    w.link.send({ say: 'heartbeat', slots: [{ index: 0 }], metrics: {} })
    await world.settle()
    w.take()
    w.link.send({ say: 'heartbeat', slots: holding('x1', 'j'), metrics: {} })
    w.link.send({ say: 'heartbeat', slots: [{ index: 0 }], metrics: {} })
    for (let passed = 0; passed < 31; passed++) {
      w.link.send({ say: 'heartbeat', slots: [{ index: 0 }], metrics: {} })
      await world.pass(1000)
    }
    expect(stopped).toEqual(['w0'])
    expect(w.take()).toContainEqual({ do: 'shutDown', reason: 'No job has needed it for a while' })
  })

  it('ends those that it started when it closes', async () => {
    await job('j', 1)
    const closed = manager.close()
    expect(stopped).toEqual(['w0'])
    end.get('w0')!('it was told to')
    await closed
  })
})
