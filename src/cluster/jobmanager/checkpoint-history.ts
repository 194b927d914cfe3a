/**
 * What is told of a job's checkpoints: the newest ones with what each subtask said, under way or ended, how many there were, and
 * how long and large they were. Pure; time is handed in.
 */
import type { StreamError, WireError } from '../../base/core/stream-error.ts'
import type { CheckpointReport } from '../../program/api/executor.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import type { CheckpointDurations, CheckpointMetadata } from '../../runtime/checkpoint/checkpoint-metadata.ts'
import type { AcknowledgedSubtask, ArchivedCheckpoints, CheckpointDetails } from '../rpc/job-archive.ts'

/** Of so many completed checkpoints duration and size are kept. */
const summarised = 10_000

type Details = Omit<CheckpointDetails, 'tasks' | 'error'> & {
  readonly acknowledged: ReadonlyMap<number, readonly AcknowledgedSubtask[]>
  readonly failure?: StreamError
}

type Triggered = Pick<CheckpointDetails, 'kind' | 'path'> & { readonly stops?: boolean }

export class CheckpointHistory {
  readonly #most: number
  readonly #vertices: JobGraph['vertices']
  readonly #remembered = new Map<number, Details>()
  readonly #counts = { restored: 0, total: 0, completed: 0, failed: 0 }
  readonly #summary = { durationMs: [] as number[], sizeBytes: [] as number[] }
  readonly #latest: { completed?: Details; savepoint?: Details; failed?: Details } = {}
  #restored: ArchivedCheckpoints['restored']

  /** Keeps so many. */
  constructor(most: number, vertices: JobGraph['vertices']) {
    this.#most = most
    this.#vertices = vertices
  }

  triggered(checkpointId: number, { kind, path, stops = false }: Triggered, nowMs: number): void {
    const begun = { status: 'inProgress', triggeredMs: nowMs, sizeBytes: 0, discarded: false, acknowledged: new Map() } as const
    this.#remembered.set(checkpointId, { checkpointId, kind, path, stops, ...begun })
    this.#counts.total++
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= this.#most) return
      this.#remembered.delete(oldest)
    }
  }

  acknowledged(checkpointId: number, task: { vertex: number; subtask: number }, durations: CheckpointDurations, nowMs: number): void {
    this.#change(checkpointId, ({ acknowledged }) => {
      const more = { subtask: task.subtask, acknowledgedMs: nowMs, ...durations }
      return { acknowledged: new Map(acknowledged).set(task.vertex, [...(acknowledged.get(task.vertex) ?? []), more]) }
    })
  }

  /** undefined where it is not remembered. */
  completed(checkpointId: number, sizeBytes: number, nowMs: number): CheckpointReport | undefined {
    const details = this.#change(checkpointId, () => ({ status: 'completed', sizeBytes, endedMs: nowMs }))
    this.#counts.completed++
    if (details === undefined) return undefined
    this.#latest[details.kind === 'savepoint' ? 'savepoint' : 'completed'] = details
    this.#summary.durationMs.push(nowMs - details.triggeredMs)
    this.#summary.sizeBytes.push(sizeBytes)
    for (const list of Object.values(this.#summary)) if (list.length > summarised) list.shift()
    return reportOf(details, nowMs)
  }

  failed(checkpointId: number, error: StreamError, nowMs: number): CheckpointReport | undefined {
    const details = this.#change(checkpointId, () => ({ status: 'failed', failure: error, endedMs: nowMs }))
    if (details === undefined) return undefined
    this.#counts.failed++
    this.#latest.failed = details
    return reportOf(details, nowMs)
  }

  /** Its files are removed. */
  discarded(checkpointId: number): void {
    const details = this.#change(checkpointId, () => ({ discarded: true }))
    if (details !== undefined && this.#latest.completed?.checkpointId === checkpointId) this.#latest.completed = details
  }

  /** The job goes on from it now. */
  restored({ checkpointId, kind, directory }: Pick<CheckpointMetadata, 'checkpointId' | 'kind' | 'directory'>, nowMs: number): void {
    this.#counts.restored++
    this.#restored = { checkpointId, kind, path: directory, restoredMs: nowMs }
  }

  /** Oldest first. */
  reports(nowMs: number): readonly CheckpointReport[] {
    return [...this.#remembered.values()].map((details) => reportOf(details, nowMs))
  }

  archive(): ArchivedCheckpoints {
    const { completed, savepoint, failed } = this.#latest
    const { total } = this.#counts
    return {
      counts: { ...this.#counts, inProgress: total - this.#counts.completed - this.#counts.failed },
      history: [...this.#remembered.values()].map((details) => this.#archived(details)),
      summary: { durationMs: [...this.#summary.durationMs], sizeBytes: [...this.#summary.sizeBytes] },
      ...(completed && { latestCompleted: this.#archived(completed) }),
      ...(savepoint && { latestSavepoint: this.#archived(savepoint) }),
      ...(failed && { latestFailed: this.#archived(failed) }),
      ...(this.#restored && { restored: this.#restored }),
    }
  }

  #archived({ acknowledged, failure, ...details }: Details): CheckpointDetails {
    const tasks = this.#vertices.map(({ id, parallelism }) => ({ vertex: id, parallelism, acknowledged: acknowledged.get(id) ?? [] }))
    const error: WireError | undefined = failure?.toWire()
    return { ...details, tasks, ...(error && { error }) }
  }

  #change(checkpointId: number, change: (details: Details) => Partial<Details>): Details | undefined {
    const details = this.#remembered.get(checkpointId)
    if (details === undefined) return undefined
    const changed = { ...details, ...change(details) }
    this.#remembered.set(checkpointId, changed)
    return changed
  }
}

function reportOf({ acknowledged, endedMs, failure, ...details }: Details, nowMs: number): CheckpointReport {
  const { checkpointId, kind, status, triggeredMs, sizeBytes, path } = details
  const subtasks = [...acknowledged.values()].flat()
  const longest = (of: (durations: CheckpointDurations) => number) => subtasks.reduce((most, each) => Math.max(most, of(each)), 0)
  return {
    ...{ checkpointId, kind, status, triggeredMs, sizeBytes, path, durationMs: (endedMs ?? nowMs) - triggeredMs },
    alignmentMs: longest(({ alignmentMs }) => alignmentMs),
    syncMs: longest(({ prepareMs, syncMs }) => prepareMs + syncMs),
    asyncMs: longest(({ asyncMs }) => asyncMs),
    ...(failure && { error: failure }),
  }
}
