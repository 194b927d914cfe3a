/**
 * A TaskManager with a scripted ResourceManager, scripted JobMasters and slots that only note what they are told.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { deployJob } from '../../../src/cluster/jobmanager/deploy-job.ts'
import type { FromJobMaster, FromResourceManager, ToJobMaster, ToResourceManager } from '../../../src/cluster/rpc/protocols.ts'
import type { SlotEvents } from '../../../src/cluster/rpc/slot-pool.ts'
import type { Hello } from '../../../src/cluster/rpc/transport.ts'
import type { PreparedProgram, SlotRunner } from '../../../src/cluster/taskmanager/slot-runner.ts'
import { TaskManager } from '../../../src/cluster/taskmanager/task-manager.ts'
import { Heard, SettledNetwork } from '../../support/settled-network.ts'
import { jobGraphOf } from '../jobmanager/plans.ts'

const jobGraph = jobGraphOf([{ name: 'numbers', parallelism: 2 }])
const program = { id: 'p', sizeBytes: 1, file: 'job.ts', args: {}, seed: { timeMs: 0, random: 0 }, earlier: [] }

let world = new SettledNetwork()
let taskManager: TaskManager
let resourceManagers: Heard<ToResourceManager, FromResourceManager>[] = []
let jobMasters: Heard<ToJobMaster, FromJobMaster>[] = []
let hellos: Hello[] = []
let refuse: StreamError | undefined
let notes: string[] = []
let events: SlotEvents
let prepare: () => Promise<PreparedProgram>

/** Slots that note what they are told; `events` is what they tell by. */
const noted: PreparedProgram = {
  run({ deployments }, _carrier, to) {
    events = to
    notes.push(`run ${deployments.map(({ slot, attempt }) => `${slot} of attempt ${attempt}`).join(', ')}`)
    return {
      send: (slot, message) => void notes.push(`${slot} ${message.do}`),
      kill: (slot) => {
        notes.push(`kill ${slot}`)
        to.done(slot)
      },
      ports: new Map(),
    }
  },
  close: async () => void notes.push('close'),
}

const runner: SlotRunner = { prepare: () => prepare() }
const takeNotes = (): readonly string[] => notes.splice(0)
const resourceManager = () => resourceManagers.at(-1)!
const jobMaster = () => jobMasters.at(-1)!

beforeEach(async () => {
  world = new SettledNetwork()
  resourceManagers = []
  jobMasters = []
  hellos = []
  notes = []
  refuse = undefined
  prepare = async () => noted
  await world.listen('rm', { taskManager: (link) => void resourceManagers.push(new Heard(link)) })
  await world.listen('jm', {
    slots: (link, hello) => {
      if (refuse !== undefined) throw refuse
      hellos.push(hello)
      jobMasters.push(new Heard(link))
    },
  })
  taskManager = new TaskManager({
    ...{ slots: 2, heartbeat: { intervalMs: 1000, timeoutMs: 5000 }, slotTimeoutMs: 10_000 },
    ...{ taskManagerId: 'a:1-x', host: 'a', dataAddress: 'a:9', pid: 7, version: '1', resourceManager: () => 'rm:1' },
    ...{ transport: world.network.transportOf('a'), clock: world.clock, random: () => 0.5, runner },
    hardware: () => ({ cpuCores: 1, memoryBytes: 2, freeMemoryBytes: 1 }),
    metrics: () => ({ threads: 3 }),
    onRegistered: () => void notes.push('registered'),
    onShutDown: (reason) => void notes.push(`shut down: ${reason}`),
    onRefused: (error) => void notes.push(`refused: ${error.message}`),
  })
  taskManager.start()
  await world.settle()
})

async function allocate(index: number, allocationId: string, sessionId = 's'): Promise<void> {
  resourceManager().link.send({ do: 'allocateSlot', index, allocationId, jobId: 'j', jobMaster: { address: 'jm:1', sessionId } })
  await world.settle()
}

async function tell(message: FromJobMaster): Promise<void> {
  jobMaster().link.send(message)
  await world.settle()
}

