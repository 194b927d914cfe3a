/** filter: the rows that the function answers true for, unchanged. */
import type { FilterFunction } from '../../program/function/functions.ts'
import type { OperatorContext, StreamOperator } from './operator.ts'
import { FunctionLifecycle, isPromise, refusePromise, userFailure } from './user-function.ts'

export class FilterOperator implements StreamOperator {
  readonly #ctx: OperatorContext
  readonly #filter: (row: any) => unknown
  readonly #lifecycle: FunctionLifecycle

  constructor(ctx: OperatorContext, fn: FilterFunction<any>) {
    this.#ctx = ctx
    this.#filter = typeof fn === 'function' ? fn : (row) => fn.filter(row)
    this.#lifecycle = new FunctionLifecycle(ctx, fn)
  }

  open(): void | Promise<void> {
    return this.#lifecycle.open()
  }

  processElement(row: unknown, timestamp: number): void {
    let keep: unknown
    try {
      keep = this.#filter(row)
    } catch (thrown) {
      throw userFailure(this.#ctx, 'filter', thrown)
    }
    // A promise is true, so an async filter would keep every row.
    if (isPromise(keep)) refusePromise(keep, this.#ctx, 'filter')
    if (keep) this.#ctx.output.emit(row, timestamp)
  }

  advanceWatermark(): boolean {
    return true
  }

  close(): void | Promise<void> {
    return this.#lifecycle.close()
  }
}
