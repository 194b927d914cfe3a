/** One line about a job, from all that is told of it. Pure. */
import type { JobOverview } from '../rpc/dispatcher-gateway.ts'
import type { ArchivedJob, ExecutionState } from '../rpc/job-archive.ts'

const finalStates: readonly string[] = ['FINISHED', 'CANCELED', 'FAILED']

export function overviewOf({ jobId, jobGraph, state, timestamps, vertices }: ArchivedJob): JobOverview {
  const changedMs = timestamps[state] ?? 0
  const tasks: { [S in ExecutionState]?: number } = {}
  for (const subtasks of vertices) for (const { current } of subtasks) tasks[current.state] = (tasks[current.state] ?? 0) + 1
  const startedMs = timestamps.INITIALIZING ?? changedMs
  return {
    ...{ jobId, jobName: jobGraph.jobName, state, startedMs, changedMs, tasks },
    ...(finalStates.includes(state) && { endedMs: changedMs }),
  }
}
