/**
 * A TaskManager's side of one job: its connection to the JobMaster, the slots that it offers there and what runs in them.
 *
 * What always holds: what runs here was deployed over the present connection; when that breaks, it ends, and the slots stay reserved for
 * the job for a while (taskmanager.slot.timeout) in which they are offered again. An answer to an offer speaks only of what that offer named.
 */
import type { Clock, TimerHandle } from '../../base/core/clock.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { Backoff, type BackoffSettings } from '../rpc/backoff.ts'
import { Heartbeat, type HeartbeatSettings } from '../rpc/heartbeat.ts'
import type { NetworkService } from '../rpc/network-service.ts'
import type { FromJobMaster, ToJobMaster } from '../rpc/protocols.ts'
import type { SlotEvents } from '../rpc/slot-pool.ts'
import type { Hello, Link, Transport } from '../rpc/transport.ts'
import { AttemptSlots, type Deploy } from './attempt-slots.ts'
import type { PreparedProgram, SlotRunner } from './slot-runner.ts'

export interface JobMasterPlace {
  readonly address: string
  readonly sessionId: string
}

export interface JobLinkOptions {
  readonly jobId: string
  readonly jobMaster: JobMasterPlace
  readonly hello: Pick<Hello, 'version' | 'from'>
  readonly self: { readonly taskManagerId: string; readonly host: string; readonly dataAddress: string }
  readonly transport: Transport
  readonly clock: Clock
  readonly runner: SlotRunner
  readonly network?: NetworkService
  readonly heartbeat: HeartbeatSettings
  readonly backoff: BackoffSettings
  /** taskmanager.slot.timeout */
  readonly slotTimeoutMs: number
  /** The slots that the job has here now. */
  readonly allocations: () => readonly { readonly index: number; readonly allocationId: string }[]
  /** These are free; nothing runs in them. */
  readonly onFreed: (allocationIds: readonly string[]) => void
}

const moved = 'The job goes on in another slot, if its restart strategy allows it.'

type JobMasterLink = Link<FromJobMaster, ToJobMaster>

export class JobLink {
  readonly #options: JobLinkOptions
  readonly #backoff: Backoff
  readonly #attempts = new Map<number, AttemptSlots>()
  /** Offers that wait for their answer, the oldest first. */
  #offers: (readonly string[])[] = []
  #link: JobMasterLink | undefined
  #heartbeat: Heartbeat | undefined
  #retry: TimerHandle | undefined
  #reserved: TimerHandle | undefined
  #program: Promise<PreparedProgram> | undefined
  #isClosed = false

