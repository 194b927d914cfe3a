/**
 * The streams as a user sees them: what can be said about a stream, a keyed one, a windowed one, and two connected ones.
 * Interfaces only, in one file since each leads to the others; the classes beside it write the plan. Method names are
 * Flink's, arguments TypeScript's; the last argument of a method that makes an operator is its options.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import type {
  AggregateFunction,
  Collector,
  CoProcessFunction,
  FilterFunction,
  FlatMapFunction,
  KeySelector,
  MapFunction,
  OutputTag,
  ProcessFunction,
  ReduceFunction,
} from '../function/functions.ts'
import type { OperatorStateDeclarations } from '../function/operator-state.ts'
import type { Sink } from '../function/sink.ts'
import type { StateDeclarations } from '../function/state.ts'
import type { NumericField, WatermarkStrategy } from '../function/watermark.ts'
import type { Evictor, ProcessWindowFunction, Trigger, WindowAssigner } from '../function/window.ts'
import type { Duration } from './durations.ts'
import type { OperatorOptions, TypedOperatorOptions } from './operator-options.ts'
import type { AggregatedRow, AggregateSpecs, KeyRow, SinkFits } from './row-types.ts'

type NoState = Record<never, never>

/** A stream of rows of type T. */
export interface DataStream<T> {
  /** Never present at run time; carries T. */
  readonly __row?: T

  /** One row out for each row in. `flights.map((f) => ({ route: f.origin + f.destination, delay: f.delay }))` */
  map<O>(fn: MapFunction<T, O>, options?: TypedOperatorOptions<O>): SingleOutput<O>

  /** Any number of rows out: returned as an iterable, or handed to `out`. `lines.flatMap((line) => line.split(' '))` */
  flatMap<O>(fn: FlatMapFunction<T, O>, options?: TypedOperatorOptions<O>): SingleOutput<O>

  /** Keeps the rows for which the function is true. `flights.filter((f) => f.delay > 0)` */
  filter(fn: FilterFunction<T>, options?: OperatorOptions): SingleOutput<T>

  /**
   * Any number of rows out, with timestamps and side outputs; on a keyed stream with state and timers too.
   * `lines.process((line, ctx, out: Collector<number>) => out.collect(line.length))`
   */
  process<O, S extends StateDeclarations = NoState, P extends OperatorStateDeclarations = NoState>(
    fn: ProcessFunction<T, O, S, unknown, P>,
    options?: TypedOperatorOptions<O>,
  ): SingleOutput<O>

  /**
   * Rows of one key go to one subtask and share its state. By a field, several fields, or a function.
   * `flights.keyBy('origin')`, `flights.keyBy('origin', 'destination')`, `flights.keyBy((f) => f.origin.slice(0, 1))`
   */
  keyBy<K>(key: KeySelector<T, K>): KeyedStream<T, K, { key: K }>
  keyBy<F extends keyof T & string>(field: F): KeyedStream<T, NonNullable<T[F]>, KeyRow<T, F>>
  keyBy<F extends keyof T & string>(field: F, second: F, ...more: F[]): KeyedStream<T, KeyRow<T, F>, KeyRow<T, F>>

  /** The rows of all these streams, in no order between them. `arrivals.union(departures)` */
  union(...others: readonly DataStream<T>[]): DataStream<T>

  /** Two streams of different types into one operator. `orders.connect(rates).keyBy('currency', 'currency').process({ ... })` */
  connect<B>(other: DataStream<B>): ConnectedStreams<T, B, unknown>

  /** Each row to the subtask of the same number: the parallelism must be equal. `stream.forward().map(f)` */
  forward(): DataStream<T>
  /** Round robin over all subtasks. `skewed.rebalance().map(expensive)` */
  rebalance(): DataStream<T>
  /** Round robin over those subtasks that are a subtask's share. `stream.rescale().map(f)` */
  rescale(): DataStream<T>
  /** To random subtasks. `stream.shuffle().map(f)` */
  shuffle(): DataStream<T>
  /** Every row to every subtask. `rules.broadcast().map(f)` */
  broadcast(): DataStream<T>
  /** Every row to the first subtask. `stream.global().map(f)` */
  global(): DataStream<T>
  /** To the subtask that the function names for a row's key. `stream.partitionCustom((id, n) => id % n, 'id')` */
  partitionCustom<F extends keyof T & string>(partition: (key: T[F], targets: number) => number, key: F): DataStream<T>
  partitionCustom<K>(partition: (key: K, targets: number) => number, key: KeySelector<T, K>): DataStream<T>

  /**
   * Gives rows timestamps in mid-stream and replaces the watermarks from above.
   * `events.assignTimestampsAndWatermarks(boundedOutOfOrderness(seconds(5), (e) => e.at))`
   */
  assignTimestampsAndWatermarks(strategy: WatermarkStrategy<T>, options?: OperatorOptions): SingleOutput<T>

  /** Windows over all rows, in one subtask. `flights.windowAll(tumbling(hours(1))).aggregate({ flights: count() })` */
  windowAll(assigner: WindowAssigner<T>, options?: WindowOptions<T>): WindowedStream<T, undefined, NoState>

