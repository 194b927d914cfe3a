/**
 * The last metrics that each task reported, and what a client is told of them. Pure; time is handed in.
 */
import type { JobExecutionResult, JobProgress } from '../../program/api/executor.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import { maxWatermark, minWatermark } from '../../runtime/operator/operator.ts'
import type { TaskMetrics } from '../../runtime/task/deployment.ts'

type OperatorCounts = JobExecutionResult['operators'][number]

export class JobMetrics {
  readonly #jobGraph: JobGraph
  readonly #sources: ReadonlySet<number>
  readonly #tasks = new Map<string, TaskMetrics>()
  readonly #finished = new Set<string>()
  #last = { atMs: 0, records: 0, perSecond: 0 }

  constructor(jobGraph: JobGraph) {
    this.#jobGraph = jobGraph
    const consumers = new Set(jobGraph.edges.map((edge) => edge.toVertex))
    this.#sources = new Set(jobGraph.vertices.map((vertex) => vertex.id).filter((vertex) => !consumers.has(vertex)))
  }

  update(tasks: readonly TaskMetrics[]): void {
    for (const task of tasks) this.#tasks.set(`${task.vertex}/${task.subtask}`, task)
  }

  /** A finished source holds no time back any more. */
  taskFinished(vertex: number, subtask: number): void {
    this.#finished.add(`${vertex}/${subtask}`)
  }

  /** These run again: an attempt that failed does not count. */
  restarted(vertices: readonly number[]): void {
    for (const key of [...this.#tasks.keys()]) if (vertices.includes(this.#tasks.get(key)!.vertex)) this.#tasks.delete(key)
    for (const key of [...this.#finished]) if (vertices.includes(Number(key.slice(0, key.indexOf('/'))))) this.#finished.delete(key)
    this.#last = { ...this.#last, records: this.#sourceTasks().reduce((sum, task) => sum + task.recordsIn, 0) }
  }

  /** `elapsedMs` since the job's start; the rate is that of the time since the last call. */
  progress(elapsedMs: number): JobProgress {
    const records = this.#sourceTasks().reduce((sum, task) => sum + task.recordsIn, 0)
    const sinceMs = elapsedMs - this.#last.atMs
    const perSecond = sinceMs > 0 ? ((records - this.#last.records) * 1000) / sinceMs : this.#last.perSecond
    this.#last = { atMs: elapsedMs, records, perSecond }
    return { recordsIn: records, recordsPerSecond: perSecond, watermark: this.#watermark(), elapsedMs }
  }

  /** Counters of user functions, summed over all subtasks of all operators. */
  counters(): Readonly<Record<string, number>> {
    const sums: Record<string, number> = Object.create(null)
    for (const task of this.#tasks.values()) {
      for (const [name, value] of Object.entries(task.counters)) sums[name] = (sums[name] ?? 0) + value
    }
    return { ...sums }
  }

  /** In the order of the plan. Where a task reports no single operators, one line stands for its whole chain. */
  operators(): readonly OperatorCounts[] {
    return this.#jobGraph.vertices.flatMap((vertex) => {
      const tasks = [...this.#tasks.values()].filter((task) => task.vertex === vertex.id)
      if (!tasks.some((task) => task.operators !== undefined)) return [sumOf(vertex.name, tasks)]
      return vertex.operators.map((operator) =>
        sumOf(
          operator.name,
          tasks.flatMap((task) => (task.operators ?? []).filter((counts) => counts.nodeId === operator.nodeId)),
        ),
      )
    })
  }

  #sourceTasks(): readonly TaskMetrics[] {
    return [...this.#tasks.values()].filter((task) => this.#sources.has(task.vertex))
  }

  #watermark(): number | null {
    const running = this.#sourceTasks().filter((task) => !this.#finished.has(`${task.vertex}/${task.subtask}`))
    if (running.length === 0) return null
    const lowest = Math.min(...running.map((task) => task.watermark))
    return lowest > minWatermark && lowest < maxWatermark ? lowest : null
  }
}

function sumOf(name: string, counts: readonly Pick<TaskMetrics, 'recordsIn' | 'recordsOut' | 'lateRecordsDropped'>[]): OperatorCounts {
  const sum = (field: 'recordsIn' | 'recordsOut' | 'lateRecordsDropped') => counts.reduce((total, one) => total + one[field], 0)
  return { name, recordsIn: sum('recordsIn'), recordsOut: sum('recordsOut'), lateRecordsDropped: sum('lateRecordsDropped') }
}
