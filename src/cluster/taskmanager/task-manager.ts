/**
 * A TaskManager: registers its slots with the ResourceManager, gives them to jobs as it is told, and runs what their JobMasters deploy.
 *
 * What always holds: what it says of its slots is the whole truth, said again with each heartbeat, with each connection and at once when it
 * changes; a ResourceManager that is gone stops no job; a job whose JobMaster is gone stops no other.
 */
import type { Clock, TimerHandle } from '../../base/core/clock.ts'
import { type Config, configValue } from '../../base/core/config-options.ts'
import type { StreamError } from '../../base/core/stream-error.ts'
import { Backoff, type BackoffSettings } from '../rpc/backoff.ts'
import { Heartbeat, type HeartbeatSettings } from '../rpc/heartbeat.ts'
import type { NetworkService } from '../rpc/network-service.ts'
import type { FromResourceManager, Hardware, ToResourceManager } from '../rpc/protocols.ts'
import type { Link, Transport } from '../rpc/transport.ts'
import { JobLink } from './job-link.ts'
import type { SlotRunner } from './slot-runner.ts'
import { SlotTable } from './slot-table.ts'

export interface TaskManagerSettings {
  /** taskmanager.numberOfTaskSlots */
  readonly slots: number
  readonly heartbeat: HeartbeatSettings
  readonly slotTimeoutMs: number
}

export interface TaskManagerOptions extends TaskManagerSettings {
  /** `host:port-suffix`, new with each start of the process. */
  readonly taskManagerId: string
  readonly host: string
  readonly dataAddress: string
  readonly pid: number
  readonly version: string
  /** Where the ResourceManager is now. */
  readonly resourceManager: () => string
  readonly transport: Transport
  readonly clock: Clock
  /** Numbers from 0 to 1. */
  readonly random: () => number
  readonly runner: SlotRunner
  readonly network?: NetworkService
  readonly hardware: () => Hardware
  /** By Flink's names. */
  readonly metrics: () => Readonly<Record<string, number>>
  readonly onRegistered?: () => void
  /** The ResourceManager wants it to end. */
  readonly onShutDown: (reason: string) => void
  /** The ResourceManager will never take it: another version, a wrong token. */
  readonly onRefused: (error: StreamError) => void
}

export function taskManagerSettingsOf(config: Config): TaskManagerSettings {
  return {
    slots: configValue(config, 'taskmanager.numberOfTaskSlots'),
    heartbeat: { intervalMs: configValue(config, 'heartbeat.interval'), timeoutMs: configValue(config, 'heartbeat.timeout') },
    slotTimeoutMs: configValue(config, 'taskmanager.slot.timeout'),
  }
}

type ResourceManagerLink = Link<FromResourceManager, ToResourceManager>

export class TaskManager {
  readonly #options: TaskManagerOptions
  readonly #backoffSettings: BackoffSettings
  readonly #backoff: Backoff
  readonly #table: SlotTable
  readonly #jobs = new Map<string, JobLink>()
  #link: ResourceManagerLink | undefined
  #heartbeat: Heartbeat | undefined
  #retry: TimerHandle | undefined
  #isClosed = false

  constructor(options: TaskManagerOptions) {
    this.#options = options
    this.#table = new SlotTable(options.slots)
    this.#backoffSettings = { initialMs: 50, maxMs: 2000, random: options.random }
    this.#backoff = new Backoff(this.#backoffSettings)
  }

  start(): void {
    const { transport, resourceManager, version, taskManagerId, host, dataAddress, pid, hardware, heartbeat, clock } = this.#options
    const link = transport.connect(resourceManager(), 'taskManager', { version, from: taskManagerId })
    this.#link = link
    link.onMessage((message) => {
      if (this.#link !== link) return
      this.#heartbeat?.heard()
      this.#receive(message)
    })
    link.onClosed((cause) => this.#link === link && this.#lost(cause))
    this.#heartbeat = new Heartbeat({
      ...{ ...heartbeat, clock, beat: () => this.#report() },
      silent: () => this.#link === link && this.#lost(undefined),
    })
    const slots = this.#table.reports()
    link.send({ say: 'register', taskManagerId, host, dataAddress, pid, hardware: hardware(), slots })
  }

  /** Ends all that runs here, and leaves. */
  close(): void {
    this.#isClosed = true
    this.#retry?.cancel()
    this.#dropLink()
    for (const job of this.#jobs.values()) job.close()
    this.#jobs.clear()
  }

  /** The network cannot carry channels of these slots any more. */
  networkBroken(jobId: string, attempt: number, slots: readonly number[], error: StreamError): void {
    this.#jobs.get(jobId)?.broken(attempt, slots, error)
  }

  #receive(message: FromResourceManager): void {
    switch (message.do) {
      case 'registered':
        this.#backoff.reset()
        return this.#options.onRegistered?.()
      case 'heartbeat':
        return
      case 'allocateSlot':
        return this.#allocate(message)
      case 'freeSlot': {
        const jobId = this.#table.jobOf(message.allocationId)
        if (jobId === undefined) return
        const job = this.#jobs.get(jobId)
        job?.revoke(message.allocationId, message.reason)
        this.#freed(jobId, [message.allocationId])
        // So that its JobMaster does not count on it any more.
        return job?.offer()
      }
      case 'shutDown':
        return this.#options.onShutDown(message.reason)
    }
  }

  #allocate({ index, allocationId, jobId, jobMaster }: FromResourceManager & { do: 'allocateSlot' }): void {
    // Taken or refused: the report that follows says which.
    if (this.#table.allocate(index, { allocationId, jobId })) {
      const known = this.#jobs.get(jobId)
      const isSame = known?.jobMaster.address === jobMaster.address && known.jobMaster.sessionId === jobMaster.sessionId
      if (known !== undefined && isSame) known.offer()
      else {
        known?.close()
        this.#jobs.set(jobId, this.#linkTo(jobId, jobMaster))
      }
    }
    this.#report()
  }

  #linkTo(jobId: string, jobMaster: JobLink['jobMaster']): JobLink {
    const { version, taskManagerId, host, dataAddress, transport, clock, runner, network, heartbeat, slotTimeoutMs } = this.#options
    return new JobLink({
      ...{ jobId, jobMaster, transport, clock, runner, network, heartbeat, slotTimeoutMs, backoff: this.#backoffSettings },
      hello: { version, from: taskManagerId },
      self: { taskManagerId, host, dataAddress },
      allocations: () => this.#table.ofJob(jobId),
      onFreed: (allocationIds) => this.#freed(jobId, allocationIds),
    })
  }

  #freed(jobId: string, allocationIds: readonly string[]): void {
    for (const allocationId of allocationIds) this.#table.free(allocationId)
    if (this.#table.ofJob(jobId).length === 0) {
      this.#jobs.get(jobId)?.close()
      this.#jobs.delete(jobId)
    }
    this.#report()
  }

  #report(): void {
    this.#link?.send({ say: 'heartbeat', slots: this.#table.reports(), metrics: this.#options.metrics() })
  }

  #lost(cause: StreamError | undefined): void {
    this.#dropLink()
    if (this.#isClosed) return
    if (cause?.code === 'PEER_REFUSED') return this.#options.onRefused(cause)
    this.#retry = this.#options.clock.setTimer(this.#backoff.nextMs(), () => this.start())
  }

  #dropLink(): void {
    const link = this.#link
    this.#link = undefined
    this.#heartbeat?.stop()
    link?.close()
  }
}
