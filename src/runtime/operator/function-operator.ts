/**
 * What the operators of a user's process function have in common, in the plain form and as a kernel: the life of the function, and the
 * turns around its calls, which hold its state, its timers and its event time. How an element comes to a call is each one's own.
 */
import type { RestoredState, StateSnapshot } from '../state/snapshot.ts'
import type { OperatorContext } from './operator.ts'
import type { ProcessTurn } from './process-turn.ts'
import { FunctionLifecycle } from './user-function.ts'

export class FunctionOperator {
  readonly #turn: ProcessTurn
  readonly #lifecycle: FunctionLifecycle

  constructor(ctx: OperatorContext, fn: ConstructorParameters<typeof FunctionLifecycle>[1], turn: ProcessTurn) {
    this.#turn = turn
    this.#lifecycle = new FunctionLifecycle(ctx, fn, turn.runtime)
  }

  open(): void | Promise<void> {
    return this.#turn.open(() => this.#lifecycle.open())
  }

  advanceWatermark(watermark: number): boolean {
    return this.#turn.advanceWatermark(watermark)
  }

  fireProcessingTimers(nowMs: number): boolean {
    return this.#turn.fireProcessingTimers(nowMs)
  }

  get currentWatermark(): number {
    return this.#turn.currentWatermark
  }

  snapshotState(): readonly StateSnapshot[] {
    return this.#turn.snapshotState()
  }

  restoreState(restored: RestoredState): Promise<void> {
    return this.#turn.restoreState(restored)
  }

  notifyCheckpointComplete(checkpointId: number): void | Promise<void> {
    return this.#lifecycle.notifyCheckpointComplete(checkpointId)
  }

  notifyCheckpointAborted(checkpointId: number): void {
    this.#lifecycle.notifyCheckpointAborted(checkpointId)
  }

  close(): void | Promise<void> {
    return this.#lifecycle.close()
  }

  get numEventTimers(): number {
    return this.#turn.numEventTimers
  }

  get numProcessingTimers(): number {
    return this.#turn.numProcessingTimers
  }
}
