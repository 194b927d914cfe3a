/**
 * One subtask: an input, a chain, and the state machine that moves records from one to the other. `step` does one piece of
 * work and never waits; whoever pumps it calls again. A unit that has begun is finished before anything else is taken.
 *
 * | phase    | what a step does                                                      | next                                  |
 * | -------- | --------------------------------------------------------------------- | ------------------------------------- |
 * | running  | drains outputs, moves time on, fires timers, runs or takes a unit      | ending when the input has ended       |
 * | ending   | tells the operators, in order, that input has ended                   | draining                              |
 * | draining | sends what is left and the end of data                                | finished                              |
 * | finished, failed, canceled | nothing                                             |                                       |
 */
import type { Clock } from '../../base/core/clock.ts'
import type { StreamError } from '../../base/core/stream-error.ts'
import type { Chain } from '../chain/chain.ts'
import type { ChainUnit } from '../chain/chain-input.ts'
import type { ResultPartition } from '../exchange/result-partition.ts'
import { maxWatermark } from '../operator/operator.ts'
import type { TaskMetrics } from './deployment.ts'
import { operatorCounts } from './operator-counts.ts'
import type { TaskEvent, TaskInput } from './task-input.ts'
import { TimeSplit } from './time-split.ts'

/** progressed: call again; idle: no input; blocked: no credit; awaiting: a promise; ended: never again. */
export type StepResult = 'progressed' | 'idle' | 'blocked' | 'awaiting' | 'ended'

export type TaskPhase = 'running' | 'ending' | 'draining' | 'finished' | 'failed' | 'canceled'

export interface OutgoingEdge {
  readonly partition: ResultPartition
  /** -1: only when full; 0: after each unit. */
  readonly bufferTimeoutMs: number
  /** When rows in it must be on their way; Infinity while there are none, `overdue` where they wait for credit only. */
  flushAtMs: number
}

/** No time will do it: credit wakes the task, and each step tries. */
const overdue = Number.NEGATIVE_INFINITY

export interface TaskOptions {
  readonly vertex: number
  readonly subtask: number
  readonly input: TaskInput
  readonly chain: Chain
  readonly edges: readonly OutgoingEdge[]
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
}

/** A source that is far faster than the clock tells time this often: what waits for time is bounded in rows too. */
const rowsPerProbe = 65_536

export class Task {
  readonly options: TaskOptions
  readonly time: TimeSplit
  phase: TaskPhase = 'running'
  recordsIn = 0
  #unit: ChainUnit | undefined
  #awaited: Promise<void> | undefined
  #nextTimerMs = Number.POSITIVE_INFINITY
  #nextProbeMs: number
  #nextProbeRows = rowsPerProbe
  #blockedSinceProbe = false
  #endingAt = 0
  #endSent = false
  #lastResult: StepResult = 'progressed'

  constructor(options: TaskOptions) {
    this.options = options
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
    for (const { flushAtMs } of this.options.edges) if (flushAtMs !== overdue) at = Math.min(at, flushAtMs)
    return at
  }

