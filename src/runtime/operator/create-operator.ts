/**
 * From what program/api said to the operator that runs it, in its plain form. A source has none: the task drives it.
 */
import { assert } from '../../base/core/stream-error.ts'
import type { KeySpec, OperatorDescriptor } from '../../program/graph/operator-descriptor.ts'
import { AssignTimestampsOperator } from './assign-timestamps-operator.ts'
import { CoProcessOperator } from './co-process-operator.ts'
import { FilterOperator } from './filter-operator.ts'
import { FlatMapOperator } from './flat-map-operator.ts'
import { MapOperator } from './map-operator.ts'
import type { OperatorContext, StreamOperator } from './operator.ts'
import { ProcessOperator } from './process-operator.ts'
import { ReduceOperator } from './reduce-operator.ts'
import { rollingAggregate } from './rolling-aggregate.ts'
import { SinkOperator } from './sink-operator.ts'
import { WindowOperator } from './window/window-operator.ts'

export interface OperatorSettings {
  /** pipeline.auto-watermark-interval. */
  readonly autoWatermarkIntervalMs: number
}

/** `keys` are those of the node's inputs; processElement is then given the key of each row. */
export function createOperator(
  descriptor: OperatorDescriptor,
  ctx: OperatorContext,
  keys: readonly (KeySpec | undefined)[] = [],
  settings: OperatorSettings = { autoWatermarkIntervalMs: 200 },
): StreamOperator {
  const keyed = keys.some((key) => key !== undefined)
  switch (descriptor.kind) {
    case 'map':
      return new MapOperator(ctx, descriptor.fn)
    case 'filter':
      return new FilterOperator(ctx, descriptor.fn)
    case 'flatMap':
      return new FlatMapOperator(ctx, descriptor.fn)
    case 'assignTimestamps':
      return new AssignTimestampsOperator(ctx, descriptor.strategy, settings.autoWatermarkIntervalMs)
    case 'process':
      return new ProcessOperator(ctx, descriptor.fn, keyed)
    case 'coProcess':
      return new CoProcessOperator(ctx, descriptor.fn, keyed)
    case 'reduce':
      return new ReduceOperator(ctx, descriptor.fn)
    case 'rolling':
      return new ReduceOperator(ctx, rollingAggregate(descriptor.op, descriptor.field, descriptor.first), descriptor.op)
    case 'sink':
      return new SinkOperator(ctx, descriptor.sink)
    case 'window':
      return new WindowOperator(ctx, descriptor, keys[0])
    case 'source':
      assert(false, `operator ${ctx.operatorName} of kind ${descriptor.kind} is made by createOperator`)
  }
}
