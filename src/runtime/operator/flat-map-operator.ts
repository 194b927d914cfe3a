/** flatMap: any number of rows for each row, returned as an iterable, handed to the collector, or both. */
import type { FlatMapFunction } from '../../program/function/functions.ts'
import type { OperatorContext, StreamOperator } from './operator.ts'
import { TurnCollector } from './turn-collector.ts'
import { FunctionLifecycle, isPromise, refusePromise, userFailure } from './user-function.ts'

export class FlatMapOperator implements StreamOperator {
  readonly #ctx: OperatorContext
  readonly #flatMap: (row: any, out: TurnCollector) => unknown
  readonly #collector: TurnCollector
  readonly #lifecycle: FunctionLifecycle

  constructor(ctx: OperatorContext, fn: FlatMapFunction<any, unknown>) {
    this.#ctx = ctx
    this.#flatMap = typeof fn === 'function' ? fn : (row, out) => fn.flatMap(row, out)
    this.#collector = new TurnCollector(ctx)
    this.#lifecycle = new FunctionLifecycle(ctx, fn)
  }

  open(): void | Promise<void> {
    return this.#lifecycle.open()
  }

  processElement(row: unknown, timestamp: number): void {
    this.#collector.begin(timestamp)
    try {
      const result = this.#flatMap(row, this.#collector)
      if (result !== undefined && result !== null) this.#emitAll(result, timestamp)
    } catch (thrown) {
      throw userFailure(this.#ctx, 'flatMap', thrown)
    } finally {
      this.#collector.end()
    }
  }

  advanceWatermark(): boolean {
    return true
  }

  close(): void | Promise<void> {
    return this.#lifecycle.close()
  }

  #emitAll(result: unknown, timestamp: number): void {
    if (isIterable(result)) for (const row of result) this.#ctx.output.emit(row, timestamp)
    else if (isPromise(result)) refusePromise(result, this.#ctx, 'flatMap')
    else if (isAsyncIterable(result)) refusePromise(Promise.resolve(), this.#ctx, 'flatMap')
    // Anything else is the value of an arrow function's expression, as in (v, out) => v.ok && out.collect(v).
  }
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof (value as { [Symbol.iterator]?: unknown })[Symbol.iterator] === 'function'
}

function isAsyncIterable(value: unknown): boolean {
  return typeof (value as { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] === 'function'
}
