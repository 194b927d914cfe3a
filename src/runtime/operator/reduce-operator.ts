/** Rolling reduce on a keyed stream: the first row of a key goes out unchanged, then the running value for every row. */
import type { ReduceFunction } from '../../program/function/functions.ts'
import { type ValueState, valueState } from '../../program/function/state.ts'
import { HeapKeyedState } from '../state/heap-keyed-state.ts'
import type { RestoredState, StateSnapshot } from '../state/snapshot.ts'
import type { OperatorContext, StreamOperator } from './operator.ts'
import { FunctionLifecycle, isPromise, refusePromise, userFailure } from './user-function.ts'

/** Under this name rolling operators write what they hold. */
export const runningState = 'running'

export class ReduceOperator implements StreamOperator {
  readonly #ctx: OperatorContext
  readonly #what: string
  readonly #reduce: (a: any, b: any) => unknown
  readonly #lifecycle: FunctionLifecycle
  readonly #keyed: HeapKeyedState
  readonly #running: ValueState<unknown>

  /** `what` names the operation in messages: reduce, sum, minBy. */
  constructor(ctx: OperatorContext, fn: ReduceFunction<any>, what = 'reduce') {
    this.#ctx = ctx
    this.#what = what
    this.#reduce = typeof fn === 'function' ? fn : (a, b) => fn.reduce(a, b)
    this.#lifecycle = new FunctionLifecycle(ctx, fn)
    this.#keyed = new HeapKeyedState(ctx)
    // Rows that went out belong to the engine and nobody changes them, so state and stream may share them.
    this.#running = this.#keyed.declare(runningState, valueState<unknown>(), { shareValues: true })
  }

  open(): void | Promise<void> {
    return this.#lifecycle.open()
  }

  processElement(row: unknown, timestamp: number, key: unknown): void {
    let next = row
    try {
      this.#keyed.setCurrentKey(key)
      const running = this.#running.value
      if (running !== null) next = this.#reduce(running, row)
      if (isPromise(next)) refusePromise(next, this.#ctx, this.#what)
      this.#running.update(next)
    } catch (thrown) {
      throw userFailure(this.#ctx, this.#what, thrown)
    }
    this.#ctx.output.emit(next, timestamp)
  }

  /** Takes over what another form of this operator holds for a key. */
  adopt(key: unknown, running: unknown): void {
    this.#keyed.setCurrentKey(key)
    this.#running.update(running)
  }

  /** As processElement, with an answer that the function has given already. */
  replace(key: unknown, next: unknown, timestamp: number): void {
    if (isPromise(next)) refusePromise(next, this.#ctx, this.#what)
    this.adopt(key, next)
    this.#ctx.output.emit(next, timestamp)
  }

  /** What it holds, one by one. */
  *entries(): IterableIterator<{ readonly key: unknown; readonly running: unknown }> {
    for (const { key, value } of this.#keyed.entries(runningState)) yield { key, running: value }
  }

  /** Another form of this operator has taken over what it held. */
  forget(): void {
    this.#keyed.clear()
  }

  snapshotState(): readonly StateSnapshot[] {
    return this.#keyed.snapshot()
  }

  async restoreState({ tables }: RestoredState): Promise<void> {
    for (const table of tables) if (this.#keyed.has(table.name)) await this.#keyed.restore(table)
  }

  advanceWatermark(): boolean {
    return true
  }

  close(): void | Promise<void> {
    return this.#lifecycle.close()
  }
}
