/**
 * Sources: an enumerator beside the job's coordinator finds splits and hands them to readers, one in each subtask.
 * Splits and enumerator state are plain data: objects, lists, strings, numbers. A snapshot keeps them as rows of a column, so a
 * field that was undefined or left out may come back as null. A reader is resumable: the splits that snapshotState returns
 * continue right after the last record that pollNext emitted.
 *
 * After a restore splits of readers are given to readers, of however many subtasks there are then, before start(); what the
 * enumerator had not assigned is its own state. Requests, registrations and the end of splits are not state: readers register
 * and ask anew, those without splits at start(), and are told of the end anew. An enumerator lives as long as its readers: when one of
 * them fails all of them begin again, with a new enumerator, so splits never come back to one.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import type { Clock } from '../../base/core/clock.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { RuntimeContext } from './runtime-context.ts'

export interface Source<T, Split = unknown, EnumeratorState = unknown> {
  /** `parquet files`: for plans and messages. */
  readonly name: string
  readonly boundedness: 'bounded' | 'unbounded'
  /** Declared row type, if there is one. */
  readonly type?: Type<T>
  /** A source that cannot be read in parallel says 1. */
  readonly maxParallelism?: number
  createEnumerator(ctx: SplitEnumeratorContext<Split>, restored?: EnumeratorState): SplitEnumerator<EnumeratorState>
  createReader(ctx: SourceReaderContext): SourceReader<T, Split>
}

export interface SplitEnumeratorContext<Split> {
  readonly parallelism: number
  readonly fileSystem: FileSystem
  readonly clock: Clock
  /** Subtasks whose reader has registered. */
  registeredReaders(): readonly number[]
  assignSplits(subtask: number, splits: readonly Split[]): void
  signalNoMoreSplits(subtask: number): void
  /** Runs `work` off the enumerator's turn and `handler` within it; `periodMs` repeats it. A rejection fails the job. */
  callAsync<R>(work: () => Promise<R>, handler: (result: R) => void, periodMs?: number): void
  sendEventToReader(subtask: number, event: unknown): void
}

export interface SplitEnumerator<State> {
  start(): void | Promise<void>
  addReader(subtask: number): void
  handleSplitRequest(subtask: number): void
  handleReaderEvent?(subtask: number, event: unknown): void
  /** What is not assigned now, in plain data. Work of callAsync that is under way is not part of it: a restored enumerator does it again. */
  snapshotState(checkpointId: number): State
  /** Some calls may be missing: a later checkpoint holds for the earlier ones. */
  notifyCheckpointComplete?(checkpointId: number): void
  close(): void | Promise<void>
}

export interface SourceReaderContext extends RuntimeContext {
  sendSplitRequest(): void
  sendEventToEnumerator(event: unknown): void
}

/** What pollNext says: there may be more at once, nothing until isAvailable() resolves, or all is read. */
export type PollResult = 'more' | 'nothing' | 'end'

export interface SourceReader<T, Split> {
  start(): void | Promise<void>
  /** Emits one bounded unit of work (up to some thousand records, and no more than `output` wants) into `output`, or nothing. */
  pollNext(output: ReaderOutput<T>): PollResult
  /** Resolves when pollNext may have something; called after it said 'nothing'. A rejection fails the task. */
  isAvailable(): Promise<void>
  /** Before start(): those of a restored snapshot; such a reader asks for no split until it has read them. */
  addSplits(splits: readonly Split[]): void
  notifyNoMoreSplits(): void
  handleEnumeratorEvent?(event: unknown): void
  /** Where each unfinished split goes on. */
  snapshotState(checkpointId: number): readonly Split[]
  /** Stands for all earlier checkpoints too; may be skipped. A promise is awaited at the end of the job; a rejection fails the task. */
  notifyCheckpointComplete?(checkpointId: number): void | Promise<void>
  /** Watermark alignment; absent: this reader cannot pause single splits. */
  pauseOrResumeSplits?(pause: readonly string[], resume: readonly string[]): void
  close(): void | Promise<void>
}

/**
 * One unit of work of a reader, in the form that is cheapest for it. `position` names the first record for messages:
 * `file.csv line 12`; the engine adds the offset within the unit.
 */
export type SourceUnit<T> =
  | { readonly kind: 'rows'; readonly rows: readonly T[]; readonly timestamps?: readonly number[] | Float64Array }
  | SourceColumns
  /** The records generate(from), generate(from + step), ... count of them: made inside the generated loop. */
  | {
      readonly kind: 'range'
      readonly generate: (index: number) => T
      readonly from: number
      readonly step: number
      readonly count: number
    }

/** Columns in JavaScript form: typed arrays for numbers and booleans (0/1), arrays for all else; null marks a null. */
export interface SourceColumns {
  readonly kind: 'columns'
  readonly rowCount: number
  /** In field order; a typed array has no nulls. */
  readonly columns: readonly SourceColumn[]
  readonly timestamps?: Float64Array
}

export interface SourceColumn {
  readonly name: string
  readonly values: Float64Array | Int32Array | Uint8Array | readonly unknown[]
  /** What the values are; absent: float64 for Float64Array, int32 for Int32Array, boolean for Uint8Array, inferred for an array. */
  readonly kind?: 'float64' | 'int32' | 'int64' | 'timestamp' | 'boolean' | 'utf8'
  /** With Int32Array values: they are indices into this dictionary (kind utf8). The same array object may be reused and appended to. */
  readonly dictionary?: readonly string[]
}

export interface ReaderOutput<T> {
  /**
   * Records that one pollNext should emit at most: a checkpoint waits until what it emitted is through, so there are few of them where they
   * are taken slowly. A reader may give more where its position cannot stand between them.
   */
  readonly wantedRows: number
  /** One record; the engine gathers them. A record timestamp is kept where the strategy assigns none. */
  collect(record: T, timestamp?: number): void
  emit(unit: SourceUnit<T>, position?: string): void
  /**
   * An output with a watermark generator of its own; the source's watermark is the minimum over splits. A split holds time
   * back from the first call: make it for every split that the reader has before any of them emits, or the slower is late.
   */
  forSplit(splitId: string): ReaderOutput<T>
  /** The split has ended and no longer holds time back. */
  releaseSplit(splitId: string): void
  /** From now on this reader's source holds no time back until the next record. */
  markIdle(): void
  emitWatermark(timestamp: number): void
}
