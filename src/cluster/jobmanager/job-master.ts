/**
 * Runs one job from the thread that started it: its enumerators, the talk with its slots, its metrics and its end. What
 * must happen next is decided by JobState; this performs it.
 *
 * What always holds: `result` settles once, after every slot has ended, every row was handed to onCollect and every
 * enumerator is closed. The error it rejects with is the first one.
 */
import type { Clock, TimerHandle } from '../../base/core/clock.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { JobClient, JobExecutionResult, JobProgress, JobStatus } from '../../program/api/executor.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import type { StreamGraph } from '../../program/graph/stream-graph.ts'
import type { FromSlot, SlotDeployment, ToSlot } from '../../runtime/task/deployment.ts'
import type { DeployedSlots, SlotEvents, SlotPool } from '../rpc/slot-pool.ts'
import { JobMetrics } from './job-metrics.ts'
import { type JobDecision, type JobEvent, JobState } from './job-state.ts'
import { SourceCoordinator } from './source-coordinator.ts'

export interface JobMasterOptions {
  readonly jobId: string
  readonly streamGraph: StreamGraph
  readonly jobGraph: JobGraph
  readonly deployments: readonly SlotDeployment[]
  readonly slotPool: SlotPool
  readonly clock: Clock
  readonly fileSystem: FileSystem
  readonly print: (stream: 'stdout' | 'stderr', line: string) => void
  readonly onCollect?: (collectId: string, rows: readonly unknown[]) => void
  /** After this, slots that do not stop are killed; 0: never. */
  readonly cancelTimeoutMs: number
}

const progressIntervalMs = 250

export class JobMaster implements JobClient {
  readonly result: Promise<JobExecutionResult>
  readonly #options: JobMasterOptions
  readonly #state: JobState
  readonly #metrics: JobMetrics
  readonly #sources = new Map<number, SourceCoordinator>()
  readonly #slotOfTask = new Map<string, number>()
  readonly #progressListeners: ((progress: JobProgress) => void)[] = []
  readonly #startedMs: number
  #slots: DeployedSlots | undefined
  #cancelTimer: TimerHandle | undefined
  #progressTimer: TimerHandle | undefined
  #settle!: { resolve(result: JobExecutionResult): void; reject(error: StreamError): void }

  constructor(options: JobMasterOptions) {
    this.#options = options
    this.#startedMs = options.clock.elapsed()
    this.#state = new JobState(
      options.deployments.length,
      options.deployments.reduce((sum, slot) => sum + slot.tasks.length, 0),
    )
    this.#metrics = new JobMetrics(options.jobGraph)
    this.result = new Promise((resolve, reject) => void (this.#settle = { resolve, reject }))
    // A client that only cancels, or only looks at the status, need not handle the rejection.
    this.result.catch(() => undefined)
    for (const { slot, tasks } of options.deployments) {
      for (const { vertex, subtask } of tasks) this.#slotOfTask.set(`${vertex}/${subtask}`, slot)
    }
  }

  get jobId(): string {
    return this.#options.jobId
  }

  get status(): JobStatus {
    return this.#state.status
  }

  start(): void {
    const { slotPool, deployments, streamGraph, jobGraph } = this.#options
    for (const vertex of jobGraph.vertices) {
      for (const { nodeId, name } of vertex.operators) {
        const operator = streamGraph.nodes.find((node) => node.id === nodeId)?.operator
        if (operator?.kind === 'source')
          this.#sources.set(vertex.id, this.#sourceCoordinator(operator.source, vertex.id, name, vertex.parallelism))
      }
    }
    this.#slots = slotPool.deploy(deployments, streamGraph, this.#slotEvents())
    this.#apply({ on: 'deployed' })
    for (const source of this.#sources.values()) void source.start()
  }

  /** Resolves when nothing of the job runs any more, whatever its end. */
  async cancel(): Promise<void> {
    this.#apply({ on: 'cancel' })
    await this.result.catch(() => undefined)
  }

  onProgress(listener: (progress: JobProgress) => void): void {
    this.#progressListeners.push(listener)
    if (this.#progressListeners.length === 1 && !this.#state.ended) this.#scheduleProgress()
  }

  #sourceCoordinator(
    source: ConstructorParameters<typeof SourceCoordinator>[0]['source'],
    vertex: number,
    name: string,
    parallelism: number,
  ): SourceCoordinator {
    const { clock, fileSystem } = this.#options
    return new SourceCoordinator({
      source,
      vertex,
      name,
      parallelism,
      clock,
      fileSystem,
      send: (message) => this.#sendToTask(vertex, message.subtask, message),
      fail: (error) => this.#apply({ on: 'failed', error: this.#placed(error) }),
    })
  }

  #slotEvents(): SlotEvents {
    return {
      message: (slot, message) => this.#guarded(() => this.#receive(message), `a message of slot ${slot}`),
      failed: (_slot, error) => this.#apply({ on: 'failed', error: this.#placed(error) }),
      done: (slot) => this.#apply({ on: 'slotDone', slot }),
      lost: (slot, cause) => this.#apply({ on: 'slotLost', slot, error: this.#lostSlot(slot, cause) }),
    }
  }

  #receive(message: FromSlot): void {
    switch (message.say) {
      case 'registerReader':
        return this.#sources.get(message.vertex)?.registerReader(message.subtask)
      case 'requestSplit':
        return this.#sources.get(message.vertex)?.requestSplit(message.subtask)
      case 'enumeratorEvent':
        return this.#sources.get(message.vertex)?.readerEvent(message.subtask, message.event)
      case 'taskState':
        if (message.state !== 'finished') return
        this.#metrics.taskFinished(message.vertex, message.subtask)
        return this.#apply({ on: 'taskFinished' })
      case 'failed':
        return this.#apply({ on: 'failed', error: this.#placed(StreamError.fromWire(message.error)) })
      case 'collect':
        return this.#options.onCollect?.(message.channel, message.rows)
      case 'print':
        return this.#options.print(message.stream, message.line)
      case 'metrics':
        return this.#metrics.update(message.tasks)
    }
  }

