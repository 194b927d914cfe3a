/**
 * What a client is told of a job's checkpoints: the newest ones, under way or ended. Pure; time is handed in.
 */
import type { StreamError } from '../../base/core/stream-error.ts'
import type { CheckpointReport } from '../../program/api/executor.ts'
import type { CheckpointDurations } from '../../runtime/checkpoint/checkpoint-metadata.ts'

export class CheckpointHistory {
  readonly #most: number
  readonly #reports = new Map<number, CheckpointReport>()

  /** Keeps so many. */
  constructor(most: number) {
    this.#most = most
  }

  triggered(checkpointId: number, kind: CheckpointReport['kind'], path: string, nowMs: number): void {
    const none = { durationMs: 0, sizeBytes: 0, alignmentMs: 0, syncMs: 0, asyncMs: 0 }
    this.#reports.set(checkpointId, { checkpointId, kind, status: 'inProgress', triggeredMs: nowMs, path, ...none })
    for (const oldest of this.#reports.keys()) {
      if (this.#reports.size <= this.#most) return
      this.#reports.delete(oldest)
    }
  }

  acknowledged(checkpointId: number, { alignmentMs, prepareMs, syncMs, asyncMs }: CheckpointDurations): void {
    this.#change(checkpointId, (report) => ({
      alignmentMs: Math.max(report.alignmentMs, alignmentMs),
      syncMs: Math.max(report.syncMs, prepareMs + syncMs),
      asyncMs: Math.max(report.asyncMs, asyncMs),
    }))
  }

  /** undefined where it is not remembered. */
  completed(checkpointId: number, sizeBytes: number, nowMs: number): CheckpointReport | undefined {
    return this.#change(checkpointId, ({ triggeredMs }) => ({ status: 'completed', sizeBytes, durationMs: nowMs - triggeredMs }))
  }

  failed(checkpointId: number, error: StreamError, nowMs: number): CheckpointReport | undefined {
    return this.#change(checkpointId, ({ triggeredMs }) => ({ status: 'failed', error, durationMs: nowMs - triggeredMs }))
  }

  /** Oldest first. */
  reports(nowMs: number): readonly CheckpointReport[] {
    return [...this.#reports.values()].map((report) =>
      report.status === 'inProgress' ? { ...report, durationMs: nowMs - report.triggeredMs } : report,
    )
  }

  #change(checkpointId: number, change: (report: CheckpointReport) => Partial<CheckpointReport>): CheckpointReport | undefined {
    const report = this.#reports.get(checkpointId)
    if (report === undefined) return undefined
    const changed = { ...report, ...change(report) }
    this.#reports.set(checkpointId, changed)
    return changed
  }
}
