/**
 * What the slot manager is told, what it decides, and its settings. Plain data. Times are those of one monotonic clock, in ms.
 */
import type { Hardware, SlotReport } from '../rpc/protocols.ts'
import type { LoadBalance } from './choose-slots.ts'

/** What a TaskManager says of itself once. */
export interface TaskManagerFacts {
  readonly taskManagerId: string
  readonly host: string
  readonly dataAddress: string
  readonly pid: number
  readonly hardware: Hardware
}

export interface JobMasterAddress {
  readonly address: string
  readonly sessionId: string
}

export type SlotManagerEvent =
  /** The first word of a connection: what was under way on an earlier one is void, and these are its slots. */
  | { readonly on: 'registered'; readonly taskManager: TaskManagerFacts; readonly slots: readonly SlotReport[] }
  | {
      readonly on: 'heartbeat'
      readonly taskManagerId: string
      readonly slots: readonly SlotReport[]
      readonly metrics: Readonly<Record<string, number>>
    }
  /** Its connection broke. It may come back. */
  | { readonly on: 'disconnected'; readonly taskManagerId: string; readonly reason: string }
  /** It is gone: silent for too long, or a provider saw it end. */
  | { readonly on: 'lost'; readonly taskManagerId: string; readonly reason: string }
  /** A JobMaster lost it, or gave it up. */
  | { readonly on: 'suspected'; readonly taskManagerId: string; readonly jobId: string }
  | { readonly on: 'jobRegistered'; readonly jobId: string; readonly jobName: string; readonly jobMaster: JobMasterAddress }
  | { readonly on: 'declared'; readonly jobId: string; readonly slots: number }
  | { readonly on: 'jobDisconnected'; readonly jobId: string }
  /** A worker that was to be started will not come. */
  | { readonly on: 'startFailed'; readonly taskManagerId: string }
  /** Time has passed: about every heartbeat interval. */
  | { readonly on: 'tick' }

export type SlotManagerDecision =
  | {
      readonly do: 'allocateSlot'
      readonly taskManagerId: string
      readonly index: number
      readonly allocationId: string
      readonly jobId: string
      readonly jobMaster: JobMasterAddress
    }
  | { readonly do: 'freeSlot'; readonly taskManagerId: string; readonly allocationId: string; readonly reason: string }
  | { readonly do: 'notEnough'; readonly jobId: string; readonly declared: number; readonly available: number }
  | { readonly do: 'tellLost'; readonly jobId: string; readonly taskManagerId: string; readonly reason: string }
  | { readonly do: 'startWorker'; readonly taskManagerId: string }
  | { readonly do: 'stopWorker'; readonly taskManagerId: string; readonly reason: string }

/** Workers that can be started when slots are wanting. */
export interface WorkerSettings {
  readonly slotsEach: number
  /** slotmanager.number-of-slots.max: of the whole cluster. */
  readonly maxSlots: number
  /** resourcemanager.taskmanager-timeout: after it a worker without a job is stopped. */
  readonly idleTimeoutMs: number
  /** A worker that has not registered by then counts as failed. */
  readonly startTimeoutMs: number
  /** Within a minute; beyond them it waits for the minute to pass. */
  readonly maxStartFailures: number
}

export interface SlotManagerSettings {
  /** taskmanager.load-balance.mode */
  readonly loadBalance: LoadBalance
  /** heartbeat.interval: a TaskManager that was silent for two of them gets no new task. */
  readonly heartbeatIntervalMs: number
  /** heartbeat.timeout: for how long a TaskManager whose connection broke may come back, and for how long it may leave an order unanswered. */
  readonly heartbeatTimeoutMs: number
  /** resourcemanager.job.timeout: for how long the slots of a job without a JobMaster are kept. */
  readonly jobTimeoutMs: number
  /** Absent: workers are started by somebody else. */
  readonly workers?: WorkerSettings
}