  requestTimer(atMs: number): void {
    this.#nextTimerMs = Math.min(this.#nextTimerMs, atMs)
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
    const { chain } = this.options
    this.#flushDue(nowMs)
    if (this.#awaited !== undefined) return 'awaiting'
    const { pending } = chain
    if (pending !== undefined) return this.#await(pending)
    chain.runtime.interrupted = false
    if (!chain.makeRoom()) return 'blocked'
    if (chain.isAdvancing) return this.#advance()
    if (this.phase === 'ending') return this.#end()
    if (this.phase === 'draining') return this.#drain()
    if (this.#unit === undefined && nowMs >= this.#nextTimerMs) return this.#fireTimers(nowMs)
    if (nowMs >= this.#nextProbeMs || (this.recordsIn >= this.#nextProbeRows && this.options.watermarkIntervalMs > 0)) this.#probe(nowMs)
    if (this.#unit === undefined) return this.#take(this.options.input.poll(), nowMs)
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
    for (const edge of edges) {
      if (edge.bufferTimeoutMs < 0 || !edge.partition.hasUnsent) continue
      if (edge.bufferTimeoutMs === 0) {
        if (isDone) this.#flush(edge)
      } else if (edge.flushAtMs === Number.POSITIVE_INFINITY) edge.flushAtMs = nowMs + edge.bufferTimeoutMs
    }
  }

  #take(event: TaskEvent | undefined, nowMs: number): StepResult {
    switch (event?.kind) {
      case undefined:
        return this.#idle()
      case 'unit':
        this.#unit = event.unit
        this.#run(event.unit, nowMs)
        return 'progressed'
      case 'watermark':
        this.options.chain.offerWatermark(event.watermark)
        return this.#advance()
      case 'idle':
        this.options.chain.offerIdle(event.idle)
        return this.#advance()
      case 'end':
        this.#become('ending')
        return 'progressed'
    }
  }

  /** Nothing to read: what was gathered goes out at once to consumers that have nothing either. */
  #idle(): StepResult {
    for (const edge of this.options.edges) {
      if (edge.bufferTimeoutMs >= 0 && edge.partition.hasUnsent && edge.partition.isConsumerIdle) this.#flush(edge)
    }
    return 'idle'
  }

  #advance(): StepResult {
    const { chain, edges } = this.options
    const done = chain.advance()
    const nowMs = this.options.clock.now()
    for (const edge of edges) {
      if (edge.bufferTimeoutMs === 0) this.#flush(edge)
      else if (edge.flushAtMs === Number.POSITIVE_INFINITY && edge.bufferTimeoutMs > 0) edge.flushAtMs = nowMs + edge.bufferTimeoutMs
    }
    return done || chain.pending !== undefined || chain.runtime.partitions.some((partition) => partition.isFull) ? 'progressed' : 'blocked'
  }

  #fireTimers(nowMs: number): StepResult {
    const requested = this.#nextTimerMs
    this.#nextTimerMs = Number.POSITIVE_INFINITY
    // Stopped on a full output: what is left is due still.
    if (!this.options.chain.fireProcessingTimers(nowMs)) this.#nextTimerMs = Math.min(this.#nextTimerMs, requested)
    return 'progressed'
  }

  #probe(nowMs: number): void {
    this.#nextProbeMs = nowMs + this.options.watermarkIntervalMs
    this.#nextProbeRows = this.recordsIn + rowsPerProbe
    this.options.input.onPeriodic?.(nowMs, this.#blockedSinceProbe)
    this.#blockedSinceProbe = false
  }

  #flushDue(nowMs: number): void {
    for (const edge of this.options.edges) if (nowMs >= edge.flushAtMs) this.#flush(edge)
  }

  #flush(edge: OutgoingEdge): void {
    edge.partition.scatter()
    edge.partition.flush()
    edge.flushAtMs = Number.POSITIVE_INFINITY
    if (edge.partition.hasUnsent && edge.bufferTimeoutMs >= 0) edge.flushAtMs = overdue
  }

  #end(): StepResult {
    const { nodes } = this.options.chain.runtime
    if (this.#endingAt === nodes.length) {
      this.#become('draining')
      return 'progressed'
    }
    // One a step: what an operator emits at its end, a sink's write or a watermark among it, is through before the next one's.
    const promise = nodes[this.#endingAt++]!.operator?.endInput?.()
    return promise === undefined ? 'progressed' : this.#await(promise)
  }

  #drain(): StepResult {
    const { edges } = this.options
    if (!this.#endSent) {
      for (const { partition } of edges) if (!partition.scatter()) return 'blocked'
      for (const { partition } of edges) partition.broadcastEvent({ kind: 'endOfData' })
      this.#endSent = true
    }
    // All of them, so that one stuck consumer does not keep the end from the others.
    for (const { partition } of edges) partition.flush()
    if (!edges.every(({ partition }) => partition.isDrained && !partition.hasUnsent)) return 'blocked'
    for (const edge of edges) edge.flushAtMs = Number.POSITIVE_INFINITY
    this.#become('finished')
    return 'ended'
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
    if (this.isOver) this.time.stop(this.options.clock.elapsed())
    this.options.onPhase(phase)
  }

  /** Closes every operator and the input, whatever state they are in; answers what failed in doing so. */
  async close(): Promise<StreamError[] | unknown[]> {
    const failures: unknown[] = []
    const closing = [
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

  metrics(): TaskMetrics {
    const { vertex, subtask, counters, late, input, edges, chain } = this.options
    this.time.note(undefined, this.options.clock.elapsed())
    const sent = edges.reduce((sum, { partition }) => sum + partition.rowsOut + partition.staging.rowCount, 0)
    return {
      vertex,
      subtask,
      recordsIn: this.recordsIn,
      recordsOut: edges.length > 0 ? sent : chain.runtime.nodes.length > 0 ? this.recordsIn : 0,
      watermark: Math.min(input.watermark, maxWatermark),
      lateRecordsDropped: late.reduce((sum, { value }) => sum + value, 0),
      ...this.time.millis,
      counters,
      operators: operatorCounts(chain.runtime.nodes, this.options.nodeIds, this.recordsIn),
    }
  }
}
