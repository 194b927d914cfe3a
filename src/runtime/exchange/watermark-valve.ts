/**
 * Event time of a task with n input channels, pure: what the channels say goes in, what holds for the task comes out. The
 * watermark is the minimum over the channels that are active and aligned; it never falls. A finished channel is neither
 * active nor idle: it holds nothing back, and only when all are finished does time end.
 *
 * | channel  | enters the minimum when                                                               |
 * | -------- | ------------------------------------------------------------------------------------- |
 * | active   | aligned: since the start, or caught up with the emitted watermark since it woke         |
 * | idle     | never; its watermarks are ignored                                                     |
 * | finished | never; a channel whose watermark is MAX counts as finished                            |
 */
import { assert } from '../../base/core/stream-error.ts'

export type ValveEvent =
  | { readonly kind: 'watermark'; readonly watermark: number }
  | { readonly kind: 'idle' }
  | { readonly kind: 'active' }

const minWatermark = -(2 ** 63)
const maxWatermark = 2 ** 63
const nothing: readonly ValveEvent[] = []

interface Channel {
  status: 'active' | 'idle' | 'finished'
  /** Its last one that was not MAX. */
  watermark: number
  aligned: boolean
}

export class WatermarkValve {
  readonly #channels: readonly Channel[]
  #watermark = minWatermark
  #idle = false

  constructor(channels: number) {
    assert(channels > 0, 'a valve has channels')
    this.#channels = Array.from({ length: channels }, () => ({ status: 'active', watermark: minWatermark, aligned: true }))
  }

  /** The watermark that was emitted last. */
  get watermark(): number {
    return this.#watermark
  }

  get idle(): boolean {
    return this.#idle
  }

  /** The channel that holds the minimum, and so time; undefined when no active channel does. */
  get holder(): number | undefined {
    let holder: number | undefined
    for (const [index, channel] of this.#channels.entries()) {
      if (!inMinimum(channel)) continue
      if (holder === undefined || channel.watermark < this.#channels[holder]!.watermark) holder = index
    }
    return holder
  }

  advance(index: number, watermark: number): readonly ValveEvent[] {
    if (watermark >= maxWatermark) return this.finish(index)
    const channel = this.#channels[index]!
    if (channel.status !== 'active' || watermark <= channel.watermark) return nothing
    channel.watermark = watermark
    if (watermark >= this.#watermark) channel.aligned = true
    return this.#emit(this.#minimum())
  }

  setIdle(index: number, idle: boolean): readonly ValveEvent[] {
    const channel = this.#channels[index]!
    if (channel.status !== (idle ? 'active' : 'idle')) return nothing
    if (idle) {
      channel.status = 'idle'
      channel.aligned = false
      return this.#left(channel)
    }
    channel.status = 'active'
    channel.aligned = channel.watermark >= this.#watermark
    return this.#becomeActive()
  }

  finish(index: number): readonly ValveEvent[] {
    const channel = this.#channels[index]!
    if (channel.status === 'finished') return nothing
    channel.status = 'finished'
    channel.aligned = false
    if (!this.#channels.every(({ status }) => status === 'finished')) return this.#left(channel)
    return [...this.#becomeActive(), ...this.#emit(maxWatermark)]
  }

  /** What follows from a channel's leaving the minimum while others have not finished. */
  #left(channel: Channel): readonly ValveEvent[] {
    if (this.#channels.some(({ status }) => status === 'active')) return this.#emit(this.#minimum())
    if (this.#idle) return nothing
    this.#idle = true
    // The last to go was the slowest: the others are further, and nobody is there to hold them back.
    const further = channel.watermark === this.#watermark ? this.#emit(this.#maximum()) : nothing
    return [...further, { kind: 'idle' }]
  }

  #becomeActive(): readonly ValveEvent[] {
    if (!this.#idle) return nothing
    this.#idle = false
    return [{ kind: 'active' }]
  }

  #emit(watermark: number | undefined): readonly ValveEvent[] {
    if (watermark === undefined || watermark <= this.#watermark) return nothing
    this.#watermark = watermark
    return [{ kind: 'watermark', watermark }]
  }

  #minimum(): number | undefined {
    const { holder } = this
    return holder === undefined ? undefined : this.#channels[holder]!.watermark
  }

  #maximum(): number {
    return this.#channels.reduce((maximum, { watermark }) => Math.max(maximum, watermark), minWatermark)
  }
}

function inMinimum({ status, aligned }: Channel): boolean {
  return status === 'active' && aligned
}
