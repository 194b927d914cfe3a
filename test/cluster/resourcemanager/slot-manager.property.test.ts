/**
 * The slot manager against TaskManagers whose messages take their time, break off and come back: however it goes, no slot runs two
 * allocations, and when the faults stop every job has what it declared, as far as there is enough, and nothing belongs to nobody.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SlotManager } from '../../../src/cluster/resourcemanager/slot-manager.ts'
import type { SlotManagerDecision, SlotManagerEvent } from '../../../src/cluster/resourcemanager/slot-manager-events.ts'
import type { SlotReport } from '../../../src/cluster/rpc/protocols.ts'

const slotsEach = 3
const workerIds = ['a', 'b', 'c']
const jobIds = ['j', 'k', 'l']

/** A TaskManager: takes an order for a free slot, refuses one for a taken slot, says the truth. */
class ModelWorker {
  readonly id: string
  readonly slots: (string | undefined)[] = Array.from({ length: slotsEach }, () => undefined)
  readonly jobOf = new Map<string, string>()
  inbox: SlotManagerDecision[] = []
  outbox: SlotManagerEvent[] = []
  connected = false

  constructor(id: string) {
    this.id = id
  }

  reports(): SlotReport[] {
    return this.slots.map((allocationId, index) =>
      allocationId === undefined ? { index } : { index, allocation: { allocationId, jobId: this.jobOf.get(allocationId)! } },
    )
  }

  say(): void {
    if (this.connected) this.outbox.push({ on: 'heartbeat', taskManagerId: this.id, slots: this.reports(), metrics: {} })
  }

  /** Hears the oldest order. */
  hear(): void {
    const order = this.inbox.shift()
    if (order?.do === 'allocateSlot' && this.slots[order.index] === undefined) {
      this.slots[order.index] = order.allocationId
      this.jobOf.set(order.allocationId, order.jobId)
    }
    if (order?.do === 'freeSlot' && this.slots.includes(order.allocationId)) this.slots[this.slots.indexOf(order.allocationId)] = undefined
    if (order !== undefined) this.say()
  }

  connect(): void {
    this.inbox = []
    this.connected = true
    const taskManager = {
      ...{ taskManagerId: this.id, host: this.id, dataAddress: this.id, pid: 1 },
      hardware: { cpuCores: 1, memoryBytes: 1, freeMemoryBytes: 1 },
    }
    this.outbox = [{ on: 'registered', taskManager, slots: this.reports() }]
  }

  break(): void {
    this.connected = false
    this.inbox = []
    this.outbox = []
  }

  allocationsOf(jobId: string): readonly string[] {
    return this.slots.flatMap((id) => (id !== undefined && this.jobOf.get(id) === jobId ? [id] : []))
  }
}

class World {
  readonly workers = workerIds.map((id) => new ModelWorker(id))
  readonly declared = new Map(jobIds.map((id) => [id, 0]))
  nowMs = 0
  readonly #manager: SlotManager
  #allocations = 0

  constructor(loadBalance: 'NONE' | 'SLOTS') {
    const newAllocationId = () => `x${this.#allocations++}`
    const settings = { loadBalance, heartbeatIntervalMs: 1000, heartbeatTimeoutMs: 5000, jobTimeoutMs: 300_000 }
    this.#manager = new SlotManager({ ...settings, newAllocationId, newWorkerId: () => 'none' })
    for (const jobId of jobIds) this.tell({ on: 'jobRegistered', jobId, jobName: jobId, jobMaster: { address: 'jm', sessionId: 's' } })
  }

  tell(event: SlotManagerEvent): void {
    for (const decision of this.#manager.apply(event, this.nowMs)) {
      if (decision.do !== 'allocateSlot' && decision.do !== 'freeSlot') continue
      const worker = this.workers.find(({ id }) => id === decision.taskManagerId)!
      if (worker.connected) worker.inbox.push(decision)
      if (decision.do === 'allocateSlot') expect(this.declared.get(decision.jobId)).toBeGreaterThan(0)
    }
  }

  declare(jobId: string, slots: number): void {
    this.declared.set(jobId, slots)
    this.tell({ on: 'declared', jobId, slots })
  }

  step(action: number, which: number, amount: number): void {
    const worker = this.workers[which % this.workers.length]!
    const jobId = jobIds[which % jobIds.length]!
    switch (action) {
      case 0:
        return worker.hear()
      case 1: {
        const event = worker.outbox.shift()
        return event && this.tell(event)
      }
      case 2:
        return worker.say()
      case 3:
        if (!worker.connected) worker.connect()
        return
      case 4:
        if (!worker.connected) return
        worker.break()
        return this.tell({ on: 'disconnected', taskManagerId: worker.id, reason: 'cut' })
      case 5:
        return this.declare(jobId, amount)
      case 6:
        return this.tell({ on: 'suspected', taskManagerId: worker.id, jobId })
      case 7:
        this.nowMs += amount * 500
        return this.tell({ on: 'tick' })
      case 8:
        if (worker.connected) return
        worker.slots.fill(undefined)
        return this.tell({ on: 'lost', taskManagerId: worker.id, reason: 'its process ended' })
    }
  }

  /** No faults any more: everybody is connected, everything arrives, JobMasters give back what they have too much. */
  settle(): void {
    for (const worker of this.workers) if (!worker.connected) worker.connect()
    for (let round = 0; round < 20; round++) {
      for (const worker of this.workers) {
        worker.say()
        while (worker.inbox.length > 0) worker.hear()
        for (const event of worker.outbox.splice(0)) this.tell(event)
      }
      for (const [jobId, declared] of this.declared) this.#releaseExcess(jobId, declared)
      this.nowMs += 1000
      this.tell({ on: 'tick' })
    }
  }

  #releaseExcess(jobId: string, declared: number): void {
    const excess = this.heldBy(jobId) - declared
    const held = this.workers.flatMap((worker) => worker.allocationsOf(jobId).map((id) => ({ worker, id })))
    for (const { worker, id } of held.slice(0, Math.max(0, excess))) worker.slots[worker.slots.indexOf(id)] = undefined
  }

  heldBy(jobId: string): number {
    return this.workers.reduce((sum, worker) => sum + worker.allocationsOf(jobId).length, 0)
  }
}

const steps = fc.array(fc.tuple(fc.nat(8), fc.nat(11), fc.integer({ min: 0, max: 5 })), { minLength: 5, maxLength: 120 })

describe('whatever becomes of messages', () => {
  it.each(['NONE', 'SLOTS'] as const)('jobs hold what they declared once the faults stop, %s', (mode) => {
    let most = 0
    fc.assert(
      fc.property(steps, (script) => {
        const world = new World(mode)
        for (const [action, which, amount] of script) world.step(action, which, amount)
        world.settle()
        const declared = [...world.declared.values()].reduce((sum, slots) => sum + slots, 0)
        const total = slotsEach * workerIds.length
        const held = jobIds.map((jobId) => world.heldBy(jobId))
        most = Math.max(most, declared)
        for (const [index, jobId] of jobIds.entries()) expect(held[index]).toBeLessThanOrEqual(world.declared.get(jobId)!)
        expect(held.reduce((sum, slots) => sum + slots, 0)).toBe(Math.min(declared, total))
      }),
      { numRuns: 600 },
    )
    expect(most, 'no script asked for more than there is').toBeGreaterThan(slotsEach * workerIds.length)
  })
})