/** Two slots, accepted. */
async function allocated(): Promise<void> {
  await allocate(0, 'x')
  await allocate(1, 'y')
  await tell({ do: 'accept', allocationIds: ['x'] })
  await tell({ do: 'accept', allocationIds: ['x', 'y'] })
  resourceManager().take()
  jobMaster().take()
  takeNotes()
}

function deployment(attempt = 0): FromJobMaster {
  const { plan, slots } = deployJob(jobGraph, { jobId: 'j', attempt })
  const placed = slots.map((each, index) => ({ ...each, allocationId: ['x', 'y'][index]! }))
  return { do: 'deploy', plan, program, slots: placed, locations: { 0: 'a:9', 1: 'a:9' } }
}

const slotsOf = (message: ToResourceManager): readonly (string | undefined)[] =>
  message.slots.map(({ allocation }) => allocation?.allocationId)
/** What its slots hold, as it last said. */
const reported = (): readonly (string | undefined)[] | undefined => resourceManager().take().map(slotsOf).at(-1)

describe('a TaskManager', () => {
  it('registers with all that it is', () => {
    expect(resourceManager().take()).toEqual([
      {
        ...{ say: 'register', taskManagerId: 'a:1-x', host: 'a', dataAddress: 'a:9', pid: 7, slots: [{ index: 0 }, { index: 1 }] },
        hardware: { cpuCores: 1, memoryBytes: 2, freeMemoryBytes: 1 },
      },
    ])
  })

  it('says what its slots hold every interval', async () => {
    resourceManager().take()
    await world.pass(2000)
    const beat = { say: 'heartbeat', slots: [{ index: 0 }, { index: 1 }], metrics: { threads: 3 } }
    expect(resourceManager().take()).toEqual([beat, beat])
  })

  it('connects again when the ResourceManager is gone or silent, and says what holds then', async () => {
    await allocated()
    world.network.break('rm')
    await world.pass(100)
    expect(resourceManagers).toHaveLength(2)
    expect(slotsOf(resourceManager().take()[0]!)).toEqual(['x', 'y'])
    for (let passed = 0; passed < 6; passed++) {
      jobMaster().link.send({ do: 'heartbeat' })
      await world.pass(1000)
    }
    expect(resourceManagers.length).toBeGreaterThan(2)
    expect(jobMasters).toHaveLength(1)
  })

  it('says when it is taken, and when it shall end', async () => {
    resourceManager().link.send({ do: 'registered', sessionId: 'r' })
    resourceManager().link.send({ do: 'shutDown', reason: 'enough' })
    await world.settle()
    expect(takeNotes()).toEqual(['registered', 'shut down: enough'])
  })

  it('gives up where it is refused', async () => {
    await world.listen('rm2', {
      taskManager: () => {
        throw new StreamError('PEER_REFUSED', 'another version')
      },
    })
    new TaskManager({
      ...{ slots: 1, heartbeat: { intervalMs: 1000, timeoutMs: 5000 }, slotTimeoutMs: 10_000 },
      onRefused: (error) => void notes.push(error.message),
      ...{ taskManagerId: 'b', host: 'b', dataAddress: 'b:9', pid: 7, version: '0', resourceManager: () => 'rm2:1' },
      ...{ transport: world.network.transportOf('b'), clock: world.clock, random: () => 0.5, runner },
      ...{ hardware: () => ({ cpuCores: 1, memoryBytes: 2, freeMemoryBytes: 1 }), metrics: () => ({}), onShutDown: () => undefined },
    }).start()
    await world.pass(10_000)
    expect(takeNotes()).toEqual(['another version'])
  })
})

