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
import type { ChainUnit } from '../chain/chain-input.ts'
import type { CheckpointStart } from '../state/snapshot.ts'
import type { TaskMetrics } from './deployment.ts'
import type { FirstKeys } from './first-keys.ts'
import { TaskAlarms } from './task-alarms.ts'
import { TaskEnding } from './task-ending.ts'
import type { TaskEvent } from './task-input.ts'
import type { StepResult, TaskOptions, TaskPhase } from './task-options.ts'
import { closeTask, taskMetrics } from './task-report.ts'
import { TimeSplit } from './time-split.ts'

export class Task {
  readonly options: TaskOptions
  readonly time: TimeSplit
  phase: TaskPhase = 'running'
  recordsIn = 0
  #unit: ChainUnit | undefined
  #firstKeys: FirstKeys | undefined
  #awaited: Promise<void> | undefined
  readonly #alarms: TaskAlarms
  readonly #ending: TaskEnding
  #suspendedBy: number | undefined
  #lastResult: StepResult = 'progressed'

  constructor(options: TaskOptions) {
    this.options = options
    this.#firstKeys = options.firstKeys
    if (options.isRestoredFinished) this.phase = 'draining'
    this.time = new TimeSplit(options.clock.elapsed())
    this.#alarms = new TaskAlarms(options.watermarkIntervalMs, options.clock.now())
    this.#ending = new TaskEnding(options)
  }

  /** Earliest time at which a step has something to do though nothing arrives. */
  get wakeAtMs(): number {
    const { edges, input } = this.options
    // What blocks a task, or what it awaits, wakes it; its timers can do nothing before.
    if (this.phase !== 'running' || this.#lastResult !== 'idle') return edges.wakeAtMs
    return Math.min(edges.wakeAtMs, this.#alarms.nextMs(input.needsProbe === true))
  }

  /** A timer rings when its millisecond is over: none of the rows that belong to it can come any more. */
  requestTimer(atMs: number): void {
    this.#alarms.requestTimer(atMs + 1)
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
    if (result === 'blocked' || result === 'awaiting') this.#alarms.noteBlocked()
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
    if (this.#unit === undefined && this.#alarms.isTimerDue(nowMs)) return this.#fireTimers(nowMs)
    if (this.#alarms.isProbeDue(nowMs, this.recordsIn)) this.#probe(nowMs)
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
    const dueMs = this.#alarms.takeTimer()
    // Stopped on a full output: what is left is due still.
    if (!this.options.chain.fireProcessingTimers(nowMs - 1)) this.#alarms.requestTimer(dueMs)
    return 'progressed'
  }

  #probe(nowMs: number): void {
    const wasBlocked = this.#alarms.probed(nowMs, this.recordsIn)
    this.options.input.onPeriodic?.(nowMs, wasBlocked)
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
    const step = this.#ending.end()
    if (step instanceof Promise) return this.#await(step)
    if (step !== 'ended') return step
    this.#become(this.options.waitsAtEnd || this.options.checkpoints.isDrained ? 'waiting' : 'draining')
    return 'progressed'
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
    const step = this.#ending.drain(this.#suspendedBy === undefined)
    if (step !== 'ended') return step
    const { answers, isWriting } = this.options.checkpoints
    if (answers !== undefined) return this.#await(answers)
    // Of a finished task the last snapshot stands in later ones, in files of the same names: nobody else may write or remove those.
    if (isWriting) return 'awaiting'
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
  close(): Promise<unknown[]> {
    return closeTask(this.options)
  }

  metrics(): TaskMetrics {
    this.time.note(undefined, this.options.clock.elapsed())
    return taskMetrics(this)
  }
}
