/**
 * One subtask: an input, a chain, and the state machine that moves records from one to the other. `step` does one piece of
 * work and never waits; whoever pumps it calls again. A unit that has begun is finished before anything else is taken.
 *
 * | phase     | what a step does                                                          | next                                        |
 * | --------- | ------------------------------------------------------------------------- | ------------------------------------------- |
 * | running   | drains outputs, moves time on, fires timers, runs or takes a unit         | ending; suspended behind a savepoint's barrier |
 * | ending    | tells the operators, in order, that input has ended; sends the end of data | waiting with checkpoints, else draining      |
 * | waiting   | passes barriers on                                                        | draining, when one of them is complete      |
 * | suspended | nothing, as the savepoint that stops it is written                        | draining; running if it is given up         |
 * | draining  | closes its outputs, reads its inputs until they are closed                | finished                                    |
 * | finished, failed, canceled | nothing                                                   |                                             |
 *
 * In running, waiting and suspended a checkpoint under way (TaskCheckpoints) goes ahead of all else.
 */
import type { Clock } from '../../base/core/clock.ts'
import type { StreamError } from '../../base/core/stream-error.ts'
import type { Chain } from '../chain/chain.ts'
import type { ChainUnit } from '../chain/chain-input.ts'
import { maxWatermark } from '../operator/operator.ts'
import type { CheckpointStart } from '../state/snapshot.ts'
import type { TaskMetrics } from './deployment.ts'
import type { FirstKeys } from './first-keys.ts'
import { operatorCounts } from './operator-counts.ts'
import type { OutgoingEdges } from './outgoing-edges.ts'
import type { TaskDescription } from './slot.ts'
import type { TaskCheckpoints } from './task-checkpoints.ts'
import type { TaskEvent, TaskInput } from './task-input.ts'
import { TimeSplit } from './time-split.ts'

/** progressed: call again; idle: no input; blocked: no credit; awaiting: a promise; ended: never again. */
export type StepResult = 'progressed' | 'idle' | 'blocked' | 'awaiting' | 'ended'

export type TaskPhase = 'running' | 'ending' | 'waiting' | 'suspended' | 'draining' | 'finished' | 'failed' | 'canceled'

export interface TaskOptions {
  readonly vertex: number
  readonly subtask: number
  readonly input: TaskInput
  readonly chain: Chain
  readonly edges: OutgoingEdges
  readonly checkpoints: TaskCheckpoints
  /** Waits at its end for a checkpoint that commits what it wrote last. */
  readonly waitsAtEnd: boolean
  /** It had finished in the snapshot that the job goes on from: its outputs end at once. */
  readonly isRestoredFinished: boolean
  readonly clock: Clock
  readonly wake: () => void
  readonly onPhase: (phase: TaskPhase) => void
  readonly onFailure: (thrown: unknown) => void
  /** 0: never. */
  readonly watermarkIntervalMs: number
  readonly counters: Record<string, number>
  readonly late: readonly { value: number }[]
  /** StreamNode ids of the chain's operators. */
  readonly nodeIds: readonly number[]
  /** Where keyed state was taken over from another run. */
  readonly firstKeys?: FirstKeys
}

/** A source that is far faster than the clock tells time this often: what waits for time is bounded in rows too. */
const rowsPerProbe = 65_536

export class Task {
  readonly options: TaskOptions
  readonly time: TimeSplit
  phase: TaskPhase = 'running'
  recordsIn = 0
  #unit: ChainUnit | undefined
  #firstKeys: FirstKeys | undefined
  #awaited: Promise<void> | undefined
  #nextTimerMs = Number.POSITIVE_INFINITY
  #nextProbeMs: number
  #nextProbeRows = rowsPerProbe
  #blockedSinceProbe = false
  #endingAt = 0
  #suspendedBy: number | undefined
  #saidEndOfData = false
  #saidEndOfPartition = false
  #lastResult: StepResult = 'progressed'

