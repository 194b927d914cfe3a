/**
 * What a window kernel becomes when an accumulator takes a shape that its tables cannot hold: the plain window operator,
 * which takes over all windows that the tables held and does the work from then on.
 */
import type { TimeWindow } from '../../../program/function/window.ts'
import type { WindowOperator } from '../window/window-operator.ts'
import type { KernelKey, KernelRow, KernelText } from './keyed-kernel.ts'

/** Thrown by an accumulator's merge and add, before they write anything. */
export class ShapeChanged extends Error {
  override readonly name = 'ShapeChanged'
}

export interface HeldWindow {
  readonly key: unknown
  readonly window: TimeWindow
  readonly accumulator: unknown
}

/** `watermark`: what is due by then has fired. */
export function plainWindows(make: () => WindowOperator, watermark: number, held: Iterable<HeldWindow>): WindowOperator {
  const plain = make()
  plain.advanceWatermark(watermark)
  for (const { key, window, accumulator } of held) plain.adopt(key, window, accumulator)
  return plain
}

/** The loop's text from then on; the kernel has the operator as `plain`. */
export function plainText(K: string, row: KernelRow, key: KernelKey): KernelText {
  return { before: '', row: `${K}.plain.processElement(${row.row}, ${row.timestamp}, ${key.value})`, after: '' }
}
