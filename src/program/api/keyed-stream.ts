/**
 * KeyedStream as a writer of plans. Operators without state only inherit the partitioning; the others read the key too.
 */
import type { ProcessFunction, ReduceFunction } from '../function/functions.ts'
import type { OperatorStateDeclarations } from '../function/operator-state.ts'
import type { StateDeclarations } from '../function/state.ts'
import type { WindowAssigner } from '../function/window.ts'
import type { OperatorDescriptor } from '../graph/operator-descriptor.ts'
import type { OperatorOptions, TypedOperatorOptions } from './operator-options.ts'
import { PlannedStream } from './planned-stream.ts'
import { internals } from './planner.ts'
import { checkFunction } from './refuse-async.ts'
import { addRolling, type RollingAggregate, withRolling } from './rolling.ts'
import type { KeyedStream, SingleOutput, WindowOptions } from './streams.ts'
import { countWindow, PlannedWindows } from './windowed-stream.ts'

export class PlannedKeyedStream<T, K, R> extends withRolling(PlannedStream<any>) implements KeyedStream<T, K, R> {
  override process<O, S extends StateDeclarations, P extends OperatorStateDeclarations>(
    fn: ProcessFunction<T, O, S, any, P>,
    options: TypedOperatorOptions<O> = {},
  ): SingleOutput<O> {
    checkFunction('process', options.name ?? 'Keyed Process', fn, ['processElement', 'onTimer'])
    return this.#addKeyed('Keyed Process', { kind: 'process', fn: fn as ProcessFunction<any, any, any, any, any> }, options)
  }

  reduce(fn: ReduceFunction<T>, options: OperatorOptions = {}): SingleOutput<T> {
    checkFunction('reduce', options.name ?? 'Keyed Reduce', fn, ['reduce'])
    return this.#addKeyed('Keyed Reduce', { kind: 'reduce', fn }, options)
  }

  window(assigner: WindowAssigner<T>, options: WindowOptions<T> = {}): PlannedWindows<T, K, R> {
    return new PlannedWindows(this[internals], assigner, options)
  }

  countWindow(size: number, slide?: number): PlannedWindows<T, K, R> {
    const { assigner, options } = countWindow('countWindow', size, slide)
    return this.window(assigner, options)
  }

  [addRolling](aggregate: RollingAggregate, options: OperatorOptions): SingleOutput<T> {
    return this.#addKeyed(`Keyed ${aggregate.op} of ${aggregate.field}`, aggregate, options)
  }

  #addKeyed(name: string, operator: OperatorDescriptor, options: TypedOperatorOptions<any>): SingleOutput<any> {
    return this.add({ name, operator, keys: [this[internals].key], options })
  }
}
