/**
 * Sink operators as tasks drive them, without tasks: barriers, completed checkpoints, ends and crashes by hand. A snapshot is kept as
 * plain rows, copied as files would, and is dealt out to any number of subtasks.
 */
import { batchOfColumns } from '../../src/base/columnar/column-batch.ts'
import type { Clock } from '../../src/base/core/clock.ts'
import type { FileSystem } from '../../src/base/filesystem/file-system.ts'
import type { Sink } from '../../src/program/function/sink.ts'
import { minWatermark, noTimestamp } from '../../src/runtime/operator/operator.ts'
import { SinkOperator } from '../../src/runtime/operator/sink-operator.ts'
import type { RestoredState, StateSnapshot } from '../../src/runtime/state/snapshot.ts'
import { type TestContext, testContext } from './test-context.ts'

/** Rows of each table of one subtask, or of several put together. */
export interface SinkSnapshot {
  readonly checkpointId: number
  readonly tables: Readonly<Record<string, readonly Record<string, unknown>[]>>
  /** Absent: none. */
  readonly watermark?: number
}

export interface SinkTaskOptions {
  readonly fileSystem?: FileSystem
  readonly clock?: Clock
  readonly subtaskIndex?: number
  readonly parallelism?: number
  readonly attemptNumber?: number
  readonly checkpointing?: boolean
  readonly jobId?: string
  readonly operatorId?: string
  readonly restored?: SinkSnapshot
}

export class SinkTask<T> {
  readonly operator: SinkOperator
  readonly ctx: TestContext
  readonly #restored: SinkSnapshot | undefined

  constructor(sink: Sink<T, any, any>, options: SinkTaskOptions = {}) {
    const { restored, checkpointing = true } = options
    this.#restored = restored
    this.ctx = testContext({ ...options, checkpointing, ...(restored && { restoredCheckpointId: restored.checkpointId }) })
    const output = { emit: () => {}, emitSide: () => {}, isFull: false }
    this.operator = new SinkOperator({ ...this.ctx, output, requestProcessingTimer: () => {}, numLateRecordsDropped: { value: 0 } }, sink)
  }

  async open(): Promise<this> {
    if (this.#restored !== undefined) await this.operator.restoreState(restoredState(this.#restored))
    await this.operator.open()
    return this
  }

  async write(...rows: readonly T[]): Promise<void> {
    for (const row of rows) {
      this.operator.processElement(row, noTimestamp)
      await this.operator.pending
    }
  }

  async checkpoint(checkpointId: number): Promise<SinkSnapshot> {
    const start = { checkpointId, timestampMs: 0, kind: 'checkpoint', directory: '/none' } as const
    await this.operator.prepareSnapshot(start)
    return { checkpointId, tables: Object.fromEntries(this.operator.snapshotState(start).map((state) => [state.name, rowsOf(state)])) }
  }

  async complete(checkpointId: number): Promise<void> {
    await this.operator.notifyCheckpointComplete(checkpointId)
  }

  /** The end with checkpointing: one more checkpoint, which commits. */
  async finish(checkpointId: number): Promise<void> {
    await this.operator.endInput()
    await this.checkpoint(checkpointId)
    await this.complete(checkpointId)
    await this.operator.close()
  }
}

function rowsOf(state: StateSnapshot): Record<string, unknown>[] {
  const rows: Record<string, unknown>[] = []
  for (const { rowCount, columns } of state.chunks())
    for (let i = 0; i < rowCount; i++) rows.push(structuredClone(Object.fromEntries(columns.map(({ name, values }) => [name, values[i]]))))
  state.release()
  return rows
}

function restoredState({ checkpointId, tables, watermark = minWatermark }: SinkSnapshot): RestoredState {
  return {
    checkpointId,
    watermark,
    tables: Object.entries(tables).map(([name, rows]) => ({
      ...{ name, scope: 'split', form: 'list' },
      async *batches() {
        const names = Object.keys(rows[0] ?? {})
        const columns = names.map((column) => ({ name: column, values: rows.map((row) => structuredClone(row[column])) }))
        if (rows.length > 0) yield batchOfColumns({ rowCount: rows.length, columns })
      },
    })),
  }
}

/** What `parallelism` subtasks get of the snapshots of however many: rows dealt in turn, beginning with subtask `first`. */
export function dealSnapshots(snapshots: readonly SinkSnapshot[], parallelism: number, first = 0): SinkSnapshot[] {
  const names = [...new Set(snapshots.flatMap(({ tables }) => Object.keys(tables)))]
  return Array.from({ length: parallelism }, (_, subtask) => ({
    checkpointId: snapshots[0]?.checkpointId ?? 0,
    tables: Object.fromEntries(
      names.map((name) => {
        const rows = snapshots.flatMap(({ tables }) => tables[name] ?? [])
        return [name, rows.filter((_row, i) => (i + first) % parallelism === subtask)]
      }),
    ),
  }))
}
