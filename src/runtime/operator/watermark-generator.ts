/**
 * The watermark generators that strategies name. A generator only proposes: WatermarkState drops what does not advance.
 */
import type { WatermarkGenerator, WatermarkOutput, WatermarkStrategy } from '../../program/function/watermark.ts'

export function makeGenerator<T>(strategy: WatermarkStrategy<T>): WatermarkGenerator<T> {
  switch (strategy.generator.kind) {
    case 'bounded':
      return new BoundedOutOfOrderness(strategy.generator.outOfOrdernessMs)
    case 'none':
      return {}
    case 'custom':
      return strategy.generator.create()
  }
}

/** Elements are at most so many ms behind the latest: the watermark is its timestamp less the bound less 1. Nothing before the first. */
class BoundedOutOfOrderness implements WatermarkGenerator<unknown> {
  readonly #outOfOrdernessMs: number
  #latest = Number.NEGATIVE_INFINITY

  constructor(outOfOrdernessMs: number) {
    this.#outOfOrdernessMs = outOfOrdernessMs
  }

  onEvent(_element: unknown, timestamp: number): void {
    if (timestamp > this.#latest) this.#latest = timestamp
  }

  onPeriodicEmit(output: WatermarkOutput): void {
    output.emitWatermark(this.#latest - this.#outOfOrdernessMs - 1)
  }
}
