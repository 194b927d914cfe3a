/**
 * Runs one job: the talk with its slots and its enumerators, its metrics, its restarts and its end. What must happen next is
 * decided by JobState; this performs it. Its checkpoints are the Checkpointer's. It knows the plan as data only: functions are with
 * the slots and with the SourceHost.
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
  ExceptionReport,
  JobClient,
  JobExecutionResult,
  JobProgress,
  JobStatus,
  JobEvent as PublicEvent,
  RestoredFrom,
  StopOptions,
} from '../../program/api/executor.ts'
import type { JobGraph } from '../../program/graph/job-graph.ts'
import type { CheckpointMetadata } from '../../runtime/checkpoint/checkpoint-metadata.ts'
import type { FromSlot } from '../../runtime/task/deployment.ts'
import type { ArchivedJob } from '../rpc/job-archive.ts'
import type { SlotEvents, SlotPool } from '../rpc/slot-pool.ts'
import type { HostSources } from '../rpc/source-host.ts'
import { CheckpointFiles, type CheckpointPlace } from './checkpoint-files.ts'
import { checkpointSettingsOf } from './checkpoint-settings.ts'
import { Checkpointer } from './checkpointer.ts'
import type { DeployOptions } from './deploy-job.ts'
import { readEnumerators } from './enumerator-state.ts'
import { ExceptionHistory } from './exception-history.ts'
import { type FailoverRegion, failoverRegions } from './failover-regions.ts'
import { HeldRows } from './held-rows.ts'
import { JobMetrics } from './job-metrics.ts'
import { JobRecord } from './job-record.ts'
import { type Attempt, JobRun } from './job-run.ts'
import { type JobDecision, type JobEvent, JobState } from './job-state.ts'
import { lostSlot, placedIn } from './place-error.ts'
import { RestartStrategy, restartSettingsOf } from './restart-strategy.ts'

export interface JobMasterOptions {
  readonly jobId: string
  readonly jobGraph: JobGraph
  /** The vertex of each collect sink, by its id. */
  readonly collects: ReadonlyMap<string, number>
  readonly hostSources: HostSources
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
  /** Calls back when the event loop has had its turn. */
  readonly yieldTo: (callback: () => void) => void
  /** Where checkpoints go. */
  readonly place: CheckpointPlace
  /** Version of the package, for what it writes. */
  readonly headrace: string
  /** The snapshot that the job starts from; `claimed`: it is the job's own from now on. */
  readonly restored?: { readonly metadata: CheckpointMetadata; readonly claimed: boolean; readonly dropped: RestoredFrom['dropped'] }
}

const progressIntervalMs = 250

type Restored = Pick<Attempt, 'restore' | 'enumerators'>

export class JobMaster implements JobClient {
  readonly result: Promise<JobExecutionResult>
  readonly #options: JobMasterOptions
  readonly #regions: readonly FailoverRegion[]
  readonly #state: JobState
  readonly #run: JobRun
  readonly #metrics: JobMetrics
  readonly #rows: HeldRows
  readonly #checkpointer: Checkpointer
  readonly #exceptions = new ExceptionHistory()
  readonly #events: JobEvent[] = []
  #isApplying = false
  readonly #record: JobRecord
  readonly #progressListeners: ((progress: JobProgress) => void)[] = []
  readonly #eventListeners: ((event: PublicEvent) => void)[] = []
  readonly #startedMs: number
  #restarts = 0
  #cancelTimer: TimerHandle | undefined
  #restartTimer: TimerHandle | undefined
  #progressTimer: TimerHandle | undefined
  #settle!: { resolve(result: JobExecutionResult): void; reject(error: StreamError): void }

