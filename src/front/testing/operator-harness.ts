/**
 * One operator on a bench: rows, watermarks and time go in by hand, and what comes out stands in `output` in its order.
 * Nothing runs by itself and nothing waits: the clock moves when setProcessingTime says so. Runs in the test's own thread.
 */
import { ManualClock } from '../../base/core/clock.ts'
import { assert, StreamError } from '../../base/core/stream-error.ts'
import { MemoryFileSystem } from '../../base/filesystem/memory-file-system.ts'
import type { OutputTag } from '../../program/function/functions.ts'
import type { KeySpec, OperatorDescriptor } from '../../program/graph/operator-descriptor.ts'
import { WatermarkValve } from '../../runtime/exchange/watermark-valve.ts'
import { createOperator } from '../../runtime/operator/create-operator.ts'
import { keyOf } from '../../runtime/operator/key-of.ts'
import { maxWatermark, noTimestamp, type OperatorContext, type StreamOperator } from '../../runtime/operator/operator.ts'

export type OutputElement<O = unknown> =
  | { readonly kind: 'record'; readonly value: O; readonly timestamp: number | null }
  | { readonly kind: 'watermark'; readonly watermark: number }
  | { readonly kind: 'idle' }
  | { readonly kind: 'active' }

/** A field, several, or a function of the row; as keyBy takes it. */
export type HarnessKey<T> = (keyof T & string) | readonly (keyof T & string)[] | ((value: T) => unknown)

export interface HarnessOptions {
  readonly name?: string
  /** Processing time at the start; 0 if not given. */
  readonly startMs?: number
  readonly parallelism?: number
  readonly subtaskIndex?: number
  readonly maxParallelism?: number
  readonly autoWatermarkIntervalMs?: number
  /** Firing is interrupted after so many rows and taken up again, as by a full channel: results must be the same. */
  readonly stopEvery?: number
}

/** Made by operatorHarness, processHarness and the like, which open it. */
export class OperatorHarness<I = unknown, O = unknown, I2 = unknown> {
  readonly clock: ManualClock
  /** Records, watermarks and statuses in the order in which they came. */
  readonly output: OutputElement<O>[] = []
  /** Lines that the function printed. */
  readonly lines: string[] = []
  readonly counters: Record<string, number> = {}
  readonly #operator: StreamOperator
  readonly #keys: readonly (((row: any) => unknown) | undefined)[]
  readonly #valve: WatermarkValve
  readonly #late = { value: 0 }
  readonly #sides = new Map<string, OutputElement<any>[]>()
  readonly #stopEvery: number
  #emitted = 0

  constructor(descriptor: OperatorDescriptor, keys: readonly (KeySpec | undefined)[], options: HarnessOptions = {}) {
    this.clock = new ManualClock(options.startMs ?? 0)
    this.#stopEvery = options.stopEvery ?? Number.POSITIVE_INFINITY
    this.#valve = new WatermarkValve(descriptor.kind === 'coProcess' ? 2 : 1)
    this.#keys = keys.map((spec) => (spec === undefined ? undefined : keyOf(spec)))
    const settings = { autoWatermarkIntervalMs: options.autoWatermarkIntervalMs ?? 200 }
    this.#operator = createOperator(descriptor, this.#context(options), keys, settings)
  }

  async open(): Promise<this> {
    try {
      await this.#operator.open?.()
    } catch (failure) {
      await this.#operator.close?.()
      throw failure
    }
    return this
  }

  /** A row of the (first) input; without a timestamp if none is given. */
  processElement(value: I, timestamp: number = noTimestamp): void {
    this.#operator.processElement(value, timestamp, this.#keys[0]?.(value))
  }

