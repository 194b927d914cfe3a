/** What kernels of windows need to know whatever their windows are. */
import type { KeySpec } from '../../../program/graph/operator-descriptor.ts'
import type { WindowOperator } from '../window/window-operator.ts'
import type { Accumulator } from './accumulator.ts'
import type { GroupRange } from './table-group.ts'
import type { WindowEmitter } from './window-emitter.ts'

export interface WindowKernelOptions {
  readonly range: GroupRange
  readonly key: KeySpec
  readonly accumulator: Accumulator
  /** Whether a result is { key, windowStart, windowEnd, ...aggregates } or the user's own. */
  readonly framed: boolean
  readonly allowedLatenessMs: number
  readonly lateTag: string | undefined
  /** The user's process function, which gets each result in place of the output. Only where windows fire once. */
  readonly emitter?: WindowEmitter
  /** Makes the plain operator. */
  readonly plain: () => WindowOperator
}
