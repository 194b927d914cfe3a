/**
 * What a client is told of a job's failures: the newest 16, as in Flink. Pure; time is handed in.
 *
 * Each is the cause of a restart, or of the job's end; what failed of being cancelled is a consequence, and not kept.
 */
import type { StreamError } from '../../base/core/stream-error.ts'
import type { ExceptionReport } from '../../program/api/executor.ts'

const most = 16

export class ExceptionHistory {
  readonly #reports: ExceptionReport[] = []

  /** Oldest first. */
  get reports(): readonly ExceptionReport[] {
    return [...this.#reports]
  }

  /** `restart`: number of the restart that follows; absent: none does. */
  failed(error: StreamError, nowMs: number, restart?: number): void {
    const task = taskOf(error)
    this.#reports.push({ timestampMs: nowMs, error, ...(task !== undefined && { task }), ...(restart !== undefined && { restart }) })
    if (this.#reports.length > most) this.#reports.shift()
  }
}

function taskOf({ place: { operator, subtask } }: StreamError): ExceptionReport['task'] {
  return operator === undefined && subtask === undefined
    ? undefined
    : { ...(operator !== undefined && { operator }), ...(subtask !== undefined && { subtask }) }
}
