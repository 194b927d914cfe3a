/**
 * States, times and places of a job's vertices and subtasks as Flink's bodies have them: every state is in every map, times are epoch
 * ms, -1 stands for "not yet". Pure.
 */
import {
  type ArchivedExecution,
  type ArchivedSubtask,
  type ExecutionState,
  executionStates,
  type JobState,
  jobStates,
  type SlotLocation,
} from '../../cluster/rpc/job-archive.ts'

export const finalStates: ReadonlySet<ExecutionState> = new Set(['FINISHED', 'CANCELED', 'FAILED'])
const finalJobStates: ReadonlySet<JobState> = new Set(['FINISHED', 'CANCELED', 'FAILED'])

export const hasEnded = (state: JobState): boolean => finalJobStates.has(state)

export interface Span {
  readonly 'start-time': number
  readonly 'end-time': number
  readonly duration: number
}

export function spanOf(startMs: number | undefined, endMs: number | undefined, nowMs: number): Span {
  const duration = startMs === undefined ? -1 : Math.max(0, (endMs ?? nowMs) - startMs)
  return { 'start-time': startMs ?? -1, 'end-time': endMs ?? -1, duration }
}

/** A task begins when it is on its way to its slot. */
export const startOf = ({ timestamps }: ArchivedExecution): number | undefined => timestamps.DEPLOYING

export const endOf = ({ state, timestamps }: ArchivedExecution): number | undefined =>
  finalStates.has(state) ? timestamps[state] : undefined

export function vertexSpan(executions: readonly ArchivedExecution[], nowMs: number): Span {
  const starts = executions.flatMap((execution) => startOf(execution) ?? [])
  const ends = executions.flatMap((execution) => endOf(execution) ?? [])
  const hasEnded = ends.length === executions.length
  return spanOf(starts.length === 0 ? undefined : Math.min(...starts), hasEnded && ends.length > 0 ? Math.max(...ends) : undefined, nowMs)
}

export const jobTimestamps = (timestamps: { readonly [S in JobState]?: number }): Record<JobState, number> =>
  Object.fromEntries(jobStates.map((state) => [state, timestamps[state] ?? 0])) as Record<JobState, number>

/** Flink has RECONCILING for tasks, too; none is ever in it. */
export function stateCounts(executions: readonly ArchivedExecution[]): Record<string, number> {
  const counts: Record<string, number> = Object.fromEntries([...executionStates, 'RECONCILING'].map((state) => [state, 0]))
  for (const { state } of executions) counts[state]!++
  return counts
}

/** The one state that stands for a vertex. */
export function vertexState(executions: readonly ArchivedExecution[]): ExecutionState {
  const counts = stateCounts(executions)
  for (const state of ['FAILED', 'CANCELING', 'CANCELED', 'INITIALIZING', 'RUNNING'] as const) if (counts[state]! > 0) return state
  if (counts.FINISHED === 0) return 'CREATED'
  return counts.FINISHED === executions.length ? 'FINISHED' : 'RUNNING'
}

const passing = executionStates.filter((state) => !finalStates.has(state))

/** How long it was in each state that is not final, or is until now; -1: never. */
export function stateDurations({ timestamps }: ArchivedExecution, nowMs: number): Record<string, number> {
  const times = executionStates.flatMap((state) => timestamps[state] ?? [])
  return Object.fromEntries(
    passing.map((state) => {
      const from = timestamps[state]
      if (from === undefined) return [state, -1]
      const next = executionStates.slice(executionStates.indexOf(state) + 1).flatMap((later) => timestamps[later] ?? [])
      return [state, (next.length > 0 ? Math.min(...next) : Math.max(nowMs, ...times)) - from]
    }),
  )
}

export const unassigned = '(unassigned)'

/** `host:port` of a TaskManager. */
export const endpointOf = (location: SlotLocation | undefined): string => location?.taskManagerId.replace(/-[^-]*$/, '') ?? unassigned

export const currentOf = (subtasks: readonly ArchivedSubtask[]): readonly ArchivedExecution[] => subtasks.map(({ current }) => current)