  /** A result for every `size` rows, or every `slide` rows over the last `size`. `stream.countWindowAll(100).sum('n')` */
  countWindowAll(size: number, slide?: number): WindowedStream<T, undefined, NoState>

  /** Ends in a sink. `delays.sinkTo(jsonLinesSink({ path: 'delays.jsonl' }), { uid: 'delays' })` */
  sinkTo<S>(sink: Sink<S> & SinkFits<T, S>, options?: OperatorOptions): SinkOperator

  /** Writes each row as a line to standard output, with the subtask's number in front. `delays.print()` */
  print(prefix?: string, options?: OperatorOptions): SinkOperator

  /** Runs the job and gives the rows, at most `limit`, after which the job is cancelled. `const rows = await delays.executeAndCollect(10)` */
  executeAndCollect(limit?: number): Promise<T[]>

  /**
   * The rows as they come, once the job runs: begun by execute() or executeAsync(), else by the first read. Leaving the
   * loop early cancels the job. `for await (const row of delays.collectAsync()) console.log(row)`
   */
  collectAsync(): AsyncIterable<T>
}

/** What can be set on an operator after it was made; each call gives the operator back. */
export interface Operator {
  /** `.map(f).name('clean')` */
  name(name: string): this
  /** The identity of its state, unique in the job. `.map(f).uid('clean')` */
  uid(uid: string): this
  /** `.map(f).setDescription('drops the units')` */
  setDescription(description: string): this
  /** `.map(f).setParallelism(4)` */
  setParallelism(parallelism: number): this
  /** Number of key groups. `.process(f).setMaxParallelism(256)` */
  setMaxParallelism(maxParallelism: number): this
  /** Operators of different groups never share a slot. `.map(f).slotSharingGroup('heavy')` */
  slotSharingGroup(group: string): this
  /** `.map(f).startNewChain()` */
  startNewChain(): this
  /** `.map(f).disableChaining()` */
  disableChaining(): this
}

/** The stream that one operator emits. */
export interface SingleOutput<T> extends DataStream<T>, Operator {
  /** Longest time a row waits in an open batch. `.map(f).setBufferTimeout(5)` */
  setBufferTimeout(timeout: Duration): this
  /** Declares the type of the rows. `.map(f).returns(t.row({ word: t.string, n: t.int32 }))` */
  returns<O extends T>(type: Type<O>): SingleOutput<O>
  /** What the operator handed to `ctx.output(tag, value)`. `parsed.getSideOutput(rejected).print()` */
  getSideOutput<X>(tag: OutputTag<X>): DataStream<X>
}

/** The end of a stream. */
export interface SinkOperator extends Operator {}

/** A stream whose rows of one key are together. R holds the key in an aggregated row. */
export interface KeyedStream<T, K, R = { key: K }> extends DataStream<T> {
  process<O, S extends StateDeclarations = NoState, P extends OperatorStateDeclarations = NoState>(
    fn: ProcessFunction<T, O, S, K, P>,
    options?: TypedOperatorOptions<O>,
  ): SingleOutput<O>

  /** The running result after every row; the first row of a key comes out as it is. `words.keyBy('word').reduce((a, b) => ({ ...a, n: a.n + b.n }))` */
  reduce(fn: ReduceFunction<T>, options?: OperatorOptions): SingleOutput<T>

  /** The first row of the key with the running sum in that field. `words.keyBy('word').sum('n')` */
  sum(field: NumericField<T>, options?: OperatorOptions): SingleOutput<T>
  /** The first row of the key with the least value in that field. `readings.keyBy('sensor').min('heat')` */
  min(field: NumericField<T>, options?: OperatorOptions): SingleOutput<T>
  /** The first row of the key with the greatest value in that field. `readings.keyBy('sensor').max('heat')` */
  max(field: NumericField<T>, options?: OperatorOptions): SingleOutput<T>
  /** The whole row with the least value; of equals the first, unless `first` is false. `readings.keyBy('sensor').minBy('heat')` */
  minBy(field: NumericField<T>, options?: ByOptions): SingleOutput<T>
  /** The whole row with the greatest value; of equals the first, unless `first` is false. `readings.keyBy('sensor').maxBy('heat')` */
  maxBy(field: NumericField<T>, options?: ByOptions): SingleOutput<T>

  /** `flights.keyBy('origin').window(tumbling(hours(1)), { allowedLateness: minutes(1) })` */
  window(assigner: WindowAssigner<T>, options?: WindowOptions<T>): WindowedStream<T, K, R>
  /** A result for every `size` rows of a key, or every `slide` rows over the last `size`. `stream.keyBy('k').countWindow(100).sum('n')` */
  countWindow(size: number, slide?: number): WindowedStream<T, K, R>

  /** Both keyed by keys of one type: the operator after them shares state between them. `orders.keyBy('id').connect(payments.keyBy('order'))` */
  connect<B, RB>(other: KeyedStream<B, K, RB>): ConnectedStreams<T, B, K>
  connect<B>(other: DataStream<B>): ConnectedStreams<T, B, unknown>
}

