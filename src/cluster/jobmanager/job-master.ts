/**
 * Runs one job from the thread that started it: its enumerators, the talk with its slots, its metrics, its restarts and its end.
 * What must happen next is decided by JobState; this performs it. Its checkpoints are the Checkpointer's.
 *
 * What always holds: `result` settles once, after every slot has ended, every row that the job stands by was handed to onCollect
 * and every enumerator is closed. The error it rejects with is the first one that no restart followed.
 */
import type { Clock, TimerHandle } from '../../base/core/clock.ts'
import { configValue } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type {
  CheckpointReport,
  JobClient,
  JobExecutionResult,
  JobProgress,
  JobStatus,
  JobEvent as PublicEvent,
  StopOptions,
} from '../../program/api/executor.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import type { StreamGraph } from '../../program/graph/stream-graph.ts'
import type { FromSlot } from '../../runtime/task/deployment.ts'
import type { SlotEvents, SlotPool } from '../rpc/slot-pool.ts'
import type { DeployOptions } from './deploy-job.ts'
import { type FailoverRegion, failoverRegions } from './failover-regions.ts'
import { HeldRows } from './held-rows.ts'
import { JobMetrics } from './job-metrics.ts'
import { JobRun } from './job-run.ts'
import { type JobDecision, type JobEvent, JobState } from './job-state.ts'
import { lostSlot, placedIn } from './place-error.ts'
import { RestartStrategy, restartSettingsOf } from './restart-strategy.ts'

export interface JobMasterOptions {
  readonly jobId: string
  readonly streamGraph: StreamGraph
  readonly jobGraph: JobGraph
  readonly slotPool: SlotPool
  readonly clock: Clock
  readonly fileSystem: FileSystem
  /** Numbers from 0 to 1. */
  readonly random: () => number
  readonly print: (stream: 'stdout' | 'stderr', line: string) => void
  readonly onCollect?: (collectId: string, rows: readonly unknown[]) => void
  /** After this, slots that do not stop are killed; 0: never. */
  readonly cancelTimeoutMs: number
  readonly deploy?: Pick<DeployOptions, 'networkMemory' | 'config'>
}

const progressIntervalMs = 250

export class JobMaster implements JobClient {
  readonly result: Promise<JobExecutionResult>
  readonly #options: JobMasterOptions
  readonly #regions: readonly FailoverRegion[]
  readonly #state: JobState
  readonly #run: JobRun
  readonly #metrics: JobMetrics
  readonly #rows: HeldRows
  readonly #progressListeners: ((progress: JobProgress) => void)[] = []
  readonly #eventListeners: ((event: PublicEvent) => void)[] = []
  readonly #startedMs: number
  #restarts = 0
  #cancelTimer: TimerHandle | undefined
  #restartTimer: TimerHandle | undefined
  #progressTimer: TimerHandle | undefined
  #settle!: { resolve(result: JobExecutionResult): void; reject(error: StreamError): void }