  constructor(options: JobLinkOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.backoff)
    this.#reserve()
    this.#connect()
  }

  get jobMaster(): JobMasterPlace {
    return this.#options.jobMaster
  }

  /** Slots were added for the job. */
  offer(): void {
    const { self, allocations } = this.#options
    const slots = allocations()
    if (this.#link === undefined || slots.length === 0) return
    this.#offers.push(slots.map(({ allocationId }) => allocationId))
    this.#link.send({ say: 'offer', ...self, slots })
  }

  /** The slot is taken from the job: what runs in it ends, and the JobMaster is told so. Said before the slot is free. */
  revoke(allocationId: string, reason: string): void {
    const error = new StreamError('TASK_LOST', `TaskManager ${this.#options.self.taskManagerId} took the slot back: ${reason}`, {
      hint: moved,
    })
    for (const attempt of [...this.#attempts.values()]) attempt.broken(attempt.slotsIn(allocationId), error)
  }

  broken(attempt: number, slots: readonly number[], error: StreamError): void {
    this.#attempts.get(attempt)?.broken(slots, error)
  }

  /** Ends everything of the job here. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const timer of [this.#retry, this.#reserved]) timer?.cancel()
    this.#drop()
    // A program that never came has told its slots so; what could not be removed goes with the process's own folder.
    this.#program?.then((program) => program.close()).catch(() => undefined)
  }

  #connect(): void {
    const { transport, hello, jobId, jobMaster, heartbeat, clock } = this.#options
    const link = transport.connect(jobMaster.address, 'slots', { ...hello, jobId, sessionId: jobMaster.sessionId })
    this.#link = link
    link.onMessage((message) => {
      if (this.#link !== link) return
      this.#heartbeat?.heard()
      this.#receive(message)
    })
    link.onClosed((cause) => this.#link === link && this.#lost(cause === undefined))
    const beat = (): void => link.send({ say: 'heartbeat' })
    this.#heartbeat = new Heartbeat({ ...heartbeat, clock, beat, silent: () => this.#link === link && this.#lost(false) })
    this.offer()
  }

  #lost(inOrder: boolean): void {
    this.#drop()
    // A JobMaster that closes in order wants no more of this TaskManager.
    if (inOrder) return this.#freeAll()
    this.#reserve()
    this.#retry = this.#options.clock.setTimer(this.#backoff.nextMs(), () => this.#connect())
  }

  #drop(): void {
    const link = this.#link
    this.#link = undefined
    this.#heartbeat?.stop()
    this.#offers = []
    for (const attempt of [...this.#attempts.values()]) attempt.abandon()
    link?.close()
  }

  #reserve(): void {
    this.#reserved ??= this.#options.clock.setTimer(this.#options.slotTimeoutMs, () => this.#freeAll())
  }

  #freeAll(): void {
    const allocationIds = this.#options.allocations().map(({ allocationId }) => allocationId)
    this.close()
    this.#options.onFreed(allocationIds)
  }

  #receive(message: FromJobMaster): void {
    switch (message.do) {
      case 'accept':
        return this.#accepted(message.allocationIds)
      case 'deploy':
        return this.#deploy(message)
      case 'slot':
        return this.#attempts.get(message.attempt)?.send(message.slot, message.message)
      case 'kill':
        return this.#attempts.get(message.attempt)?.kill(message.slot)
      case 'release':
        this.revoke(message.allocationId, 'the job needs it no more')
        this.#options.onFreed([message.allocationId])
        // An offer that crossed the release may have named it.
        return this.offer()
      case 'heartbeat':
        return
    }
  }

  #accepted(allocationIds: readonly string[]): void {
    const offered = this.#offers.shift() ?? []
    if (allocationIds.length > 0) {
      this.#reserved?.cancel()
      this.#reserved = undefined
      this.#backoff.reset()
    }
    const refused = offered.filter((each) => !allocationIds.includes(each))
    if (refused.length > 0) this.#options.onFreed(refused)
  }

  #deploy(deploy: Deploy): void {
    const { network, runner, allocations } = this.#options
    const { attempt } = deploy.plan
    const say = (message: ToJobMaster): void => this.#link?.send(message)
    const events: SlotEvents = {
      deployed: () => undefined,
      message: (slot, message) => say({ say: 'slot', attempt, slot, message }),
      failed: (slot, error) => say({ say: 'slotFailed', attempt, slot, error: error.toWire() }),
      done: (slot) => say({ say: 'slotDone', attempt, slot }),
      lost: (slot, cause) => say({ say: 'slotLost', attempt, slot, error: lostError(cause).toWire() }),
    }
    const held = new Set(allocations().map(({ allocationId }) => allocationId))
    const missing = deploy.slots.filter(({ allocationId }) => !held.has(allocationId))
    const program = this.#program ?? runner.prepare(deploy.program)
    this.#program = program
    // The next attempt tries again.
    program.catch(() => {
      if (this.#program === program) this.#program = undefined
    })
    const slots = new AttemptSlots({
      ...{ deploy, program, network, events },
      onOver: () => this.#attempts.delete(attempt),
    })
    this.#attempts.set(attempt, slots)
    const error = new StreamError(
      'TASK_LOST',
      `TaskManager ${this.#options.self.taskManagerId} does not hold the slot for this job any more`,
    )
    slots.broken(
      missing.map(({ slot }) => slot),
      error,
    )
  }
}

/** A thread's death as it travels: that it ran out of memory must be told at the other end too. */
function lostError(cause: unknown): StreamError {
  const outOfMemory = (cause as { code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY'
  return StreamError.from(cause, outOfMemory ? 'OUT_OF_MEMORY' : 'TASK_LOST')
}
