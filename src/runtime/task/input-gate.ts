/**
 * The input channels of a task, read in turn, one batch or event at a time. Time of the channels meets in a valve, their
 * barriers in an aligner: a channel that it blocks is not read until it is unblocked, the others go on.
 */
import type { ChannelReader, Received } from '../exchange/channel-reader.ts'
import { type ValveEvent, WatermarkValve } from '../exchange/watermark-valve.ts'
import { maxWatermark } from '../operator/operator.ts'
import type { CheckpointStart } from '../state/snapshot.ts'
import { type AlignmentMode, type AlignmentStep, BarrierAligner } from './barrier-aligner.ts'
import type { TaskEvent, TaskInput } from './task-input.ts'

export interface GateChannel {
  readonly reader: ChannelReader
  readonly input: 0 | 1
  /** `subtask 3 of source 'flights'`: for messages. */
  readonly from: string
}

export interface InputGateOptions {
  readonly mode: AlignmentMode
  /** Monotonic time in ms: how long alignments take. */
  readonly elapsed: () => number
}

export class InputGate implements TaskInput {
  readonly #channels: readonly GateChannel[]
  readonly #elapsed: () => number
  readonly #valve: WatermarkValve
  readonly #aligner: BarrierAligner
  #queue: TaskEvent[] = []
  /** Not read now: blocked by the aligner, or closed. */
  readonly #isHeld: boolean[]
  readonly #isEnded: boolean[]
  #unended: number
  #unclosed: number
  #next = 0

  constructor(channels: readonly GateChannel[], options: InputGateOptions) {
    this.#channels = channels
    this.#elapsed = options.elapsed
    this.#valve = new WatermarkValve(channels.length)
    this.#aligner = new BarrierAligner(options.mode, channels.length)
    this.#isHeld = channels.map(() => false)
    this.#isEnded = channels.map(() => false)
    this.#unended = channels.length
    this.#unclosed = channels.length
  }

  get watermark(): number {
    return this.#valve.watermark
  }

  get holder(): string | undefined {
    const { holder } = this.#valve
    return holder === undefined ? undefined : this.#channels[holder]!.from
  }

  get isClosed(): boolean {
    return this.#unclosed === 0 && this.#queue.length === 0
  }

  get isAligning(): boolean {
    return this.#aligner.isAligning
  }

  startCheckpoint({ checkpointId }: CheckpointStart): void {
    this.#align(this.#aligner.announce(checkpointId))
  }

  abortCheckpoint(checkpointId: number): void {
    this.#queue = this.#queue.filter((event) => event.kind !== 'barrier' || event.checkpointId !== checkpointId)
    this.#align(this.#aligner.abort(checkpointId))
  }

  poll(): TaskEvent | undefined {
    const queued = this.#queue.shift()
    if (queued !== undefined) return queued
    for (let tried = 0; tried < this.#channels.length; tried++) {
      const index = this.#next
      const event = this.#isHeld[index] ? undefined : this.#take(index)
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
      this.#hear(index, received)
      const event = this.#queue.shift()
      if (event !== undefined || this.#isHeld[index]) return event
    }
  }

  #hear(index: number, event: Exclude<Received, { kind: 'batch' }>): void {
    switch (event.kind) {
      case 'watermark':
        return this.#say(this.#valve.advance(index, event.timestamp))
      case 'idle':
      case 'active':
        return this.#say(this.#valve.setIdle(index, event.kind === 'idle'))
      case 'barrier':
        return this.#align(this.#aligner.barrier(index, event.checkpointId, this.#elapsed()))
      case 'endOfData':
        return this.#end(index)
      case 'endOfPartition':
        this.#isHeld[index] = true
        this.#unclosed--
        return this.#align(this.#aligner.close(index, this.#elapsed()))
    }
  }

  #end(index: number): void {
    if (this.#isEnded[index]) return
    this.#isEnded[index] = true
    this.#say(this.#valve.finish(index))
    if (--this.#unended > 0) return
    if (this.#valve.watermark < maxWatermark) this.#queue.push({ kind: 'watermark', watermark: maxWatermark })
    this.#queue.push({ kind: 'end' })
  }

  #align(steps: readonly AlignmentStep[]): void {
    for (const step of steps) {
      if (step.do === 'block') this.#isHeld[step.channel] = true
      else if (step.do === 'unblock') for (const channel of step.channels) this.#isHeld[channel] = false
      else if (step.do === 'take') this.#queue.push({ kind: 'barrier', checkpointId: step.checkpointId, alignmentMs: step.alignmentMs })
      else this.#queue.push({ kind: 'overtaken', checkpointId: step.checkpointId })
    }
  }

  #say(events: readonly ValveEvent[]): void {
    for (const event of events) this.#queue.push(event.kind === 'watermark' ? event : { kind: 'idle', idle: event.kind === 'idle' })
  }
}