  #apply(event: JobEvent): void {
    for (const decision of this.#state.apply(event)) this.#perform(decision)
  }

  #perform(decision: JobDecision): void {
    switch (decision.do) {
      case 'cancelSlots':
        for (const slot of decision.slots) this.#slots?.send(slot, { do: 'cancel' })
        return
      case 'startCancelTimer':
        if (this.#options.cancelTimeoutMs === 0) return
        this.#cancelTimer = this.#options.clock.setTimer(this.#options.cancelTimeoutMs, () => this.#apply({ on: 'cancelTimeout' }))
        return
      case 'killSlots':
        for (const slot of decision.slots) this.#slots?.kill(slot)
        return
      case 'closeEnumerators':
        void Promise.all([...this.#sources.values()].map((source) => source.close())).then(() => this.#apply({ on: 'enumeratorsClosed' }))
        return
      case 'end':
        return this.#end(decision)
    }
  }

  #end(end: JobDecision & { do: 'end' }): void {
    this.#cancelTimer?.cancel()
    this.#progressTimer?.cancel()
    const netRuntimeMs = this.#elapsedMs()
    const { jobId, jobGraph } = this.#options
    if (end.status === 'FAILED') return this.#settle.reject(end.error)
    if (end.status === 'CANCELED')
      return this.#settle.reject(
        new StreamError('CANCELLED', `Job '${jobGraph.jobName}' was cancelled`, { place: { job: jobGraph.jobName } }),
      )
    try {
      this.#tellProgress()
    } catch (thrown) {
      return this.#settle.reject(
        this.#placed(StreamError.from(thrown, 'USER_FUNCTION_FAILED', { hint: 'It was thrown by a progress listener.' })),
      )
    }
    this.#settle.resolve({
      jobId,
      jobName: jobGraph.jobName,
      netRuntimeMs,
      counters: this.#metrics.counters(),
      operators: this.#metrics.operators(),
    })
  }

  #sendToTask(vertex: number, subtask: number, message: ToSlot): void {
    const slot = this.#slotOfTask.get(`${vertex}/${subtask}`)
    if (slot === undefined) throw new StreamError('INTERNAL', `headrace bug: no slot runs subtask ${subtask} of vertex ${vertex}`)
    this.#slots?.send(slot, message)
  }

  /** onCollect, the print writer and progress listeners are the caller's code: when they throw, the job fails, not the process. */
  #guarded(call: () => void, during: string): void {
    try {
      call()
    } catch (thrown) {
      this.#apply({
        on: 'failed',
        error: this.#placed(
          StreamError.from(thrown, 'USER_FUNCTION_FAILED', { hint: `It was thrown while the coordinator handled ${during}.` }),
        ),
      })
    }
  }

  #scheduleProgress(): void {
    this.#progressTimer = this.#options.clock.setTimer(progressIntervalMs, () => {
      this.#guarded(() => this.#tellProgress(), 'a progress report')
      if (!this.#state.ended) this.#scheduleProgress()
    })
  }

  #tellProgress(): void {
    if (this.#progressListeners.length === 0) return
    const progress = this.#metrics.progress(this.#elapsedMs())
    for (const listener of this.#progressListeners) listener(progress)
  }

  #elapsedMs(): number {
    return this.#options.clock.elapsed() - this.#startedMs
  }

  #placed(error: StreamError): StreamError {
    if (error.place.job !== undefined) return error
    const placed = new StreamError(error.code, error.message, {
      ...error,
      place: { job: this.#options.jobGraph.jobName, ...error.place },
      cause: error.cause,
    })
    placed.stack = error.stack
    return placed
  }

  #lostSlot(slot: number, cause: unknown): StreamError {
    const { deployments, jobGraph } = this.#options
    const tasks = deployments[slot]!.tasks.map(
      ({ vertex, subtask }) => `${jobGraph.vertices[vertex]!.name} (${subtask + 1}/${jobGraph.vertices[vertex]!.parallelism})`,
    )
    const outOfMemory = (cause as { code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY'
    const why = outOfMemory ? 'it ran out of heap memory' : cause instanceof Error ? cause.message : String(cause)
    return new StreamError(
      'TASK_LOST',
      `The thread of slot ${slot} of job '${jobGraph.jobName}' ended unexpectedly: ${why}. It ran ${tasks.join(', ')}`,
      {
        hint: outOfMemory
          ? 'Raise taskmanager.memory.task.heap.size, or keep less in user functions; state that is declared does not count against it.'
          : 'A user function that calls process.exit(), or throws outside of its call (in a timer, in a promise), ends the thread.',
        place: { job: jobGraph.jobName },
        cause,
      },
    )
  }
}
