/**
 * What passes between a task thread and whoever leased its slot, over one MessagePort, in order. Plain data.
 *
 * A lease begins before the job is planned: the thread loads the program and plans it while the starting thread does, and
 * then waits for its deployment. The slot's own messages (FromSlot, ToSlot) travel on the same port, between `deploy` and
 * `done`. After `done` or `failed` the thread says nothing more; it lives until the lease is aborted, which ends it.
 */
import type { Config } from '../../base/core/config-options.ts'
import type { PlanSeed } from '../../base/core/deterministic-globals.ts'
import type { WireError } from '../../base/core/stream-error.ts'
import type { RecordedExecution } from '../../program/api/executor.ts'
import type { FromSlot, SlotDeployment, ToSlot } from '../../runtime/task/deployment.ts'

/** Where a task thread finds the functions of a job. Plain data. */
export interface ProgramReference {
  /** URL of the module that it imports: a bundle, or a .ts or .js file that Node can load as it is. */
  readonly url: string
  /** The user's name for it, in messages. */
  readonly file: string
  /** What main is called with. */
  readonly args: unknown
  /** What runMain was called with in the starting thread: the same seed and configuration give the same plan. */
  readonly seed: PlanSeed
  readonly config?: Config
}

/** What the thread's entry is called with; `port` is a MessagePort. */
export interface SlotLease {
  readonly port: LeasePort
  readonly program: ProgramReference
  /** The jobs that the program has executed before this one. */
  readonly earlier: readonly RecordedExecution[]
}

export type ToThread =
  | ToSlot
  | {
      readonly lease: 'deploy'
      readonly deployment: SlotDeployment
      readonly peers: readonly { readonly slot: number; readonly port: LeasePort }[]
    }

export type FromThread = FromSlot | { readonly lease: 'failed'; readonly error: WireError } | { readonly lease: 'done' }

/** The part of Node's MessagePort that a lease uses. */
export interface LeasePort {
  postMessage(message: unknown, transfer?: readonly any[]): void
  on(event: 'message', listener: (message: any) => void): unknown
  close(): void
}
