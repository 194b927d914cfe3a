/**
 * Drives a source's reader as a task's input: gathers what it emits into units of work, makes event time per split, and
 * asks again when the reader says that there is more.
 */
import { batchOfColumns } from '../../base/columnar/column-batch.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { ReaderOutput, SourceReader, SourceUnit } from '../../program/function/source.ts'
import type { WatermarkStrategy } from '../../program/function/watermark.ts'
import type { ChainUnit } from '../chain/chain-input.ts'
import { freezeUnit } from '../chain/freeze-rows.ts'
import { minWatermark } from '../operator/operator.ts'
import { SourceWatermarks } from '../operator/source-watermarks.ts'
import { TimePublisher } from '../operator/time-publisher.ts'
import type { WatermarkState } from '../operator/watermark-state.ts'
import type { TaskEvent, TaskInput } from './task-input.ts'

type Queued = Extract<TaskEvent, { kind: 'unit' | 'end' }> | { readonly kind: 'said'; takesEffect(): void }

export class SourceInput implements TaskInput {
  readonly #reader: SourceReader<any, any>
  readonly #watermarks: SourceWatermarks | undefined
  readonly #publisher: TimePublisher
  readonly #queue: Queued[] = []
  /** Time goes ahead of all rows that are not run yet, those of the unit under way included: it holds for them too. */
  readonly #time: TaskEvent[] = []
  readonly #onAvailable: () => void
  readonly #onFailure: (thrown: unknown) => void
  readonly #failureOf: (thrown: unknown) => unknown
  readonly #freezesRows: boolean
  readonly #output: UnitGatherer
  readonly #name: string
  #state: 'ready' | 'waiting' | 'ended' = 'ready'
  #taken = 0