describe('a slot', () => {
  it('that is ordered for a job is offered to its JobMaster, and reported at once', async () => {
    resourceManager().take()
    await allocate(1, 'x')
    expect(reported()).toEqual([undefined, 'x'])
    expect(hellos).toEqual([{ version: '1', from: 'a:1-x', sessionId: 's', jobId: 'j' }])
    expect(jobMaster().take()).toEqual([
      { say: 'offer', taskManagerId: 'a:1-x', host: 'a', dataAddress: 'a:9', slots: [{ index: 1, allocationId: 'x' }] },
    ])
  })

  it('stays with the allocation that has it', async () => {
    await allocate(0, 'x')
    await allocate(0, 'y')
    expect(reported()).toEqual(['x', undefined])
    expect(jobMasters).toHaveLength(1)
  })

  it('that the JobMaster refuses is free again; an answer speaks only of what its offer named', async () => {
    await allocate(0, 'x')
    await allocate(1, 'y')
    await tell({ do: 'accept', allocationIds: ['x'] })
    expect(reported()).toEqual(['x', 'y'])
    await tell({ do: 'accept', allocationIds: ['x'] })
    expect(reported()).toEqual(['x', undefined])
  })

  it('that is taken back ends what runs there, and the JobMaster hears it before the slot is free', async () => {
    await allocated()
    await tell(deployment())
    resourceManager().link.send({ do: 'freeSlot', allocationId: 'x', reason: 'told so' })
    await world.settle()
    expect(takeNotes()).toEqual(['run 0 of attempt 0, 1 of attempt 0', 'kill 0'])
    expect(jobMaster().take()).toMatchObject([
      { say: 'slotFailed', slot: 0, error: { code: 'TASK_LOST', message: 'TaskManager a:1-x took the slot back: told so' } },
      { say: 'slotDone', slot: 0 },
      { say: 'offer', slots: [{ index: 1, allocationId: 'y' }] },
    ])
    expect(reported()).toEqual([undefined, 'y'])
  })

  it('that is released is free, and with the last one the job is over here', async () => {
    await allocated()
    await tell(deployment())
    await tell({ do: 'release', allocationId: 'x' })
    await tell({ do: 'release', allocationId: 'y' })
    expect(reported()).toEqual([undefined, undefined])
    expect(jobMaster().closed).toEqual({ cause: undefined })
    expect(takeNotes()).toEqual(['run 0 of attempt 0, 1 of attempt 0', 'kill 0', 'kill 1', 'close'])
  })
})

describe('what is deployed', () => {
  beforeEach(allocated)

  it('hears and is heard, in order', async () => {
    await tell(deployment())
    await tell({ do: 'slot', attempt: 0, slot: 1, message: { do: 'checkpointComplete', checkpointId: 3 } })
    await tell({ do: 'slot', attempt: 5, slot: 1, message: { do: 'cancel' } })
    events.message(0, { say: 'requestSplit', vertex: 0, subtask: 0 })
    events.done(0)
    events.message(0, { say: 'requestSplit', vertex: 0, subtask: 0 })
    events.lost(1, Object.assign(new Error('no heap'), { code: 'ERR_WORKER_OUT_OF_MEMORY' }))
    await world.settle()
    expect(takeNotes()).toEqual(['run 0 of attempt 0, 1 of attempt 0', '1 checkpointComplete'])
    expect(jobMaster().take()).toMatchObject([
      { say: 'slot', attempt: 0, slot: 0, message: { say: 'requestSplit' } },
      { say: 'slotDone', attempt: 0, slot: 0 },
      { say: 'slotLost', attempt: 0, slot: 1, error: { code: 'OUT_OF_MEMORY' } },
    ])
  })

  it('waits for its program; what is sent meanwhile waits too, and what is killed never begins', async () => {
    let arrive: (() => void) | undefined
    prepare = () => new Promise((resolve) => void (arrive = () => resolve(noted)))
    await tell(deployment())
    await tell({ do: 'slot', attempt: 0, slot: 1, message: { do: 'cancel' } })
    await tell({ do: 'kill', attempt: 0, slot: 0 })
    expect(jobMaster().take()).toEqual([{ say: 'slotDone', attempt: 0, slot: 0 }])
    arrive!()
    await world.settle()
    expect(takeNotes()).toEqual(['run 1 of attempt 0', '1 cancel', 'kill 0'])
  })

  it('fails where its program cannot be had, and the next attempt asks for it again', async () => {
    prepare = () => Promise.reject(new StreamError('IO_FAILED', 'no such package'))
    await tell(deployment())
    const failed = [0, 1].map((slot) => ({ say: 'slotFailed', attempt: 0, slot, error: { code: 'IO_FAILED', message: 'no such package' } }))
    expect(jobMaster().take()).toMatchObject([...failed, ...[0, 1].map((slot) => ({ say: 'slotDone', slot }))])
    prepare = async () => noted
    await tell(deployment(1))
    expect(takeNotes()).toEqual(['run 0 of attempt 1, 1 of attempt 1'])
  })

  it('in a slot that the job does not hold any more fails alone', async () => {
    await tell({ do: 'release', allocationId: 'y' })
    jobMaster().take()
    await tell(deployment())
    expect(jobMaster().take()).toMatchObject([
      { say: 'slotFailed', slot: 1, error: { code: 'TASK_LOST', message: expect.stringContaining('does not hold') } },
      { say: 'slotDone', slot: 1 },
    ])
    expect(takeNotes()[0]).toBe('run 0 of attempt 0')
  })

  it('fails when the network cannot carry its channels any more', async () => {
    await tell(deployment())
    taskManager.networkBroken('j', 0, [1], new StreamError('PEER_UNREACHABLE', 'cut'))
    taskManager.networkBroken('j', 9, [0], new StreamError('PEER_UNREACHABLE', 'of long ago'))
    await world.settle()
    expect(jobMaster().take()).toMatchObject([
      { say: 'slotFailed', slot: 1, error: { message: 'cut' } },
      { say: 'slotDone', slot: 1 },
    ])
  })
})

