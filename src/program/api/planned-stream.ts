/**
 * DataStream as a writer of plans: each method adds a node to the graph and gives the stream that comes out of it.
 */

import type { Type } from '../../base/columnar/data-type.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { printSink } from '../connector/print-sink.ts'
import type { FilterFunction, FlatMapFunction, MapFunction, OutputTag, ProcessFunction } from '../function/functions.ts'
import type { OperatorStateDeclarations } from '../function/operator-state.ts'
import type { Sink } from '../function/sink.ts'
import type { StateDeclarations } from '../function/state.ts'
import type { WatermarkStrategy } from '../function/watermark.ts'
import type { WindowAssigner } from '../function/window.ts'
import type { Partitioning } from '../graph/operator-descriptor.ts'
import type { DraftNode } from '../graph/stream-graph-builder.ts'
import { checkTag } from './check-tag.ts'
import type { Duration } from './durations.ts'
import { keySpec } from './key-spec.ts'
import { applyOptions, type OperatorOptions, type TypedOperatorOptions } from './operator-options.ts'
import { withSetters } from './operator-settings.ts'
import {
  addOperator,
  type Internals,
  internals,
  internalsOf,
  limitOf,
  type OperatorSpec,
  type Planner,
  type StreamInput,
} from './planner.ts'
import { checkFunction, refuseAsync } from './refuse-async.ts'
import type { ConnectedStreams, DataStream, SingleOutput, SinkOperator, WindowOptions } from './streams.ts'
import { countWindow, PlannedWindows } from './windowed-stream.ts'

export class PlannedStream<T> implements DataStream<T> {
  readonly [internals]: Internals

  constructor(own: Internals) {
    this[internals] = own
  }

  map<O>(fn: MapFunction<T, O>, options: TypedOperatorOptions<O> = {}): SingleOutput<O> {
    checkFunction('map', options.name ?? 'Map', fn, ['map'])
    return this.add({ name: 'Map', operator: { kind: 'map', fn }, options })
  }

  flatMap<O>(fn: FlatMapFunction<T, O>, options: TypedOperatorOptions<O> = {}): SingleOutput<O> {
    checkFunction('flatMap', options.name ?? 'Flat Map', fn, ['flatMap'])
    return this.add({ name: 'Flat Map', operator: { kind: 'flatMap', fn }, options })
  }

  filter(fn: FilterFunction<T>, options: OperatorOptions = {}): SingleOutput<T> {
    checkFunction('filter', options.name ?? 'Filter', fn, ['filter'])
    return this.add({ name: 'Filter', operator: { kind: 'filter', fn }, options })
  }

  process<O, S extends StateDeclarations, P extends OperatorStateDeclarations>(
    fn: ProcessFunction<T, O, S, any, P>,
    options: TypedOperatorOptions<O> = {},
  ): SingleOutput<O> {
    const name = options.name ?? 'Process'
    checkFunction('process', name, fn, ['processElement', 'onTimer'])
    const needsKey =
      'onTimer' in fn ? 'timers (onTimer)' : Object.keys(('state' in fn && fn.state) || {}).length > 0 ? 'keyed state' : undefined
    if (needsKey !== undefined) throw needsKeyedStream(name, needsKey)
    return this.add({ name: 'Process', operator: { kind: 'process', fn }, options })
  }

