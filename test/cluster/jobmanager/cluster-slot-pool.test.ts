/**
 * A JobMaster's slots, with a scripted ResourceManager and scripted TaskManagers at the other ends.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { ClusterSlotPool } from '../../../src/cluster/jobmanager/cluster-slot-pool.ts'
import { deployJob } from '../../../src/cluster/jobmanager/deploy-job.ts'
import type { FromJobMaster, Requirements, RequirementsAnswer, ToJobMaster } from '../../../src/cluster/rpc/protocols.ts'
import type { DeployedSlots, SlotEvents } from '../../../src/cluster/rpc/slot-pool.ts'
import type { Hello } from '../../../src/cluster/rpc/transport.ts'
import { Heard, SettledNetwork } from '../../support/settled-network.ts'
import { jobGraphOf } from './plans.ts'

const jobGraph = jobGraphOf([{ name: 'numbers', parallelism: 3 }])
const heartbeat = { intervalMs: 1000, timeoutMs: 5000 }
const program = { id: 'p', sizeBytes: 1, file: 'job.ts', args: {}, seed: { timeMs: 0, random: 0 }, earlier: [] }

let world = new SettledNetwork()
let pool: ClusterSlotPool
let resourceManager: Heard<Requirements, RequirementsAnswer>[] = []
let told: string[] = []

const events: SlotEvents = {
  deployed: (slot, { taskManagerId }) => void told.push(`${slot} deployed to ${taskManagerId}`),
  message: (slot, message) => void told.push(`${slot} says ${message.say}`),
  failed: (slot, error) => void told.push(`${slot} failed: ${error.message}`),
  done: (slot) => void told.push(`${slot} done`),
  lost: (slot, cause) => void told.push(`${slot} lost: ${(cause as Error).message}`),
}

const takeTold = (): readonly string[] => told.splice(0)

beforeEach(async () => {
  world = new SettledNetwork()
  resourceManager = []
  told = []
  await world.listen('jm', { slots: (link, hello) => pool.accept(link, hello) })
  await world.listen('rm', { requirements: (link) => void resourceManager.push(new Heard(link)) })
  pool = new ClusterSlotPool({
    ...{ jobId: 'j', jobName: 'by hand', program, heartbeat, slotRequestTimeoutMs: 60_000, slotIdleTimeoutMs: 10_000 },
    ...{ jobMaster: { address: 'jm:1', sessionId: 's' }, version: '1', resourceManager: () => 'rm:1' },
    ...{ transport: world.network.transportOf('jm'), clock: world.clock, random: () => 0.5 },
  })
  await world.settle()
})

const deploy = (attempt = 0): DeployedSlots => pool.deploy(deployJob(jobGraph, { jobId: 'j', attempt }), events)

/** A TaskManager that offers its slots, and says what it is told to. */
class Scripted {
  readonly heard: Heard<FromJobMaster, ToJobMaster>
  readonly #id: string

  constructor(id: string, hello: Partial<Hello> = {}) {
    this.#id = id
    const transport = world.network.transportOf(id)
    this.heard = new Heard(transport.connect('jm:1', 'slots', { version: '1', from: id, sessionId: 's', jobId: 'j', ...hello }))
  }

