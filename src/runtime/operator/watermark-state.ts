/**
 * Event time of one stream of elements (a split, a source, an assigner in mid-stream), pure: elements and probes with the
 * time go in; `watermark` and `idle` are what holds then. The watermark never falls. Idle: more than idlenessMs have
 * passed since the first probe without a new element, not counting time under backpressure; active again with the next
 * watermark that advances, not with the element.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { WatermarkGenerator, WatermarkOutput, WatermarkStrategy } from '../../program/function/watermark.ts'
import { maxWatermark, minWatermark } from './operator.ts'
import { makeGenerator } from './watermark-generator.ts'

export class WatermarkState<T = unknown> {
  readonly #strategy: WatermarkStrategy<T>
  readonly #generator: WatermarkGenerator<T>
  readonly #output: WatermarkOutput
  readonly #idleness: IdleClock | undefined
  #watermark = minWatermark
  #idle = false
  #changed = false

  constructor(strategy: WatermarkStrategy<T>) {
    this.#strategy = strategy
    this.#generator = makeGenerator(strategy)
    this.#idleness = strategy.idlenessMs === undefined ? undefined : new IdleClock(strategy.idlenessMs)
    this.#output = {
      emitWatermark: (timestamp) => this.#advance(timestamp),
      markIdle: () => this.#setIdle(true),
      markActive: () => this.#setIdle(false),
    }
  }

  /** minWatermark while there is none. */
  get watermark(): number {
    return this.#watermark
  }

  get idle(): boolean {
    return this.#idle
  }

  /** The element's timestamp: what the assigner says, else the one its record came with. */
  timestampOf(element: T, recordTimestamp: number): number {
    const assigner = this.#strategy.timestamp
    if (assigner === undefined) {
      if (Number.isNaN(recordTimestamp) && this.#strategy.generator.kind === 'bounded') throw withoutTimestamp()
      return recordTimestamp
    }
    const timestamp =
      typeof assigner === 'function' ? assigner(element, Number.isNaN(recordTimestamp) ? null : recordTimestamp) : element[assigner]
    if (typeof timestamp === 'number' && !Number.isNaN(timestamp)) return timestamp
    throw notATimestamp(timestamp, typeof assigner === 'function' ? undefined : assigner)
  }

  /** After the element has gone out. True: watermark or idle is another now. */
  onEvent(element: T, timestamp: number): boolean {
    this.#idleness?.sawElement()
    if (this.#generator.onEvent === undefined) return false
    this.#generator.onEvent(element, timestamp, this.#output)
    return this.#takeChanged()
  }

  /** For whole batches of a built-in generator: some elements, of which this is the latest timestamp. */
  onBatch(latestTimestamp: number): void {
    this.#idleness?.sawElement()
    if (this.#strategy.generator.kind === 'bounded') this.#generator.onEvent!(undefined as T, latestTimestamp, this.#output)
  }

  /** Every pipeline.auto-watermark-interval. `backpressured`: the stream could not go on since the last probe. */
  onPeriodic(nowMs: number, backpressured: boolean): boolean {
    if (this.#idleness?.probe(nowMs, backpressured)) this.#setIdle(true)
    else this.#generator.onPeriodicEmit?.(this.#output)
    return this.#takeChanged()
  }

  /** From outside: a source that says itself that it is idle, or a watermark that a source made. */
  markIdle(): boolean {
    this.#setIdle(true)
    return this.#takeChanged()
  }

  emitWatermark(watermark: number): boolean {
    this.#advance(watermark)
    return this.#takeChanged()
  }

  #advance(watermark: number): void {
    if (!(watermark > this.#watermark)) return
    this.#watermark = Math.min(watermark, maxWatermark)
    this.#changed = true
    this.#idle = false
  }

  #setIdle(idle: boolean): void {
    if (idle === this.#idle) return
    this.#idle = idle
    this.#changed = true
  }

  #takeChanged(): boolean {
    const changed = this.#changed
    this.#changed = false
    return changed
  }
}

/** How long there has been no element, on a clock that stands still under backpressure. */
class IdleClock {
  readonly #idlenessMs: number
  #sawElement = false
  #lastProbeMs: number | undefined
  /** Time without an element since the first probe that found none; -1: there was no such probe. */
  #quietMs = -1

  constructor(idlenessMs: number) {
    this.#idlenessMs = idlenessMs
  }

  sawElement(): void {
    this.#sawElement = true
  }

  probe(nowMs: number, backpressured: boolean): boolean {
    const passedMs = backpressured || this.#lastProbeMs === undefined ? 0 : nowMs - this.#lastProbeMs
    this.#lastProbeMs = nowMs
    if (this.#sawElement) {
      this.#sawElement = false
      this.#quietMs = -1
    } else if (this.#quietMs < 0) {
      this.#quietMs = 0
    } else {
      this.#quietMs += passedMs
    }
    return this.#quietMs > this.#idlenessMs
  }
}

function withoutTimestamp(): StreamError {
  return new StreamError('TYPE_MISMATCH', 'a record has no timestamp, and the watermark strategy assigns none', {
    hint: 'Give the strategy a timestamp: boundedOutOfOrderness(minutes(1), (row) => row.time).',
  })
}

function notATimestamp(value: unknown, field: string | undefined): StreamError {
  const what = value instanceof Date ? 'a Date' : typeof value === 'number' || value === null ? String(value) : typeof value
  const from = field === undefined ? 'the timestamp assigner returned' : `field ${field}, the timestamp, is`
  return new StreamError('TYPE_MISMATCH', `${from} ${what}, which is not a timestamp`, {
    hint: value instanceof Date ? 'Return ms since the epoch: date.getTime().' : 'A timestamp is a number: ms since the epoch.',
  })
}
