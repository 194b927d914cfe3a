/**
 * What an operator is, as program/api says it and runtime/operator interprets it. It holds the user's functions; the
 * JobGraph carries its plan form only, and each task thread finds the functions again under the node's id.
 */
import type { AggregateSpec } from '../function/aggregate.ts'
import type {
  AggregateFunction,
  CoProcessFunction,
  FilterFunction,
  FlatMapFunction,
  KeySelector,
  MapFunction,
  OutputTag,
  ProcessFunction,
  ReduceFunction,
} from '../function/functions.ts'
import type { Sink } from '../function/sink.ts'
import type { Source } from '../function/source.ts'
import type { StateDeclarations } from '../function/state.ts'
import type { WatermarkStrategy } from '../function/watermark.ts'
import type { Evictor, ProcessWindowFunction, Trigger, WindowAssigner } from '../function/window.ts'

/** What a window does with its elements. The first three may be followed by `process`, which is handed the one result. */
export type WindowApply =
  | { readonly kind: 'aggregates'; readonly aggregates: Readonly<Record<string, AggregateSpec>> }
  | { readonly kind: 'aggregate'; readonly fn: AggregateFunction<any, any, any>; readonly process?: AnyProcessWindowFunction }
  | { readonly kind: 'reduce'; readonly fn: ReduceFunction<any>; readonly process?: AnyProcessWindowFunction }
  | { readonly kind: 'rolling'; readonly op: RollingOp; readonly field: string; readonly first: boolean }
  | { readonly kind: 'process'; readonly process: AnyProcessWindowFunction }

export type AnyProcessWindowFunction = ProcessWindowFunction<any, any, any, StateDeclarations, StateDeclarations>

/** minBy and maxBy keep the whole record (`first`: the earlier one of equals); min and max replace the field in the first record. */
export type RollingOp = 'sum' | 'min' | 'max' | 'minBy' | 'maxBy'

export interface WindowDescriptor {
  readonly kind: 'window'
  readonly assigner: WindowAssigner<any>
  /** Absent: the assigner's default trigger. */
  readonly trigger?: Trigger<any>
  readonly evictor?: Evictor<any>
  readonly allowedLatenessMs: number
  readonly lateTag?: OutputTag<any>
  readonly apply: WindowApply
}

export type OperatorDescriptor =
  | { readonly kind: 'source'; readonly source: Source<any, any, any>; readonly watermarks?: WatermarkStrategy<any> }
  | { readonly kind: 'map'; readonly fn: MapFunction<any, any> }
  | { readonly kind: 'filter'; readonly fn: FilterFunction<any> }
  | { readonly kind: 'flatMap'; readonly fn: FlatMapFunction<any, any> }
  | { readonly kind: 'assignTimestamps'; readonly strategy: WatermarkStrategy<any> }
  | { readonly kind: 'process'; readonly fn: ProcessFunction<any, any, any, any, any> }
  | { readonly kind: 'coProcess'; readonly fn: CoProcessFunction<any, any, any, any, any, any> }
  /** Keyed, rolling: emits the running value for every element. */
  | { readonly kind: 'reduce'; readonly fn: ReduceFunction<any> }
  | { readonly kind: 'rolling'; readonly op: RollingOp; readonly field: string; readonly first: boolean }
  | WindowDescriptor
  | { readonly kind: 'sink'; readonly sink: Sink<any> }

export type OperatorKind = OperatorDescriptor['kind']

/** How a keyed input finds its key: one field (the key is its value), several (the key is an object of them), or a function. */
export type KeySpec =
  | { readonly kind: 'field'; readonly field: string }
  | { readonly kind: 'fields'; readonly fields: readonly string[] }
  | { readonly kind: 'function'; readonly fn: KeySelector<any, unknown> }

/** How rows are spread over the consumer's subtasks. */
export type Partitioning =
  | { readonly kind: 'forward' | 'rebalance' | 'rescale' | 'shuffle' | 'broadcast' | 'global' }
  | { readonly kind: 'hash'; readonly key: KeySpec }
  | { readonly kind: 'custom'; readonly partition: (key: any, targets: number) => number; readonly key: KeySelector<any, any> }
