/**
 * The ExecutionGraph of one job: every attempt of every subtask, and when the job and each of them came into which state. The JobMaster
 * feeds it with what slots say and with what it does itself. Pure; time is handed in, ms since the epoch.
 *
 * What always holds: it decides nothing. A subtask has one current attempt; earlier ones have ended and change no more.
 */
import type { WireError } from '../../base/core/stream-error.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import type { FromSlot, TaskMetrics } from '../../runtime/task/deployment.ts'
import type { ArchivedSubtask, JobState, SlotLocation } from '../rpc/job-archive.ts'
import { Execution } from './execution.ts'

/** Of a subtask's earlier attempts so many are kept, as in Flink (jobmanager.execution.attempts-history-size). */
const keptAttempts = 16

interface Task {
  readonly vertex: number
  readonly subtask: number
}

interface Attempts {
  current: Execution
  readonly earlier: Execution[]
}

type TaskState = (FromSlot & { readonly say: 'taskState' })['state']

export class ExecutionGraph {
  readonly #vertices: readonly (readonly Attempts[])[]
  readonly #timestamps: { [S in JobState]?: number }
  #state: JobState = 'INITIALIZING'

  constructor(jobGraph: JobGraph, nowMs: number) {
    this.#timestamps = { INITIALIZING: nowMs }
    this.#vertices = jobGraph.vertices.map(({ parallelism }) =>
      Array.from({ length: parallelism }, () => ({ current: new Execution(0, nowMs), earlier: [] })),
    )
  }

  get state(): JobState {
    return this.#state
  }

  get timestamps(): { readonly [S in JobState]?: number } {
    return { ...this.#timestamps }
  }

  /** The job's state is this now; said again, nothing happens. */
  jobIs(state: JobState, nowMs: number): void {
    if (state === this.#state) return
    this.#state = state
    this.#timestamps[state] = nowMs
  }

  /** These vertices run from now on, for the first time or again: slots are asked for. */
  scheduled(vertices: readonly number[], nowMs: number): void {
    for (const attempts of vertices.flatMap((vertex) => this.#vertices[vertex]!)) {
      if (attempts.current.state !== 'CREATED') {
        attempts.earlier.push(attempts.current)
        if (attempts.earlier.length > keptAttempts) attempts.earlier.shift()
        attempts.current = new Execution(attempts.current.attempt + 1, nowMs)
      }
      attempts.current.reach('SCHEDULED', nowMs)
    }
  }

  /** They have their slot, and are on their way there. */
  deployed(tasks: readonly Task[], location: SlotLocation | undefined, nowMs: number): void {
    for (const execution of this.#currentOf(tasks)) {
      if (location !== undefined) execution.placed(location)
      execution.reach('DEPLOYING', nowMs)
    }
  }

  taskIs({ vertex, subtask }: Task, state: TaskState, nowMs: number): void {
    const execution = this.#vertices[vertex]![subtask]!.current
    if (state === 'canceled' || (state === 'finished' && execution.state === 'CANCELING')) return execution.ended(nowMs)
    execution.reach(({ initializing: 'INITIALIZING', running: 'RUNNING', finished: 'FINISHED' } as const)[state], nowMs)
  }

  cancelling(tasks: readonly Task[], nowMs: number): void {
    for (const execution of this.#currentOf(tasks)) execution.cancel(nowMs)
  }

  /** Their slot has ended: whatever of them had not, has now. */
  slotEnded(tasks: readonly Task[], nowMs: number): void {
    for (const execution of this.#currentOf(tasks)) execution.ended(nowMs)
  }

  /** What was being cancelled already ends as cancelled. */
  failed(tasks: readonly Task[], error: WireError, nowMs: number): void {
    for (const execution of this.#currentOf(tasks)) {
      if (execution.state === 'CANCELING') execution.ended(nowMs)
      else execution.fail(error, nowMs)
    }
  }

  report(tasks: readonly TaskMetrics[], nowMs: number): void {
    for (const task of tasks) this.#vertices[task.vertex]?.[task.subtask]?.current.report(task, nowMs)
  }

  locationOf({ vertex, subtask }: Task): SlotLocation | undefined {
    return this.#vertices[vertex]?.[subtask]?.current.location
  }

  /** By vertex, then by subtask. */
  archive(): readonly (readonly ArchivedSubtask[])[] {
    return this.#vertices.map((subtasks) =>
      subtasks.map(({ current, earlier }, subtask) => ({
        subtask,
        current: current.archive(),
        earlier: earlier.map((execution) => execution.archive()),
      })),
    )
  }

  #currentOf(tasks: readonly Task[]): readonly Execution[] {
    return tasks.map(({ vertex, subtask }) => this.#vertices[vertex]![subtask]!.current)
  }
}
