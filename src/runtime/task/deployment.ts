/**
 * What a slot is told to run, and what it and the coordinator say to each other meanwhile. Plain data (structured clone):
 * the same messages go over a MessagePort to a task thread and through a loopback to an inline slot.
 */
import type { WireError } from '../../base/core/stream-error.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import type { CheckpointDurations, CheckpointMetadata, SubtaskSnapshot } from '../checkpoint/checkpoint-metadata.ts'
import type { RingOptions } from '../exchange/ring-size.ts'
import type { CheckpointStart } from '../state/snapshot.ts'

/** What all slots of one attempt have in common. Plain data that also goes between machines. */
export interface DeploymentPlan {
  readonly jobId: string
  readonly jobGraph: JobGraph
  /** Number of restarts before it. */
  readonly attempt: number
  /** The vertices that this attempt deploys. */
  readonly vertices: readonly number[]
  /** Size of every channel's ring. */
  readonly ring: RingOptions
  readonly config: Readonly<Record<string, unknown>>
  /** Whether the job takes checkpoints: a task then waits at its end for one more, which commits what it wrote last. */
  readonly checkpointing?: { readonly mode: 'EXACTLY_ONCE' | 'AT_LEAST_ONCE' }
  /** The snapshot that the job goes on from. */
  readonly restore?: CheckpointMetadata
}

/** Slots of a job are numbered from 0; a slot holds at most one subtask of each vertex. */
export interface SlotPlan {
  readonly slot: number
  readonly tasks: readonly { readonly vertex: number; readonly subtask: number }[]
}

/** An attempt, or that part of it which one TaskManager runs. */
export interface JobDeployment {
  readonly plan: DeploymentPlan
  readonly slots: readonly SlotPlan[]
}

/** One channel of an edge: from one producer subtask to one consumer subtask. */
export interface ChannelPlan {
  readonly edge: number
  readonly fromSubtask: number
  readonly toSubtask: number
  readonly fromSlot: number
  readonly toSlot: number
}

/** With its ring. An end that is on another machine has the number behind the job's last slot: whoever carries it there. */
export interface ChannelDeployment extends ChannelPlan {
  readonly ring: SharedArrayBuffer
}

/** A slot as the thread that runs it is given it (wire-slots.ts). */
export interface SlotDeployment extends DeploymentPlan, SlotPlan {
  /** The channels that begin or end in this slot. */
  readonly channels: readonly ChannelDeployment[]
  /** One Int32 a slot and one more: 1 while that slot's thread (the last: who carries channels to other machines) is parked and wants a ping. */
  readonly sleepers: SharedArrayBuffer
}

export type ToSlot =
  | { readonly do: 'assignSplits'; readonly vertex: number; readonly subtask: number; readonly splits: readonly unknown[] }
  | { readonly do: 'noMoreSplits'; readonly vertex: number; readonly subtask: number }
  | { readonly do: 'readerEvent'; readonly vertex: number; readonly subtask: number; readonly event: unknown }
  /** To every slot: sources take their barrier behind what they have emitted; the other tasks learn what their barriers stand for. */
  | { readonly do: 'startCheckpoint'; readonly checkpoint: CheckpointStart }
  | { readonly do: 'checkpointComplete'; readonly checkpointId: number }
  /** Given up: alignment ends, files are removed, barriers that still come are ignored. */
  | { readonly do: 'checkpointAborted'; readonly checkpointId: number }
  | { readonly do: 'cancel' }

export type FromSlot =
  | { readonly say: 'registerReader'; readonly vertex: number; readonly subtask: number }
  | { readonly say: 'requestSplit'; readonly vertex: number; readonly subtask: number }
  | { readonly say: 'enumeratorEvent'; readonly vertex: number; readonly subtask: number; readonly event: unknown }
  | {
      readonly say: 'taskState'
      readonly vertex: number
      readonly subtask: number
      readonly state: 'initializing' | 'running' | 'finished' | 'canceled'
    }
  /**
   * The synchronous step is behind it, said at once: rows that this task handed to the client ahead of this are covered by the
   * checkpoint, later ones are not.
   */
  | { readonly say: 'checkpointPassed'; readonly vertex: number; readonly subtask: number; readonly checkpointId: number }
  | {
      readonly say: 'checkpointAcknowledged'
      readonly vertex: number
      readonly subtask: number
      readonly checkpointId: number
      readonly snapshot: SubtaskSnapshot
      readonly durations: CheckpointDurations
    }
  | {
      readonly say: 'checkpointDeclined'
      readonly vertex: number
      readonly subtask: number
      readonly checkpointId: number
      readonly error: WireError
    }
  /** Its input has ended and its operators were told, in a job with checkpoints: it finishes when one that begins from now on is complete. */
  | { readonly say: 'awaitsCheckpoint'; readonly vertex: number; readonly subtask: number }
  | { readonly say: 'failed'; readonly vertex: number; readonly subtask: number; readonly error: WireError }
  | { readonly say: 'collect'; readonly channel: string; readonly rows: readonly unknown[] }
  | { readonly say: 'print'; readonly stream: 'stdout' | 'stderr'; readonly line: string }
  /** Sent about four times a second while running, and once at the end. */
  | { readonly say: 'metrics'; readonly tasks: readonly TaskMetrics[] }

export interface TaskMetrics {
  readonly vertex: number
  readonly subtask: number
  /** Of a source's task: the records that its reader emitted. */
  readonly recordsIn: number
  readonly recordsOut: number
  /** minWatermark while there is none. */
  readonly watermark: number
  readonly lateRecordsDropped: number
  readonly busyMs: number
  readonly idleMs: number
  readonly backPressuredMs: number
  readonly counters: Readonly<Record<string, number>>
  /** Of each operator of the chain, where the task counts them singly. */
  readonly operators?: readonly {
    readonly nodeId: number
    readonly recordsIn: number
    readonly recordsOut: number
    readonly lateRecordsDropped: number
  }[]
}

/** How a slot talks to its coordinator. */
export interface ControlPort {
  send(message: FromSlot): void
  /** One handler; called outside the slot's turn (it wakes the pump). */
  onMessage(handler: (message: ToSlot) => void): void
}

/** How a slot wakes the thread of another (by its place in `sleepers`); only called when that one's sleeper flag was set. */
export type WakePeer = (slot: number) => void
