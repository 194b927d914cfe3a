/**
 * Two TaskManagers' networks and the channels of one attempt between them: rings, writers, readers and pings are the real ones, the
 * test stands where the tasks would. Slots 0.. produce on one side, slots 100.. consume on the other; channel n is slot n to slot 100 + n.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { StreamError } from '../../../src/base/core/stream-error.ts'
import type { NetworkAttempt, NetworkOptions, NetworkService, StartNetwork } from '../../../src/cluster/rpc/network-service.ts'
import { ChannelReader, type Received } from '../../../src/runtime/exchange/channel-reader.ts'
import { ChannelWriter } from '../../../src/runtime/exchange/channel-writer.ts'
import { createRing, Ring } from '../../../src/runtime/exchange/ring.ts'
import type { RingOptions } from '../../../src/runtime/exchange/ring-size.ts'

export const carrier = 1000

export interface Broken {
  readonly attempt: number
  readonly slots: readonly number[]
  readonly error: StreamError
}

export interface TestNetwork {
  readonly network: NetworkService
  readonly broken: Broken[]
  /** Resolves when something broke, or had. */
  readonly firstBroken: Promise<Broken>
}

export async function startNetwork(
  start: StartNetwork,
  taskManagerId: string,
  options: Partial<NetworkOptions> = {},
): Promise<TestNetwork> {
  const broken: Broken[] = []
  const { promise, resolve } = Promise.withResolvers<Broken>()
  const network = await start(
    { listen: '127.0.0.1:0', taskManagerId, ...options },
    {
      onBroken: (_job, attempt, slots, error) => {
        broken.push({ attempt, slots, error })
        resolve(broken[0]!)
      },
      onLost: (error) => resolve({ attempt: -1, slots: [], error }),
    },
  )
  return { network, broken, firstBroken: promise }
}

/** One side of an attempt's channels. */
class Side {
  readonly sleepers = new SharedArrayBuffer(4 * (carrier + 1))
  readonly rings: SharedArrayBuffer[]
  readonly #ports = new Map<number, MessagePort>()
  readonly #theirs = new Map<number, MessagePort>()
  readonly #flags = new Int32Array(this.sleepers)

  constructor(channels: number, firstSlot: number, ring: RingOptions, onPing: (channel: number) => void) {
    this.rings = Array.from({ length: channels }, () => createRing(ring))
    for (let channel = 0; channel < channels; channel++) {
      const { port1, port2 } = new MessageChannel()
      port1.on('message', () => onPing(channel))
      port1.unref()
      this.#ports.set(firstSlot + channel, port1)
      this.#theirs.set(firstSlot + channel, port2)
    }
  }

  attempt(attempt: number, remote: 'from' | 'to', locations: Record<number, string>): NetworkAttempt {
    return {
      ...{ jobId: 'job', attempt, carrier, locations, sleepers: this.sleepers, ports: this.#theirs },
      remote: this.rings.map((ring, n) => ({
        remote,
        ring,
        channel: { edge: 0, fromSubtask: n, toSubtask: n, fromSlot: n, toSlot: 100 + n },
      })),
    }
  }

  pingCarrier(slot: number): void {
    if (Atomics.compareExchange(this.#flags, carrier, 1, 0) === 1) this.#ports.get(slot)!.postMessage(0)
  }

  /** Whoever parks looks once more afterwards. */
  sleep(slot: number): void {
    Atomics.store(this.#flags, slot, 1)
  }
}

export class NetworkPair {
  readonly producers: Side
  readonly consumers: Side
  readonly writers: readonly ChannelWriter[]
  readonly readers: readonly ChannelReader[]
  readonly #waiters = new Map<string, () => void>()

  constructor(channels: number, ring: RingOptions = { segmentSizeBytes: 1024, segments: 2 }) {
    this.producers = new Side(channels, 0, ring, (channel) => this.#ping(`p${channel}`))
    this.consumers = new Side(channels, 100, ring, (channel) => this.#ping(`c${channel}`))
    this.writers = this.producers.rings.map(
      (memory, n) =>
        new ChannelWriter(new Ring(memory), {
          onPublish: () => this.producers.pingCarrier(n),
          maxRecordBytes: 1 << 24,
          operator: 'source',
        }),
    )
    this.readers = this.consumers.rings.map((memory, n) => new ChannelReader(new Ring(memory), () => this.consumers.pingCarrier(100 + n)))
  }

  addProducers(network: NetworkService, attempt = 0): void {
    network.add(this.producers.attempt(attempt, 'to', {}))
  }

  addConsumers(network: NetworkService, from: string, attempt = 0): void {
    const locations = Object.fromEntries(this.producers.rings.map((_, n) => [n, from]))
    network.add(this.consumers.attempt(attempt, 'from', locations))
  }

  /** Resolves when `ready` says so; asked again after each ping, as a parked task would look. */
  async #until(side: 'p' | 'c', channel: number, ready: () => boolean): Promise<void> {
    for (;;) {
      if (ready()) return
      const pinged = new Promise<void>((resolve) => this.#waiters.set(side + channel, resolve))
      if (side === 'p') this.producers.sleep(channel)
      else this.consumers.sleep(100 + channel)
      if (ready()) return
      await pinged
    }
  }

  /** When `act` on the channel's writer succeeds. */
  writable(channel: number, act: (writer: ChannelWriter) => boolean): Promise<void> {
    return this.#until('p', channel, () => act(this.writers[channel]!))
  }

  /** What comes next in the channel. A batch stays valid until the next one is asked for. */
  async next(channel: number): Promise<Received> {
    let received: Received | undefined
    await this.#until('c', channel, () => (received = this.readers[channel]!.poll()) !== undefined)
    return received!
  }

  #ping(name: string): void {
    this.#waiters.get(name)?.()
  }
}
