/**
 * The consumer's end of an attempt's channels from one TaskManager: segments that arrive are copied into the rings of the tasks that read
 * them, and told as released when those have. Runs in the network thread; pure but for what it is given.
 *
 * What always holds: a channel carries nothing unless its ring has room, so one that is not read holds up no other; after its last
 * segment a channel can no longer break; bytes that are no frames never reach a ring's reader.
 */

import { Ring } from '../../runtime/exchange/ring.ts'
import { segmentExtent } from '../../runtime/exchange/segment-extent.ts'
import type { RemoteChannel } from '../../runtime/task/wire-slots.ts'
import type {
  ConnectExchange,
  ExchangeHello,
  ExchangeStream,
  FromConsumer,
  FromProducer,
  Released,
  Segment,
  StreamEnd,
} from '../rpc/exchange.ts'

export interface IncomingStreamOptions {
  readonly connect: ConnectExchange
  /** Where the producers are. */
  readonly address: string
  readonly hello: ExchangeHello
  readonly channels: readonly RemoteChannel[]
  readonly wakeSlot: (slot: number) => void
  /** The stream is over, and these slots have not got all. */
  readonly onIncomplete: (slots: readonly number[], end: StreamEnd) => void
}

interface IncomingChannel {
  readonly ring: Ring
  readonly slot: number
  published: number
  /** Of the ring's `released`: as far as the producer was told. */
  told: number
  isComplete: boolean
}

export class IncomingStream {
  readonly #options: IncomingStreamOptions
  readonly #channels: readonly IncomingChannel[]
  readonly #stream: ExchangeStream<FromConsumer>
  #incomplete: number
  #isOver = false

  constructor(options: IncomingStreamOptions) {
    this.#options = options
    const { connect, address, hello, channels } = options
    this.#channels = channels.map(({ channel, ring: memory }) => {
      const ring = new Ring(memory)
      return { ring, slot: channel.toSlot, published: ring.published, told: ring.released, isComplete: false }
    })
    this.#incomplete = channels.length
    this.#stream = connect(address, { onMessage: (segments) => this.#take(segments), onEnd: (end) => this.#end(end) })
    const subscribe = channels.map(({ channel: { edge, fromSubtask, toSubtask } }, index) => {
      const { segmentSizeBytes, segments } = this.#channels[index]!.ring
      return { channel: index, edge, fromSubtask, toSubtask, segmentSizeBytes, segments }
    })
    this.#stream.send({ hello, subscribe, released: [] })
  }

  /** Tells the producers what was read meanwhile; whether there was anything. */
  step(): boolean {
    if (this.#isOver) return false
    const released: Released[] = []
    for (const [channel, each] of this.#channels.entries()) {
      const segments = (each.ring.released - each.told) | 0
      if (segments === 0 || each.isComplete) continue
      each.told = (each.told + segments) | 0
      released.push({ channel, segments })
    }
    if (released.length > 0) this.#stream.send({ subscribe: [], released })
    return released.length > 0
  }

  /** Nobody wants the rest. */
  close(): void {
    this.#isOver = true
    this.#stream.close()
  }

  #take(segments: FromProducer): void {
    for (const segment of segments) {
      if (this.#isOver) return
      const problem = this.#put(segment)
      // Its end comes back to #end, as that of a stream that the peer broke.
      if (problem !== undefined) return this.#stream.close(problem)
    }
    if (this.#incomplete === 0 && !this.#isOver) this.close()
  }

  /** Copies it into its ring; what is wrong with it, if anything is. */
  #put({ channel: index, content }: Segment): string | undefined {
    const channel = this.#channels[index]
    if (channel === undefined || channel.isComplete) return `it sent a segment of channel ${index}, which is not open`
    const { ring } = channel
    const { u8, i32 } = ring.views
    if (((channel.published - ring.released) | 0) >= ring.segments) return `it sent more segments of channel ${index} than were free`
    if (content.length > ring.segmentSizeBytes) return `it sent a segment of ${content.length} bytes, ${ring.segmentSizeBytes} fit`
    const at = ring.segmentOffset(channel.published)
    u8.set(content, at)
    const extent = segmentExtent(i32, at, content.length)
    if (extent?.bytes !== content.length) return `it sent a segment of channel ${index} that is no frames`
    if (content.length < ring.segmentSizeBytes) i32[(at + content.length) >> 2] = 0
    channel.published = (channel.published + 1) | 0
    ring.publish()
    this.#options.wakeSlot(channel.slot)
    if (extent.isLast) {
      channel.isComplete = true
      this.#incomplete--
    }
    return undefined
  }

  #end(end: StreamEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    const slots = this.#channels.filter(({ isComplete }) => !isComplete).map(({ slot }) => slot)
    if (slots.length > 0) this.#options.onIncomplete([...new Set(slots)], end)
  }
}
