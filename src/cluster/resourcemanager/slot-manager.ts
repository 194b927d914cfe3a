/**
 * Which job holds which slots of which TaskManager: events and the time go in, decisions come out. Pure.
 *
 * What always holds: a slot is ordered for one job at a time, and only where its TaskManager last said that it is free; jobs that
 * declared first are served first; a TaskManager that is suspected, or was silent for two heartbeats, gets nothing new. What
 * TaskManagers report is the truth and comes again with each heartbeat, so nothing here is kept that they would not say again.
 */
import type { TaskManagerOverview } from '../rpc/dispatcher-gateway.ts'
import type { SlotReport } from '../rpc/protocols.ts'
import { chooseSlots } from './choose-slots.ts'
import { RegisteredWorker } from './registered-worker.ts'
import type {
  JobMasterAddress,
  SlotManagerDecision,
  SlotManagerEvent,
  SlotManagerSettings,
  TaskManagerFacts,
} from './slot-manager-events.ts'
import { WorkerDemand } from './worker-demand.ts'

interface KnownJob {
  readonly jobId: string
  /** Absent: TaskManagers hold slots for it, and no JobMaster has spoken for it yet. */
  jobMaster?: JobMasterAddress
  declared: number
  /** Since when no JobMaster speaks for it. */
  absentSinceMs: number | undefined
  /** What it was told last of what is there for it. */
  toldAvailable: number | undefined
}

export interface SlotManagerOptions extends SlotManagerSettings {
  /** A new id each time. */
  readonly newAllocationId: () => string
  /** For workers that are started: a new TaskManager id each time. */
  readonly newWorkerId: () => string
}

export class SlotManager {
  readonly #options: SlotManagerOptions
  readonly #workers = new Map<string, RegisteredWorker>()
  /** In the order in which they were heard of. */
  readonly #jobs = new Map<string, KnownJob>()
  readonly #demand: WorkerDemand | undefined

  constructor(options: SlotManagerOptions) {
    this.#options = options
    this.#demand = options.workers && new WorkerDemand(options.workers, options.newWorkerId)
  }

  apply(event: SlotManagerEvent, nowMs: number): readonly SlotManagerDecision[] {
    switch (event.on) {
      case 'registered':
        return this.#registered(event.taskManager, event.slots, nowMs)
      case 'heartbeat': {
        const worker = this.#workers.get(event.taskManagerId)
        if (worker === undefined) return []
        worker.metrics = event.metrics
        const changed = worker.report(event.slots, nowMs)
        this.#noteJobsOf(worker, nowMs)
        return changed ? this.#match(nowMs) : []
      }
      case 'disconnected': {
        const worker = this.#workers.get(event.taskManagerId)
        if (worker !== undefined) Object.assign(worker, { disconnectedMs: nowMs, reason: event.reason })
        return []
      }
      case 'lost':
        return [...this.#lose(event.taskManagerId, event.reason), ...this.#match(nowMs)]
      case 'suspected':
        this.#workers.get(event.taskManagerId)?.suspectedBy.add(event.jobId)
        return this.#match(nowMs)
      case 'jobRegistered': {
        const { jobId, jobMaster } = event
        const known = this.#jobs.get(jobId)
        this.#jobs.set(jobId, { jobId, jobMaster, declared: known?.declared ?? 0, absentSinceMs: undefined, toldAvailable: undefined })
        return []
      }
      case 'declared':
        return this.#declared(event.jobId, event.slots, nowMs)
      case 'jobDisconnected': {
        const job = this.#jobs.get(event.jobId)
        if (job !== undefined) job.absentSinceMs = nowMs
        return []
      }
      case 'startFailed':
        this.#demand?.failed(event.taskManagerId, nowMs)
        return this.#match(nowMs)
      case 'tick':
        return this.#tick(nowMs)
    }
  }

  /** In the order in which they registered. `toWallMs` turns the manager's time into that of the wall clock. */
  taskManagers(toWallMs: (ms: number) => number): readonly TaskManagerOverview[] {
    return [...this.#workers.values()].map((worker) => {
      const { facts, suspected, metrics } = worker
      return { ...facts, slots: worker.reports(), lastHeartbeatMs: toWallMs(worker.heardMs), suspected, metrics }
    })
  }

