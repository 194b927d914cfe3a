/**
 * The public API of headrace, and the only barrel. Loading it loads the program floor only: the executor, and with it
 * everything that runs jobs, is imported when a job is executed.
 */
import { type Config, configValue } from './base/core/config-options.ts'
import { wireLocalExecutor } from './program/api/current-environment.ts'
import type { Executor } from './program/api/executor.ts'

wireLocalExecutor(async (config: Config): Promise<Executor> => {
  const { localExecutor } = await import('./cluster/local/local-executor.ts')
  return localExecutor({ mode: configValue(config, 'execution.local.mode') })
})

export type { DataType, Field, Schema, Type } from './base/columnar/data-type.ts'
export { t } from './base/columnar/t.ts'
export type { Clock } from './base/core/clock.ts'
export type { Config, ConfigInput, ConfigKey } from './base/core/config-options.ts'
export { type ErrorCode, type ErrorDomain, type ErrorPlace, type RetryAdvice, StreamError } from './base/core/stream-error.ts'
export type { FileSystem } from './base/filesystem/file-system.ts'
export type { CheckpointOptions } from './program/api/checkpoint-options.ts'
export { getEnvironment } from './program/api/current-environment.ts'
export { type Duration, days, hours, milliseconds, minutes, seconds } from './program/api/durations.ts'
export { type DataOptions, Environment, type SourceOptions } from './program/api/environment.ts'
export { countEvictor, deltaEvictor, type EvictorOptions, timeEvictor } from './program/api/evictors.ts'
export type {
  CheckpointReport,
  ExceptionReport,
  JobClient,
  JobEvent,
  JobExecutionResult,
  JobProgress,
  JobStatus,
  RestoredFrom,
  StopOptions,
} from './program/api/executor.ts'
export type { OperatorOptions, TypedOperatorOptions } from './program/api/operator-options.ts'
export { outputTag } from './program/api/output-tag.ts'
export type { AggregatedRow, FieldOf } from './program/api/row-types.ts'
export type { Main } from './program/api/run-main.ts'
export type {
  ByOptions,
  ConnectedStreams,
  DataStream,
  KeyedStream,
  Operator,
  SingleOutput,
  SinkOperator,
  WindowedStream,
  WindowOptions,
} from './program/api/streams.ts'
export {
  continuousEventTimeTrigger,
  continuousProcessingTimeTrigger,
  countTrigger,
  customTrigger,
  deltaTrigger,
  endOfStreamTrigger,
  eventTimeTrigger,
  neverTrigger,
  type ProcessingTimeoutOptions,
  processingTimeoutTrigger,
  processingTimeTrigger,
  purging,
} from './program/api/triggers.ts'
export {
  boundedOutOfOrderness,
  customWatermarks,
  monotonousTimestamps,
  noWatermarks,
  type WatermarkOptions,
} from './program/api/watermarks.ts'
export { type AlignedOptions, globalWindows, session, sliding, type TimeOption, tumbling } from './program/api/windows.ts'

export { type ArrowIpcOptions, arrowIpc } from './program/connector/arrow-format.ts'
export { type ArrowSinkOptions, arrowSink } from './program/connector/arrow-sink.ts'
export { collectSink } from './program/connector/collect-sink.ts'
export { collection } from './program/connector/collection.ts'
export { type CsvOptions, csv } from './program/connector/csv.ts'
export { type CsvSinkOptions, csvSink } from './program/connector/csv-sink.ts'
export { discardSink } from './program/connector/discard-sink.ts'
export type { BucketBy, BucketContext } from './program/connector/file-buckets.ts'
export type { FileFormat } from './program/connector/file-format.ts'
export type { RollingOptions } from './program/connector/file-rolling.ts'
export type { FileSinkOptions } from './program/connector/file-sink.ts'
export { type FileSourceOptions, fileSource } from './program/connector/file-source.ts'
export { type GeneratorOptions, generator } from './program/connector/generator.ts'
export { type JsonLinesOptions, jsonLines } from './program/connector/json-lines.ts'
export { jsonLinesSink } from './program/connector/json-lines-sink.ts'
export { type ParquetOptions, parquet } from './program/connector/parquet.ts'
export { printSink } from './program/connector/print-sink.ts'
export { sequence } from './program/connector/sequence.ts'
export { textLines } from './program/connector/text-lines.ts'
export { type TextSinkOptions, textSink } from './program/connector/text-sink.ts'

export { type AggregateSpec, avg, count, max, min, sum } from './program/function/aggregate.ts'
export type {
  AggregateFunction,
  CheckpointListener,
  Collector,
  CoProcessFunction,
  FilterFunction,
  FlatMapFunction,
  KeySelector,
  Lifecycle,
  MapFunction,
  OnTimerContext,
  OutputTag,
  ProcessContext,
  ProcessFunction,
  ProcessFunctionObject,
  ReduceFunction,
  TimerService,
} from './program/function/functions.ts'
export {
  broadcastState,
  type OpenContext,
  type OperatorStateDeclaration,
  type OperatorStateDeclarations,
  type OperatorStateHandles,
  operatorListState,
  unionListState,
} from './program/function/operator-state.ts'
export type { RuntimeContext } from './program/function/runtime-context.ts'
export type { CommitRequest, Sink, SinkCommitter, SinkWriteContext, SinkWriter } from './program/function/sink.ts'
export type {
  PollResult,
  ReaderOutput,
  Source,
  SourceColumn,
  SourceColumns,
  SourceReader,
  SourceReaderContext,
  SourceUnit,
  SplitEnumerator,
  SplitEnumeratorContext,
} from './program/function/source.ts'
export {
  type AppendingState,
  aggregatingState,
  type ListState,
  listState,
  type MapState,
  mapState,
  reducingState,
  type StateDeclaration,
  type StateDeclarations,
  type StateHandles,
  type ValueState,
  valueState,
} from './program/function/state.ts'
export type {
  NumericField,
  TimestampAssigner,
  WatermarkGenerator,
  WatermarkOutput,
  WatermarkStrategy,
} from './program/function/watermark.ts'
export type {
  CustomTrigger,
  Evictor,
  ProcessWindowFunction,
  ProcessWindowFunctionObject,
  TimeDomain,
  TimeWindow,
  Trigger,
  TriggerContext,
  TriggerResult,
  WindowAssigner,
  WindowContext,
} from './program/function/window.ts'
