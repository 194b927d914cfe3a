/** map: one row out for each row in, with its timestamp. */
import type { MapFunction } from '../../program/function/functions.ts'
import type { OperatorContext, StreamOperator } from './operator.ts'
import { FunctionLifecycle, isPromise, refusePromise, userFailure } from './user-function.ts'

export class MapOperator implements StreamOperator {
  readonly #ctx: OperatorContext
  readonly #map: (row: any) => unknown
  readonly #lifecycle: FunctionLifecycle

  constructor(ctx: OperatorContext, fn: MapFunction<any, unknown>) {
    this.#ctx = ctx
    this.#map = typeof fn === 'function' ? fn : (row) => fn.map(row)
    this.#lifecycle = new FunctionLifecycle(ctx, fn)
  }

  open(): void | Promise<void> {
    return this.#lifecycle.open()
  }

  processElement(row: unknown, timestamp: number): void {
    let mapped: unknown
    try {
      mapped = this.#map(row)
    } catch (thrown) {
      throw userFailure(this.#ctx, 'map', thrown)
    }
    if (isPromise(mapped)) refusePromise(mapped, this.#ctx, 'map')
    this.#ctx.output.emit(mapped, timestamp)
  }

  advanceWatermark(): boolean {
    return true
  }

  close(): void | Promise<void> {
    return this.#lifecycle.close()
  }
}
