/**
 * assignTimestampsAndWatermarks in mid-stream: gives each row its timestamp and makes event time anew. Watermarks and
 * idleness of the input end here, but for MAX, which says that all input has ended. A row goes out before the watermark
 * that it caused.
 */
import type { WatermarkStrategy } from '../../program/function/watermark.ts'
import { maxWatermark, type OperatorContext, type StreamOperator } from './operator.ts'
import { TimePublisher } from './time-publisher.ts'
import { userFailure } from './user-function.ts'
import { WatermarkState } from './watermark-state.ts'

export class AssignTimestampsOperator implements StreamOperator {
  readonly ownsTime = true
  readonly #ctx: OperatorContext
  readonly #state: WatermarkState
  readonly #publisher: TimePublisher
  readonly #intervalMs: number

  /** `intervalMs`: pipeline.auto-watermark-interval; 0 asks the generator at no time but its elements'. */
  constructor(ctx: OperatorContext, strategy: WatermarkStrategy<any>, intervalMs: number) {
    this.#ctx = ctx
    this.#state = new WatermarkState(strategy)
    this.#publisher = new TimePublisher(ctx.output)
    this.#intervalMs = intervalMs
  }

  open(): void {
    this.#requestProbe(this.#ctx.clock.now())
  }

  processElement(row: unknown, recordTimestamp: number): void {
    let timestamp: number
    try {
      timestamp = this.#state.timestampOf(row, recordTimestamp)
    } catch (thrown) {
      throw userFailure(this.#ctx, 'timestamp assigner', thrown)
    }
    this.#ctx.output.emit(row, timestamp)
    if (this.#generate(() => this.#state.onEvent(row, timestamp))) this.#publish()
  }

  advanceWatermark(watermark: number): boolean {
    if (watermark >= maxWatermark) this.#publisher.publishEnd()
    return true
  }

  fireProcessingTimers(nowMs: number): boolean {
    if (this.#publisher.watermark >= maxWatermark) return true
    const backpressured = this.#ctx.output.isFull
    if (this.#generate(() => this.#state.onPeriodic(nowMs, backpressured))) this.#publish()
    this.#requestProbe(nowMs)
    return true
  }

  #publish(): void {
    this.#publisher.publish(this.#state.watermark, this.#state.idle)
  }

  #requestProbe(nowMs: number): void {
    if (this.#intervalMs > 0) this.#ctx.requestProcessingTimer(nowMs + this.#intervalMs)
  }

  #generate(run: () => boolean): boolean {
    try {
      return run()
    } catch (thrown) {
      throw userFailure(this.#ctx, 'watermark generator', thrown)
    }
  }
}
