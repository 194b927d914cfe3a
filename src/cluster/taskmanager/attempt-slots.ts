/**
 * What one attempt of a job runs on this TaskManager, from its deployment to the end of its last slot.
 *
 * What always holds: for each slot `done` or `lost` is told exactly once, whatever happens: its program does not come, it is killed before it
 * has begun, the network gives it up. What is sent to a slot that has not begun waits for it, in order.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { ToSlot } from '../../runtime/task/deployment.ts'
import { carrierOf, wireSlots } from '../../runtime/task/wire-slots.ts'
import type { NetworkService } from '../rpc/network-service.ts'
import type { FromJobMaster } from '../rpc/protocols.ts'
import type { SlotEvents } from '../rpc/slot-pool.ts'
import type { PreparedProgram, RunningSlots } from './slot-runner.ts'

export type Deploy = FromJobMaster & { readonly do: 'deploy' }

export interface AttemptSlotsOptions {
  readonly deploy: Deploy
  readonly program: Promise<PreparedProgram>
  /** Absent: all slots of a job must be here. */
  readonly network?: NetworkService
  readonly events: SlotEvents
  /** Every slot has ended. */
  readonly onOver: () => void
}

export class AttemptSlots {
  readonly #options: AttemptSlotsOptions
  /** Slots that have not ended. */
  readonly #live: Set<number>
  #early: (() => void)[] = []
  #running: RunningSlots | undefined
  #isCarried = false

  constructor(options: AttemptSlotsOptions) {
    this.#options = options
    this.#live = new Set(options.deploy.slots.map(({ slot }) => slot))
    options.program.then((program) => this.#start(program)).catch((thrown) => this.#failed([...this.#live], StreamError.from(thrown)))
  }

  get attempt(): number {
    return this.#options.deploy.plan.attempt
  }

  /** The slots that run, or will, in these allocations. */
  slotsIn(allocationId: string): readonly number[] {
    return this.#options.deploy.slots
      .filter((each) => each.allocationId === allocationId && this.#live.has(each.slot))
      .map(({ slot }) => slot)
  }

  send(slot: number, message: ToSlot): void {
    this.#whenRunning((running) => running.send(slot, message))
  }

  kill(slot: number): void {
    if (!this.#live.has(slot)) return
    this.#whenRunning((running) => running.kill(slot))
    this.#end(slot, () => this.#options.events.done(slot))
  }

  /** These slots cannot go on, through no doing of theirs. */
  broken(slots: readonly number[], error: StreamError): void {
    this.#failed(
      slots.filter((slot) => this.#live.has(slot)),
      error,
    )
  }

  /** What runs ends now, and nobody hears of it any more. */
  abandon(): void {
    const live = [...this.#live]
    this.#live.clear()
    for (const slot of live) this.#whenRunning((running) => running.kill(slot))
    this.#over()
  }

  #start(program: PreparedProgram): void {
    const { deploy, network, events } = this.#options
    const slots = deploy.slots.filter(({ slot }) => this.#live.has(slot)).map(({ slot, tasks }) => ({ slot, tasks }))
    if (slots.length === 0) return
    const wired = wireSlots({ plan: deploy.plan, slots })
    if (wired.remote.length > 0 && network === undefined) throw noNetwork(deploy.plan.jobGraph.jobName)
    const carrier = carrierOf(deploy.plan.jobGraph)
    const { jobId, attempt } = deploy.plan
    this.#running = program.run(wired, carrier, {
      deployed: () => undefined,
      message: (slot, message) => void (this.#live.has(slot) && events.message(slot, message)),
      failed: (slot, error) => void (this.#live.has(slot) && events.failed(slot, error)),
      done: (slot) => this.#end(slot, () => events.done(slot)),
      lost: (slot, cause) => this.#end(slot, () => events.lost(slot, cause)),
    })
    if (wired.remote.length > 0) {
      this.#isCarried = true
      const { sleepers, remote } = wired
      network!.add({ jobId, attempt, sleepers, carrier, remote, locations: deploy.locations, ports: this.#running.ports })
    }
    for (const call of this.#early.splice(0)) call()
  }

  #whenRunning(call: (running: RunningSlots) => void): void {
    if (this.#running !== undefined) call(this.#running)
    else this.#early.push(() => call(this.#running!))
  }

  #failed(slots: readonly number[], error: StreamError): void {
    for (const slot of slots) if (this.#live.has(slot)) this.#options.events.failed(slot, error)
    for (const slot of slots) this.kill(slot)
  }

  #end(slot: number, tell: () => void): void {
    if (!this.#live.delete(slot)) return
    tell()
    if (this.#live.size === 0) this.#over()
  }

  #over(): void {
    const { jobId, attempt } = this.#options.deploy.plan
    if (this.#isCarried) this.#options.network?.remove(jobId, attempt)
    this.#isCarried = false
    this.#options.onOver()
  }
}

const noNetwork = (job: string): StreamError =>
  new StreamError('UNSUPPORTED', `Job '${job}' has tasks on several TaskManagers, and this one has no network`, {
    hint: 'Give one TaskManager as many slots as the job needs (taskmanager.numberOfTaskSlots).',
    place: { job },
  })
