/**
 * What main saw of a job beside its result (progress, events, the snapshots that it asked for), recorded while the job runs, and
 * given again to a main that runs anew to plan a later job: it finds its way by what it waited for then. Plain data between the two.
 */
import { StreamError, type WireError } from '../../base/core/stream-error.ts'
import type { CheckpointReport, ExceptionReport, JobClient, JobEvent, JobProgress, RestoredFrom } from './executor.ts'

type SnapshotCall = 'triggerCheckpoint' | 'triggerSavepoint' | 'stopWithSavepoint'

/** null: it had no answer yet. */
type Answer = { readonly path: string } | { readonly error: WireError } | null

export interface RecordedClient {
  readonly numRestarts: number
  readonly restoredFrom?: RestoredFrom
  /** The newest, oldest first. */
  readonly progress: readonly JobProgress[]
  /** The newest, oldest first; errors as wire errors. */
  readonly events: readonly unknown[]
  readonly checkpoints: readonly unknown[]
  readonly exceptions: readonly unknown[]
  /** In the order of the calls. */
  readonly snapshots: Readonly<Record<SnapshotCall, readonly Answer[]>>
}

/** What main waits for is nearly always a number that grows, so that what came last decides. */
const mostKept = 200

export class ClientRecorder {
  /** For main: what it asks for is recorded. */
  readonly client: JobClient
  readonly #job: JobClient
  readonly #progress: JobProgress[] = []
  readonly #events: JobEvent[] = []
  readonly #snapshots: Record<SnapshotCall, Answer[]> = { triggerCheckpoint: [], triggerSavepoint: [], stopWithSavepoint: [] }

  constructor(job: JobClient) {
    this.#job = job
    job.onProgress((progress) => keep(this.#progress, progress))
    job.onEvent((event) => keep(this.#events, event))
    this.client = {
      ...{ jobId: job.jobId, result: job.result },
      get status() {
        return job.status
      },
      get numRestarts() {
        return job.numRestarts
      },
      get checkpoints() {
        return job.checkpoints
      },
      get exceptions() {
        return job.exceptions
      },
      ...(job.restoredFrom !== undefined && { restoredFrom: job.restoredFrom }),
      cancel: () => job.cancel(),
      triggerCheckpoint: () => this.#noted('triggerCheckpoint', job.triggerCheckpoint()),
      triggerSavepoint: (directory) => this.#noted('triggerSavepoint', job.triggerSavepoint(directory)),
      stopWithSavepoint: (options) => this.#noted('stopWithSavepoint', job.stopWithSavepoint(options)),
      onProgress: (listener) => job.onProgress(listener),
      onEvent: (listener) => job.onEvent(listener),
    }
  }

  #noted(call: SnapshotCall, answer: Promise<string>): Promise<string> {
    const answers = this.#snapshots[call]
    const at = answers.push(null) - 1
    answer.then(
      (path) => {
        answers[at] = { path }
      },
      (error: unknown) => {
        answers[at] = { error: StreamError.from(error).toWire() }
      },
    )
    return answer
  }

  toPlain(): RecordedClient {
    const { numRestarts, restoredFrom, checkpoints, exceptions } = this.#job
    const { triggerCheckpoint, triggerSavepoint, stopWithSavepoint } = this.#snapshots
    return {
      numRestarts,
      ...(restoredFrom !== undefined && { restoredFrom }),
      progress: [...this.#progress],
      events: this.#events.map(onWire),
      checkpoints: checkpoints.map(onWire),
      exceptions: exceptions.map(onWire),
      snapshots: {
        triggerCheckpoint: [...triggerCheckpoint],
        triggerSavepoint: [...triggerSavepoint],
        stopWithSavepoint: [...stopWithSavepoint],
      },
    }
  }
}

function keep<T>(kept: T[], one: T): void {
  kept.push(one)
  if (kept.length > mostKept) kept.shift()
}

/** The client of a job that ran before, as main saw it. `recorded` absent: main saw nothing but its result. */
export function replayedClient(job: Pick<JobClient, 'jobId' | 'status' | 'result'>, recorded: RecordedClient | undefined): JobClient {
  const answers = recorded === undefined ? undefined : structuredClone(recorded.snapshots)
  const calls: Record<SnapshotCall, number> = { triggerCheckpoint: 0, triggerSavepoint: 0, stopWithSavepoint: 0 }
  const answer = (call: SnapshotCall): Promise<string> => {
    const at = calls[call]++
    const found = answers?.[call] ?? []
    if (at >= found.length)
      return Promise.reject(new StreamError('CHECKPOINT_DECLINED', 'A job that is replayed takes no checkpoint or savepoint'))
    const was = found[at]!
    if (was === null) return new Promise(() => undefined)
    return 'path' in was ? Promise.resolve(was.path) : Promise.reject(StreamError.fromWire(was.error))
  }
  // Later, as from a job that runs: whoever listens goes on with what it was about first.
  const tell = <T>(all: readonly T[], listener: (one: T) => void): void => {
    void Promise.resolve().then(() => all.forEach((one) => void listener(one)))
  }
  const events = (recorded?.events ?? []).map((event) => fromWire(event) as JobEvent)
  return {
    ...job,
    numRestarts: recorded?.numRestarts ?? 0,
    ...(recorded?.restoredFrom !== undefined && { restoredFrom: recorded.restoredFrom }),
    checkpoints: (recorded?.checkpoints ?? []).map((report) => fromWire(report) as CheckpointReport),
    exceptions: (recorded?.exceptions ?? []).map((report) => fromWire(report) as ExceptionReport),
    cancel: async () => undefined,
    triggerCheckpoint: () => answer('triggerCheckpoint'),
    triggerSavepoint: () => answer('triggerSavepoint'),
    stopWithSavepoint: () => answer('stopWithSavepoint'),
    onProgress: (listener) => tell(recorded?.progress ?? [], listener),
    onEvent: (listener) => tell(events, listener),
  }
}

/** Plain data with the errors in it as wire errors; `wire` marks them. */
function onWire(value: unknown): unknown {
  if (value instanceof StreamError) return { wire: value.toWire() }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(onWire)
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, onWire(part)]))
}

function fromWire(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('wire' in value) return StreamError.fromWire(value.wire as WireError)
  if (Array.isArray(value)) return value.map(fromWire)
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, fromWire(part)]))
}
