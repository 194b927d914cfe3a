/**
 * One slot: builds its tasks, opens their operators, and pumps them in turn until all are over. A pump gives every runnable
 * task a step, yields to the event loop about every millisecond, and parks when no task can do anything: a flag in
 * shared memory then tells peers to ping.
 */
import { loadColumnFormat } from '../../base/columnar/column-file-writer.ts'
import { configValue } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { SourceReader, SourceReaderContext } from '../../program/function/source.ts'
import type { StreamGraph } from '../../program/graph/stream-graph.ts'
import type { OperatorContext } from '../operator/operator.ts'
import { userFailure } from '../operator/user-function.ts'
import { buildTask } from './build-task.ts'
import type { SlotDeployment, ToSlot } from './deployment.ts'
import { openTask } from './open-task.ts'
import type { RunningSlot, RunSlot, SlotHost, TaskDescription } from './slot.ts'
import { SourceInput } from './source-input.ts'
import type { Task } from './task.ts'
import type { TaskPhase } from './task-options.ts'
import { describeTask } from './task-report.ts'

const turnMs = 1
const metricsIntervalMs = 250

export const runSlot: RunSlot = (deployment, graph, host) => new Slot(deployment, graph, host)

class Slot implements RunningSlot {
  readonly done: Promise<void>
  readonly #deployment: SlotDeployment
  readonly #host: SlotHost
  readonly #sleepers: Int32Array
  readonly #tasks: Task[] = []
  readonly #readers = new Map<string, SourceReader<any, any>>()
  readonly #mail: ToSlot[] = []
  #state: 'opening' | 'running' | 'parked' | 'over' = 'opening'
  #scheduled = false
  /** A channel between two tasks of this slot moved: the other one may have something to do. */
  #stirred = false
  #timer: { cancel(): void } | undefined
  #nextMetricsMs = 0
  /** Something has happened since the figures were last said: a job that rests says nothing. */
  #hasNews = true
  #finish!: () => void

  constructor(deployment: SlotDeployment, graph: StreamGraph, host: SlotHost) {
    this.#deployment = deployment
    this.#host = host
    this.#sleepers = new Int32Array(deployment.sleepers)
    this.done = new Promise((resolve) => {
      this.#finish = resolve
    })
    host.control.onMessage((message) => {
      this.#mail.push(message)
      this.wake()
    })
    void this.#open(graph)
  }

  describe(): readonly TaskDescription[] {
    return this.#tasks.map((task) => (this.#state === 'opening' ? { ...describeTask(task), phase: 'opening' } : describeTask(task)))
  }

  wake(): void {
    if (this.#state === 'opening' || this.#state === 'over') return
    if (this.#scheduled) return
    this.#scheduled = true
    this.#host.yieldTo(() => {
      this.#scheduled = false
      this.#turn()
    })
  }

  async #open(graph: StreamGraph): Promise<void> {
    const nodes = new Map(graph.nodes.map((node) => [node.id, node]))
    const { tasks, jobGraph, checkpointing } = this.#deployment
    // It takes 100 ms to load: now, and not at the first barrier. Who needs it says so if it cannot be loaded.
    if (checkpointing !== undefined) loadColumnFormat().catch(() => undefined)
    for (const { vertex, subtask } of tasks) {
      this.#say({ vertex, subtask }, 'initializing')
      try {
        const task = buildTask(
          {
            deployment: this.#deployment,
            vertex: jobGraph.vertices[vertex]!,
            subtask,
            nodes,
            graph,
            host: this.#host,
            wakeSlot: (slot) => this.#wakePeer(slot),
            wake: () => this.wake(),
            onPhase: (changed, phase) => this.#onPhase(changed, phase),
            onFailure: (failed, thrown) => this.#fail(failed.options, thrown),
          },
          (ctx, name) => this.#sourceInput(vertex, subtask, ctx, name, nodes),
        )
        this.#tasks.push(task)
      } catch (thrown) {
        this.#fail({ vertex, subtask }, thrown)
      }
    }
    for (const task of this.#tasks) await this.#openTask(task)
    this.#state = 'running'
    this.wake()
  }

  async #openTask(task: Task): Promise<void> {
    const { vertex, subtask, chain } = task.options
    try {
      await openTask(task, this.#deployment, this.#host.fileSystem)
      const reader = this.#readers.get(`${vertex}/${subtask}`)
      if (reader !== undefined && !task.options.isRestoredFinished) {
        this.#host.control.send({ say: 'registerReader', vertex, subtask })
        await this.#startReader(reader, chain.runtime.nodes[0]!.ctx)
      }
      if (!task.isOver) this.#say({ vertex, subtask }, 'running')
    } catch (thrown) {
      task.fail(thrown)
    }
  }

