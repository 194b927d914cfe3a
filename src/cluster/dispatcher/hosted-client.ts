/**
 * A job of the cluster as the main that executed it sees it: a JobClient that hears of its job by messages.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type {
  CheckpointReport,
  ExceptionReport,
  JobClient,
  JobEvent,
  JobExecutionResult,
  JobProgress,
  JobStatus,
  RestoredFrom,
  StopOptions,
} from '../../program/api/executor.ts'
import type { ClientCall, ToJobProcess } from './job-process-messages.ts'
import { eventFromWire } from './wire-job-event.ts'

const remembered = 16

/** Rejects with the error that the cluster answered. */
export type Ask = (call: ClientCall) => Promise<string | undefined>

export class HostedClient implements JobClient {
  readonly jobId: string
  readonly restoredFrom?: RestoredFrom
  readonly result: Promise<JobExecutionResult>
  readonly #ask: Ask
  readonly #now: () => number
  readonly #checkpoints = new Map<number, CheckpointReport>()
  readonly #exceptions: ExceptionReport[] = []
  readonly #progressListeners: ((progress: JobProgress) => void)[] = []
  readonly #eventListeners: ((event: JobEvent) => void)[] = []
  #status: JobStatus = 'RUNNING'
  #numRestarts = 0
  #settle!: { resolve(result: JobExecutionResult): void; reject(error: StreamError): void }

  constructor(options: { readonly jobId: string; readonly restoredFrom?: RestoredFrom; readonly ask: Ask; readonly now: () => number }) {
    this.jobId = options.jobId
    if (options.restoredFrom !== undefined) this.restoredFrom = options.restoredFrom
    this.#ask = options.ask
    this.#now = options.now
    this.result = new Promise((resolve, reject) => void (this.#settle = { resolve, reject }))
    // A main that only cancels need not handle the rejection.
    this.result.catch(() => undefined)
  }

  get status(): JobStatus {
    return this.#status
  }

  get numRestarts(): number {
    return this.#numRestarts
  }

  get checkpoints(): readonly CheckpointReport[] {
    return [...this.#checkpoints.values()]
  }

  get exceptions(): readonly ExceptionReport[] {
    return this.#exceptions
  }

  /** Resolves when the job has ended, whatever its end, which `result` tells. */
  async cancel(): Promise<void> {
    await this.#ask({ ask: 'cancel' })
    await this.result.catch(() => undefined)
  }

  triggerCheckpoint(): Promise<string> {
    return this.#path({ ask: 'checkpoint' })
  }

  triggerSavepoint(directory?: string): Promise<string> {
    return this.#path({ ask: 'savepoint', ...(directory !== undefined && { directory }) })
  }

  stopWithSavepoint(options: StopOptions = {}): Promise<string> {
    return this.#path({ ask: 'stop', options })
  }

  onProgress(listener: (progress: JobProgress) => void): void {
    this.#progressListeners.push(listener)
  }

  onEvent(listener: (event: JobEvent) => void): void {
    this.#eventListeners.push(listener)
  }

  /** What the cluster says of it; rows and sources are not its business. */
  receive(message: ToJobProcess): void {
    switch (message.do) {
      case 'status':
        this.#status = message.status
        this.#numRestarts = message.numRestarts
        return
      case 'progress':
        for (const listener of this.#progressListeners) listener(message.progress)
        return
      case 'event':
        return this.#happened(eventFromWire(message.event))
      case 'finished':
        this.#status = 'FINISHED'
        return this.#settle.resolve(message.result)
      case 'failed':
        this.#status = message.status
        return this.#settle.reject(StreamError.fromWire(message.error))
    }
  }

  #happened(event: JobEvent): void {
    if ('checkpoint' in event) {
      const oldest = this.#checkpoints.keys().next().value
      if (this.#checkpoints.size === remembered && oldest !== undefined) this.#checkpoints.delete(oldest)
      this.#checkpoints.set(event.checkpoint.checkpointId, event.checkpoint)
    }
    if (event.on === 'restarting') {
      const { cause: error, restart } = event
      this.#exceptions.push({ timestampMs: this.#now(), error, task: error.place, restart })
      if (this.#exceptions.length > remembered) this.#exceptions.shift()
    }
    for (const listener of this.#eventListeners) listener(event)
  }

  async #path(call: ClientCall): Promise<string> {
    const path = await this.#ask(call)
    if (path === undefined) throw new StreamError('INTERNAL', `The cluster answered '${call.ask}' without a path`)
    return path
  }
}
