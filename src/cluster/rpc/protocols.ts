/**
 * What managers in different processes say to each other, a protocol for each pair. Plain data. `say` goes to the server, `do` to the
 * client. See docs/design/cluster.md for who connects to whom, and why.
 */
import type { WireError } from '../../base/core/stream-error.ts'
import type { DeploymentPlan, FromSlot, SlotPlan, ToSlot } from '../../runtime/task/deployment.ts'
import type { ProgramPackage } from './program-package.ts'

export interface Protocols {
  /** A TaskManager (client) and the ResourceManager. */
  readonly taskManager: { readonly toServer: ToResourceManager; readonly toClient: FromResourceManager }
  /** A JobMaster (client) and the ResourceManager; hello.jobId says which job. */
  readonly requirements: { readonly toServer: Requirements; readonly toClient: RequirementsAnswer }
  /** A TaskManager (client) that was told to give slots to a job, and its JobMaster; hello.jobId says which job. */
  readonly slots: { readonly toServer: ToJobMaster; readonly toClient: FromJobMaster }
}

export type ProtocolName = keyof Protocols

/** What a TaskManager tells of its machine and process. */
export interface Hardware {
  readonly cpuCores: number
  readonly memoryBytes: number
  readonly freeMemoryBytes: number
}

/** One slot of a TaskManager, by its index from 0. */
export interface SlotReport {
  readonly index: number
  /** Absent: free. */
  readonly allocation?: { readonly allocationId: string; readonly jobId: string }
}

export type ToResourceManager =
  /** The first message. */
  | {
      readonly say: 'register'
      /** `host:port-suffix`, as REST shows it. */
      readonly taskManagerId: string
      readonly host: string
      /** Where its partitions are served. */
      readonly dataAddress: string
      readonly pid: number
      readonly hardware: Hardware
      readonly slots: readonly SlotReport[]
    }
  /** The whole truth about its slots, every heartbeat interval, and at once when a slot was taken or became free. Metrics by name. */
  | { readonly say: 'heartbeat'; readonly slots: readonly SlotReport[]; readonly metrics: Readonly<Record<string, number>> }

export type FromResourceManager =
  | { readonly do: 'registered'; readonly sessionId: string }
  | { readonly do: 'heartbeat' }
  /** Offer this slot to that job, under that id. A slot that is taken by another allocation stays with that one. */
  | {
      readonly do: 'allocateSlot'
      readonly index: number
      readonly allocationId: string
      readonly jobId: string
      readonly jobMaster: { readonly address: string; readonly sessionId: string }
    }
  /** Nobody wants it any more: it ends what runs there. */
  | { readonly do: 'freeSlot'; readonly allocationId: string; readonly reason: string }
  /** The process shall end. */
  | { readonly do: 'shutDown'; readonly reason: string }

export type Requirements =
  | {
      readonly say: 'register'
      readonly jobName: string
      /** Where TaskManagers find the JobMaster, and its session. */
      readonly jobMaster: { readonly address: string; readonly sessionId: string }
    }
  /** How many slots the job wants to hold altogether; 0 gives all back. Said again, the newest counts. */
  | { readonly say: 'declare'; readonly slots: number }
  /** A TaskManager that did not answer or broke off: it gets no new task until it has proved to live. */
  | { readonly say: 'suspect'; readonly taskManagerId: string }
  | { readonly say: 'heartbeat' }

export type RequirementsAnswer =
  | { readonly do: 'registered'; readonly sessionId: string }
  | { readonly do: 'heartbeat' }
  /** What is registered does not suffice, and nothing is about to be started. */
  | { readonly do: 'notEnough'; readonly declared: number; readonly available: number }
  | { readonly do: 'taskManagerLost'; readonly taskManagerId: string; readonly reason: string }

export type ToJobMaster =
  /** The first message, and whenever slots were added for this job: all that it has for it. */
  | {
      readonly say: 'offer'
      readonly taskManagerId: string
      readonly host: string
      readonly dataAddress: string
      readonly slots: readonly { readonly index: number; readonly allocationId: string }[]
    }
  | { readonly say: 'slot'; readonly attempt: number; readonly slot: number; readonly message: FromSlot }
  /** How the slot of a deployment ended, as SlotEvents (slot-pool.ts) has it. */
  | { readonly say: 'slotFailed' | 'slotLost'; readonly attempt: number; readonly slot: number; readonly error: WireError }
  | { readonly say: 'slotDone'; readonly attempt: number; readonly slot: number }
  | { readonly say: 'heartbeat' }

export type FromJobMaster =
  /** What was offered and is not named is refused: the TaskManager frees it and tells the ResourceManager. */
  | { readonly do: 'accept'; readonly allocationIds: readonly string[] }
  | {
      readonly do: 'deploy'
      readonly plan: DeploymentPlan
      readonly program: ProgramPackage
      /** Those that run here, each in the slot of its allocation. */
      readonly slots: readonly (SlotPlan & { readonly allocationId: string })[]
      /** Where every slot of the attempt runs, by its number: the data address of its TaskManager. */
      readonly locations: Readonly<Record<number, string>>
    }
  | { readonly do: 'slot'; readonly attempt: number; readonly slot: number; readonly message: ToSlot }
  | { readonly do: 'kill'; readonly attempt: number; readonly slot: number }
  /** The job needs it no more. */
  | { readonly do: 'release'; readonly allocationId: string }
  | { readonly do: 'heartbeat' }
