/**
 * Finds slots for jobs: hears TaskManagers and JobMasters over their links, watches over them by heartbeats, and performs what the slot
 * manager decides. One a cluster, in the JobManager process.
 *
 * What always holds: a TaskManager and a job have one link each, the newest; what an older one still says is not heard. A link opened
 * under another leader's session is refused.
 */
import type { Clock, TimerHandle } from '../../base/core/clock.ts'
import type { Config } from '../../base/core/config-options.ts'
import { configValue } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { TaskManagerOverview } from '../rpc/dispatcher-gateway.ts'
import { Heartbeat, type HeartbeatSettings } from '../rpc/heartbeat.ts'
import type { FromResourceManager, Requirements, RequirementsAnswer, ToResourceManager } from '../rpc/protocols.ts'
import { staleSession } from '../rpc/stale-session.ts'
import type { Acceptors, Hello, Link } from '../rpc/transport.ts'
import type { LoadBalance } from './choose-slots.ts'
import type { ResourceProvider } from './resource-provider.ts'
import { SlotManager } from './slot-manager.ts'
import type { SlotManagerDecision, SlotManagerEvent } from './slot-manager-events.ts'

export interface ResourceManagerSettings {
  readonly heartbeat: HeartbeatSettings
  readonly loadBalance: LoadBalance
  readonly jobTimeoutMs: number
}

export interface ResourceManagerOptions extends ResourceManagerSettings {
  readonly clock: Clock
  readonly sessionId: string
  readonly provider: ResourceProvider
  readonly newAllocationId: () => string
  readonly newWorkerId: () => string
  /** What there is to tell of the cluster has changed: a TaskManager came or went. */
  readonly onTaskManagers?: (count: number) => void
}

export function resourceManagerSettingsOf(config: Config): ResourceManagerSettings {
  return {
    heartbeat: { intervalMs: configValue(config, 'heartbeat.interval'), timeoutMs: configValue(config, 'heartbeat.timeout') },
    loadBalance: configValue(config, 'taskmanager.load-balance.mode') === 'NONE' ? 'NONE' : 'SLOTS',
    jobTimeoutMs: configValue(config, 'resourcemanager.job.timeout'),
  }
}

/** A peer that has said who it is. */
interface Peer<Out> {
  readonly link: Link<unknown, Out>
  readonly heartbeat: Heartbeat
}

export class ResourceManager {
  readonly #options: ResourceManagerOptions
  readonly #slots: SlotManager
  readonly #taskManagers = new Map<string, Peer<FromResourceManager>>()
  readonly #jobs = new Map<string, Peer<RequirementsAnswer>>()
  #timer: TimerHandle | undefined
  #isClosed = false

