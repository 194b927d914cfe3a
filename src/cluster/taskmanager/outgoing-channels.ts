/**
 * The producer's end of an attempt's channels to other TaskManagers: which there are, and the streams on which consumers take them.
 * Published segments are sent as they are, and given back to their producer when the consumer has read them, so that both rings together
 * behave as one. Runs in the network thread; pure but for what it is given.
 *
 * What always holds: a channel is taken once; what a consumer may ask for is checked, and at worst ends its own stream.
 */
import { assert } from '../../base/core/stream-error.ts'
import { Ring } from '../../runtime/exchange/ring.ts'
import { segmentExtent } from '../../runtime/exchange/segment-extent.ts'
import type { RemoteChannel } from '../../runtime/task/wire-slots.ts'
import type { ExchangeStream, FromProducer, Released, Segment, Subscription } from '../rpc/exchange.ts'

/** A message is sent when it holds so much; larger ones gain nothing more. */
const messageBytes = 256 * 1024

interface OutgoingChannel {
  readonly ring: Ring
  readonly slot: number
  /** Serial number of the next segment to send. */
  next: number
  isTaken: boolean
  /** Its last segment was sent. */
  isComplete: boolean
}

export class OutgoingChannels {
  readonly #channels = new Map<string, OutgoingChannel>()
  readonly #wakeSlot: (slot: number) => void
  readonly #streams = new Set<OutgoingStream>()
  #isRemoved = false

  constructor(channels: readonly RemoteChannel[], wakeSlot: (slot: number) => void) {
    this.#wakeSlot = wakeSlot
    for (const { channel, ring: memory } of channels) {
      const ring = new Ring(memory)
      const outgoing = { ring, slot: channel.fromSlot, next: ring.released, isTaken: false, isComplete: false }
      this.#channels.set(keyOf(channel), outgoing)
    }
  }

  open(stream: ExchangeStream<FromProducer>): OutgoingStream {
    const opened = new OutgoingStream(stream, {
      take: (subscription) => this.#take(subscription),
      wakeSlot: this.#wakeSlot,
      onClosed: () => void this.#streams.delete(opened),
    })
    this.#streams.add(opened)
    return opened
  }

  /** Sends what was published meanwhile; whether there was anything. */
  step(): boolean {
    let progressed = false
    for (const stream of this.#streams) if (stream.step()) progressed = true
    return progressed
  }

  /** Nothing more is published. What ends with a last word still goes out; the rest is cut off. */
  remove(): void {
    this.#isRemoved = true
    for (const [key, channel] of this.#channels) if (!channel.isTaken && !isEnding(channel)) this.#channels.delete(key)
    for (const stream of this.#streams) stream.remove()
  }

  /** After remove(): there is something that nobody has taken yet. */
  get hasUntaken(): boolean {
    for (const { isTaken } of this.#channels.values()) if (!isTaken) return true
    return false
  }

  /** After remove(): whoever comes now is refused. */
  giveUpUntaken(): void {
    for (const [key, { isTaken }] of this.#channels) if (!isTaken) this.#channels.delete(key)
  }

  get hasStreams(): boolean {
    return this.#streams.size > 0
  }

  /** The channel, or why it cannot be had. */
  #take(subscription: Subscription): OutgoingChannel | string {
    const channel = this.#channels.get(keyOf(subscription))
    const { edge, fromSubtask, toSubtask, segmentSizeBytes, segments } = subscription
    const name = `the channel of edge ${edge} from subtask ${fromSubtask} to subtask ${toSubtask}`
    if (channel === undefined) return `${name} ${this.#isRemoved ? 'ended before it was complete' : 'does not begin here'}`
    if (channel.isTaken) return `${name} is taken already`
    const { ring } = channel
    if (ring.segmentSizeBytes !== segmentSizeBytes || ring.segments !== segments)
      return `${name} has ${ring.segments} segments of ${ring.segmentSizeBytes} bytes here and ${segments} of ${segmentSizeBytes} there`
    channel.isTaken = true
    return channel
  }
}

interface OutgoingStreamOptions {
  readonly take: (subscription: Subscription) => OutgoingChannel | string
  readonly wakeSlot: (slot: number) => void
  readonly onClosed: () => void
}

/** The channels that one consumer takes. */
export class OutgoingStream {
  readonly #stream: ExchangeStream<FromProducer>
  readonly #options: OutgoingStreamOptions
  /** By the consumer's number. */
  readonly #channels = new Map<number, OutgoingChannel>()

  constructor(stream: ExchangeStream<FromProducer>, options: OutgoingStreamOptions) {
    this.#stream = stream
    this.#options = options
  }

  subscribe(subscriptions: readonly Subscription[]): void {
    for (const subscription of subscriptions) {
      const channel = this.#options.take(subscription)
      if (typeof channel === 'string') return this.#stream.close(channel)
      if (this.#channels.has(subscription.channel)) return this.#stream.close(`channel ${subscription.channel} was named twice`)
      this.#channels.set(subscription.channel, channel)
    }
  }

  released(releases: readonly Released[]): void {
    for (const { channel: number, segments } of releases) {
      const channel = this.#channels.get(number)
      if (channel === undefined || segments > ((channel.next - channel.ring.released) | 0))
        return this.#stream.close(`${segments} segments of channel ${number} were told as read, which were not sent`)
      for (let i = 0; i < segments; i++) channel.ring.release()
      this.#options.wakeSlot(channel.slot)
    }
  }

  step(): boolean {
    let segments: Segment[] = []
    let bytes = 0
    let progressed = false
    for (const [number, channel] of this.#channels) {
      while (channel.ring.published !== channel.next) {
        const content = nextSegment(channel)
        segments.push({ channel: number, content })
        bytes += content.length
        progressed = true
        if (bytes < messageBytes) continue
        this.#stream.send(segments)
        segments = []
        bytes = 0
      }
    }
    if (segments.length > 0) this.#stream.send(segments)
    return progressed
  }

  remove(): void {
    for (const channel of this.#channels.values()) if (!channel.isComplete && !isEnding(channel)) return this.#stream.close()
  }

  /** It is over: the slots whose channels are not complete. */
  ended(): readonly number[] {
    this.#options.onClosed()
    const slots = [...this.#channels.values()].filter(({ isComplete }) => !isComplete).map(({ slot }) => slot)
    return [...new Set(slots)]
  }
}

const keyOf = ({ edge, fromSubtask, toSubtask }: Pick<Subscription, 'edge' | 'fromSubtask' | 'toSubtask'>): string =>
  `${edge}/${fromSubtask}/${toSubtask}`

const extentOf = ({ ring }: OutgoingChannel, serial: number) => {
  const extent = segmentExtent(ring.views.i32, ring.segmentOffset(serial), ring.segmentSizeBytes)
  assert(extent !== undefined, 'a segment that is no frames was published')
  return extent
}

function nextSegment(channel: OutgoingChannel): Uint8Array {
  const { ring, next } = channel
  const { bytes, isLast } = extentOf(channel, next)
  const at = ring.segmentOffset(next)
  channel.next = (next + 1) | 0
  if (isLast) channel.isComplete = true
  return ring.views.u8.subarray(at, at + bytes)
}

/** Among what was published and not sent is its last segment. */
function isEnding(channel: OutgoingChannel): boolean {
  if (channel.isComplete) return true
  const { published } = channel.ring
  return published !== channel.next && extentOf(channel, (published - 1) | 0).isLast
}
