/**
 * What a checkpoint or savepoint consists of, as its one JSON file says it; the rows of its states are in Arrow IPC files
 * beside that file. Plain data: tasks acknowledge with parts of it, and a restored job is deployed with all of it.
 */
import type { DataType, Schema } from '../../base/columnar/data-type.ts'
import type { StateDescription } from '../state/snapshot.ts'

export const checkpointFormat = 'headrace-checkpoint'
export const checkpointVersion = 1

export interface StateFile {
  /** Relative to the folder of the metadata file. */
  readonly path: string
  readonly sizeBytes: number
  readonly rows: number
  /** Of the whole file: crc32 as zlib computes it, 8 hex digits. */
  readonly crc32: string
}

/** One state of one subtask. A state whose inferred type widened has a file for each type, in order. */
export interface StateTable extends StateDescription {
  /** Of keyed state with rows: the least type of its keys. */
  readonly key?: { readonly type: DataType; readonly nullable: boolean }
  readonly files: readonly StateFile[]
}

/** What one operator of one subtask held. */
export interface OperatorSnapshot {
  /** JobGraph's operatorId. */
  readonly operatorId: string
  /** null: it keeps no event time, or has none yet. */
  readonly watermark: number | null
  readonly states: readonly StateTable[]
  /** Learned schemas of the operator's outgoing edges, by position among its edges; null: nothing was learned. */
  readonly schemas?: readonly (Schema | null)[]
}

/** What a task acknowledges with. */
export interface SubtaskSnapshot {
  /** All its input had ended and its operators were told: nothing of it is run again. */
  readonly finished: boolean
  readonly operators: readonly OperatorSnapshot[]
}

export interface CheckpointDurations {
  /** From the first barrier to the last. */
  readonly alignmentMs: number
  /** prepareSnapshot included; then snapshotState alone. */
  readonly prepareMs: number
  readonly syncMs: number
  readonly asyncMs: number
  readonly sizeBytes: number
}

/** All subtasks of one operator. */
export interface OperatorMetadata {
  readonly operatorId: string
  readonly uid?: string
  readonly name: string
  /** `window`: JobGraph's kind. */
  readonly kind: string
  readonly parallelism: number
  readonly maxParallelism: number
  /** By subtask. `finished` as in SubtaskSnapshot. */
  readonly subtasks: readonly {
    readonly finished: boolean
    readonly watermark: number | null
    readonly states: readonly StateTable[]
    readonly schemas?: readonly (Schema | null)[]
  }[]
  /** Of a source: what its enumerator held, a table `_enumerator` of one row. */
  readonly enumerator?: StateTable
}

export interface CheckpointMetadata {
  readonly format: typeof checkpointFormat
  readonly version: typeof checkpointVersion
  /** Version of the package that wrote it. */
  readonly headrace: string
  readonly kind: 'checkpoint' | 'savepoint'
  readonly checkpointId: number
  readonly jobId: string
  readonly jobName: string
  /** When it was triggered, and when it was complete. */
  readonly triggeredMs: number
  readonly completedMs: number
  /** Folder that the files' paths are relative to. Not written: it is where the metadata file was found. */
  readonly directory: string
  readonly operators: readonly OperatorMetadata[]
}