  constructor(options: ResourceManagerOptions) {
    const { provider, heartbeat, loadBalance, jobTimeoutMs, newAllocationId, newWorkerId } = options
    this.#options = options
    this.#slots = new SlotManager({
      ...{ loadBalance, jobTimeoutMs, newAllocationId, newWorkerId },
      ...{ heartbeatIntervalMs: heartbeat.intervalMs, heartbeatTimeoutMs: heartbeat.timeoutMs },
      ...(provider.workers && { workers: provider.workers }),
    })
    provider.listen({
      lost: (taskManagerId, reason) => {
        this.#apply({ on: 'startFailed', taskManagerId })
        this.#lost(taskManagerId, reason)
      },
    })
    this.#scheduleTick()
  }

  /** Its end of `taskManager` and `requirements`. */
  get acceptors(): Acceptors {
    return {
      taskManager: (link, hello) => this.#acceptTaskManager(link, hello),
      requirements: (link, hello) => this.#acceptJob(link, hello),
    }
  }

  /** As REST tells of them. */
  taskManagers(): readonly TaskManagerOverview[] {
    const { clock } = this.#options
    const [wallMs, elapsedMs] = [clock.now(), clock.elapsed()]
    return this.#slots.taskManagers((ms) => Math.round(wallMs - elapsedMs + ms))
  }

  /** Tells every TaskManager to end. */
  shutDownTaskManagers(reason: string): void {
    for (const { link } of this.#taskManagers.values()) link.send({ do: 'shutDown', reason })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    for (const { link, heartbeat } of [...this.#taskManagers.values(), ...this.#jobs.values()]) {
      heartbeat.stop()
      link.close()
    }
    await this.#options.provider.close()
  }

  #acceptTaskManager(link: Link<ToResourceManager, FromResourceManager>, hello: Hello): void {
    this.#refuseStale(hello)
    let taskManagerId: string | undefined
    let peer: Peer<FromResourceManager> | undefined
    const isCurrent = (): boolean => taskManagerId !== undefined && this.#taskManagers.get(taskManagerId) === peer
    link.onMessage((message) => {
      if (message.say === 'register') {
        if (peer !== undefined) return
        taskManagerId = message.taskManagerId
        peer = {
          link,
          heartbeat: this.#watch(
            () => link.send({ do: 'heartbeat' }),
            (ms) => this.#lost(message.taskManagerId, silentFor(ms)),
          ),
        }
        this.#replace(this.#taskManagers, taskManagerId, peer)
        link.send({ do: 'registered', sessionId: this.#options.sessionId })
        const { say: _, slots, ...taskManager } = message
        this.#apply({ on: 'registered', taskManager, slots })
        this.#tellCount()
      } else if (isCurrent()) {
        peer!.heartbeat.heard()
        this.#apply({ on: 'heartbeat', taskManagerId: taskManagerId!, slots: message.slots, metrics: message.metrics })
      }
    })
    link.onClosed((cause) => {
      peer?.heartbeat.stop()
      if (!isCurrent()) return
      this.#taskManagers.delete(taskManagerId!)
      // Who closes in order has gone by itself: there is nothing to wait for.
      if (cause === undefined) this.#lost(taskManagerId!, 'It has closed its connection')
      else this.#apply({ on: 'disconnected', taskManagerId: taskManagerId!, reason: cause.message })
    })
  }

  #acceptJob(link: Link<Requirements, RequirementsAnswer>, hello: Hello): void {
    this.#refuseStale(hello)
    const { jobId } = hello
    if (jobId === undefined) throw new StreamError('INVALID_ARGUMENT', 'Requirements were opened without a job id')
    const silent = (): void => {
      this.#jobs.delete(jobId)
      link.close()
      this.#apply({ on: 'jobDisconnected', jobId })
    }
    let peer: Peer<RequirementsAnswer> | undefined
    const isCurrent = (): boolean => this.#jobs.get(jobId) === peer
    link.onMessage((message) => {
      if (message.say === 'register') {
        if (peer !== undefined) return
        peer = { link, heartbeat: this.#watch(() => link.send({ do: 'heartbeat' }), silent) }
        this.#replace(this.#jobs, jobId, peer)
        link.send({ do: 'registered', sessionId: this.#options.sessionId })
        this.#apply({ on: 'jobRegistered', jobId, jobName: message.jobName, jobMaster: message.jobMaster })
        return
      }
      if (peer === undefined || !isCurrent()) return
      peer.heartbeat.heard()
      if (message.say === 'declare') this.#apply({ on: 'declared', jobId, slots: message.slots })
      if (message.say === 'suspect') this.#apply({ on: 'suspected', taskManagerId: message.taskManagerId, jobId })
    })
    link.onClosed(() => {
      peer?.heartbeat.stop()
      if (peer === undefined || !isCurrent()) return
      this.#jobs.delete(jobId)
      this.#apply({ on: 'jobDisconnected', jobId })
    })
  }

  #refuseStale({ sessionId }: Hello): void {
    if (this.#isClosed) throw new StreamError('PEER_UNREACHABLE', 'This ResourceManager has ended')
    if (sessionId !== undefined && sessionId !== this.#options.sessionId) throw staleSession('ResourceManager')
  }

  #watch(beat: () => void, silent: (ms: number) => void): Heartbeat {
    return new Heartbeat({ ...this.#options.heartbeat, clock: this.#options.clock, beat, silent })
  }

  #replace<Out>(peers: Map<string, Peer<Out>>, id: string, peer: Peer<Out>): void {
    const older = peers.get(id)
    peers.set(id, peer)
    older?.heartbeat.stop()
    older?.link.close()
  }

  #lost(taskManagerId: string, reason: string): void {
    const peer = this.#taskManagers.get(taskManagerId)
    this.#taskManagers.delete(taskManagerId)
    peer?.heartbeat.stop()
    peer?.link.close()
    this.#apply({ on: 'lost', taskManagerId, reason })
    this.#tellCount()
  }

  #scheduleTick(): void {
    const { clock, heartbeat } = this.#options
    this.#timer = clock.setTimer(heartbeat.intervalMs, () => {
      this.#apply({ on: 'tick' })
      this.#scheduleTick()
    })
  }

  #apply(event: SlotManagerEvent): void {
    if (this.#isClosed) return
    for (const decision of this.#slots.apply(event, this.#options.clock.elapsed())) this.#perform(decision)
  }

  #perform(decision: SlotManagerDecision): void {
    switch (decision.do) {
      case 'allocateSlot': {
        const { taskManagerId, ...order } = decision
        return this.#taskManagers.get(taskManagerId)?.link.send(order)
      }
      case 'freeSlot': {
        const { taskManagerId, ...order } = decision
        return this.#taskManagers.get(taskManagerId)?.link.send(order)
      }
      case 'notEnough': {
        const { jobId, ...answer } = decision
        return this.#jobs.get(jobId)?.link.send(answer)
      }
      case 'tellLost': {
        const { taskManagerId, reason } = decision
        return this.#jobs.get(decision.jobId)?.link.send({ do: 'taskManagerLost', taskManagerId, reason })
      }
      case 'startWorker':
        return this.#options.provider.start(decision.taskManagerId)
      case 'stopWorker': {
        const { taskManagerId, reason } = decision
        this.#taskManagers.get(taskManagerId)?.link.send({ do: 'shutDown', reason })
        return this.#options.provider.stop(taskManagerId)
      }
    }
  }

  #tellCount(): void {
    this.#options.onTaskManagers?.(this.#taskManagers.size)
  }
}

const silentFor = (ms: number): string => `It was silent for ${(ms / 1000).toFixed(1)} s`
