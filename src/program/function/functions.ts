/**
 * The functions a user hands to stream operators. Each is a plain function, or an object that adds open and close.
 * map, filter, reduce and processElement are synchronous; open and close may be async.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import type { OpenContext, OperatorStateDeclarations, OperatorStateHandles } from './operator-state.ts'
import type { RuntimeContext } from './runtime-context.ts'
import type { StateDeclarations, StateHandles } from './state.ts'

export interface Lifecycle {
  /** Before the first record. */
  open?(ctx: RuntimeContext): void | Promise<void>
  /** Always, also after a failure and after a failed open. */
  close?(): void | Promise<void>
}

/** Takes what a function emits; any number of values per call. */
export interface Collector<T> {
  collect(value: T): void
}

export type MapFunction<I, O> = ((value: I) => O) | (Lifecycle & { map(value: I): O })
export type FilterFunction<T> = ((value: T) => boolean) | (Lifecycle & { filter(value: T): boolean })
/** Returns what it emits (any iterable), or hands values to `out`; both may be mixed. */
export type FlatMapFunction<I, O> =
  | ((value: I, out: Collector<O>) => Iterable<O> | void)
  | (Lifecycle & { flatMap(value: I, out: Collector<O>): Iterable<O> | void })
export type ReduceFunction<T> = ((a: T, b: T) => T) | (Lifecycle & { reduce(a: T, b: T): T })
export type KeySelector<T, K> = (value: T) => K

/** Incremental aggregation. `merge` is needed for session windows only. */
export interface AggregateFunction<I, A, O> extends Lifecycle {
  /**
   * What an accumulator is. Declared, it is trusted to have these fields and no others, which spares the engine counting
   * them for each row; undeclared, it may be anything and change its shape.
   *
   * ```ts
   * const mean: AggregateFunction<Flight, { sum: number; count: number }, number> = {
   *   accumulatorType: t.row({ sum: t.float64, count: t.float64 }),
   *   createAccumulator: () => ({ sum: 0, count: 0 }),
   *   add: (flight, acc) => update(acc, flight.delay),
   *   getResult: (acc) => acc.sum / acc.count,
   * }
   * ```
   */
  readonly accumulatorType?: Type<A>
  createAccumulator(): A
  /** May change and return `accumulator`, or return a new one. */
  add(value: I, accumulator: A): A
  getResult(accumulator: A): O
  merge?(a: A, b: A): A
}

/** Names a side output and its type. Two tags of one id are one output. */
export interface OutputTag<T> {
  readonly id: string
  /** Declared, as an operator's `returns` is. */
  readonly type?: Type<T>
  /** Never present at run time; carries T. */
  readonly __type?: T
}

export interface TimerService {
  /** MIN (-2^63 as a number) before the first watermark. */
  readonly currentWatermark: number
  readonly currentProcessingTime: number
  registerEventTimeTimer(timestamp: number): void
  registerProcessingTimeTimer(timestamp: number): void
  deleteEventTimeTimer(timestamp: number): void
  deleteProcessingTimeTimer(timestamp: number): void
}

/** What a process function may be told of checkpoints. */
export interface CheckpointListener {
  /** A checkpoint is complete, with all that came before it. Some may be skipped. A promise is awaited at the end of the job only. */
  notifyCheckpointComplete?(checkpointId: number): void | Promise<void>
  notifyCheckpointAborted?(checkpointId: number): void
}

export interface ProcessContext<
  S extends StateDeclarations = Record<never, never>,
  K = unknown,
  P extends OperatorStateDeclarations = Record<never, never>,
> {
  /** Timestamp of the element, or of the event-time timer; null when it has none. */
  readonly timestamp: number | null
  /** Key of the element or timer; undefined on a stream without keys. */
  readonly currentKey: K
  readonly timerService: TimerService
  readonly state: StateHandles<S>
  readonly operatorState: OperatorStateHandles<P>
  readonly runtime: RuntimeContext
  output<X>(tag: OutputTag<X>, value: X): void
}

export interface OnTimerContext<
  S extends StateDeclarations = Record<never, never>,
  K = unknown,
  P extends OperatorStateDeclarations = Record<never, never>,
> extends ProcessContext<S, K, P> {
  readonly timeDomain: 'event' | 'processing'
}

export interface ProcessFunctionObject<
  I,
  O,
  S extends StateDeclarations = Record<never, never>,
  K = unknown,
  P extends OperatorStateDeclarations = Record<never, never>,
> extends CheckpointListener {
  /** By key; see state.ts. */
  readonly state?: S
  /** Of the subtask; see operator-state.ts. */
  readonly operatorState?: P
  open?(ctx: OpenContext<P>): void | Promise<void>
  processElement(value: I, ctx: ProcessContext<S, K, P>, out: Collector<O>): void
  onTimer?(timestamp: number, ctx: OnTimerContext<S, K, P>, out: Collector<O>): void
  close?(): void | Promise<void>
}
export type ProcessFunction<
  I,
  O,
  S extends StateDeclarations = Record<never, never>,
  K = unknown,
  P extends OperatorStateDeclarations = Record<never, never>,
> = ((value: I, ctx: ProcessContext<S, K, P>, out: Collector<O>) => void) | ProcessFunctionObject<I, O, S, K, P>

export interface CoProcessFunction<
  A,
  B,
  O,
  S extends StateDeclarations = Record<never, never>,
  K = unknown,
  P extends OperatorStateDeclarations = Record<never, never>,
> extends CheckpointListener {
  /** By key; see state.ts. */
  readonly state?: S
  /** Of the subtask; see operator-state.ts. */
  readonly operatorState?: P
  open?(ctx: OpenContext<P>): void | Promise<void>
  processElement1(value: A, ctx: ProcessContext<S, K, P>, out: Collector<O>): void
  processElement2(value: B, ctx: ProcessContext<S, K, P>, out: Collector<O>): void
  onTimer?(timestamp: number, ctx: OnTimerContext<S, K, P>, out: Collector<O>): void
  close?(): void | Promise<void>
}
