/**
 * Writes down what becomes of a job, as the JobMaster tells it: its ExecutionGraph, its failures. What REST shows of a job and what is
 * archived of it is made here.
 *
 * What always holds: it decides nothing, and nothing that is told here may fail the job.
 */
import type { Clock } from '../../base/core/clock.ts'
import type { StreamError } from '../../base/core/stream-error.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import type { FromSlot } from '../../runtime/task/deployment.ts'
import { slotOfSubtask } from '../../runtime/task/slot-sharing.ts'
import type { ArchivedFailure, ArchivedJob, JobState, SlotLocation } from '../rpc/job-archive.ts'
import { ExecutionGraph } from './execution-graph.ts'

/** As in Flink (web.exception-history-size). */
const keptFailures = 16

interface Task {
  readonly vertex: number
  readonly subtask: number
}

export class JobRecord {
  readonly #jobId: string
  readonly #jobGraph: JobGraph
  readonly #clock: Clock
  readonly #graph: ExecutionGraph
  readonly #tasksOfSlot = new Map<number, Task[]>()
  readonly #failures: ArchivedFailure[] = []
  /** The task that said last, just now, that it has failed. */
  #suspect: Task | undefined

  constructor(jobId: string, jobGraph: JobGraph, clock: Clock) {
    this.#jobId = jobId
    this.#jobGraph = jobGraph
    this.#clock = clock
    this.#graph = new ExecutionGraph(jobGraph, clock.now())
    const slotOf = slotOfSubtask(jobGraph)
    for (const { id: vertex, parallelism } of jobGraph.vertices) {
      for (let subtask = 0; subtask < parallelism; subtask++) {
        const slot = slotOf(vertex, subtask)
        this.#tasksOfSlot.set(slot, [...(this.#tasksOfSlot.get(slot) ?? []), { vertex, subtask }])
      }
    }
  }

  jobIs(state: JobState): void {
    this.#graph.jobIs(state, this.#clock.now())
  }

  /** These vertices run from now on, for the first time or again. */
  scheduled(vertices: readonly number[]): void {
    this.#graph.scheduled(vertices, this.#clock.now())
  }

  deployed(slot: number, vertices: readonly number[], location?: SlotLocation): void {
    const tasks = this.#tasksOf(slot).filter(({ vertex }) => vertices.includes(vertex))
    this.#graph.deployed(tasks, location, this.#clock.now())
  }

  /** Whatever a slot says is brought here first. */
  heard(message: FromSlot): void {
    const nowMs = this.#clock.now()
    this.#suspect = undefined
    if (message.say === 'taskState') this.#graph.taskIs(message, message.state, nowMs)
    if (message.say === 'metrics') this.#graph.report(message.tasks, nowMs)
    if (message.say !== 'failed') return
    this.#suspect = message
    this.#graph.failed([message], message.error, nowMs)
  }

  cancelling(slots: readonly number[]): void {
    const nowMs = this.#clock.now()
    this.#graph.cancelling(
      slots.flatMap((slot) => this.#tasksOf(slot)),
      nowMs,
    )
  }

  slotEnded(slot: number): void {
    this.#graph.slotEnded(this.#tasksOf(slot), this.#clock.now())
  }

  /** The slot failed as a whole, or its thread or process is gone. */
  slotFailed(slot: number, error: StreamError): void {
    const tasks = this.#tasksOf(slot)
    this.#suspect = tasks[0]
    this.#graph.failed(tasks, error.toWire(), this.#clock.now())
  }

  /** The job fails of it, or is restarted. `restart`: number of the restart that follows; absent: none does. */
  jobFailed(error: StreamError, restart?: number): void {
    const task = this.#suspect
    this.#suspect = undefined
    const location = task && this.#graph.locationOf(task)
    this.#failures.push({
      ...{ timestampMs: this.#clock.now(), error: error.toWire(), place: error.place },
      ...(task && { taskName: this.#nameOf(task) }),
      ...(location && { location }),
      ...(restart !== undefined && { restart }),
    })
    if (this.#failures.length > keptFailures) this.#failures.shift()
  }

  archive(more: Pick<ArchivedJob, 'checkpoints' | 'counters' | 'restarts'>): ArchivedJob {
    const last = this.#failures.at(-1)
    const hasFailed = this.#graph.state === 'FAILED' || this.#graph.state === 'FAILING'
    return {
      ...{ jobId: this.#jobId, state: this.#graph.state, timestamps: this.#graph.timestamps, jobGraph: this.#jobGraph },
      ...{ vertices: this.#graph.archive(), failures: [...this.#failures], ...more },
      ...(hasFailed && last !== undefined && { failure: last.error }),
    }
  }

  #tasksOf(slot: number): readonly Task[] {
    return this.#tasksOfSlot.get(slot) ?? []
  }

  #nameOf({ vertex, subtask }: Task): string {
    const { name, parallelism } = this.#jobGraph.vertices[vertex]!
    return `${name} (${subtask + 1}/${parallelism})`
  }
}
