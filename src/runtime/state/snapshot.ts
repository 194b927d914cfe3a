/**
 * What passes between an operator's state and a checkpoint: states as named tables of rows in column form, on the way out
 * (StateSnapshot) and on the way back (RestoredState). The tables are logical, the same whether state was held in typed
 * tables or as objects, so that a snapshot of either form is restored by the other. docs/design/checkpoints.md lists the forms.
 */
import type { ColumnarUnit, ColumnBatch } from '../../base/columnar/column-batch.ts'
import type { DataType } from '../../base/columnar/data-type.ts'

/**
 * Who gets a row back: keyed: the subtask that owns its key group; split: one of the subtasks; union: each; broadcast: each, and
 * every subtask had the same.
 */
export type StateScope = 'keyed' | 'split' | 'union' | 'broadcast'

/** What is said of a state's table beside its rows; plain JSON. */
export interface StateDescription {
  /** Unique within the operator. The engine's own begin with `_`: `_timers`. */
  readonly name: string
  readonly scope: StateScope
  /** How the columns are to be understood: `value`, `list`, `map`, `timers`, `windows`, ... */
  readonly form: string
  /** Declared types by column; what is absent is inferred from the rows. */
  readonly declared?: Readonly<Record<string, { readonly type: DataType; readonly nullable: boolean }>>
  /** Whatever else the operator needs to take the rows back. A restore is given that of one subtask: it is the same in all. */
  readonly meta?: Readonly<Record<string, unknown>>
}

/**
 * Up to a few thousand rows, some hundreds where values are objects: a chunk is encoded in one go, before anything else runs in the
 * thread, so what it holds may be the operator's own. No rows where bounded work has given none yet (its columns then say nothing of
 * types). All chunks of a state have the same columns; those of a keyed state begin with `keyGroup` (Int32Array, never falling from
 * row to row) and `key`.
 */
export interface StateChunk extends ColumnarUnit {
  /** Called, if at all, by a reader that has no more use for the columns: their memory may be that of a later chunk. */
  readonly recycle?: () => void
}

/** One state as it was when snapshotState returned, however it changes meanwhile. */
export interface StateSnapshot extends StateDescription {
  /** Bounded work for each chunk. Read once, in the task's thread, between steps; values are not changed by the reader. */
  chunks(): IterableIterator<StateChunk>
  /** Ends the copying on write; called once, whether all chunks were read or not. */
  release(): void
}

/** One state of a restored operator: the rows that this subtask gets, from however many subtasks wrote them. */
export interface RestoredTable extends StateDescription {
  /** Column names and types may differ from batch to batch where an inferred type widened. */
  batches(): AsyncIterable<ColumnBatch>
}

export interface RestoredState {
  readonly checkpointId: number
  /** Least event time of the subtasks whose state this is; minWatermark where there was none. The operator goes on from it. */
  readonly watermark: number
  readonly tables: readonly RestoredTable[]
}

/** What a checkpoint is to a task when it begins; plain data. */
export interface CheckpointStart {
  readonly checkpointId: number
  readonly timestampMs: number
  readonly kind: 'checkpoint' | 'savepoint'
  /** Where the files go: a folder of this checkpoint's own. */
  readonly directory: string
  /**
   * Stop with savepoint. drain: input ends first, as if it had been bounded (MAX watermark, endInput). suspend: input stops at the
   * barrier and nothing is told of an end. Absent: the job goes on.
   */
  readonly stop?: 'drain' | 'suspend'
}
