/**
 * What tasks have read, written and done with their time, as Flink's IOMetricsInfo and its distributions over subtasks. The engine
 * counts no bytes: they are 0 and said to be incomplete, as Flink says of what has not been reported. Pure.
 */
import type { ArchivedExecution } from '../../cluster/rpc/job-archive.ts'
import { distributionOf } from './number-summary.ts'
import { stateDurations } from './states-of.ts'

export function ioMetrics(executions: readonly ArchivedExecution[]): Record<string, number | boolean> {
  const reported = executions.every(({ metrics }) => metrics !== undefined)
  const sum = (field: 'recordsIn' | 'recordsOut' | 'busyMs' | 'idleMs' | 'backPressuredMs') =>
    executions.reduce((total, { metrics }) => total + (metrics?.[field] ?? 0), 0)
  return {
    ...{ 'read-bytes': 0, 'read-bytes-complete': false, 'write-bytes': 0, 'write-bytes-complete': false },
    ...{ 'read-records': sum('recordsIn'), 'read-records-complete': reported },
    ...{ 'write-records': sum('recordsOut'), 'write-records-complete': reported },
    'accumulated-backpressured-time': Math.round(sum('backPressuredMs')),
    'accumulated-idle-time': Math.round(sum('idleMs')),
    'accumulated-busy-time': Math.round(sum('busyMs')),
  }
}

/** Of each figure, and of the time in each state, over these. */
export function aggregated(executions: readonly ArchivedExecution[], nowMs: number): Record<string, unknown> {
  const metrics = executions.map((execution) => ioMetrics([execution]))
  const durations = executions.map((execution) => stateDurations(execution, nowMs))
  const names = Object.keys(metrics[0] ?? {}).filter((name) => !name.endsWith('-complete'))
  return {
    metrics: Object.fromEntries(names.map((name) => [name, distributionOf(metrics.map((one) => Number(one[name])))])),
    'status-duration': Object.fromEntries(
      Object.keys(durations[0] ?? {}).map((state) => [state, distributionOf(durations.map((one) => Math.max(0, one[state]!)))]),
    ),
  }
}
