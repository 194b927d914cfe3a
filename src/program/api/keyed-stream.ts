/**
 * KeyedStream as a writer of plans. Operators without state only inherit the partitioning; the others read the key too.
 */
import type { ProcessFunction, ReduceFunction } from '../function/functions.ts'
import type { OperatorStateDeclarations } from '../function/operator-state.ts'
import type { StateDeclarations } from '../function/state.ts'
import type { WindowAssigner } from '../function/window.ts'
import type { OperatorDescriptor, RollingOp } from '../graph/operator-descriptor.ts'
import type { OperatorOptions, TypedOperatorOptions } from './operator-options.ts'
import { PlannedStream } from './planned-stream.ts'
import { internals } from './planner.ts'
import { checkFunction } from './refuse-async.ts'
import { checkRollingField } from './rolling.ts'
import type { ByOptions, KeyedStream, SingleOutput, WindowOptions } from './streams.ts'
import { countWindow, PlannedWindows } from './windowed-stream.ts'

export class PlannedKeyedStream<T, K, R> extends PlannedStream<T> implements KeyedStream<T, K, R> {
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

  sum(field: string, options?: OperatorOptions): SingleOutput<T> {
    return this.#rolling('sum', field, options)
  }

  min(field: string, options?: OperatorOptions): SingleOutput<T> {
    return this.#rolling('min', field, options)
  }

  max(field: string, options?: OperatorOptions): SingleOutput<T> {
    return this.#rolling('max', field, options)
  }

  minBy(field: string, options?: ByOptions): SingleOutput<T> {
    return this.#rolling('minBy', field, options)
  }

  maxBy(field: string, options?: ByOptions): SingleOutput<T> {
    return this.#rolling('maxBy', field, options)
  }

  window(assigner: WindowAssigner<T>, options: WindowOptions<T> = {}): PlannedWindows<T, K, R> {
    return new PlannedWindows(this[internals], assigner, options)
  }

  countWindow(size: number, slide?: number): PlannedWindows<T, K, R> {
    const { assigner, options } = countWindow('countWindow', size, slide)
    return this.window(assigner, options)
  }

  #rolling(op: RollingOp, field: string, { first = true, ...options }: ByOptions = {}): SingleOutput<T> {
    checkRollingField(op, field)
    return this.#addKeyed(`Keyed ${op} of ${field}`, { kind: 'rolling', op, field, first }, options)
  }

  #addKeyed(name: string, operator: OperatorDescriptor, options: TypedOperatorOptions<any>): SingleOutput<any> {
    return this.add({ name, operator, keys: [this[internals].key], options })
  }
}
