/**
 * Drives a source's reader as a task's input: gathers what it emits into units of work, makes event time per split, and
 * asks again when the reader says that there is more.
 */
import type { Clock } from '../../base/core/clock.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { SourceReader } from '../../program/function/source.ts'
import type { WatermarkStrategy } from '../../program/function/watermark.ts'
import type { ChainUnit } from '../chain/chain-input.ts'
import { freezeUnit } from '../chain/freeze-rows.ts'
import { maxWatermark, minWatermark } from '../operator/operator.ts'
import { SourceWatermarks } from '../operator/source-watermarks.ts'
import { TimePublisher } from '../operator/time-publisher.ts'
import type { WatermarkState } from '../operator/watermark-state.ts'
import type { CheckpointStart, StateSnapshot } from '../state/snapshot.ts'
import { Pace } from './pace.ts'
import { type SourceMail, SourceMailbox } from './source-mailbox.ts'
import type { TaskEvent, TaskInput } from './task-input.ts'
import { UnitGatherer, type UnitReceiver } from './unit-gatherer.ts'

type Queued = Extract<TaskEvent, { kind: 'unit' | 'end' }> | { readonly kind: 'said'; takesEffect(): void }

/** The table of a reader's splits in a snapshot. */
export const splitsTable = '_splits'
const chunkRows = 1024
/** No reader makes units as long. */
const maxUnitRows = 1 << 16

export class SourceInput implements TaskInput, UnitReceiver {
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
  readonly #mailbox: SourceMailbox
  readonly #name: string
  readonly #clock: Clock
  readonly #pace = new Pace(maxUnitRows)
  /** Of what the reader gave when it was asked last. */
  #given = 0
  #askedMs = 0
  #state: 'ready' | 'waiting' | 'ended' = 'ready'
  #taken = 0
  /** Stopped behind the barrier of this savepoint. */
  #suspendedBy: number | undefined
  /** Ended by this savepoint, not by its reader. */
  #drainedBy: number | undefined

  constructor(options: {
    readonly reader: SourceReader<any, any>
    readonly strategy: WatermarkStrategy<any> | undefined
    /** `source 'flights'`: for messages. */
    readonly name: string
    readonly clock: Clock
    readonly onAvailable: () => void
    readonly onFailure: (thrown: unknown) => void
    /** What the reader threw as an error that names the operator. */
    readonly failureOf?: (thrown: unknown) => unknown
    /** execution.check-mutation. */
    readonly freezesRows?: boolean
  }) {
    this.#reader = options.reader
    this.#mailbox = new SourceMailbox(options.reader)
    this.#name = options.name
    this.#clock = options.clock
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

  poll(holdsBarriers = false): TaskEvent | undefined {
    const time = this.pollTime()
    if (time !== undefined) return time
    if (this.#suspendedBy !== undefined) return undefined
    // Checkpoints that come faster than state is written must not stop a source: it takes the next when the task is ready for it.
    const request = holdsBarriers ? undefined : this.#mailbox.request
    if (this.#queue.length === 0) {
      if (request !== undefined) {
        if (request.stop !== 'drain' || this.#state === 'ended') return this.#barrier(request)
        this.#drainedBy = request.checkpointId
        this.#end()
      } else if (this.#state === 'ready') this.#read()
    }
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (next.kind === 'unit') this.#taken += next.unit.rowCount
      if (next.kind !== 'said') return next
      next.takesEffect()
      if (this.#time.length > 0) break
    }
    // The reader worked and has nothing to show for it yet: it is asked again, not at the next timer but at once.
    if (this.#time.length === 0 && (this.#state === 'ready' || request !== undefined)) this.#onAvailable()
    return this.pollTime()
  }

  pollTime(): TaskEvent | undefined {
    return this.#time.shift()
  }

  #read(): void {
    // Barriers stand between what the reader gives: all of it has been run by now.
    const nowMs = this.#clock.elapsed()
    this.#pace.note(this.#given, nowMs - this.#askedMs)
    this.#given = 0
    this.#askedMs = nowMs
    const result = this.#pollReader()
    this.#output.close()
    if (this.#watermarks?.combine() === true) this.publish()
    if (result === 'end') this.#end()
    else if (result === 'nothing') this.#waitForMore()
  }

  #end(): void {
    this.#state = 'ended'
    this.#say(() => this.#publisher.publishEnd())
    this.#queue.push({ kind: 'end' })
  }

  /** All that the reader emitted has been run. */
  #barrier({ checkpointId, stop }: CheckpointStart): TaskEvent {
    if (stop === 'suspend') this.#suspendedBy = checkpointId
    return { kind: 'barrier', checkpointId, alignmentMs: 0 }
  }

  /** Splits and events for the reader. */
  takeMail(mail: SourceMail): void {
    try {
      this.#mailbox.take(mail)
    } catch (thrown) {
      throw this.#failureOf(thrown)
    }
  }

  startCheckpoint(checkpoint: CheckpointStart): void {
    this.takeMail({ do: 'startCheckpoint', checkpoint })
  }

  abortCheckpoint(checkpointId: number): void {
    if (this.#drainedBy === checkpointId) {
      throw new StreamError('CHECKPOINT_DECLINED', `Stopping with savepoint ${checkpointId} failed after it had ended ${this.#name}`, {
        hint: 'The job goes on from its last checkpoint, if it has one; ask for the stop again.',
      })
    }
    if (this.#suspendedBy === checkpointId) this.#suspendedBy = undefined
    this.#settle(checkpointId)
  }

  snapshotState({ checkpointId }: CheckpointStart): readonly StateSnapshot[] {
    const values = this.#takeSplits(checkpointId)
    this.#settle(checkpointId)
    return [
      {
        name: splitsTable,
        scope: 'split',
        form: 'list',
        declared: { value: { type: { kind: 'any' }, nullable: false } },
        *chunks() {
          for (let from = 0; from < values.length; from += chunkRows) {
            const some = values.slice(from, from + chunkRows)
            yield { rowCount: some.length, columns: [{ name: 'value', values: some }] }
          }
        },
        release: () => undefined,
      },
    ]
  }

  /** Cloned: a reader may go on in the very objects that it gave. */
  #takeSplits(checkpointId: number): readonly unknown[] {
    try {
      return structuredClone(this.#reader.snapshotState(checkpointId))
    } catch (thrown) {
      throw this.#failureOf(thrown)
    }
  }

  #settle(checkpointId: number): void {
    try {
      this.#mailbox.settle(checkpointId)
    } catch (thrown) {
      throw this.#failureOf(thrown)
    }
  }

  /** Ahead of the reader's start: event time goes on from where it was. */
  restore(splits: readonly unknown[], watermark: number): void {
    try {
      if (splits.length > 0) this.#reader.addSplits(splits)
    } catch (thrown) {
      throw this.#failureOf(thrown)
    }
    // One that had ended has nothing to say of time; it may be given splits again.
    if (watermark < maxWatermark) this.#publisher.publish(watermark, false)
  }

  notifyCheckpointComplete(checkpointId: number): void | Promise<void> {
    return this.#reader.notifyCheckpointComplete?.(checkpointId)
  }

  /** A reader has no channels: nothing is left to come that a barrier could be part of. */
  get isClosed(): boolean {
    return true
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

  get wantedRows(): number {
    return this.#pace.rows
  }

  push(unit: ChainUnit): void {
    this.#given += unit.rowCount
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