  async #startReader(reader: SourceReader<any, any>, ctx: OperatorContext): Promise<void> {
    try {
      await reader.start()
    } catch (thrown) {
      throw userFailure(ctx, 'The source reader', thrown)
    }
  }

  #sourceInput(
    vertex: number,
    subtask: number,
    ctx: OperatorContext,
    name: string,
    nodes: ReadonlyMap<number, StreamGraph['nodes'][number]>,
  ): SourceInput {
    const { operator } = nodes.get(this.#deployment.jobGraph.vertices[vertex]!.operators[0]!.nodeId)!
    if (operator.kind !== 'source') throw new StreamError('INTERNAL', `headrace bug: vertex ${vertex} does not begin with a source`)
    const { control } = this.#host
    const readerContext: SourceReaderContext = {
      ...ctx,
      sendSplitRequest: () => control.send({ say: 'requestSplit', vertex, subtask }),
      sendEventToEnumerator: (event) => control.send({ say: 'enumeratorEvent', vertex, subtask, event }),
    }
    let reader: SourceReader<any, any>
    try {
      reader = operator.source.createReader(readerContext)
    } catch (thrown) {
      throw userFailure(ctx, 'createReader', thrown)
    }
    this.#readers.set(`${vertex}/${subtask}`, reader)
    return new SourceInput({
      reader,
      strategy: operator.watermarks,
      name,
      clock: this.#host.clock,
      freezesRows: configValue(this.#deployment.config, 'execution.check-mutation') === true,
      onAvailable: () => this.wake(),
      failureOf: (thrown) => userFailure(ctx, 'The source reader', thrown),
      onFailure: (thrown) => {
        this.#tasks
          .find((task) => task.options.vertex === vertex && task.options.subtask === subtask)
          ?.fail(userFailure(ctx, 'The source reader', thrown))
        this.wake()
      },
    })
  }

  /** Runs the tasks for about a millisecond, then yields, parks or ends. */
  #turn(): void {
    if (this.#state === 'over') return
    this.#state = 'running'
    const { clock } = this.#host
    const until = clock.elapsed() + turnMs
    this.#timer?.cancel()
    this.#timer = undefined
    for (;;) {
      this.#readMail()
      const progressed = this.#stepAll()
      if (progressed) this.#hasNews = true
      this.#sayMetrics()
      if (this.#tasks.every((task) => task.isOver)) return void this.#close()
      if (!progressed && !this.#tryAgainAsleep()) return this.#park()
      if (clock.elapsed() >= until) return this.wake()
    }
  }

  /** Gives every task a step; whether another round may get something done. */
  #stepAll(): boolean {
    this.#stirred = false
    let progressed = false
    for (const task of this.#tasks) if (task.step() === 'progressed') progressed = true
    return progressed || this.#stirred
  }

  /**
   * Says that this thread sleeps, then looks once more: what a peer did before it saw the flag must not be missed. In that look
   * the last task may end, and nobody would wake a slot that is parked for good.
   */
  #tryAgainAsleep(): boolean {
    Atomics.store(this.#sleepers, this.#deployment.slot, 1)
    const progressed = this.#stepAll() || this.#mail.length > 0 || this.#tasks.every((task) => task.isOver)
    if (progressed) Atomics.store(this.#sleepers, this.#deployment.slot, 0)
    return progressed
  }

  #park(): void {
    this.#state = 'parked'
    let at = this.#hasNews ? this.#nextMetricsMs : Number.POSITIVE_INFINITY
    for (const task of this.#tasks) at = Math.min(at, task.wakeAtMs)
    if (at === Number.POSITIVE_INFINITY) return
    this.#timer = this.#host.clock.setTimer(Math.max(0, at - this.#host.clock.now()), () => {
      this.#timer = undefined
      this.wake()
    })
  }

  #wakePeer(slot: number): void {
    if (slot === this.#deployment.slot) {
      this.#stirred = true
      return
    }
    if (Atomics.compareExchange(this.#sleepers, slot, 1, 0) === 1) this.#host.wakePeer(slot)
  }

  #readMail(): void {
    for (let message = this.#mail.shift(); message !== undefined; message = this.#mail.shift()) {
      if (message.do === 'cancel') {
        for (const task of this.#tasks) task.cancel()
        continue
      }
      if (message.do === 'startCheckpoint') for (const task of this.#tasks) task.startCheckpoint(message.checkpoint)
      else if (message.do === 'checkpointComplete') for (const task of this.#tasks) task.completeCheckpoint(message.checkpointId)
      else if (message.do === 'checkpointAborted') for (const task of this.#tasks) task.abortCheckpoint(message.checkpointId)
      else this.#readSourceMail(message)
    }
  }

  #readSourceMail(message: Extract<ToSlot, { readonly vertex: number }>): void {
    const task = this.#tasks.find(({ options }) => options.vertex === message.vertex && options.subtask === message.subtask)
    if (task === undefined || task.isOver || !(task.options.input instanceof SourceInput)) return
    try {
      task.options.input.takeMail(message)
    } catch (thrown) {
      task.fail(thrown)
    }
  }

  #onPhase(task: Task, phase: TaskPhase): void {
    if (phase === 'finished' || phase === 'canceled') this.#say(task.options, phase)
    const { vertex, subtask } = task.options
    if (phase === 'waiting') this.#host.control.send({ say: 'awaitsCheckpoint', vertex, subtask })
  }

  #say(
    { vertex, subtask }: { readonly vertex: number; readonly subtask: number },
    state: 'initializing' | 'running' | 'finished' | 'canceled',
  ): void {
    // The last figures go ahead of the end, so that a job's result is complete when its last task says so.
    if (state === 'finished') this.#sayMetrics(true)
    this.#host.control.send({ say: 'taskState', vertex, subtask, state })
  }

  #fail({ vertex, subtask }: { readonly vertex: number; readonly subtask: number }, thrown: unknown): void {
    const error = StreamError.from(thrown).toWire()
    this.#host.control.send({ say: 'failed', vertex, subtask, error: { ...error, place: { subtask, ...error.place } } })
  }

  #sayMetrics(now = false): void {
    const nowMs = this.#host.clock.now()
    if (!now && (!this.#hasNews || nowMs < this.#nextMetricsMs)) return
    this.#hasNews = false
    this.#nextMetricsMs = nowMs + metricsIntervalMs
    this.#host.control.send({ say: 'metrics', tasks: this.#tasks.map((task) => task.metrics()) })
  }

  async #close(): Promise<void> {
    this.#state = 'over'
    this.#timer?.cancel()
    for (const task of this.#tasks) {
      for (const thrown of await task.close()) if (task.phase === 'finished') this.#fail(task.options, thrown)
    }
    this.#finish()
  }
}
