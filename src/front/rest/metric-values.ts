/**
 * The metrics of tasks, operators and jobs under Flink's names. What is not known is missing, as in Flink. Pure.
 */
import type { ArchivedExecution, ArchivedJob } from '../../cluster/rpc/job-archive.ts'
import type { JobVertex } from '../../program/graph/job-graph.ts'
import { endedOf } from './job-info.ts'

export type Metrics = ReadonlyMap<string, number>

/** Of one running subtask: its own, and those of its operators behind their names. None of one that has ended. */
export function taskMetrics({ operators }: JobVertex, { metrics, rates }: ArchivedExecution, running: boolean): Metrics {
  const values = new Map<string, number>()
  if (metrics === undefined || !running) return values
  const { recordsIn, recordsOut, watermark, lateRecordsDropped, busyMs, idleMs, backPressuredMs } = metrics
  values.set('numRecordsIn', recordsIn).set('numRecordsOut', recordsOut).set('currentInputWatermark', watermark)
  values.set('numLateRecordsDropped', lateRecordsDropped)
  values.set('accumulateBusyTimeMs', Math.round(busyMs)).set('accumulateIdleTimeMs', Math.round(idleMs))
  values.set('accumulateBackPressuredTimeMs', Math.round(backPressuredMs))
  if (rates !== undefined) {
    values.set('numRecordsInPerSecond', rates.recordsIn).set('numRecordsOutPerSecond', rates.recordsOut)
    values.set('busyTimeMsPerSecond', Math.round(rates.busyMs)).set('idleTimeMsPerSecond', Math.round(rates.idleMs))
    values.set('backPressuredTimeMsPerSecond', Math.round(rates.backPressuredMs))
  }
  for (const counts of metrics.operators ?? []) {
    const name = operators.find(({ nodeId }) => nodeId === counts.nodeId)?.name
    if (name === undefined) continue
    const of = `${withoutSigns(name)}.`
    values.set(`${of}numRecordsIn`, counts.recordsIn).set(`${of}numRecordsOut`, counts.recordsOut)
    values.set(`${of}numLateRecordsDropped`, counts.lateRecordsDropped)
  }
  for (const [name, value] of Object.entries(metrics.counters)) values.set(name, value)
  return values
}

/** As Flink's MetricQueryService writes names: these would be taken for parts of the path. */
const withoutSigns = (name: string): string => name.replace(/[ .:,]/g, '_').replace(/[<>"'|?*#]/g, '')

/** Of the job itself; none once it has ended. */
export function jobMetrics(job: ArchivedJob, nowMs: number): Metrics {
  const values = new Map<string, number>()
  if (endedOf(job) !== undefined) return values
  const { checkpoints, timestamps, restarts, state } = job
  const { counts, latestCompleted, restored } = checkpoints
  values.set('numRestarts', restarts)
  for (const each of ['RUNNING', 'RESTARTING', 'CREATED', 'INITIALIZING', 'CANCELLING', 'FAILING'] as const) {
    const time = state === each ? nowMs - (timestamps[each] ?? nowMs) : 0
    values.set(`${each.toLowerCase()}State`, state === each ? 1 : 0).set(`${each.toLowerCase()}Time`, time)
  }
  values.set('uptime', state === 'RUNNING' ? nowMs - (timestamps.RUNNING ?? nowMs) : 0)
  values.set('totalNumberOfCheckpoints', counts.total).set('numberOfInProgressCheckpoints', counts.inProgress)
  values.set('numberOfCompletedCheckpoints', counts.completed).set('numberOfFailedCheckpoints', counts.failed)
  if (restored !== undefined) values.set('lastCheckpointRestoreTimestamp', restored.restoredMs)
  if (latestCompleted === undefined) return values
  const { checkpointId, sizeBytes, endedMs = nowMs, triggeredMs } = latestCompleted
  values.set('lastCompletedCheckpointId', checkpointId).set('lastCheckpointSize', sizeBytes).set('lastCheckpointFullSize', sizeBytes)
  values.set('lastCheckpointDuration', endedMs - triggeredMs).set('lastCheckpointCompletedTimestamp', endedMs)
  return values
}

const greatestLong = 2n ** 63n - 1n
const leastLong = -(2n ** 63n)

/** Every value is a text. Java's longs go further than JavaScript's whole numbers: watermarks without a value are the least of them. */
export function metricText(value: number): string {
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return String(value)
  const whole = BigInt(value)
  return String(whole > greatestLong ? greatestLong : whole < leastLong ? leastLong : whole)
}

/** Names alone, or those asked for with their values; unknown ones are left out. */
export function metricList(metrics: Metrics, asked: readonly string[] | undefined): readonly { id: string; value?: string }[] {
  if (asked === undefined) return [...metrics.keys()].map((id) => ({ id }))
  return asked.flatMap((id) => (metrics.has(id) ? [{ id, value: metricText(metrics.get(id)!) }] : []))
}

export const aggregations = ['min', 'max', 'sum', 'avg', 'skew'] as const
export type Aggregation = (typeof aggregations)[number]

/** Of the same metric of several. */
export function aggregatedList(
  all: readonly Metrics[],
  asked: readonly string[] | undefined,
  wanted: readonly Aggregation[] = aggregations,
): readonly Record<string, string | number>[] {
  if (asked === undefined) return [...new Set(all.flatMap((metrics) => [...metrics.keys()]))].map((id) => ({ id }))
  return asked.flatMap((id) => {
    const values = all.flatMap((metrics) => metrics.get(id) ?? [])
    return values.length === 0 ? [] : [{ id, ...Object.fromEntries(wanted.map((each) => [each, aggregate(each, values)])) }]
  })
}

function aggregate(wanted: Aggregation, values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0)
  switch (wanted) {
    case 'min':
      return Math.min(...values)
    case 'max':
      return Math.max(...values)
    case 'sum':
      return sum
    case 'avg':
      return sum / values.length
    case 'skew':
      return skewOf(values, sum / values.length)
  }
}

/** How far values are from their mean, in percent of it, at most 100: 0 where all are equal. As Flink's data skew. */
function skewOf(values: readonly number[], mean: number): number {
  if (mean === 0) return 0
  const deviation = values.reduce((sum, value) => sum + Math.abs(value - mean), 0) / values.length
  return Math.min(100, (deviation / Math.abs(mean)) * 100)
}
