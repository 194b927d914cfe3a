/**
 * Where a task's work comes from: the channels of its inputs, or a source's reader. Asked for one thing at a time; never waits.
 */
import type { ChainUnit } from '../chain/chain-input.ts'

export type TaskEvent =
  | { readonly kind: 'unit'; readonly unit: ChainUnit }
  | { readonly kind: 'watermark'; readonly watermark: number }
  | { readonly kind: 'idle'; readonly idle: boolean }
  /** After the MAX watermark, once. */
  | { readonly kind: 'end' }

export interface TaskInput {
  /** undefined: nothing now; `onAvailable` of the task is called when there may be something. */
  poll(): TaskEvent | undefined
  /** Periodic work of sources (watermarks); `backpressured` since the last call. */
  /** Whether a task with nothing else to do must still be woken for onPeriodic. */
  readonly needsProbe?: boolean
  onPeriodic?(nowMs: number, backpressured: boolean): void
  close?(): void | Promise<void>
  /** Some rows of a unit have been run. */
  afterRows?(): void
  /** Time that must pass before any further row, those of the unit under way included. */
  pollTime?(): TaskEvent | undefined
  /** Who holds the watermark back, as words. */
  readonly holder: string | undefined
  readonly watermark: number
}