  offer(...allocationIds: readonly string[]): void {
    const slots = allocationIds.map((allocationId, index) => ({ index, allocationId }))
    this.say({ say: 'offer', taskManagerId: this.#id, host: this.#id, dataAddress: `${this.#id}:9`, slots })
  }

  say(message: ToJobMaster): void {
    this.heard.link.send(message)
  }

  beat(): void {
    this.say({ say: 'heartbeat' })
  }
}

async function offering(id: string, ...allocationIds: readonly string[]): Promise<Scripted> {
  const scripted = new Scripted(id)
  scripted.offer(...allocationIds)
  await world.settle()
  return scripted
}

describe('a deployment', () => {
  it('waits for a slot for each of its slots, then tells each TaskManager what runs there and where the rest does', async () => {
    deploy()
    const a = await offering('a', 'a0', 'a1')
    expect(a.heard.take()).toEqual([{ do: 'accept', allocationIds: ['a0', 'a1'] }])
    expect(takeTold()).toEqual([])
    const b = await offering('b', 'b0')
    const locations = { 0: 'a:9', 1: 'a:9', 2: 'b:9' }
    expect(a.heard.take()).toMatchObject([
      {
        do: 'deploy',
        locations,
        slots: [
          { slot: 0, allocationId: 'a0' },
          { slot: 1, allocationId: 'a1' },
        ],
      },
    ])
    expect(b.heard.take()).toMatchObject([{ do: 'accept' }, { do: 'deploy', locations, slots: [{ slot: 2, allocationId: 'b0' }] }])
    expect(takeTold()).toEqual(['0 deployed to a', '1 deployed to a', '2 deployed to b'])
  })

  it('declares what the job needs, and again to a ResourceManager that was lost', async () => {
    deploy()
    await world.settle()
    const register = { say: 'register', jobName: 'by hand', jobMaster: { address: 'jm:1', sessionId: 's' } }
    expect(resourceManager[0]!.take()).toEqual([register, { say: 'declare', slots: 3 }])
    world.network.break('rm')
    await world.pass(1000)
    expect(resourceManager[1]!.take()).toEqual([register, { say: 'declare', slots: 3 }])
  })

  it('keeps what is sent to it until it is deployed, in order', async () => {
    const deployed = deploy()
    deployed.send(1, { do: 'checkpointComplete', checkpointId: 7 })
    deployed.send(1, { do: 'checkpointComplete', checkpointId: 8 })
    const a = await offering('a', 'a0', 'a1', 'a2')
    expect(a.heard.take().slice(2)).toEqual(
      [7, 8].map((checkpointId) => ({ do: 'slot', attempt: 0, slot: 1, message: { do: 'checkpointComplete', checkpointId } })),
    )
  })

  it('that is cancelled while it waits has ended, slot by slot, when the call is over', async () => {
    const deployed = deploy()
    for (const slot of [0, 1, 2]) deployed.send(slot, { do: 'cancel' })
    deployed.kill(2)
    expect(takeTold()).toEqual([])
    await world.settle()
    expect(takeTold()).toEqual(['0 done', '1 done', '2 done'])
    const a = await offering('a', 'a0', 'a1', 'a2')
    expect(a.heard.take()).toMatchObject([{ do: 'accept' }])
  })

  it('fails as a whole when the slots do not come in time', async () => {
    deploy()
    await offering('a', 'a0')
    resourceManager[0]!.link.send({ do: 'registered', sessionId: 'r' })
    resourceManager[0]!.link.send({ do: 'notEnough', declared: 3, available: 1 })
    await world.settle()
    world.clock.advance(60_000)
    expect(takeTold()[0]).toMatch(/^0 failed: Job 'by hand' waited 1 min for 3 free slots and has \d: /)
  })
})

describe('slots that run', () => {
  let a: Scripted
  let b: Scripted
  let deployed: DeployedSlots

  beforeEach(async () => {
    deployed = deploy()
    a = await offering('a', 'a0', 'a1')
    b = await offering('b', 'b0')
    for (const each of [a, b]) each.heard.take()
    takeTold()
  })

  it('hear and are heard', async () => {
    deployed.send(2, { do: 'cancel' })
    deployed.kill(0)
    a.say({ say: 'slot', attempt: 0, slot: 0, message: { say: 'requestSplit', vertex: 0, subtask: 0 } })
    await world.settle()
    expect(b.heard.take()).toEqual([{ do: 'slot', attempt: 0, slot: 2, message: { do: 'cancel' } }])
    expect(a.heard.take()).toEqual([{ do: 'kill', attempt: 0, slot: 0 }])
    expect(takeTold()).toEqual(['0 says requestSplit'])
  })

  it('end once, however often it is said, and nothing is heard of them afterwards', async () => {
    const error = new StreamError('TASK_LOST', 'gone').toWire()
    a.say({ say: 'slotLost', attempt: 0, slot: 0, error })
    a.say({ say: 'slotDone', attempt: 0, slot: 0 })
    a.say({ say: 'slot', attempt: 0, slot: 0, message: { say: 'requestSplit', vertex: 0, subtask: 0 } })
    a.say({ say: 'slotDone', attempt: 0, slot: 2 })
    await world.settle()
    expect(takeTold()).toEqual(['0 lost: gone'])
  })

  it('are lost with the connection, and the ResourceManager is told whom to suspect', async () => {
    resourceManager[0]!.take()
    world.network.break('a')
    await world.settle()
    expect(takeTold()).toEqual([0, 1].map((slot) => `${slot} lost: TaskManager a was lost: The connection between a and jm broke`))
    expect(resourceManager[0]!.take()).toEqual([{ say: 'suspect', taskManagerId: 'a' }])
  })

  it('are lost with a TaskManager that is silent, or that the ResourceManager gives up', async () => {
    for (let passed = 0; passed < 6; passed++) {
      a.beat()
      resourceManager[0]!.link.send({ do: 'heartbeat' })
      await world.pass(1000)
    }
    expect(takeTold()).toEqual(['2 lost: TaskManager b was lost: it was silent for 5.0 s'])
    resourceManager[0]!.link.send({ do: 'taskManagerLost', taskManagerId: 'a', reason: 'its process ended' })
    await world.settle()
    expect(takeTold()).toEqual([0, 1].map((slot) => `${slot} lost: TaskManager a was lost: its process ended`))
    expect(a.heard.closed).toBeDefined()
  })

  it('are lost when their TaskManager connects anew, which may offer the same slots again', async () => {
    const again = await offering('a', 'a0', 'a1')
    expect(takeTold()).toHaveLength(2)
    b.say({ say: 'slotDone', attempt: 0, slot: 2 })
    await world.settle()
    deploy(1)
    await world.settle()
    expect(again.heard.take()).toMatchObject([{ do: 'accept' }, { do: 'deploy', slots: [{ slot: 0 }, { slot: 1 }] }])
  })

  it('that a restart leaves are used by the next attempt, each where it ran', async () => {
    world.network.break('b')
    for (const slot of [0, 1]) a.say({ say: 'slotDone', attempt: 0, slot })
    await world.settle()
    deploy(1)
    const c = await offering('c', 'c0')
    expect(a.heard.take()).toMatchObject([
      {
        do: 'deploy',
        slots: [
          { slot: 0, allocationId: 'a0' },
          { slot: 1, allocationId: 'a1' },
        ],
      },
    ])
    expect(c.heard.take()).toMatchObject([{ do: 'accept' }, { do: 'deploy', slots: [{ slot: 2, allocationId: 'c0' }] }])
  })

  it('beyond what the job needs are released when nothing has run there for a while', async () => {
    const c = await offering('c', 'c0')
    for (let passed = 0; passed < 12; passed++) {
      for (const each of [a, b, c]) each.beat()
      resourceManager[0]!.link.send({ do: 'heartbeat' })
      await world.pass(1000)
    }
    expect(c.heard.take()).toEqual([
      { do: 'accept', allocationIds: ['c0'] },
      { do: 'release', allocationId: 'c0' },
    ])
    expect(takeTold()).toEqual([])
  })

  it('are not given to a TaskManager that has missed heartbeats', async () => {
    for (const slot of [0, 1]) a.say({ say: 'slotDone', attempt: 0, slot })
    b.say({ say: 'slotDone', attempt: 0, slot: 2 })
    await world.pass(1000)
    await world.pass(1500)
    a.beat()
    deploy(1)
    await world.settle()
    takeTold()
    expect(a.heard.take()).toEqual([])
    b.beat()
    await world.settle()
    expect(takeTold()).toContain('2 deployed to b')
  })

  it('are given back when the job is over', async () => {
    resourceManager[0]!.take()
    pool.close()
    await world.settle()
    expect(a.heard.take()).toEqual([
      { do: 'release', allocationId: 'a0' },
      { do: 'release', allocationId: 'a1' },
    ])
    expect(a.heard.closed).toEqual({ cause: undefined })
    expect(resourceManager[0]!.take()).toEqual([{ say: 'declare', slots: 0 }])
  })
})

it.each([{ sessionId: 'older' }, { jobId: 'another' }])(
  'an offer that was meant for another leader or job is refused: %o',
  async (hello) => {
    const stranger = new Scripted('a', hello)
    await world.settle()
    expect(stranger.heard.closed).toEqual({ cause: 'This JobMaster is not the leader that the connection was meant for' })
  },
)