  constructor(options: JobMasterOptions) {
    const { jobId, jobGraph, clock, random, restored } = options
    const settings = checkpointSettingsOf(jobGraph.config)
    const checkpointing = settings.intervalMs === undefined ? undefined : { mode: settings.mode }
    this.#options = options
    this.#record = new JobRecord(jobId, jobGraph, clock)
    this.#record.jobIs('CREATED')
    this.#startedMs = clock.elapsed()
    this.#regions = failoverRegions(jobGraph)
    this.#state = new JobState({
      regions: this.#regions,
      restarts: new RestartStrategy(restartSettingsOf(jobGraph.config), random),
      failover: configValue(jobGraph.config, 'jobmanager.execution.failover-strategy'),
    })
    this.#run = new JobRun({
      ...options,
      deploy: { ...options.deploy, jobId, ...(checkpointing && { checkpointing }) },
      events: this.#slotEvents(),
      sourceFailed: (error) => this.#failed(error, undefined),
    })
    this.#metrics = new JobMetrics(jobGraph)
    this.#rows = new HeldRows({ holds: checkpointing !== undefined, handOn: (channel, rows) => options.onCollect?.(channel, rows) })
    this.#checkpointer = new Checkpointer({
      ...options,
      ...(restored && { restored }),
      settings,
      files: new CheckpointFiles({
        ...options,
        onCleanupFailed: (path, error) => this.#tell({ on: 'cleanupFailed', path, error }),
      }),
      remembered: configValue(jobGraph.config, 'web.checkpoints.history'),
      sources: this.#run.sources,
      sendToAll: (message) => this.#run.sendToAll(message),
      onCommitted: (checkpointId, stops) => {
        if (stops) this.#apply({ on: 'stopped' })
        this.#guarded(() => this.#rows.completed(checkpointId), `the completion of checkpoint ${checkpointId}`)
      },
      onEvent: (event) => this.#tell(event),
      failJob: (error) => this.#failed(error, undefined),
    })
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

  get restoredFrom(): RestoredFrom | undefined {
    const { restored } = this.#options
    if (restored === undefined) return undefined
    const { kind, checkpointId, directory, completedMs } = restored.metadata
    return { kind, checkpointId, path: directory, completedMs, dropped: restored.dropped }
  }

  get checkpoints(): readonly CheckpointReport[] {
    return this.#checkpointer.reports
  }

  get exceptions(): readonly ExceptionReport[] {
    return this.#exceptions.reports
  }

  /** All that is told of it, while it runs and when it has ended. */
  archive(): ArchivedJob {
    return this.#record.archive({
      checkpoints: this.#checkpointer.archive(),
      counters: this.#metrics.counters(),
      restarts: this.#restarts,
    })
  }

  /** Resolves when the job is deployed; rejects, and nothing of it runs, when what it starts from cannot be read. */
  async start(): Promise<void> {
    const all = this.#regions.map((_, region) => region)
    const vertices = this.#verticesOf(all)
    // Without a snapshot there is nothing to wait for: the job is RUNNING when this returns.
    const restored = this.#options.restored && (await this.#restoredOf(vertices))
    this.#record.scheduled(vertices)
    this.#run.deploy({ attempt: this.#restarts, vertices, ...restored })
    this.#apply({ on: 'deployed' })
    this.#run.sources.start(vertices)
  }

  /** Resolves when nothing of the job runs any more, whatever its end, which `result` tells. */
  async cancel(): Promise<void> {
    this.#apply({ on: 'cancel' })
    await this.result.catch(() => undefined)
  }

  async triggerCheckpoint(): Promise<string> {
    return this.#checkpointer.request({ kind: 'checkpoint' })
  }

  async triggerSavepoint(directory?: string): Promise<string> {
    return this.#checkpointer.request({ kind: 'savepoint', ...(directory !== undefined && { directory }) })
  }

  async stopWithSavepoint({ drain = false, directory }: StopOptions = {}): Promise<string> {
    const stop = drain ? 'drain' : 'suspend'
    const path = await this.#checkpointer.request({ kind: 'savepoint', stop, ...(directory !== undefined && { directory }) })
    const failed = (cause: StreamError): never => {
      throw new StreamError(cause.code, `The job failed while it stopped; its savepoint ${path} is complete: ${cause.message}`, {
        hint: 'The job went on from that savepoint if it was restarted. It can be started from it.',
        cause,
      })
    }
    const restarts = new Promise<StreamError>((resolve) => {
      this.onEvent((event) => event.on === 'restarting' && resolve(event.cause))
    })
    return Promise.race([this.result.then(() => path, failed), restarts.then(failed)])
  }

  onProgress(listener: (progress: JobProgress) => void): void {
    this.#progressListeners.push(listener)
    if (this.#progressListeners.length === 1 && !this.#state.ended) this.#scheduleProgress()
  }

  onEvent(listener: (event: PublicEvent) => void): void {
    this.#eventListeners.push(listener)
  }

  /** What these vertices go on from; undefined: the beginning. */
  async #restoredOf(vertices: readonly number[]): Promise<Restored | undefined> {
    const { latest } = this.#checkpointer
    if (latest === undefined) return undefined
    return { restore: latest, enumerators: await readEnumerators(latest, this.#options.jobGraph, vertices, this.#options.fileSystem) }
  }

  #slotEvents(): SlotEvents {
    return {
      message: (slot, message) => this.#guarded(() => this.#receive(slot, message), `a message of slot ${slot}`),
      deployed: (slot, location) => this.#record.deployed(slot, this.#regions[this.#regionOf(slot)]!.vertices, location),
      failed: (slot, error) => {
        this.#record.slotFailed(slot, error)
        this.#failed(error, this.#regionOf(slot))
      },
      done: (slot) => {
        this.#record.slotEnded(slot)
        this.#apply({ on: 'slotDone', slot })
      },
      lost: (slot, cause) => {
        const error = lostSlot(this.#options.jobGraph, slot, cause)
        this.#record.slotFailed(slot, error)
        this.#apply({ on: 'slotLost', slot, error, fatal: this.#isFatal(this.#regionOf(slot)) })
      },
    }
  }

  #receive(slot: number, message: FromSlot): void {
    this.#record.heard(message)
    switch (message.say) {
      case 'registerReader':
        return this.#run.sources.registerReader(message.vertex, message.subtask)
      case 'requestSplit':
        return this.#run.sources.requestSplit(message.vertex, message.subtask)
      case 'enumeratorEvent':
        return this.#run.sources.readerEvent(message.vertex, message.subtask, message.event)
      case 'taskState':
      case 'awaitsCheckpoint':
        return this.#taskState(slot, message)
      case 'checkpointAcknowledged':
      case 'checkpointDeclined':
        return this.#checkpointer.receive(message)
      case 'checkpointPassed':
        return this.#rows.passed(message.vertex, slot, message.checkpointId)
      case 'failed':
        return this.#failed(StreamError.fromWire(message.error), this.#regionOf(slot))
      case 'collect':
        if (this.#state.isRestarting(this.#regionOf(slot))) return
        return this.#rows.collected(this.#options.collects.get(message.channel) ?? 0, slot, message.channel, message.rows)
      case 'print':
        return this.#options.print(message.stream, message.line)
      case 'metrics':
        return this.#metrics.update(message.tasks)
    }
  }

  /** What a task that is being cancelled still says of itself is of no interest. */
  #taskState(slot: number, message: FromSlot & { say: 'taskState' | 'awaitsCheckpoint' }): void {
    const region = this.#regionOf(slot)
    if (this.#state.isRestarting(region)) return
    this.#checkpointer.receive(message)
    if (message.say !== 'taskState' || message.state !== 'finished') return
    this.#metrics.taskFinished(message.vertex, message.subtask)
    this.#apply({ on: 'taskFinished', region })
  }

  /** undefined: no region alone. */
  #failed(error: StreamError, region: number | undefined): void {
    const of = region !== undefined && { region }
    this.#apply({ on: 'failed', error: this.#placed(error), ...of, fatal: this.#isFatal(region) })
  }

  /** The client has rows that a restart would make a second time. */
  #isFatal(region: number | undefined): boolean {
    return this.#rows.hasHandedOn(this.#state.affectedBy(region).flatMap((each) => this.#regions[each]!.slots))
  }

  /** What happens while decisions are performed, a listener's cancel among it, waits for its turn: they are performed whole, in order. */
  #apply(event: JobEvent): void {
    this.#events.push(event)
    if (this.#isApplying) return
    this.#isApplying = true
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) this.#applyNext(next)
    } finally {
      this.#isApplying = false
    }
  }

  #applyNext(event: JobEvent): void {
    const decisions = this.#state.apply(event, this.#options.clock.elapsed())
    this.#record.jobIs(this.#state.status)
    for (const decision of decisions) this.#perform(decision)
  }

  #perform(decision: JobDecision): void {
    const { clock, cancelTimeoutMs } = this.#options
    switch (decision.do) {
      case 'cancelSlots':
        this.#record.cancelling(decision.slots)
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
        void this.#run.sources.close(this.#verticesOf(decision.regions)).then(() => this.#apply({ on: 'enumeratorsClosed', round }))
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
        return void this.#redeploy(decision)
      case 'giveUp':
        this.#record.jobFailed(decision.error)
        return this.#exceptions.failed(decision.error, clock.now())
      case 'end':
        return void this.#end(decision)
    }
  }

  #restarting({ regions, error, atMs }: JobDecision & { do: 'restart' }): void {
    this.#rows.drop(regions.flatMap((region) => this.#regions[region]!.slots))
    this.#checkpointer.tasksFailed(this.#verticesOf(regions), error)
    const { clock } = this.#options
    const delayMs = Math.max(0, atMs - clock.elapsed())
    this.#record.jobFailed(error, this.#restarts + 1)
    this.#exceptions.failed(error, clock.now(), this.#restarts + 1)
    const checkpointId = this.#checkpointer.latest?.checkpointId
    const from = checkpointId !== undefined && { checkpointId }
    this.#tell({ on: 'restarting', restart: this.#restarts + 1, cause: error, delayMs, ...from })
  }

  async #redeploy({ regions, restart }: JobDecision & { do: 'redeploy' }): Promise<void> {
    const vertices = this.#verticesOf(regions)
    let restored: Restored | undefined
    try {
      restored = await this.#restoredOf(vertices)
    } catch (thrown) {
      return this.#apply({ on: 'redeployFailed', restart, error: this.#placed(StreamError.from(thrown, 'IO_FAILED')) })
    }
    if (!this.#state.isDeploying(restart)) return
    this.#restarts++
    this.#metrics.restarted(vertices)
    if (restored !== undefined) this.#checkpointer.restoredLatest()
    this.#record.scheduled(vertices)
    this.#run.deploy({ attempt: this.#restarts, vertices, ...restored })
    this.#apply({ on: 'redeployed', restart })
    this.#run.sources.start(vertices)
    this.#tell({ on: 'restarted', restart: this.#restarts })
  }

  async #end(end: JobDecision & { do: 'end' }): Promise<void> {
    for (const timer of [this.#cancelTimer, this.#restartTimer, this.#progressTimer]) timer?.cancel()
    const netRuntimeMs = this.#elapsedMs()
    const { jobName } = this.#options.jobGraph
    await this.#checkpointer.end(end.status)
    if (end.status === 'FAILED') return this.#settle.reject(end.error)
    if (end.status === 'CANCELED')
      return this.#settle.reject(new StreamError('CANCELLED', `Job '${jobName}' was cancelled`, { place: { job: jobName } }))
    try {
      this.#tellProgress()
    } catch (thrown) {
      const hint = 'It was thrown by a progress listener.'
      return this.#settle.reject(this.#placed(StreamError.from(thrown, 'USER_FUNCTION_FAILED', { hint })))
    }
    const [counters, operators] = [this.#metrics.counters(), this.#metrics.operators()]
    this.#settle.resolve({ jobId: this.jobId, jobName, netRuntimeMs, counters, operators })
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