  keyBy(...keys: readonly unknown[]): any {
    const key = keySpec(keys)
    return this[internals].planner.streams.keyed({ ...this.#partitioned({ kind: 'hash', key }), key })
  }

  union(...others: readonly DataStream<T>[]): DataStream<T> {
    const { planner, inputs } = this[internals]
    const all = others.flatMap((other) => internalsOf(other, planner, 'union').inputs)
    return new PlannedStream({ planner, inputs: [...inputs, ...all] })
  }

  connect<B>(other: DataStream<B>): ConnectedStreams<T, B, any> {
    const { planner } = this[internals]
    return planner.streams.connected(this[internals], internalsOf(other, planner, 'connect'))
  }

  forward(): DataStream<T> {
    return new PlannedStream(this.#partitioned({ kind: 'forward' }))
  }

  rebalance(): DataStream<T> {
    return new PlannedStream(this.#partitioned({ kind: 'rebalance' }))
  }

  rescale(): DataStream<T> {
    return new PlannedStream(this.#partitioned({ kind: 'rescale' }))
  }

  shuffle(): DataStream<T> {
    return new PlannedStream(this.#partitioned({ kind: 'shuffle' }))
  }

  broadcast(): DataStream<T> {
    return new PlannedStream(this.#partitioned({ kind: 'broadcast' }))
  }

  global(): DataStream<T> {
    return new PlannedStream(this.#partitioned({ kind: 'global' }))
  }

  partitionCustom(partition: (key: any, targets: number) => number, key: unknown): DataStream<T> {
    if (typeof partition !== 'function') {
      throw new StreamError('INVALID_ARGUMENT', 'partitionCustom() was given no function', {
        hint: 'The first argument gives the number of the target subtask: partitionCustom((id, n) => id % n, (row) => row.id).',
      })
    }
    refuseAsync('The function of partitionCustom()', partition)
    const spec = keySpec([key])
    const select = spec.kind === 'function' ? spec.fn : fieldSelector((spec as { field: string }).field)
    return new PlannedStream(this.#partitioned({ kind: 'custom', partition, key: select }))
  }

  assignTimestampsAndWatermarks(strategy: WatermarkStrategy<T>, options: OperatorOptions = {}): SingleOutput<T> {
    return this.add({ name: 'Timestamps/Watermarks', operator: { kind: 'assignTimestamps', strategy }, options })
  }

  windowAll(assigner: WindowAssigner<T>, options: WindowOptions<T> = {}): PlannedWindows<T, undefined, Record<never, never>> {
    const { key: _, ...unkeyed } = this[internals]
    return new PlannedWindows(unkeyed, assigner, options)
  }

  countWindowAll(size: number, slide?: number): PlannedWindows<T, undefined, Record<never, never>> {
    const { assigner, options } = countWindow('countWindowAll', size, slide)
    return this.windowAll(assigner, options)
  }

  sinkTo<S>(sink: Sink<S>, options: OperatorOptions = {}): SinkOperator {
    if (typeof sink?.createWriter !== 'function') {
      throw new StreamError('INVALID_ARGUMENT', `sinkTo() was given ${sink === null ? 'null' : typeof sink}, which is not a sink`, {
        hint: "A sink is what jsonLinesSink({ path: 'out.jsonl' }) and its like give, or an object with createWriter(ctx).",
      })
    }
    const { planner } = this[internals]
    const parallelismLimit = limitOf(`sink '${sink.name}'`, sink.maxParallelism)
    const operator = { kind: 'sink', sink } as const
    return new PlannedSink(
      addOperator(planner, { name: `Sink: ${sink.name}`, operator, streams: [this[internals]], options, parallelismLimit }),
    )
  }

  print(prefix?: string, options: OperatorOptions = {}): SinkOperator {
    return this.sinkTo(printSink(prefix), options)
  }

  async executeAndCollect(limit?: number): Promise<T[]> {
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
      throw new StreamError('INVALID_ARGUMENT', `executeAndCollect(${String(limit)}): the limit is not a number of rows`, {
        hint: 'It takes a whole number above 0, or nothing for all rows.',
      })
    }
    const rows: T[] = []
    for await (const row of this.collectAsync()) {
      rows.push(row)
      if (rows.length === limit) break
    }
    return rows
  }

  collectAsync(): AsyncIterable<T> {
    return this[internals].planner.collect<T>(this[internals])
  }

  /** Adds an operator that reads this stream, and gives what it emits. */
  protected add(spec: Omit<OperatorSpec, 'streams'>): SingleOutput<any> {
    const { planner } = this[internals]
    return planner.streams.output(planner, addOperator(planner, { ...spec, streams: [this[internals]] }))
  }

  #partitioned(partitioning: Partitioning): Internals {
    const { planner, inputs } = this[internals]
    return { planner, inputs: inputs.map((input): StreamInput => ({ ...input, partitioning })) }
  }
}

class OperatorOutput<T> extends PlannedStream<T> {
  readonly draft: DraftNode

  constructor(planner: Planner, draft: DraftNode) {
    super({ planner, inputs: [{ from: draft.id }] })
    this.draft = draft
  }
}

export class PlannedOutput<T> extends withSetters(OperatorOutput)<T> implements SingleOutput<T> {
  setBufferTimeout(bufferTimeout: Duration): this {
    applyOptions(this.draft.settings, { bufferTimeout })
    return this
  }

  returns<O extends T>(type: Type<O>): SingleOutput<O> {
    applyOptions(this.draft.settings, { returns: type })
    return this as unknown as SingleOutput<O>
  }

  getSideOutput<X>(tag: OutputTag<X>): DataStream<X> {
    checkTag('getSideOutput() was given', tag)
    const input = { from: this.draft.id, outputTag: tag.id, ...(tag.type !== undefined && { outputType: tag.type }) }
    return new PlannedStream({ planner: this[internals].planner, inputs: [input] })
  }
}

class SinkNode {
  readonly draft: DraftNode

  constructor(draft: DraftNode) {
    this.draft = draft
  }
}

class PlannedSink extends withSetters(SinkNode) implements SinkOperator {}

export function needsKeyedStream(operator: string, what: string): StreamError {
  return new StreamError('INVALID_PROGRAM', `Operator '${operator}' uses ${what} on a stream without keys`, {
    hint: "State and timers belong to a key: call keyBy('field') before it.",
    place: { operator },
  })
}

function fieldSelector(field: string): (row: Record<string, unknown>) => unknown {
  return (row) => row[field]
}