  constructor(options: TaskOptions) {
    this.options = options
    this.#firstKeys = options.firstKeys
    if (options.isRestoredFinished) this.phase = 'draining'
    this.time = new TimeSplit(options.clock.elapsed())
    this.#nextProbeMs = options.watermarkIntervalMs > 0 ? options.clock.now() + options.watermarkIntervalMs : Number.POSITIVE_INFINITY
  }

  /** Earliest time at which a step has something to do though nothing arrives. */
  get wakeAtMs(): number {
    let at = Number.POSITIVE_INFINITY
    // What blocks a task, or what it awaits, wakes it; its timers can do nothing before.
    if (this.phase === 'running' && this.#lastResult === 'idle') {
      at = Math.min(this.#nextTimerMs, this.options.input.needsProbe === true ? this.#nextProbeMs : Number.POSITIVE_INFINITY)
    }
    return Math.min(at, this.options.edges.wakeAtMs)
  }

  /** A timer rings when its millisecond is over: none of the rows that belong to it can come any more. */
  requestTimer(atMs: number): void {
    this.#nextTimerMs = Math.min(this.#nextTimerMs, atMs + 1)
  }

  get isOver(): boolean {
    return this.phase === 'finished' || this.phase === 'failed' || this.phase === 'canceled'
  }

  /** One piece of work. What user code throws fails the task. */
  step(): StepResult {
    if (this.isOver) return 'ended'
    let result: StepResult
    try {
      result = this.#step(this.options.clock.now())
    } catch (thrown) {
      this.fail(thrown)
      result = 'ended'
    }
    if (result === 'blocked' || result === 'awaiting') this.#blockedSinceProbe = true
    this.#lastResult = result
    this.time.note(result, this.options.clock.elapsed())
    return result
  }

  #step(nowMs: number): StepResult {
    const { chain, edges, checkpoints } = this.options
    edges.flushDue(nowMs)
    if (this.#awaited !== undefined) return 'awaiting'
    checkpoints.tellOperators()
    if (chain.pending !== undefined) return this.#await(chain.written())
    chain.runtime.interrupted = false
    if (!chain.makeRoom()) return 'blocked'
    if (chain.isAdvancing) return this.#advance()
    if (checkpoints.isUnderWay) return this.#checkpoint()
    if (this.phase !== 'running') return this.#goOnEnding()
    if (this.#unit === undefined && nowMs >= this.#nextTimerMs) return this.#fireTimers(nowMs)
    if (nowMs >= this.#nextProbeMs || (this.recordsIn >= this.#nextProbeRows && this.options.watermarkIntervalMs > 0)) this.#probe(nowMs)
    if (this.#unit === undefined) return this.#take(this.options.input.poll(checkpoints.holdsBarriers), nowMs)
    const time = this.options.input.pollTime?.()
    if (time !== undefined) return this.#take(time, nowMs)
    this.#run(this.#unit, nowMs)
    return 'progressed'
  }

  #run(unit: ChainUnit, nowMs: number): void {
    const { chain, input, edges } = this.options
    const from = unit.cursor
    chain.run(unit)
    this.recordsIn += unit.cursor - from
    input.afterRows?.()
    const isDone = unit.cursor === unit.rowCount
    if (isDone) this.#unit = undefined
    edges.afterRows(isDone, nowMs)
  }

  #checkFirstKeys(firstKeys: FirstKeys, unit: ChainUnit): void {
    firstKeys.check(unit)
    if (firstKeys.isDone) this.#firstKeys = undefined
  }

  #take(event: TaskEvent | undefined, nowMs: number): StepResult {
    switch (event?.kind) {
      case undefined:
        this.options.edges.flushToIdle()
        return 'idle'
      case 'unit':
        if (this.#firstKeys !== undefined) this.#checkFirstKeys(this.#firstKeys, event.unit)
        this.#unit = event.unit
        this.#run(event.unit, nowMs)
        return 'progressed'
      case 'watermark':
        this.options.chain.offerWatermark(event.watermark)
        return this.#advance()
      case 'idle':
        this.options.chain.offerIdle(event.idle)
        return this.#advance()
      case 'barrier':
        this.options.checkpoints.begin(event)
        return 'progressed'
      case 'overtaken':
        this.options.checkpoints.overtaken(event.checkpointId)
        return 'progressed'
      case 'end':
        this.#become('ending')
        return 'progressed'
    }
  }

  #checkpoint(): StepResult {
    this.options.chain.renew()
    const answer = this.options.checkpoints.step(this.phase === 'waiting')
    if (typeof answer === 'string') return answer
    if (answer instanceof Promise) return this.#await(answer)
    if (answer.stop === 'suspend' && this.phase === 'running') {
      this.#suspendedBy = answer.checkpointId
      this.#become('suspended')
    }
    return 'progressed'
  }

  #advance(): StepResult {
    const { chain, edges } = this.options
    const done = chain.advance()
    const nowMs = this.options.clock.now()
    edges.afterTime(nowMs)
    return done || chain.pending !== undefined || chain.runtime.partitions.some((partition) => partition.isFull) ? 'progressed' : 'blocked'
  }

