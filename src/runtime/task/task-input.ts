/**
 * Where a task's work comes from: the channels of its inputs, or a source's reader. Asked for one thing at a time; never waits.
 */
import type { ChainUnit } from '../chain/chain-input.ts'
import type { CheckpointStart, StateSnapshot } from '../state/snapshot.ts'

export type TaskEvent =
  | { readonly kind: 'unit'; readonly unit: ChainUnit }
  | { readonly kind: 'watermark'; readonly watermark: number }
  | { readonly kind: 'idle'; readonly idle: boolean }
  /** Behind all that belongs to the checkpoint, ahead of all that does not: the input is not asked again until it is taken. */
  | { readonly kind: 'barrier'; readonly checkpointId: number; readonly alignmentMs: number }
  /** A newer checkpoint has overtaken this one: it will have no barrier. */
  | { readonly kind: 'overtaken'; readonly checkpointId: number }
  /** After the MAX watermark, once. Barriers may still come. */
  | { readonly kind: 'end' }

export interface TaskInput {
  /**
   * undefined: nothing now; `onAvailable` of the task is called when there may be something. `holdsBarriers`: the task could not take a
   * barrier yet; an input that chooses their place itself goes on with rows.
   */
  poll(holdsBarriers?: boolean): TaskEvent | undefined
  /** Whether a task with nothing else to do must still be woken for onPeriodic. */
  readonly needsProbe?: boolean
  /** Periodic work of sources (watermarks); `backpressured` since the last call. */
  onPeriodic?(nowMs: number, backpressured: boolean): void
  close?(): void | Promise<void>
  /** Some rows of a unit have been run. */
  afterRows?(): void
  /** Time that must pass before any further row, those of the unit under way included. */
  pollTime?(): TaskEvent | undefined
  /** Nothing comes any more, no barrier either. */
  readonly isClosed: boolean
  /** Some channels have brought a barrier that others have not. */
  readonly isAligning?: boolean
  startCheckpoint(start: CheckpointStart): void
  abortCheckpoint(checkpointId: number): void
  /** What the input itself holds, when the operators' state is taken. */
  snapshotState?(start: CheckpointStart): readonly StateSnapshot[]
  notifyCheckpointComplete?(checkpointId: number): void | Promise<void>
  /** Who holds the watermark back, as words. */
  readonly holder: string | undefined
  readonly watermark: number
}
