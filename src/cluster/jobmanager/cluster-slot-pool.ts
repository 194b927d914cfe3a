/**
 * A JobMaster's slots in the cluster: says to the ResourceManager how many the job wants, takes what TaskManagers offer, and deploys there.
 *
 * What always holds: a deployment waits until there is a slot for each of its slots, or fails as a whole after slot.request.timeout; a
 * TaskManager that broke off, or was silent for too long, has lost what ran there, and nothing more is sent to it before it offers slots
 * again; one that has missed heartbeats is given nothing new. Slots that a restart leaves are used by the next attempt.
 */
import type { Clock, TimerHandle } from '../../base/core/clock.ts'
import { type Config, configValue } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { slotsOf } from '../../runtime/task/slot-sharing.ts'
import type { HeartbeatSettings } from '../rpc/heartbeat.ts'
import type { ProgramPackage } from '../rpc/program-package.ts'
import type { RequirementsAnswer, ToJobMaster } from '../rpc/protocols.ts'
import type { DeployedSlots, SlotEvents, SlotPool } from '../rpc/slot-pool.ts'
import { staleSession } from '../rpc/stale-session.ts'
import type { Accept, Transport } from '../rpc/transport.ts'
import { noResources } from './no-resources.ts'
import { OfferedSlots } from './offered-slots.ts'
import { OfferingTaskManager } from './offering-task-manager.ts'
import { RequirementsLink } from './requirements-link.ts'
import { type PlacedSlot, SlotRequest } from './slot-request.ts'

export interface ClusterSlotPoolSettings {
  readonly heartbeat: HeartbeatSettings
  readonly slotRequestTimeoutMs: number
  readonly slotIdleTimeoutMs: number
}

export interface ClusterSlotPoolOptions extends ClusterSlotPoolSettings {
  readonly jobId: string
  readonly jobName: string
  readonly program: ProgramPackage
  /** Where TaskManagers find this JobMaster, and its session. */
  readonly jobMaster: { readonly address: string; readonly sessionId: string }
  readonly version: string
  /** Where the ResourceManager is now. */
  readonly resourceManager: () => string
  readonly transport: Transport
  readonly clock: Clock
  /** Numbers from 0 to 1. */
  readonly random: () => number
}

export function clusterSlotPoolSettingsOf(config: Config): ClusterSlotPoolSettings {
  return {
    heartbeat: { intervalMs: configValue(config, 'heartbeat.interval'), timeoutMs: configValue(config, 'heartbeat.timeout') },
    slotRequestTimeoutMs: configValue(config, 'slot.request.timeout'),
    slotIdleTimeoutMs: configValue(config, 'slot.idle.timeout'),
  }
}

type Deployment = Parameters<SlotPool['deploy']>[0]

export class ClusterSlotPool implements SlotPool {
  readonly #options: ClusterSlotPoolOptions
  readonly #requirements: RequirementsLink
  readonly #offered = new OfferedSlots()
  readonly #taskManagers = new Map<string, OfferingTaskManager>()
  /** Those that wait for slots, the oldest first, with what ends their patience. */
  readonly #waiting = new Map<SlotRequest, TimerHandle>()
  /** Those of which something runs, by attempt. */
  readonly #running = new Map<number, SlotRequest>()
  #declared = 0
  #available: number | undefined
  #isClosed = false

