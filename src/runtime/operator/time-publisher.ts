/**
 * Hands event time on: says only what is new, active before the watermark that ends idleness, idle after the last watermark.
 */
import { maxWatermark, minWatermark, type Output } from './operator.ts'

export class TimePublisher {
  readonly #output: Pick<Output, 'emitWatermark' | 'emitIdle'>
  #watermark = minWatermark
  #idle = false

  constructor(output: Pick<Output, 'emitWatermark' | 'emitIdle'>) {
    this.#output = output
  }

  get watermark(): number {
    return this.#watermark
  }

  get idle(): boolean {
    return this.#idle
  }

  publish(watermark: number, idle: boolean): void {
    if (this.#idle && !idle) this.#setIdle(false)
    if (watermark > this.#watermark) {
      this.#watermark = watermark
      this.#output.emitWatermark?.(watermark)
    }
    if (!this.#idle && idle) this.#setIdle(true)
  }

  /** The end of all time, said once. */
  publishEnd(): void {
    this.publish(maxWatermark, false)
  }

  #setIdle(idle: boolean): void {
    this.#idle = idle
    this.#output.emitIdle?.(idle)
  }
}