describe('when the JobMaster is lost', () => {
  beforeEach(async () => {
    await allocated()
    await tell(deployment())
    takeNotes()
  })

  it('what runs ends, and the slots are offered again', async () => {
    world.network.break('jm')
    await world.pass(100)
    expect(takeNotes()).toEqual(['kill 0', 'kill 1'])
    expect(jobMasters).toHaveLength(2)
    expect(jobMaster().take()).toMatchObject([{ say: 'offer', slots: [{ allocationId: 'x' }, { allocationId: 'y' }] }])
    await tell({ do: 'accept', allocationIds: ['x', 'y'] })
    await tell(deployment(1))
    expect(takeNotes()).toEqual(['run 0 of attempt 1, 1 of attempt 1'])
  })

  it('a silent one counts as lost too', async () => {
    for (let passed = 0; passed < 7; passed++) {
      resourceManager().link.send({ do: 'heartbeat' })
      await world.pass(1000)
    }
    expect(takeNotes()).toEqual(['kill 0', 'kill 1'])
    expect(jobMasters.length).toBeGreaterThan(1)
  })

  it('its slots are free after taskmanager.slot.timeout', async () => {
    refuse = new StreamError('PEER_REFUSED', 'not now')
    world.network.break('jm')
    for (let passed = 0; passed < 9; passed++) {
      resourceManager().link.send({ do: 'heartbeat' })
      await world.pass(1000)
    }
    expect(reported()).toEqual(['x', 'y'])
    await world.pass(2000)
    expect(reported()).toEqual([undefined, undefined])
    expect(takeNotes()).toEqual(['kill 0', 'kill 1', 'close'])
  })

  it('a new one, of which the ResourceManager tells, is offered them', async () => {
    refuse = new StreamError('PEER_REFUSED', 'the old leader')
    world.network.break('jm')
    await world.pass(1000)
    refuse = undefined
    resourceManager().link.send({ do: 'freeSlot', allocationId: 'y', reason: 'for the test' })
    await allocate(1, 'z', 'newer')
    expect(hellos.at(-1)).toMatchObject({ sessionId: 'newer' })
    expect(jobMaster().take()).toMatchObject([{ say: 'offer', slots: [{ allocationId: 'x' }, { allocationId: 'z' }] }])
  })

  it('one that closes in order frees them at once', async () => {
    jobMaster().link.close()
    await world.settle()
    expect(reported()).toEqual([undefined, undefined])
  })
})
