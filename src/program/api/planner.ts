/**
 * What the stream classes share: where they write the plan, and what each knows of itself. A stream is its inputs (one,
 * or several after union) with the partitioning that was asked for; it makes no node until an operator reads it.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { KeySpec, OperatorDescriptor, Partitioning } from '../graph/operator-descriptor.ts'
import type { DraftNode, NewNode, StreamGraphBuilder } from '../graph/stream-graph-builder.ts'
import type { CollectedRows } from './collected-rows.ts'
import { applyOptions, type TypedOperatorOptions } from './operator-options.ts'
import type { ConnectedStreams, DataStream, KeyedStream, SingleOutput } from './streams.ts'

export interface StreamInput {
  readonly from: number
  readonly partitioning?: Partitioning
  readonly outputTag?: string
  readonly outputType?: Type<unknown>
}

/** What a stream is, under a symbol so that it does not show among the methods. */
export interface Internals {
  readonly planner: Planner
  readonly inputs: readonly StreamInput[]
  readonly key?: KeySpec
}

/** The environment as streams see it. `streams` makes what would otherwise be a ring of classes importing each other. */
export interface Planner {
  readonly builder: StreamGraphBuilder
  readonly parallelism: number
  readonly streams: {
    output(planner: Planner, draft: DraftNode): SingleOutput<any>
    keyed(own: Internals): KeyedStream<any, any, any>
    connected(first: Internals, second: Internals): ConnectedStreams<any, any, any>
  }
  /** Adds a collect sink that reads the stream. */
  collect<T>(stream: Internals): CollectedRows<T>
}

export const internals = Symbol('headrace.internals')

/** The inside of another stream of the same environment. */
export function internalsOf(stream: DataStream<any>, planner: Planner, method: string): Internals {
  const own = (stream as { [internals]?: Internals } | null | undefined)?.[internals]
  if (own === undefined) {
    throw new StreamError('INVALID_ARGUMENT', `${method}() was given ${stream === null ? 'null' : typeof stream}, which is not a stream`, {
      hint: 'Pass what env.fromSource() or an operator gave.',
    })
  }
  if (own.planner === planner) return own
  throw new StreamError('INVALID_PROGRAM', `${method}() was given a stream of another environment`, {
    hint: 'Streams of one job come from one environment.',
  })
}

export interface OperatorSpec {
  readonly name: string
  readonly operator: OperatorDescriptor
  /** One or two streams. */
  readonly streams: readonly Internals[]
  /** Per stream; absent: it is read without keys. */
  readonly keys?: readonly (KeySpec | undefined)[]
  readonly options: TypedOperatorOptions<any>
  readonly parallelismLimit?: NewNode['parallelismLimit']
}

export function addOperator(planner: Planner, spec: OperatorSpec): DraftNode {
  const settings = { name: spec.name }
  applyOptions(settings, spec.options)
  return planner.builder.add({
    operator: spec.operator,
    inputs: spec.streams.flatMap(({ inputs }, index) => inputs.map((input) => ({ ...input, input: index as 0 | 1 }))),
    keys: spec.keys ?? spec.streams.map(() => undefined),
    settings,
    defaultParallelism: planner.parallelism,
    ...(spec.parallelismLimit !== undefined && { parallelismLimit: spec.parallelismLimit }),
  })
}

/** The limit that a source or sink sets itself. */
export function limitOf(what: string, maxParallelism: number | undefined): NewNode['parallelismLimit'] {
  if (maxParallelism === undefined) return undefined
  const reason = maxParallelism === 1 ? `${what} cannot run in parallel` : `${what} runs in parallel at most ${maxParallelism} times`
  return { max: maxParallelism, reason }
}
