/**
 * The input channels of a task, read in turn, one batch or event at a time. Time of the channels meets in a valve.
 */
import type { ChannelReader } from '../exchange/channel-reader.ts'
import { type ValveEvent, WatermarkValve } from '../exchange/watermark-valve.ts'
import { maxWatermark } from '../operator/operator.ts'
import type { TaskEvent, TaskInput } from './task-input.ts'

export interface GateChannel {
  readonly reader: ChannelReader
  readonly input: 0 | 1
  /** `subtask 3 of source 'flights'`: for messages. */
  readonly from: string
}

export class InputGate implements TaskInput {
  readonly #channels: readonly GateChannel[]
  readonly #valve: WatermarkValve
  readonly #queue: TaskEvent[] = []
  readonly #ended: boolean[]
  #open: number
  #next = 0

  constructor(channels: readonly GateChannel[]) {
    this.#channels = channels
    this.#valve = new WatermarkValve(channels.length)
    this.#ended = channels.map(() => false)
    this.#open = channels.length
  }

  get watermark(): number {
    return this.#valve.watermark
  }

  get holder(): string | undefined {
    const { holder } = this.#valve
    return holder === undefined ? undefined : this.#channels[holder]!.from
  }

  poll(): TaskEvent | undefined {
    const queued = this.#queue.shift()
    if (queued !== undefined) return queued
    for (let tried = 0; tried < this.#channels.length; tried++) {
      const index = this.#next
      const event = this.#ended[index] ? undefined : this.#take(index)
      // A channel that had something is asked again only after the others.
      this.#next = index + 1 === this.#channels.length ? 0 : index + 1
      if (event !== undefined) return event
    }
    return undefined
  }

  #take(index: number): TaskEvent | undefined {
    const { reader, input, from } = this.#channels[index]!
    for (;;) {
      const received = reader.poll()
      if (received === undefined) return undefined
      if (received.kind === 'batch') {
        return {
          kind: 'unit',
          unit: {
            form: 'batch',
            batch: received.batch,
            rowCount: received.batch.rowCount,
            cursor: 0,
            input,
            watermarks: undefined,
            position: from,
          },
        }
      }
      if (received.kind === 'endOfData') this.#end(index)
      else if (received.kind === 'watermark') this.#say(this.#valve.advance(index, received.timestamp))
      else if (received.kind !== 'barrier') this.#say(this.#valve.setIdle(index, received.kind === 'idle'))
      const event = this.#queue.shift()
      if (event !== undefined || this.#ended[index]) return event
    }
  }

  #end(index: number): void {
    this.#ended[index] = true
    this.#say(this.#valve.finish(index))
    if (--this.#open > 0) return
    if (this.#valve.watermark < maxWatermark) this.#queue.push({ kind: 'watermark', watermark: maxWatermark })
    this.#queue.push({ kind: 'end' })
  }

  #say(events: readonly ValveEvent[]): void {
    for (const event of events) this.#queue.push(event.kind === 'watermark' ? event : { kind: 'idle', idle: event.kind === 'idle' })
  }
}