  constructor(options: {
    readonly reader: SourceReader<any, any>
    readonly strategy: WatermarkStrategy<any> | undefined
    /** `source 'flights'`: for messages. */
    readonly name: string
    readonly onAvailable: () => void
    readonly onFailure: (thrown: unknown) => void
    /** What the reader threw as an error that names the operator. */
    readonly failureOf?: (thrown: unknown) => unknown
    /** execution.check-mutation. */
    readonly freezesRows?: boolean
  }) {
    this.#reader = options.reader
    this.#name = options.name
    this.#onAvailable = options.onAvailable
    this.#onFailure = options.onFailure
    this.#freezesRows = options.freezesRows === true
    this.#failureOf = options.failureOf ?? ((thrown) => thrown)
    this.#watermarks = options.strategy === undefined ? undefined : new SourceWatermarks(options.strategy)
    this.#publisher = new TimePublisher({
      emitWatermark: (watermark) => void this.#time.push({ kind: 'watermark', watermark }),
      emitIdle: (idle) => void this.#time.push({ kind: 'idle', idle }),
    })
    this.#output = new UnitGatherer(undefined, this)
  }

  get watermark(): number {
    return this.#publisher.watermark
  }

  get holder(): string | undefined {
    const split = this.#watermarks?.holder
    return split === undefined ? this.#name : `split ${split} of ${this.#name}`
  }

  poll(): TaskEvent | undefined {
    const time = this.pollTime()
    if (time !== undefined) return time
    if (this.#queue.length === 0 && this.#state === 'ready') this.#read()
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (next.kind === 'unit') this.#taken += next.unit.rowCount
      if (next.kind !== 'said') return next
      next.takesEffect()
      if (this.#time.length > 0) break
    }
    // The reader worked and has nothing to show for it yet: it is asked again, not at the next timer but at once.
    if (this.#time.length === 0 && this.#state === 'ready') this.#onAvailable()
    return this.pollTime()
  }

  pollTime(): TaskEvent | undefined {
    return this.#time.shift()
  }

  #read(): void {
    const result = this.#pollReader()
    this.#output.close()
    if (this.#watermarks?.combine() === true) this.publish()
    if (result === 'end') {
      this.#state = 'ended'
      this.#say(() => this.#publisher.publishEnd())
      this.#queue.push({ kind: 'end' })
    } else if (result === 'nothing') this.#waitForMore()
  }

  /** What a reader says of time holds behind the rows that it emitted before. */
  #say(takesEffect: () => void): void {
    this.#queue.push({ kind: 'said', takesEffect })
  }

  #pollReader(): ReturnType<SourceReader<any, any>['pollNext']> {
    try {
      return this.#reader.pollNext(this.#output)
    } catch (thrown) {
      throw this.#failureOf(thrown)
    }
  }

  #waitForMore(): void {
    this.#state = 'waiting'
    this.#reader.isAvailable().then(
      () => {
        if (this.#state === 'waiting') this.#state = 'ready'
        this.#onAvailable()
      },
      (thrown: unknown) => this.#onFailure(thrown),
    )
  }

  /** Rows were run: what custom generators asked for comes from pollTime. */
  afterRows(): void {
    if (this.#watermarks?.combine() === true) this.publish()
  }

  get needsProbe(): boolean {
    return this.#watermarks !== undefined && this.#state !== 'ended'
  }

  onPeriodic(nowMs: number, backpressured: boolean): void {
    if (this.#state !== 'ended' && this.#watermarks?.onPeriodic(nowMs, backpressured) === true) this.publish()
  }

  publish(): void {
    if (this.#watermarks !== undefined) this.#publisher.publish(this.#watermarks.watermark, this.#watermarks.idle)
  }

  stateOf(splitId: string | undefined): WatermarkState<any> | undefined {
    return splitId === undefined ? this.#watermarks?.forMain() : this.#watermarks?.forSplit(splitId)
  }

  /** The split holds time back until the rows that it emitted are through. */
  releaseSplit(splitId: string): void {
    this.#say(() => {
      if (this.#watermarks?.releaseSplit(splitId) === true) this.publish()
    })
  }

  markIdle(): void {
    this.#say(() => {
      if (this.#watermarks === undefined) this.#publisher.publish(this.#publisher.watermark, true)
      else if (this.#watermarks.markIdle()) this.publish()
    })
  }

  emitWatermark(splitId: string | undefined, watermark: number): void {
    this.#say(() => {
      if (this.#watermarks === undefined) this.#publisher.publish(Math.max(watermark, minWatermark), false)
      else {
        this.stateOf(splitId)!.emitWatermark(watermark)
        if (this.#watermarks.combine()) this.publish()
      }
    })
  }

  push(unit: ChainUnit): void {
    this.#queue.push({ kind: 'unit', unit: this.#freezesRows ? freezeUnit(unit) : unit })
  }

  positionOf(splitId: string | undefined, position: string | undefined): string {
    return (
      position ??
      (splitId === undefined ? `record ${this.#taken.toLocaleString('en-US')} of ${this.#name}` : `split ${splitId} of ${this.#name}`)
    )
  }

  close(): void | Promise<void> {
    return this.#reader.close()
  }
}

/** What a reader emits into during one pollNext: records one by one are gathered into one unit. */
class UnitGatherer implements ReaderOutput<any> {
  readonly #splitId: string | undefined
  readonly #input: SourceInput
  readonly #splits = new Map<string, UnitGatherer>()
  #rows: unknown[] = []
  #timestamps: number[] = []
  #hasTimestamps = false

  constructor(splitId: string | undefined, input: SourceInput) {
    this.#splitId = splitId
    this.#input = input
  }

  collect(record: unknown, timestamp?: number): void {
    this.#rows.push(record)
    this.#timestamps.push(timestamp ?? Number.NaN)
    if (timestamp !== undefined) this.#hasTimestamps = true
  }

  emit(unit: SourceUnit<any>, position?: string): void {
    this.#flush()
    const base = {
      cursor: 0,
      input: 0,
      watermarks: this.#input.stateOf(this.#splitId),
      position: this.#input.positionOf(this.#splitId, position),
    } as const
    if (unit.kind === 'rows') {
      if (unit.rows.length > 0)
        this.#input.push({ ...base, form: 'rows', rows: unit.rows, timestamps: unit.timestamps, rowCount: unit.rows.length })
    } else if (unit.kind === 'range') {
      if (unit.count > 0)
        this.#input.push({ ...base, form: 'range', generate: unit.generate, from: unit.from, step: unit.step, rowCount: unit.count })
    } else if (unit.kind === 'columns') {
      if (unit.rowCount > 0) this.#input.push({ ...base, form: 'batch', batch: batchOfColumns(unit), rowCount: unit.rowCount })
    } else
      throw new StreamError('INVALID_ARGUMENT', `A source emitted a unit of unknown kind '${String((unit as { kind?: unknown }).kind)}'`)
  }

  forSplit(splitId: string): ReaderOutput<any> {
    let output = this.#splits.get(splitId)
    if (output === undefined) {
      output = new UnitGatherer(splitId, this.#input)
      this.#splits.set(splitId, output)
      // From now on the split holds time back, though it may emit much later than its siblings.
      this.#input.stateOf(splitId)
    }
    return output
  }

  releaseSplit(splitId: string): void {
    this.#splits.get(splitId)?.close()
    this.#splits.delete(splitId)
    this.#input.releaseSplit(splitId)
  }

  markIdle(): void {
    this.#flush()
    this.#input.markIdle()
  }

  emitWatermark(timestamp: number): void {
    this.close()
    this.#input.emitWatermark(this.#splitId, timestamp)
  }

  /** Ends the units under way. */
  close(): void {
    for (const split of this.#splits.values()) split.close()
    this.#flush()
  }

  #flush(): void {
    if (this.#rows.length === 0) return
    const rows = this.#rows
    const timestamps = this.#hasTimestamps ? this.#timestamps : undefined
    this.#rows = []
    this.#timestamps = []
    this.#hasTimestamps = false
    this.#input.push({
      form: 'rows',
      rows,
      timestamps,
      rowCount: rows.length,
      cursor: 0,
      input: 0,
      watermarks: this.#input.stateOf(this.#splitId),
      position: this.#input.positionOf(this.#splitId, undefined),
    })
  }
}
