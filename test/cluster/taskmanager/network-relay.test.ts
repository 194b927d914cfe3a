import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import type { AcceptExchange, ConnectExchange, ExchangeStream, StreamEnd, StreamHandlers } from '../../../src/cluster/rpc/exchange.ts'
import type { NetworkService } from '../../../src/cluster/rpc/network-service.ts'
import { NetworkRelay } from '../../../src/cluster/taskmanager/network-relay.ts'
import { receive, send } from './channel-script.ts'
import { NetworkPair } from './network-pair.ts'

/** Streams to the relay at an address, in this thread. `cut` breaks them all. */
class Wires {
  readonly servers = new Map<string, AcceptExchange>()
  readonly #open = new Set<(end: StreamEnd) => void>()

  readonly connect: ConnectExchange = (address, handlers) => {
    const ends: (StreamHandlers<any> | undefined)[] = [handlers, undefined]
    const end = (how: StreamEnd): void => {
      this.#open.delete(end)
      for (const each of ends.splice(0)) each?.onEnd(how)
    }
    this.#open.add(end)
    const stream = (own: number): ExchangeStream<any> => ({
      send: (message) => queueMicrotask(() => ends[1 - own]?.onMessage(message)),
      close: (reason) => queueMicrotask(() => end(reason === undefined ? { kind: 'closed' } : { kind: 'broken', reason })),
    })
    ends[1] = this.servers.get(address)!(stream(1))
    return stream(0)
  }

  cut(): void {
    for (const end of [...this.#open]) end({ kind: 'broken', reason: 'cut' })
  }
}

function world() {
  const wires = new Wires()
  const clock = new ManualClock()
  const told: string[] = []
  const relay = (taskManagerId: string) => {
    const made = new NetworkRelay({
      ...{ taskManagerId, clock, connect: wires.connect, version: '1', token: '', yieldTo: setImmediate },
      onBroken: (_job, attempt, slots, error) =>
        told.push(`${taskManagerId} ${attempt} [${slots}] ${error.message.replace(/.* broke: /, '')}`),
    })
    wires.servers.set(taskManagerId, made.accept)
    return made as unknown as NetworkService
  }
  return { wires, clock, told, producer: relay('a'), consumer: relay('b') }
}

const settle = async () => {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
}

describe('a relay', () => {
  it('tells of a peer that ended in order only when nothing else has ended the attempt meanwhile', async () => {
    for (const isRemoved of [false, true]) {
      const { clock, told, producer, consumer } = world()
      const pair = new NetworkPair(2)
      pair.addProducers(producer)
      pair.addConsumers(consumer, 'a')
      void send(pair, 0, 100)
      await receive(pair, 0, ({ rows }) => rows > 10)
      consumer.remove('job', 0)
      await settle()
      clock.advance(4000)
      expect(told).toEqual([])
      if (isRemoved) producer.remove('job', 0)
      clock.advance(4000)
      expect(told).toEqual(isRemoved ? [] : ['a 0 [0,1] one of them ended its part before all was said'])
    }
  })

  it('tells each slot once, at both ends', async () => {
    const { wires, told, producer, consumer } = world()
    const pair = new NetworkPair(2)
    pair.addProducers(producer)
    pair.addConsumers(consumer, 'a')
    const sent = send(pair, 0, 100)
    await receive(pair, 0)
    await sent
    await settle()
    wires.cut()
    wires.cut()
    expect(told.sort()).toEqual(['a 0 [1] cut', 'b 0 [101] cut'])
  })

  it('keeps what was said last for a consumer that is late, but not for ever', async () => {
    for (const lateMs of [100_000, 200_000]) {
      const { clock, told, producer, consumer } = world()
      const pair = new NetworkPair(1, { segmentSizeBytes: 64 * 1024, segments: 4 })
      pair.addProducers(producer)
      await send(pair, 0, 90)
      producer.remove('job', 0)
      clock.advance(lateMs)
      pair.addConsumers(consumer, 'a')
      if (lateMs < 120_000) expect(await receive(pair, 0)).toMatchObject({ rows: 90, isEnded: true })
      await settle()
      expect(told).toEqual(lateMs < 120_000 ? [] : ['b 0 [100] attempt 0 of job job is over on TaskManager a'])
    }
  })

  it('refuses a channel whose producer ended without a last word', async () => {
    const { told, producer, consumer } = world()
    const pair = new NetworkPair(2, { segmentSizeBytes: 64 * 1024, segments: 4 })
    pair.addProducers(producer)
    await Promise.all([send(pair, 0, 90), send(pair, 1, 90, false)])
    producer.remove('job', 0)
    pair.addConsumers(consumer, 'a')
    await settle()
    expect(told).toEqual(['b 0 [100,101] the channel of edge 0 from subtask 1 to subtask 1 ended before it was complete'])
  })

  it('lets no attempt be added twice', () => {
    const { producer } = world()
    new NetworkPair(1).addProducers(producer)
    expect(() => new NetworkPair(1).addProducers(producer)).toThrow(/deployed to a TaskManager twice/)
  })

  it('forgets consumers that went away while they waited', async () => {
    const { wires, told, producer, consumer } = world()
    const pair = new NetworkPair(1)
    pair.addConsumers(consumer, 'a')
    await settle()
    wires.cut()
    expect(told).toEqual(['b 0 [100] cut'])
    consumer.remove('job', 0)
    const next = new NetworkPair(1)
    next.addProducers(producer, 1)
    next.addConsumers(consumer, 'a', 1)
    const sent = send(next, 0, 300)
    expect(await receive(next, 0)).toMatchObject({ rows: 300, isEnded: true })
    await sent
  })
})