  /** A row of the second input. */
  processElement2(value: I2, timestamp: number = noTimestamp): void {
    if (this.#operator.processElement2 === undefined) throw this.#oneInput()
    this.#operator.processElement2(value, timestamp, this.#keys[1]?.(value))
  }

  /** A watermark of the (first) input. With two inputs the operator sees their minimum. */
  processWatermark(watermark: number, input: 0 | 1 = 0): void {
    this.#apply(this.#valve.advance(input, watermark))
  }

  processWatermark2(watermark: number): void {
    this.processWatermark(watermark, 1)
  }

  processWatermarkStatus(status: 'idle' | 'active', input: 0 | 1 = 0): void {
    this.#apply(this.#valve.setIdle(input, status === 'idle'))
  }

  /** Moves the clock on and fires the timers that fall due, each at its time. */
  setProcessingTime(timeMs: number): void {
    if (timeMs < this.clock.now()) {
      throw new StreamError('INVALID_ARGUMENT', `Processing time is ${this.clock.now()} and cannot go back to ${timeMs}`, {
        hint: 'Start earlier: pass startMs.',
      })
    }
    this.clock.advance(timeMs - this.clock.now())
  }

  /** The end of all input: time goes to MAX, and the operator gives what it still holds. */
  async endInput(): Promise<void> {
    for (const input of this.#keys.length === 2 || this.#operator.processElement2 !== undefined ? [0, 1] : [0])
      this.#apply(this.#valve.finish(input))
    await this.#operator.endInput?.()
  }

  /** Waits for an async write of a sink. */
  async settled(): Promise<void> {
    await this.#operator.pending
  }

  async close(): Promise<void> {
    await this.#operator.close?.()
  }

  /** The values of the records in `output`. */
  get values(): O[] {
    return this.output.flatMap((element) => (element.kind === 'record' ? [element.value] : []))
  }

  /** What stands in `output`, which is then empty. */
  takeOutput(): OutputElement<O>[] {
    return this.output.splice(0)
  }

  sideOutput<X>(tag: OutputTag<X>): OutputElement<X>[] {
    return this.#sides.get(tag.id) ?? []
  }

  get numEventTimeTimers(): number {
    return this.#count('numEventTimers')
  }

  get numProcessingTimeTimers(): number {
    return this.#count('numProcessingTimers')
  }

  get numLateRecordsDropped(): number {
    return this.#late.value
  }

  #count(what: 'numEventTimers' | 'numProcessingTimers'): number {
    return (this.#operator as { numEventTimers?: number; numProcessingTimers?: number })[what] ?? 0
  }

  #apply(events: ReturnType<WatermarkValve['advance']>): void {
    for (const event of events) {
      if (event.kind === 'watermark') this.#fire(() => this.#operator.advanceWatermark(event.watermark))
      if (!this.#operator.ownsTime) this.output.push(event)
    }
  }

  /** Calls until the operator says that it is done, as a task does that finds room again each time. */
  #fire(step: () => boolean): void {
    this.#emitted = 0
    while (!step()) {
      assert(this.#emitted > 0, 'an operator that was interrupted has emitted something')
      this.#emitted = 0
    }
  }

  #push(into: OutputElement<any>[], value: unknown, timestamp: number): void {
    this.#emitted++
    into.push({ kind: 'record', value, timestamp: Number.isNaN(timestamp) ? null : timestamp })
  }

  #side(tag: string): OutputElement<any>[] {
    const known = this.#sides.get(tag)
    if (known !== undefined) return known
    const elements: OutputElement<any>[] = []
    this.#sides.set(tag, elements)
    return elements
  }

  #context(options: HarnessOptions): OperatorContext {
    const harness = this
    const { parallelism = 1, subtaskIndex = 0, maxParallelism = 128, name: operatorName = 'tested' } = options
    return {
      ...{ jobId: 'test', jobName: 'test', operatorName, operatorUid: undefined, attemptNumber: 0 },
      ...{ operatorId: 'tested', checkpointing: false, restoredCheckpointId: undefined },
      ...{ subtaskIndex, parallelism, maxParallelism, numLateRecordsDropped: this.#late },
      clock: this.clock,
      fileSystem: new MemoryFileSystem({ clock: this.clock }),
      addToCounter: (name, delta) => {
        this.counters[name] = (this.counters[name] ?? 0) + delta
      },
      printLine: (_stream, line) => void this.lines.push(line),
      sendToClient: (_channel, rows) => {
        for (const row of rows) this.#push(this.output, row, noTimestamp)
      },
      requestProcessingTimer: (atMs) => {
        this.clock.setTimer(atMs - this.clock.now(), () =>
          this.#fire(() => this.#operator.fireProcessingTimers?.(this.clock.now()) ?? true),
        )
      },
      output: {
        emit: (row, timestamp) => this.#push(this.output, row, timestamp),
        emitSide: (tag, row, timestamp) => this.#push(this.#side(tag), row, timestamp),
        get isFull() {
          return harness.#emitted >= harness.#stopEvery
        },
        emitWatermark: (watermark) => void this.output.push({ kind: 'watermark', watermark }),
        emitIdle: (idle) => void this.output.push({ kind: idle ? 'idle' : 'active' }),
      },
    }
  }

  #oneInput(): StreamError {
    return new StreamError('INVALID_ARGUMENT', 'The tested operator has one input', {
      hint: 'processElement2 is for connected streams: coProcessHarness.',
    })
  }
}

/** MAX as a watermark: the end of time. */
export const endOfTime = maxWatermark
