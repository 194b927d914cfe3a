/** A sink whose rows go nowhere: generated loops only count them here. */
import type { StreamOperator } from '../operator/operator.ts'

export class DiscardOperator implements StreamOperator {
  count = 0

  processElement(): void {
    this.count++
  }

  advanceWatermark(): boolean {
    return true
  }
}
