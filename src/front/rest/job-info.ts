/**
 * A job as Flink's bodies have it: one line in a list, all its details, its vertices. Pure.
 */
import { configValue } from '../../base/core/config-options.ts'
import type { JobOverview } from '../../cluster/rpc/dispatcher-gateway.ts'
import { type ArchivedJob, type ExecutionState, executionStates } from '../../cluster/rpc/job-archive.ts'
import { ioMetrics } from './io-metrics.ts'
import { planInfo } from './plan-info.ts'
import { currentOf, hasEnded, jobTimestamps, spanOf, stateCounts, vertexSpan, vertexState } from './states-of.ts'

/** `schedulerType` is what the dashboard goes by: only an adaptive one rescales. */
export type SchedulerType = 'Default' | 'Adaptive'

export function jobDetailsLine(job: JobOverview, schedulerType: SchedulerType, nowMs: number): unknown {
  return {
    ...{ jid: job.jobId, name: job.jobName, ...spanOf(job.startedMs, job.endedMs, nowMs), state: job.state },
    ...{ 'last-modification': job.changedMs, tasks: taskCounts(job.tasks), 'pending-operators': 0 },
    ...{ jobType: 'STREAMING', schedulerType },
  }
}

function taskCounts(tasks: { readonly [S in ExecutionState]?: number }): Record<string, number> {
  const counts = executionStates.map((state) => [state.toLowerCase(), tasks[state] ?? 0] as const)
  const total = counts.reduce((sum, [, count]) => sum + count, 0)
  return { total, ...Object.fromEntries(counts), reconciling: 0 }
}

const startedOf = ({ timestamps }: ArchivedJob): number | undefined => timestamps.INITIALIZING

export const endedOf = ({ state, timestamps }: ArchivedJob): number | undefined => (hasEnded(state) ? timestamps[state] : undefined)

export function jobDetails(job: ArchivedJob, schedulerType: SchedulerType, nowMs: number): unknown {
  const { jobId, jobGraph, state, timestamps, vertices } = job
  const states = vertices.map((subtasks) => vertexState(currentOf(subtasks)))
  const counts: Record<string, number> = Object.fromEntries([...executionStates, 'RECONCILING'].map((each) => [each, 0]))
  for (const each of states) counts[each]!++
  return {
    ...{ jid: jobId, name: jobGraph.jobName, isStoppable: false, state, 'job-type': 'STREAMING', schedulerType },
    ...spanOf(startedOf(job), endedOf(job), nowMs),
    ...{ maxParallelism: configValue(jobGraph.config, 'pipeline.max-parallelism'), now: nowMs, timestamps: jobTimestamps(timestamps) },
    vertices: vertices.map((_, vertex) => vertexLine(job, vertex, nowMs)),
    ...{ 'status-counts': counts, plan: planInfo(jobId, jobGraph), 'stream-graph': { nodes: [] }, 'pending-operators': 0 },
    'application-id': jobId,
  }
}

function vertexLine({ jobGraph, vertices }: ArchivedJob, vertex: number, nowMs: number): unknown {
  const { vertexId, name, parallelism, maxParallelism, slotSharingGroup } = jobGraph.vertices[vertex]!
  const executions = currentOf(vertices[vertex]!)
  return {
    ...{ id: vertexId, slotSharingGroupId: sharingGroupId(slotSharingGroup), name, maxParallelism, parallelism },
    ...{ status: vertexState(executions), ...vertexSpan(executions, nowMs), tasks: stateCounts(executions) },
    metrics: ioMetrics(executions),
  }
}

/** Flink's ids of groups are 32 hex digits, made up for each job; ours are the names' own bytes, so that they tell groups apart. */
const sharingGroupId = (name: string): string => Buffer.from(name, 'utf8').toString('hex').padEnd(32, '0').slice(0, 32)
