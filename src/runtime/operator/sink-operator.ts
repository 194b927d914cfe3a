/**
 * The end of a stream: drives a sink's writer. A write may be async; while one is under way `pending` is its promise,
 * which the task awaits, and rows that still come (the rest of a unit of work) queue behind it in order.
 */
import { assert } from '../../base/core/stream-error.ts'
import type { Sink, SinkWriter } from '../../program/function/sink.ts'
import { minWatermark, type OperatorContext, type StreamOperator } from './operator.ts'
import { isPromise, runtimeOf, userFailure } from './user-function.ts'

export class SinkOperator implements StreamOperator {
  readonly #ctx: OperatorContext
  readonly #sink: Sink<any>
  #writer: SinkWriter<any> | undefined
  #watermark = minWatermark
  #pending: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(ctx: OperatorContext, sink: Sink<any>) {
    this.#ctx = ctx
    this.#sink = sink
  }

  get pending(): Promise<void> | undefined {
    return this.#pending
  }

  async open(): Promise<void> {
    await this.#call('createWriter', async () => {
      this.#writer = await this.#sink.createWriter(runtimeOf(this.#ctx))
    })
  }

  processElement(row: unknown, timestamp: number): void {
    const ctx = { timestamp: Number.isNaN(timestamp) ? null : timestamp, currentWatermark: this.#watermark }
    this.#inOrder('write', (writer) => writer.write(row, ctx))
  }

  advanceWatermark(watermark: number): boolean {
    this.#watermark = watermark
    this.#inOrder('writeWatermark', (writer) => writer.writeWatermark?.(watermark))
    return true
  }

  async endInput(): Promise<void> {
    await this.flush(true)
  }

  /** Before each checkpoint, and once with endOfInput, which publishes what was written. */
  async flush(endOfInput: boolean): Promise<void> {
    this.#inOrder('flush', (writer) => writer.flush(endOfInput))
    await this.#pending
    this.#throwFailure()
  }

  async close(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    // What still runs would write into what close takes away; its failure has been reported to whoever awaited it.
    await this.#pending?.catch(() => undefined)
    if (writer !== undefined) await this.#call('close', () => writer.close())
  }

  #inOrder(what: string, run: (writer: SinkWriter<any>) => void | Promise<void>): void {
    this.#throwFailure()
    const writer = this.#writer
    assert(writer !== undefined, `sink operator ${this.#ctx.operatorName} is open while it is used`)
    if (this.#pending !== undefined) {
      this.#wait(this.#pending.then(() => this.#call(what, () => run(writer))))
      return
    }
    let result: void | Promise<void>
    try {
      result = run(writer)
    } catch (thrown) {
      throw userFailure(this.#ctx, what, thrown)
    }
    if (isPromise(result)) this.#wait(this.#call(what, () => result))
  }

  #wait(work: Promise<void>): void {
    const pending: Promise<void> = work.then(() => {
      if (this.#pending === pending) this.#pending = undefined
    })
    this.#pending = pending
    // Kept, so that the next call fails too if nobody awaited `pending`.
    pending.catch((error: unknown) => {
      this.#failure ??= { error }
    })
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async #call(what: string, run: () => void | Promise<void>): Promise<void> {
    try {
      await run()
    } catch (thrown) {
      throw userFailure(this.#ctx, what, thrown)
    }
  }
}
