/**
 * A vertex of a job and its subtasks as Flink's bodies have them. Pure.
 */
import type { ArchivedExecution, ArchivedJob } from '../../cluster/rpc/job-archive.ts'
import { aggregated, ioMetrics } from './io-metrics.ts'
import {
  currentOf,
  endOf,
  endpointOf,
  spanOf,
  startOf,
  stateCounts,
  stateDurations,
  unassigned,
  vertexSpan,
  vertexState,
} from './states-of.ts'

export function vertexDetails(job: ArchivedJob, vertex: number, nowMs: number): unknown {
  const { vertexId, name, parallelism, maxParallelism } = job.jobGraph.vertices[vertex]!
  const subtasks = job.vertices[vertex]!
  return {
    ...{ id: vertexId, name, parallelism, maxParallelism, now: nowMs },
    subtasks: subtasks.map(({ subtask, current }) => attemptDetails(subtask, current, nowMs)),
    aggregated: aggregated(currentOf(subtasks), nowMs),
  }
}

export function attemptDetails(subtask: number, execution: ArchivedExecution, nowMs: number): unknown {
  const { attempt, state, location } = execution
  const span = spanOf(startOf(execution), endOf(execution), nowMs)
  return {
    ...{ subtask, status: state, attempt, endpoint: endpointOf(location), ...span, start_time: span['start-time'] },
    ...{ metrics: ioMetrics([execution]), 'taskmanager-id': location?.taskManagerId ?? unassigned },
    ...{ 'status-duration': stateDurations(execution, nowMs), 'other-concurrent-attempts': [] },
  }
}

export function subtaskTimes({ jobGraph, vertices }: ArchivedJob, vertex: number, nowMs: number): unknown {
  const { vertexId, name } = jobGraph.vertices[vertex]!
  const subtasks = vertices[vertex]!.map(({ subtask, current }) => ({
    ...{ subtask, endpoint: endpointOf(current.location), duration: spanOf(startOf(current), endOf(current), nowMs).duration },
    timestamps: {
      ...Object.fromEntries(Object.keys(stateCounts([])).map((state) => [state, 0])),
      ...current.timestamps,
    },
  }))
  return { id: vertexId, name, now: nowMs, subtasks }
}

/** Which part of the vertex each TaskManager runs. */
export function vertexTaskManagers({ jobGraph, vertices }: ArchivedJob, vertex: number, nowMs: number): unknown {
  const { vertexId, name } = jobGraph.vertices[vertex]!
  const executions = currentOf(vertices[vertex]!)
  const places = new Map(executions.map(({ location }) => [location?.taskManagerId ?? unassigned, location]))
  const taskmanagers = [...places].map(([id, location]) => {
    const here = executions.filter((execution) => (execution.location?.taskManagerId ?? unassigned) === id)
    return {
      ...{ endpoint: endpointOf(location), status: vertexState(here), ...vertexSpan(here, nowMs), metrics: ioMetrics(here) },
      ...{ 'status-counts': stateCounts(here), 'taskmanager-id': id, aggregated: aggregated(here, nowMs) },
    }
  })
  return { id: vertexId, name, now: nowMs, taskmanagers }
}

const levelOf = (ratio: number): 'ok' | 'low' | 'high' => (ratio <= 0.1 ? 'ok' : ratio <= 0.5 ? 'low' : 'high')

/** `deprecated` is Flink's word for "nothing is known". Every level is said twice: clients of old read the one, new ones the other. */
export function backPressure({ vertices }: ArchivedJob, vertex: number, nowMs: number): unknown {
  const known = vertices[vertex]!.flatMap(({ subtask, current: { attempt, rates } }) =>
    rates === undefined ? [] : [{ subtask, attempt, rates }],
  )
  if (known.length === 0) return { status: 'deprecated' }
  const subtasks = known.map(({ subtask, attempt, rates }) => {
    const ratio = rates.backPressuredMs / 1000
    return {
      ...{ subtask, 'attempt-number': attempt, ...levels(ratio), ratio, idleRatio: rates.idleMs / 1000, busyRatio: rates.busyMs / 1000 },
      'other-concurrent-attempts': [],
    }
  })
  return { status: 'ok', ...levels(Math.max(...subtasks.map(({ ratio }) => ratio))), 'end-timestamp': nowMs, subtasks }
}

const levels = (ratio: number) => ({ backpressureLevel: levelOf(ratio), 'backpressure-level': levelOf(ratio) })

/** Counters of user functions, which are Flink's LongCounter. */
export function accumulatorsOf(executions: readonly ArchivedExecution[]): readonly { name: string; type: string; value: string }[] {
  const sums = new Map<string, number>()
  for (const { metrics } of executions) {
    for (const [name, value] of Object.entries(metrics?.counters ?? {})) sums.set(name, (sums.get(name) ?? 0) + value)
  }
  return [...sums].map(([name, value]) => ({ name, type: 'LongCounter', value: String(value) }))
}