  constructor(options: JobMasterOptions) {
    const { jobId, jobGraph, clock, random } = options
    this.#options = options
    this.#startedMs = clock.elapsed()
    this.#regions = failoverRegions(jobGraph)
    this.#state = new JobState({
      regions: this.#regions,
      restarts: new RestartStrategy(restartSettingsOf(jobGraph.config), random),
      failover: configValue(jobGraph.config, 'jobmanager.execution.failover-strategy'),
    })
    this.#run = new JobRun({
      ...options,
      deploy: { ...options.deploy, jobId },
      events: this.#slotEvents(),
      sourceFailed: (error) => this.#apply({ on: 'failed', error: this.#placed(error) }),
    })
    this.#metrics = new JobMetrics(jobGraph)
    this.#rows = new HeldRows({ holds: false, handOn: (channel, rows) => options.onCollect?.(channel, rows) })
    this.result = new Promise((resolve, reject) => void (this.#settle = { resolve, reject }))
    // A client that only cancels, or only looks at the status, need not handle the rejection.
    this.result.catch(() => undefined)
  }

  get jobId(): string {
    return this.#options.jobId
  }

  get status(): JobStatus {
    return this.#state.status
  }

  get numRestarts(): number {
    return this.#restarts
  }

  get checkpoints(): readonly CheckpointReport[] {
    return []
  }

  start(): void {
    this.#deploy(this.#regions.map((_, region) => region))
    this.#apply({ on: 'deployed' })
    this.#run.startSources(this.#regions.flatMap(({ vertices }) => vertices))
  }

  /** Resolves when nothing of the job runs any more, whatever its end. */
  async cancel(): Promise<void> {
    this.#apply({ on: 'cancel' })
    await this.result.catch(() => undefined)
  }

  async triggerCheckpoint(): Promise<string> {
    throw new StreamError('UNSUPPORTED', 'no checkpoints yet')
  }

  async triggerSavepoint(_directory?: string): Promise<string> {
    throw new StreamError('UNSUPPORTED', 'no checkpoints yet')
  }

  async stopWithSavepoint(_options?: StopOptions): Promise<string> {
    throw new StreamError('UNSUPPORTED', 'no checkpoints yet')
  }

  onProgress(listener: (progress: JobProgress) => void): void {
    this.#progressListeners.push(listener)
    if (this.#progressListeners.length === 1 && !this.#state.ended) this.#scheduleProgress()
  }

  onEvent(listener: (event: PublicEvent) => void): void {
    this.#eventListeners.push(listener)
  }

  #deploy(regions: readonly number[]): void {
    this.#run.deploy({ attempt: this.#restarts, vertices: this.#verticesOf(regions) })
  }

  #slotEvents(): SlotEvents {
    return {
      message: (slot, message) => this.#guarded(() => this.#receive(slot, message), `a message of slot ${slot}`),
      failed: (slot, error) => this.#taskFailed(slot, error),
      done: (slot) => this.#apply({ on: 'slotDone', slot }),
      lost: (slot, cause) =>
        this.#apply({ on: 'slotLost', slot, error: lostSlot(this.#options.jobGraph, slot, cause), fatal: this.#isFatal(slot) }),
    }
  }

  #receive(slot: number, message: FromSlot): void {
    switch (message.say) {
      case 'registerReader':
        return this.#run.sources.get(message.vertex)?.registerReader(message.subtask)
      case 'requestSplit':
        return this.#run.sources.get(message.vertex)?.requestSplit(message.subtask)
      case 'enumeratorEvent':
        return this.#run.sources.get(message.vertex)?.readerEvent(message.subtask, message.event)
      case 'taskState':
        if (message.state !== 'finished') return
        this.#metrics.taskFinished(message.vertex, message.subtask)
        return this.#apply({ on: 'taskFinished', region: this.#regionOf(slot) })
      case 'failed':
        return this.#taskFailed(slot, StreamError.fromWire(message.error))
      case 'collect':
        if (this.#state.isRestarting(this.#regionOf(slot))) return
        return this.#rows.collected(0, slot, message.channel, message.rows)
      case 'print':
        return this.#options.print(message.stream, message.line)
      case 'metrics':
        return this.#metrics.update(message.tasks)
    }
  }

  #taskFailed(slot: number, error: StreamError): void {
    this.#apply({ on: 'failed', error: this.#placed(error), region: this.#regionOf(slot), fatal: this.#isFatal(slot) })
  }

  /** The client has rows of this region that a restart would make a second time. */
  #isFatal(slot: number): boolean {
    return this.#rows.hasHandedOn(this.#regions[this.#regionOf(slot)]!.slots)
  }

  #apply(event: JobEvent): void {
    for (const decision of this.#state.apply(event, this.#options.clock.elapsed())) this.#perform(decision)
  }

  #perform(decision: JobDecision): void {
    const { clock, cancelTimeoutMs } = this.#options
    switch (decision.do) {
      case 'cancelSlots':
        for (const slot of decision.slots) this.#run.send(slot, { do: 'cancel' })
        return
      case 'startCancelTimer':
        this.#cancelTimer?.cancel()
        if (cancelTimeoutMs > 0) this.#cancelTimer = clock.setTimer(cancelTimeoutMs, () => this.#apply({ on: 'cancelTimeout' }))
        return
      case 'killSlots':
        for (const slot of decision.slots) this.#run.kill(slot)
        return
      case 'closeEnumerators': {
        this.#cancelTimer?.cancel()
        const { round } = decision
        void this.#run.closeSources(this.#verticesOf(decision.regions)).then(() => this.#apply({ on: 'enumeratorsClosed', round }))
        return
      }
      case 'restart':
        return this.#restarting(decision)
      case 'startRestartTimer': {
        const { restart, atMs } = decision
        this.#restartTimer = clock.setTimer(Math.max(0, atMs - clock.elapsed()), () => this.#apply({ on: 'restartDue', restart }))
        return
      }
      case 'redeploy':
        return this.#redeploy(decision)
      case 'end':
        return this.#end(decision)
    }
  }

  #restarting({ regions, error, atMs }: JobDecision & { do: 'restart' }): void {
    this.#rows.drop(regions.flatMap((region) => this.#regions[region]!.slots))
    const delayMs = Math.max(0, atMs - this.#options.clock.elapsed())
    this.#tell({ on: 'restarting', restart: this.#restarts + 1, cause: error, delayMs })
  }

  #redeploy({ regions, restart }: JobDecision & { do: 'redeploy' }): void {
    const vertices = this.#verticesOf(regions)
    this.#restarts++
    this.#metrics.restarted(vertices)
    this.#deploy(regions)
    this.#apply({ on: 'redeployed', restart })
    this.#run.startSources(vertices)
    this.#tell({ on: 'restarted', restart: this.#restarts })
  }

  #end(end: JobDecision & { do: 'end' }): void {
    for (const timer of [this.#cancelTimer, this.#restartTimer, this.#progressTimer]) timer?.cancel()
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

  /** onCollect, the print writer and listeners are the caller's code: when they throw, the job fails, not the process. */
  #guarded(call: () => void, during: string): void {
    try {
      call()
    } catch (thrown) {
      const hint = `It was thrown while the coordinator handled ${during}.`
      this.#apply({ on: 'failed', error: this.#placed(StreamError.from(thrown, 'USER_FUNCTION_FAILED', { hint })), fatal: true })
    }
  }

  #tell(event: PublicEvent): void {
    for (const listener of this.#eventListeners) this.#guarded(() => listener(event), `the event '${event.on}'`)
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

  #verticesOf(regions: readonly number[]): readonly number[] {
    return regions.flatMap((region) => this.#regions[region]!.vertices)
  }

  #regionOf(slot: number): number {
    return this.#regions.findIndex(({ slots }) => slots.includes(slot))
  }

  #placed(error: StreamError): StreamError {
    return placedIn(this.#options.jobGraph.jobName, error)
  }
}
