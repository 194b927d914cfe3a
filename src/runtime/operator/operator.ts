/**
 * An operator as a task runs it: the plain, row-at-a-time form. Every kind of operator has this form; the chain
 * compiler inlines the simple kinds and replaces hot ones by column kernels that behave identically.
 *
 * All calls are made from one thread, in the task's turn. No call waits. processElement may emit as much as it likes
 * (output overdraws); firing is different: advanceWatermark and fireProcessingTimers stop when the output is full and
 * are called again, and until they have answered true the task gives the operator no element.
 */
import type { RuntimeContext } from '../../program/function/runtime-context.ts'
import type { CheckpointStart, RestoredState, StateSnapshot } from '../state/snapshot.ts'

/** A row without a timestamp carries this. */
export const noTimestamp = Number.NaN
/** Event time before any watermark, and after the last: the int64 limits as numbers. */
export const minWatermark = -(2 ** 63)
export const maxWatermark = 2 ** 63

/** Where an operator's rows go: the next operators of the chain and the edges that leave it. */
export interface Output {
  emit(row: unknown, timestamp: number): void
  emitSide(tag: string, row: unknown, timestamp: number): void
  /** True when firing should stop and go on in the next step. */
  readonly isFull: boolean
  /**
   * Event time of an operator that makes its own (StreamOperator.ownsTime); called in any of its calls, after the rows that go before.
   * What the operators behind cannot finish at once the task finishes before it gives this operator anything.
   */
  emitWatermark?(watermark: number): void
  /** That such an operator's output goes idle, or is active again (said before the watermark that ends idleness). */
  emitIdle?(idle: boolean): void
}

/** What an operator is given. Processing-time timers come back through fireProcessingTimers. */
export interface OperatorContext extends RuntimeContext {
  readonly output: Output
  /** Asks for a call of fireProcessingTimers at that time; an earlier pending request stays. */
  requestProcessingTimer(atMs: number): void
  readonly numLateRecordsDropped: { value: number }
}

export interface StreamOperator {
  /** Watermarks and idleness of the input end here (it is told the watermarks); what the chain hands on is what it gives to output.emitWatermark. */
  readonly ownsTime?: boolean
  /** A sink's write that has not ended: the task awaits it before it gives the operator more; a rejection fails the task. */
  readonly pending?: Promise<void> | undefined
  /** Ahead of open, in a job that goes on from a snapshot. Not called where the snapshot has nothing of this operator. */
  restoreState?(restored: RestoredState): void | Promise<void>
  open?(): void | Promise<void>
  /** `key` is the key of a keyed input, else undefined. Timestamp: noTimestamp if there is none. */
  processElement(row: unknown, timestamp: number, key: unknown): void
  /** Second input of a two-input operator. */
  processElement2?(row: unknown, timestamp: number, key: unknown): void
  /**
   * Event time has reached `watermark` (all inputs considered). Fires what is due; false: the output filled up, call again with
   * the same watermark. The chain hands the watermark on when it has answered true.
   */
  advanceWatermark(watermark: number): boolean
  /** Fires processing-time timers due at nowMs; false as above. */
  fireProcessingTimers?(nowMs: number): boolean
  /** Event time as this operator has seen it, which goes into its snapshots; absent: it has no use for time. */
  readonly currentWatermark?: number
  /** A barrier has been aligned: rows may still be emitted ahead of it, writers flush. A promise is awaited; what fails here fails the task. */
  prepareSnapshot?(checkpoint: CheckpointStart): void | Promise<void>
  /** Fixes what the operator holds now, in a time that does not grow with the state (copy on write). Behind prepareSnapshot, at once for the whole chain. */
  snapshotState?(checkpoint: CheckpointStart): readonly StateSnapshot[]
  /** Stands for all earlier ones too; may be skipped. A promise is awaited at the end of the job only; a rejection fails the task. */
  notifyCheckpointComplete?(checkpointId: number): void | Promise<void>
  notifyCheckpointAborted?(checkpointId: number): void
  /** All input has ended, after the MAX watermark. Rows may still be emitted; a promise is awaited. */
  endInput?(): void | Promise<void>
  close?(): void | Promise<void>
}
