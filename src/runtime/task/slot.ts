/**
 * One slot: the tasks that share it and the pump that runs them. The host (a task thread, or the caller's own thread
 * when inline) makes it from a deployment and the StreamGraph of its own run of main.
 */
import type { Clock } from '../../base/core/clock.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { StreamGraph } from '../../program/graph/stream-graph.ts'
import type { ControlPort, SlotDeployment, WakePeer } from './deployment.ts'
import type { TaskPhase } from './task-options.ts'

export interface SlotHost {
  readonly clock: Clock
  readonly fileSystem: FileSystem
  readonly control: ControlPort
  readonly wakePeer: WakePeer
  /** Yields to the event loop and calls back (setImmediate). */
  readonly yieldTo: (callback: () => void) => void
}

/** What a task is at, for whoever looks on. */
export interface TaskDescription {
  readonly vertex: number
  readonly subtask: number
  readonly phase: 'opening' | TaskPhase
  /** Event time moves on in it: windows and timers fire. */
  readonly isFiring: boolean
  /** Some of its channels have brought a barrier that others have not. */
  readonly isAligning: boolean
  /** From the last barrier to the end of the synchronous step. */
  readonly isTakingSnapshot: boolean
  /** What it held at a barrier is being written. */
  readonly isWritingSnapshot: boolean
}

/** What the host holds of a running slot. */
export interface RunningSlot {
  /** As they are now. */
  describe(): readonly TaskDescription[]
  /** A peer's ping: there may be something in a ring. */
  wake(): void
  /** Resolves when every task has finished, failed or been cancelled and all operators are closed; failures went to the control port. */
  readonly done: Promise<void>
}

export type RunSlot = (deployment: SlotDeployment, graph: StreamGraph, host: SlotHost) => RunningSlot