  constructor(options: ClusterSlotPoolOptions) {
    const { jobId, jobName, jobMaster, version, resourceManager, transport, clock, heartbeat, random } = options
    this.#options = options
    this.#requirements = new RequirementsLink({
      ...{ jobId, jobName, jobMaster, resourceManager, transport, clock, heartbeat },
      hello: { version, from: jobMaster.sessionId },
      backoff: { initialMs: 50, maxMs: 2000, random },
      onAnswer: (answer) => this.#hear(answer),
      onBeat: () => this.#releaseIdle(),
    })
  }

  /** The job's end of `slots`: whoever listens for all jobs passes links on by their jobId. */
  readonly accept: Accept<'slots'> = (link, hello) => {
    const { jobId, jobMaster, clock, heartbeat } = this.#options
    const isMeant = hello.jobId === jobId && (hello.sessionId === undefined || hello.sessionId === jobMaster.sessionId)
    if (this.#isClosed || !isMeant) throw staleSession('JobMaster')
    let peer: OfferingTaskManager | undefined
    const lost = (reason: string): void => void (peer !== undefined && this.#lost(peer, reason))
    link.onMessage((message) => {
      if (message.say === 'offer' && peer === undefined) {
        const onSilent = (ms: number): void => lost(`it was silent for ${(ms / 1000).toFixed(1)} s`)
        peer = new OfferingTaskManager({ link, offer: message, clock, heartbeat, onSilent })
        this.#arrived(peer)
      }
      if (peer === undefined || this.#taskManagers.get(peer.taskManagerId) !== peer) return
      peer.heard()
      this.#receive(peer, message)
      this.#deployWaiting()
    })
    link.onClosed((cause) => lost(cause?.message ?? 'it closed its connection'))
  }

  deploy(deployment: Deployment, events: SlotEvents): DeployedSlots {
    const { clock, slotRequestTimeoutMs } = this.#options
    const request = new SlotRequest(deployment, events, () => this.#over(request))
    this.#waiting.set(
      request,
      clock.setTimer(slotRequestTimeoutMs, () => this.#timedOut(request)),
    )
    const needed = slotsOf(deployment.plan.jobGraph)
    if (needed !== this.#declared) {
      this.#declared = needed
      this.#requirements.declare(needed)
    }
    // Not now: nothing is told before the JobMaster holds what this returns.
    queueMicrotask(() => this.#deployWaiting())
    return request
  }

  /** The job is over: every slot is given back. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const timer of this.#waiting.values()) timer.cancel()
    this.#waiting.clear()
    for (const peer of this.#taskManagers.values()) {
      for (const { allocationId } of this.#offered.of(peer.taskManagerId)) peer.send({ do: 'release', allocationId })
      peer.close()
    }
    this.#taskManagers.clear()
    this.#requirements.close()
  }

  /** A TaskManager that comes again has ended what ran there over its earlier connection. */
  #arrived(peer: OfferingTaskManager): void {
    const older = this.#taskManagers.get(peer.taskManagerId)
    if (older !== undefined) this.#lost(older, 'it has connected anew')
    this.#taskManagers.set(peer.taskManagerId, peer)
  }

  #hear(answer: RequirementsAnswer): void {
    if (answer.do === 'notEnough') this.#available = answer.available
    if (answer.do !== 'taskManagerLost') return
    const peer = this.#taskManagers.get(answer.taskManagerId)
    if (peer !== undefined) this.#lost(peer, answer.reason)
  }

  #receive(peer: OfferingTaskManager, message: ToJobMaster): void {
    const { clock } = this.#options
    if (message.say === 'heartbeat') return
    if (message.say === 'offer') {
      this.#offered.offer(peer.taskManagerId, message.slots, clock.elapsed())
      peer.send({ do: 'accept', allocationIds: message.slots.map(({ allocationId }) => allocationId) })
      return
    }
    const { attempt, slot } = message
    const request = this.#running.get(attempt)
    if (request?.has(slot) !== true || request.placeOf(slot)?.taskManagerId !== peer.taskManagerId) return
    if (message.say === 'slot') return request.events.message(slot, message.message)
    if (message.say === 'slotFailed') return request.events.failed(slot, StreamError.fromWire(message.error))
    this.#offered.free(request.placeOf(slot)!.allocationId, clock.elapsed())
    if (message.say === 'slotDone') request.end(slot, (events) => events.done(slot))
    else request.end(slot, (events) => events.lost(slot, StreamError.fromWire(message.error)))
  }

  #lost(peer: OfferingTaskManager, reason: string): void {
    const { taskManagerId } = peer
    if (this.#taskManagers.get(taskManagerId) !== peer) return
    this.#taskManagers.delete(taskManagerId)
    this.#offered.lose(taskManagerId)
    this.#requirements.suspect(taskManagerId)
    peer.close()
    const error = new StreamError('TASK_LOST', `TaskManager ${taskManagerId} was lost: ${reason}`, {
      hint: 'The log of that process says why it ended, if it did.',
    })
    for (const request of [...this.#running.values()]) {
      const gone = request.live.filter((slot) => request.placeOf(slot)?.taskManagerId === taskManagerId)
      for (const slot of gone) request.end(slot, (events) => events.lost(slot, error))
    }
  }

  #deployWaiting(): void {
    if (this.#waiting.size === 0) return
    const isUsable = (id: string): boolean => this.#taskManagers.get(id)?.isFresh === true
    for (const [request, timer] of [...this.#waiting]) {
      const taken = this.#offered.take(request.live, request.attempt, isUsable)
      if (taken === undefined) continue
      timer.cancel()
      this.#waiting.delete(request)
      this.#running.set(request.attempt, request)
      const places = [...taken].map(([slot, offered]): [number, PlacedSlot] => {
        const { send } = this.#taskManagers.get(offered.taskManagerId)!
        return [slot, { ...offered, send }]
      })
      this.#send(request, new Map(places))
    }
  }

  #send(request: SlotRequest, places: ReadonlyMap<number, PlacedSlot>): void {
    const { deployment, events } = request
    const locations: Record<number, string> = {}
    for (const [slot, { taskManagerId }] of places) locations[slot] = this.#taskManagers.get(taskManagerId)!.dataAddress
    const byTaskManager = Map.groupBy(
      deployment.slots.filter(({ slot }) => places.has(slot)),
      ({ slot }) => places.get(slot)!.taskManagerId,
    )
    for (const [taskManagerId, own] of byTaskManager) {
      const { host, send } = this.#taskManagers.get(taskManagerId)!
      const slots = own.map((each) => ({ ...each, allocationId: places.get(each.slot)!.allocationId }))
      send({ do: 'deploy', plan: deployment.plan, program: this.#options.program, slots, locations })
      for (const { slot } of slots) events.deployed(slot, { taskManagerId, host })
    }
    request.placed(places)
  }

  #timedOut(request: SlotRequest): void {
    const { jobName, slotRequestTimeoutMs } = this.#options
    this.#waiting.delete(request)
    request.fail(
      noResources({
        ...{ jobName, timeoutMs: slotRequestTimeoutMs, needed: this.#declared, held: this.#offered.size },
        ...{ waitingFor: request.live.length, free: this.#offered.numFree },
        ...{ available: this.#available, isRegistered: this.#requirements.isRegistered },
      }),
    )
  }

  #over(request: SlotRequest): void {
    this.#waiting.get(request)?.cancel()
    this.#waiting.delete(request)
    if (this.#running.get(request.attempt) === request) this.#running.delete(request.attempt)
  }

  /** More than the job needs, such as came for slots that were thought lost. */
  #releaseIdle(): void {
    const { clock, slotIdleTimeoutMs } = this.#options
    this.#deployWaiting()
    for (const { allocationId, taskManagerId } of this.#offered.excess(this.#declared, clock.elapsed() - slotIdleTimeoutMs)) {
      this.#offered.remove(allocationId)
      this.#taskManagers.get(taskManagerId)?.send({ do: 'release', allocationId })
    }
  }
}