  #registered(facts: TaskManagerFacts, slots: readonly SlotReport[], nowMs: number): readonly SlotManagerDecision[] {
    const worker = this.#workers.get(facts.taskManagerId) ?? new RegisteredWorker(facts, nowMs)
    this.#workers.set(facts.taskManagerId, worker)
    worker.register(facts, slots, nowMs)
    this.#demand?.arrived(facts.taskManagerId)
    this.#noteJobsOf(worker, nowMs)
    return this.#match(nowMs)
  }

  #declared(jobId: string, slots: number, nowMs: number): readonly SlotManagerDecision[] {
    const job = this.#jobs.get(jobId)
    if (job === undefined) return []
    job.declared = slots
    job.toldAvailable = undefined
    return [...(slots === 0 ? this.#freeAllOf(jobId, 'The job needs no slots any more') : []), ...this.#match(nowMs)]
  }

  /** TaskManagers may hold slots for jobs that this ResourceManager has not heard of yet, or never will. */
  #noteJobsOf(worker: RegisteredWorker, nowMs: number): void {
    for (const jobId of worker.jobIds()) {
      if (!this.#jobs.has(jobId)) this.#jobs.set(jobId, { jobId, declared: 0, absentSinceMs: nowMs, toldAvailable: undefined })
    }
  }

  #lose(taskManagerId: string, reason: string): readonly SlotManagerDecision[] {
    const worker = this.#workers.get(taskManagerId)
    if (worker === undefined) return []
    this.#workers.delete(taskManagerId)
    return [...worker.jobIds()].map((jobId) => ({ do: 'tellLost', jobId, taskManagerId, reason }))
  }

  #tick(nowMs: number): readonly SlotManagerDecision[] {
    const { heartbeatTimeoutMs } = this.#options
    const decisions: SlotManagerDecision[] = []
    for (const worker of [...this.#workers.values()]) {
      const { disconnectedMs } = worker
      if (disconnectedMs !== undefined && nowMs - disconnectedMs >= heartbeatTimeoutMs)
        decisions.push(...this.#lose(worker.id, `${worker.reason}, and it did not come back`))
      else worker.expireOrders(nowMs - heartbeatTimeoutMs, nowMs)
    }
    return [...decisions, ...this.#forgetJobs(nowMs), ...this.#stopIdle(nowMs), ...this.#match(nowMs)]
  }

  /** Jobs that ended, and those whose JobMaster did not come back: said again until their slots are free. */
  #forgetJobs(nowMs: number): readonly SlotManagerDecision[] {
    return [...this.#jobs.values()].flatMap(({ jobId, jobMaster, declared, absentSinceMs }) => {
      if (absentSinceMs === undefined) return []
      const ended = jobMaster !== undefined && declared === 0
      if (!ended && nowMs - absentSinceMs < this.#options.jobTimeoutMs) return []
      const freed = this.#freeAllOf(jobId, ended ? 'The job has ended' : 'The job has no JobMaster any more')
      if (freed.length === 0) this.#jobs.delete(jobId)
      return freed
    })
  }

  #freeAllOf(jobId: string, reason: string): readonly SlotManagerDecision[] {
    return [...this.#workers.values()].flatMap((worker) =>
      worker.slots.flatMap((slot): SlotManagerDecision[] =>
        slot.is === 'free' || slot.jobId !== jobId
          ? []
          : [{ do: 'freeSlot', taskManagerId: worker.id, allocationId: slot.allocationId, reason }],
      ),
    )
  }

  #stopIdle(nowMs: number): readonly SlotManagerDecision[] {
    const stopped = this.#demand?.idle([...this.#workers.values()], nowMs) ?? []
    for (const taskManagerId of stopped) this.#workers.delete(taskManagerId)
    return stopped.map((taskManagerId) => ({ do: 'stopWorker', taskManagerId, reason: 'No job has needed it for a while' }))
  }

  #match(nowMs: number): readonly SlotManagerDecision[] {
    const decisions: SlotManagerDecision[] = []
    const short: { readonly job: KnownJob; readonly held: number }[] = []
    let missing = 0
    for (const job of this.#jobs.values()) {
      const { jobMaster, declared, absentSinceMs } = job
      if (jobMaster === undefined || absentSinceMs !== undefined) continue
      const held = this.#heldBy(job.jobId)
      if (held >= declared) continue
      const given = this.#give(job.jobId, jobMaster, declared - held, nowMs)
      decisions.push(...given)
      if (held + given.length === declared) continue
      short.push({ job, held: held + given.length })
      missing += declared - held - given.length
    }
    const total = [...this.#workers.values()].reduce((sum, { slots }) => sum + slots.length, 0)
    for (const taskManagerId of this.#demand?.start(missing, total, nowMs) ?? []) decisions.push({ do: 'startWorker', taskManagerId })
    return [...decisions, ...this.#tellShort(short)]
  }

  /** Those on TaskManagers that its JobMaster has lost are of no use to it. */
  #heldBy(jobId: string): number {
    let held = 0
    for (const worker of this.#workers.values()) if (!worker.suspectedBy.has(jobId)) held += worker.countOf(jobId)
    return held
  }

  #give(jobId: string, jobMaster: JobMasterAddress, count: number, nowMs: number): readonly SlotManagerDecision[] {
    const { heartbeatIntervalMs, loadBalance, newAllocationId } = this.#options
    const trusted = [...this.#workers.values()].filter((each) => !each.suspected && nowMs - each.heardMs <= 2 * heartbeatIntervalMs)
    const candidates = trusted.map((worker) => ({
      ...{ taskManagerId: worker.id, total: worker.slots.length, ofJob: worker.countOf(jobId), free: worker.freeIndexes() },
    }))
    return chooseSlots(candidates, count, loadBalance).map(({ taskManagerId, index }) => {
      const allocationId = newAllocationId()
      this.#workers.get(taskManagerId)!.order(index, allocationId, jobId, nowMs)
      return { do: 'allocateSlot', taskManagerId, index, allocationId, jobId, jobMaster }
    })
  }

  /** Said once, and again when another number is true. */
  #tellShort(short: readonly { readonly job: KnownJob; readonly held: number }[]): readonly SlotManagerDecision[] {
    if (this.#demand?.isStarting) return []
    return short.flatMap(({ job, held }): SlotManagerDecision[] => {
      if (job.toldAvailable === held) return []
      job.toldAvailable = held
      return [{ do: 'notEnough', jobId: job.jobId, declared: job.declared, available: held }]
    })
  }
}