  #fireTimers(nowMs: number): StepResult {
    const requested = this.#nextTimerMs
    this.#nextTimerMs = Number.POSITIVE_INFINITY
    // Stopped on a full output: what is left is due still.
    if (!this.options.chain.fireProcessingTimers(nowMs - 1)) this.#nextTimerMs = Math.min(this.#nextTimerMs, requested)
    return 'progressed'
  }

  #probe(nowMs: number): void {
    this.#nextProbeMs = nowMs + this.options.watermarkIntervalMs
    this.#nextProbeRows = this.recordsIn + rowsPerProbe
    this.options.input.onPeriodic?.(nowMs, this.#blockedSinceProbe)
    this.#blockedSinceProbe = false
  }

  #goOnEnding(): StepResult {
    switch (this.phase) {
      case 'ending':
        return this.#end()
      case 'waiting':
      case 'suspended':
        return this.#wait()
      default:
        return this.#drain()
    }
  }

  #end(): StepResult {
    const { chain, waitsAtEnd } = this.options
    const { nodes } = chain.runtime
    if (this.#endingAt === nodes.length) {
      if (!this.#sayEndOfData()) return 'blocked'
      this.#become(waitsAtEnd ? 'waiting' : 'draining')
      return 'progressed'
    }
    chain.renew()
    // One a step: what an operator emits at its end, a sink's write or a watermark among it, is through before the next one's.
    const promise = nodes[this.#endingAt++]!.operator?.endInput?.()
    return promise === undefined ? 'progressed' : this.#await(promise)
  }

  #sayEndOfData(): boolean {
    const { edges } = this.options
    if (this.#saidEndOfData) return true
    if (!edges.scatter()) return false
    edges.broadcast({ kind: 'endOfData' })
    this.#saidEndOfData = true
    return true
  }

  #wait(): StepResult {
    const { checkpoints, input } = this.options
    if (!checkpoints.mayFinish) return this.#takeAtEnd(input.poll(checkpoints.holdsBarriers))
    const { answers } = checkpoints
    if (answers !== undefined) return this.#await(answers)
    this.#become('draining')
    return 'progressed'
  }

  /** Behind the end only barriers come, and what no longer concerns anyone. */
  #takeAtEnd(event: TaskEvent | undefined): StepResult {
    if (event === undefined) return 'idle'
    return event.kind === 'barrier' || event.kind === 'overtaken' ? this.#take(event, 0) : 'progressed'
  }

  #drain(): StepResult {
    const { edges, input, checkpoints } = this.options
    if (this.#suspendedBy === undefined && !this.#sayEndOfData()) return 'blocked'
    if (!this.#saidEndOfPartition) edges.broadcast({ kind: 'endOfPartition' })
    this.#saidEndOfPartition = true
    const isDrained = edges.drain()
    // Producers still have to get rid of their last words.
    if (!input.isClosed && input.poll() !== undefined) return 'progressed'
    if (!isDrained) return 'blocked'
    if (!input.isClosed) return 'idle'
    const { answers } = checkpoints
    if (answers !== undefined) return this.#await(answers)
    // Of a finished task the last snapshot stands in later ones, in files of the same names: nobody else may write or remove those.
    if (checkpoints.isWriting) return 'awaiting'
    this.#become('finished')
    return 'ended'
  }

  startCheckpoint(start: CheckpointStart): void {
    if (this.isOver || this.phase === 'draining') return
    this.#guarded(() => {
      this.options.checkpoints.start(start)
      this.options.input.startCheckpoint(start)
    })
  }

  completeCheckpoint(checkpointId: number): void {
    this.options.checkpoints.complete(checkpointId)
  }

  abortCheckpoint(checkpointId: number): void {
    const { checkpoints, input } = this.options
    checkpoints.abort(checkpointId)
    if (this.isOver) return
    this.#guarded(() => input.abortCheckpoint(checkpointId))
    if (this.phase !== 'suspended' || this.#suspendedBy !== checkpointId) return
    this.#suspendedBy = undefined
    checkpoints.resume()
    this.#become('running')
  }

  #guarded(work: () => void): void {
    try {
      work()
    } catch (thrown) {
      this.fail(thrown)
    }
  }

  #await(promise: Promise<void>): StepResult {
    this.#awaited = promise
    promise.then(
      () => {
        this.#awaited = undefined
        this.options.wake()
      },
      (thrown: unknown) => {
        this.#awaited = undefined
        this.fail(thrown)
        this.options.wake()
      },
    )
    return 'awaiting'
  }

  fail(thrown: unknown): void {
    if (this.isOver) return
    this.#become('failed')
    this.options.onFailure(thrown)
  }

  cancel(): void {
    if (!this.isOver) this.#become('canceled')
  }

  #become(phase: TaskPhase): void {
    this.phase = phase
    if (this.isOver) {
      this.time.stop(this.options.clock.elapsed())
      this.options.checkpoints.stop()
    }
    this.options.onPhase(phase)
  }

  /** Closes every operator and the input, whatever state they are in; answers what failed in doing so. */
  async close(): Promise<StreamError[] | unknown[]> {
    const failures: unknown[] = []
    const closing = [
      () => this.options.checkpoints.answers,
      ...[...this.options.chain.runtime.nodes].reverse().map((node) => () => node.operator?.close?.()),
      () => this.options.input.close?.(),
    ]
    for (const close of closing) {
      try {
        await close()
      } catch (thrown) {
        failures.push(thrown)
      }
    }
    return failures
  }

  describe(): TaskDescription {
    const { vertex, subtask, chain, input, checkpoints } = this.options
    return {
      vertex,
      subtask,
      phase: this.phase,
      isFiring: chain.isAdvancing,
      isAligning: input.isAligning === true,
      isTakingSnapshot: checkpoints.isUnderWay,
      isWritingSnapshot: checkpoints.isWriting,
    }
  }

  metrics(): TaskMetrics {
    const { vertex, subtask, counters, late, input, edges, chain } = this.options
    this.time.note(undefined, this.options.clock.elapsed())
    return {
      vertex,
      subtask,
      recordsIn: this.recordsIn,
      recordsOut: edges.edges.length > 0 ? edges.rowsOut : chain.runtime.nodes.length > 0 ? this.recordsIn : 0,
      watermark: Math.min(input.watermark, maxWatermark),
      lateRecordsDropped: late.reduce((sum, { value }) => sum + value, 0),
      ...this.time.millis,
      counters,
      operators: operatorCounts(chain.runtime.nodes, this.options.nodeIds, this.recordsIn),
    }
  }
}
