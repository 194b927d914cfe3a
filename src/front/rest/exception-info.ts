/** A job's failures as Flink's exception history, newest first. Pure. */
import type { ArchivedFailure, ArchivedJob } from '../../cluster/rpc/job-archive.ts'
import { errorClass, traceOf } from './failure-cause.ts'
import { endpointOf } from './states-of.ts'

export interface ExceptionLine {
  readonly exceptionName: string
  readonly stacktrace: string
  readonly timestamp: number
  /** Null: the job as a whole. */
  readonly taskName: string | null
  readonly endpoint: string | null
  readonly taskManagerId: string | null
  readonly failureLabels: Readonly<Record<string, string>>
}

export const failuresOf = (job: ArchivedJob | undefined): readonly ExceptionLine[] => [...(job?.failures ?? [])].reverse().map(lineOf)

/** Labels, as Flink's enrichers give them: whose fault it was, and its code. */
function lineOf({ error, timestampMs, taskName, location }: ArchivedFailure): ExceptionLine {
  return {
    ...{ exceptionName: errorClass(error), stacktrace: traceOf(error), timestamp: timestampMs, taskName: taskName ?? null },
    ...{ endpoint: location === undefined ? null : endpointOf(location), taskManagerId: location?.taskManagerId ?? null },
    failureLabels: { domain: error.domain, code: error.code },
  }
}

export function exceptionHistory(job: ArchivedJob, most: number, labels: readonly (readonly [string, string])[]): unknown {
  const all = failuresOf(job).filter(({ failureLabels }) => labels.every(([key, value]) => failureLabels[key] === value))
  const entries = all.slice(0, most).map((line) => ({ ...line, concurrentExceptions: [] }))
  return { exceptionHistory: { entries, truncated: all.length > entries.length } }
}
