/** process: a user's function with side outputs and, on a keyed stream, state and timers. */
import type { Collector, ProcessContext, ProcessFunction } from '../../program/function/functions.ts'
import { HeapBackend } from '../state/heap-backend.ts'
import type { RestoredState, StateSnapshot } from '../state/snapshot.ts'
import type { OperatorContext, StreamOperator } from './operator.ts'
import { ProcessTurn } from './process-turn.ts'
import { FunctionLifecycle } from './user-function.ts'

export class ProcessOperator implements StreamOperator {
  readonly #processElement: (row: any, ctx: ProcessContext<any, any>, out: Collector<unknown>) => unknown
  readonly #turn: ProcessTurn
  readonly #lifecycle: FunctionLifecycle
  #row: unknown
  readonly #call = (context: ProcessContext<any, any>, out: Collector<unknown>): unknown => this.#processElement(this.#row, context, out)

  constructor(ctx: OperatorContext, fn: ProcessFunction<any, any, any, any, any>, keyed: boolean) {
    const parts = typeof fn === 'function' ? {} : { state: fn.state, operatorState: fn.operatorState, onTimer: fn.onTimer?.bind(fn) }
    this.#processElement = typeof fn === 'function' ? fn : fn.processElement.bind(fn)
    this.#turn = new ProcessTurn(ctx, parts, keyed ? new HeapBackend(ctx, (atMs) => ctx.requestProcessingTimer(atMs)) : undefined)
    this.#lifecycle = new FunctionLifecycle(ctx, fn, this.#turn.runtime)
  }

  open(): void | Promise<void> {
    return this.#turn.open(() => this.#lifecycle.open())
  }

  processElement(row: unknown, timestamp: number, key: unknown): void {
    this.#row = row
    this.#turn.run('processElement', timestamp, key, this.#call)
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