export interface ByOptions extends OperatorOptions {
  readonly first?: boolean
}

export interface WindowOptions<T> {
  /** Instead of the assigner's own. */
  readonly trigger?: Trigger<T>
  /** Removes rows before (or after) the function sees them. */
  readonly evictor?: Evictor<T>
  /** A window lives on for so long after its end and fires again for each late row. Event time only. */
  readonly allowedLateness?: Duration
  /** Takes the rows that are too late for every window, which are counted and dropped otherwise. */
  readonly lateOutput?: OutputTag<T>
}

/** Rows in windows: say what becomes of each window. */
export interface WindowedStream<T, K, R> {
  /** Folds the rows of a window, two at a time; `process` may then look at the one result. `.reduce((a, b) => (a.heat > b.heat ? a : b))` */
  reduce(fn: ReduceFunction<T>, options?: OperatorOptions): SingleOutput<T>
  reduce<O, S extends StateDeclarations = NoState, W extends StateDeclarations = NoState>(
    fn: ReduceFunction<T>,
    process: ProcessWindowFunction<T, O, K, S, W>,
    options?: TypedOperatorOptions<O>,
  ): SingleOutput<O>

  /** With a function of one's own; `process` may then look at the one result. `.aggregate({ createAccumulator: () => 0, add: (row, n) => n + 1, getResult: (n) => n })` */
  aggregate<A, O>(fn: AggregateFunction<T, A, O>, options?: TypedOperatorOptions<O>): SingleOutput<O>
  aggregate<A, X, O, S extends StateDeclarations = NoState, W extends StateDeclarations = NoState>(
    fn: AggregateFunction<T, A, X>,
    process: ProcessWindowFunction<X, O, K, S, W>,
    options?: TypedOperatorOptions<O>,
  ): SingleOutput<O>
  /** Built-in aggregates, several at once: `.aggregate({ flights: count(), delay: avg('delay') })` gives the key, windowStart, windowEnd, flights and delay. */
  aggregate<const S extends AggregateSpecs<T>>(specs: S, options?: OperatorOptions): SingleOutput<AggregatedRow<T, R, S>>

  /** All rows of a window at once. `.process((rows, ctx, out: Collector<number>) => out.collect(rows.length))` */
  process<O, S extends StateDeclarations = NoState, W extends StateDeclarations = NoState>(
    fn: ProcessWindowFunction<T, O, K, S, W>,
    options?: TypedOperatorOptions<O>,
  ): SingleOutput<O>

  /** The window's first row with the sum in that field. `.sum('n')` */
  sum(field: NumericField<T>, options?: OperatorOptions): SingleOutput<T>
  /** The window's first row with the least value in that field. `.min('heat')` */
  min(field: NumericField<T>, options?: OperatorOptions): SingleOutput<T>
  /** The window's first row with the greatest value in that field. `.max('heat')` */
  max(field: NumericField<T>, options?: OperatorOptions): SingleOutput<T>
  /** The row with the least value. `.minBy('heat')` */
  minBy(field: NumericField<T>, options?: ByOptions): SingleOutput<T>
  /** The row with the greatest value. `.maxBy('heat')` */
  maxBy(field: NumericField<T>, options?: ByOptions): SingleOutput<T>
}

/** Two streams on their way into one operator. There is no order between them, ever. */
export interface ConnectedStreams<A, B, K> {
  /** Keys each side; both keys must be of one type. `orders.connect(rates).keyBy('currency', 'code')` */
  keyBy<FA extends keyof A & string, FB extends keyof B & string>(
    first: FA,
    second: FB & SameKey<A[FA], B[FB], FB>,
  ): ConnectedStreams<A, B, NonNullable<A[FA]>>
  keyBy<KK>(first: KeySelector<A, KK>, second: KeySelector<B, KK>): ConnectedStreams<A, B, KK>

  /** `processElement1` gets the rows of the first stream, `processElement2` those of the second; state and timers are shared. */
  process<O, S extends StateDeclarations = NoState, P extends OperatorStateDeclarations = NoState>(
    fn: CoProcessFunction<A, B, O, S, K, P>,
    options?: TypedOperatorOptions<O>,
  ): SingleOutput<O>

  /** One function for each side. `words.connect(numbers).map((word) => word.length, (n) => n)` */
  map<O>(first: (value: A) => O, second: (value: B) => O, options?: TypedOperatorOptions<O>): SingleOutput<O>

  /** One function for each side. `a.connect(b).flatMap((x) => [x, x], (y) => [y])` */
  flatMap<O>(
    first: (value: A, out: Collector<O>) => Iterable<O> | void,
    second: (value: B, out: Collector<O>) => Iterable<O> | void,
    options?: TypedOperatorOptions<O>,
  ): SingleOutput<O>
}

type SameKey<KA, KB, F> = [NonNullable<KB>] extends [NonNullable<KA>] ? F : { readonly 'these keys have different types': [KA, KB] }
