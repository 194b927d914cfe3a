/** connect().process: two inputs into one function, which on keyed streams share state and timers by key. */

import { keyGroupRange } from '../../base/columnar/key-hash.ts'
import type { Collector, CoProcessFunction, ProcessContext } from '../../program/function/functions.ts'
import type { RestoredState, StateSnapshot } from '../state/snapshot.ts'
import { TypedBackend } from '../state/typed-backend.ts'
import type { OperatorContext, StreamOperator } from './operator.ts'
import { ProcessTurn } from './process-turn.ts'
import { FunctionLifecycle } from './user-function.ts'

export class CoProcessOperator implements StreamOperator {
  readonly #turn: ProcessTurn
  readonly #lifecycle: FunctionLifecycle
  #row: unknown
  readonly #call1: (context: ProcessContext<any, any>, out: Collector<unknown>) => unknown
  readonly #call2: (context: ProcessContext<any, any>, out: Collector<unknown>) => unknown

  constructor(ctx: OperatorContext, fn: CoProcessFunction<any, any, any, any, any, any>, keyed: boolean) {
    this.#turn = new ProcessTurn(
      ctx,
      { state: fn.state, operatorState: fn.operatorState, onTimer: fn.onTimer?.bind(fn) },
      keyed ? typedBackend(ctx) : undefined,
    )
    this.#lifecycle = new FunctionLifecycle(ctx, fn, this.#turn.runtime)
    this.#call1 = (context, out) => fn.processElement1(this.#row, context, out)
    this.#call2 = (context, out) => fn.processElement2(this.#row, context, out)
  }

  open(): void | Promise<void> {
    return this.#turn.open(() => this.#lifecycle.open())
  }

  processElement(row: unknown, timestamp: number, key: unknown): void {
    this.#row = row
    this.#turn.run('processElement1', timestamp, key, this.#call1)
  }

  processElement2(row: unknown, timestamp: number, key: unknown): void {
    this.#row = row
    this.#turn.run('processElement2', timestamp, key, this.#call2)
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

function typedBackend(ctx: OperatorContext): TypedBackend {
  const { operatorName, subtaskIndex, parallelism, maxParallelism } = ctx
  const { start, end } = keyGroupRange(subtaskIndex, parallelism, maxParallelism)
  const groups = { first: start, count: end - start, maxParallelism }
  // This form also runs where no code may be generated.
  return new TypedBackend({ operatorName, groups, generated: false }, (atMs) => ctx.requestProcessingTimer(atMs))
}
