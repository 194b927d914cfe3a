/**
 * One slot: the tasks that share it and the pump that runs them. The host (a task thread, or the caller's own thread
 * when inline) makes it from a deployment and the StreamGraph of its own run of main.
 */
import type { Clock } from '../../base/core/clock.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { StreamGraph } from '../../program/graph/stream-graph.ts'
import type { ControlPort, SlotDeployment, WakePeer } from './deployment.ts'

export interface SlotHost {
  readonly clock: Clock
  readonly fileSystem: FileSystem
  readonly control: ControlPort
  readonly wakePeer: WakePeer
  /** Yields to the event loop and calls back (setImmediate). */
  readonly yieldTo: (callback: () => void) => void
}

/** What the host holds of a running slot. */
export interface RunningSlot {
  /** A peer's ping: there may be something in a ring. */
  wake(): void
  /** Resolves when every task has finished, failed or been cancelled and all operators are closed; failures went to the control port. */
  readonly done: Promise<void>
}

export type RunSlot = (deployment: SlotDeployment, graph: StreamGraph, host: SlotHost) => RunningSlot
