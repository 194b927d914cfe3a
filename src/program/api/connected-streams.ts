/**
 * ConnectedStreams as a writer of plans. Keyed by both sides or by none; map and flatMap are coProcess functions.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { Collector, CoProcessFunction } from '../function/functions.ts'
import type { OperatorStateDeclarations } from '../function/operator-state.ts'
import type { StateDeclarations } from '../function/state.ts'
import { keySpec } from './key-spec.ts'
import type { TypedOperatorOptions } from './operator-options.ts'
import { needsKeyedStream } from './planned-stream.ts'
import { addOperator, type Internals } from './planner.ts'
import { checkFunction, refuseAsync } from './refuse-async.ts'
import type { ConnectedStreams, SingleOutput } from './streams.ts'

export class PlannedConnection<A, B, K> implements ConnectedStreams<A, B, K> {
  readonly #first: Internals
  readonly #second: Internals

  constructor(first: Internals, second: Internals) {
    this.#first = first
    this.#second = second
  }

  keyBy(first: unknown, second: unknown): PlannedConnection<A, B, any> {
    return new PlannedConnection(keyed(this.#first, first), keyed(this.#second, second))
  }

  process<O, S extends StateDeclarations, P extends OperatorStateDeclarations>(
    fn: CoProcessFunction<A, B, O, S, any, P>,
    options: TypedOperatorOptions<O> = {},
  ): SingleOutput<O> {
    const name = options.name ?? 'Co-Process'
    if (typeof fn === 'function') checkFunction('process', name, undefined, ['processElement1'])
    checkFunction('process', name, fn, ['processElement1', 'processElement2', 'onTimer'])
    checkFunction('process', name, fn, ['processElement2'])
    const keys = [this.#first.key, this.#second.key]
    const keyless = keys.includes(undefined)
    if (keyless && fn.onTimer !== undefined) throw needsKeyedStream(name, 'timers (onTimer)')
    if (keyless && Object.keys(fn.state ?? {}).length > 0) throw needsKeyedStream(name, 'keyed state')
    return this.#add('Co-Process', fn as CoProcessFunction<any, any, any, any, any, any>, options)
  }

  map<O>(first: (value: A) => O, second: (value: B) => O, options: TypedOperatorOptions<O> = {}): SingleOutput<O> {
    checkPair('map', first, second)
    return this.#add(
      'Co-Map',
      {
        processElement1: (value: A, _ctx, out: Collector<O>) => out.collect(first(value)),
        processElement2: (value: B, _ctx, out: Collector<O>) => out.collect(second(value)),
      },
      options,
    )
  }

  flatMap<O>(
    first: (value: A, out: Collector<O>) => Iterable<O> | void,
    second: (value: B, out: Collector<O>) => Iterable<O> | void,
    options: TypedOperatorOptions<O> = {},
  ): SingleOutput<O> {
    checkPair('flatMap', first, second)
    return this.#add(
      'Co-Flat Map',
      {
        processElement1: (value: A, _ctx, out: Collector<O>) => collectAll(first(value, out), out),
        processElement2: (value: B, _ctx, out: Collector<O>) => collectAll(second(value, out), out),
      },
      options,
    )
  }

  #add(name: string, fn: CoProcessFunction<any, any, any, any, any, any>, options: TypedOperatorOptions<any>): SingleOutput<any> {
    const streams = [this.#first, this.#second]
    const [one, other] = streams.map((stream) => stream.key)
    const keys = one === undefined || other === undefined ? [undefined, undefined] : [one, other]
    const { planner } = this.#first
    return planner.streams.output(planner, addOperator(planner, { name, operator: { kind: 'coProcess', fn }, streams, keys, options }))
  }
}

function keyed({ planner, inputs }: Internals, by: unknown): Internals {
  const key = keySpec([by])
  return { planner, inputs: inputs.map((input) => ({ ...input, partitioning: { kind: 'hash', key } })), key }
}

function checkPair(method: string, first: unknown, second: unknown): void {
  for (const fn of [first, second]) {
    if (typeof fn !== 'function') {
      throw new StreamError('INVALID_ARGUMENT', `${method}() of connected streams was given ${fn === null ? 'null' : typeof fn}`, {
        hint: `It takes two functions, one for each stream: a.connect(b).${method}((x) => ..., (y) => ...).`,
      })
    }
    refuseAsync(`A function of ${method}() of connected streams`, fn)
  }
}

function collectAll<O>(values: Iterable<O> | void, out: Collector<O>): void {
  if (values) for (const value of values) out.collect(value)
}
