import { randomBytes } from 'node:crypto'
import { Client, credentials, type ServiceError } from '@grpc/grpc-js'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { ownVersion } from '../../../src/base/bundle/own-module.ts'
import type { ExchangeHello, FromConsumer, FromProducer, Subscription } from '../../../src/cluster/rpc/exchange.ts'
import { encodeFromConsumer } from '../../../src/cluster/rpc/exchange-codec.ts'
import { exchangeMethod } from '../../../src/cluster/rpc/exchange-method.ts'
import { serveExchange } from '../../../src/cluster/rpc/exchange-server.ts'
import { nodeHost } from '../../../src/cluster/taskmanager/node-host.ts'
import { serveNetwork } from '../../../src/cluster/taskmanager/serve-network.ts'
import { receive, send } from './channel-script.ts'
import { NetworkPair, startNetwork } from './network-pair.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function start(taskManagerId: string) {
  const started = await startNetwork((options, events) => serveNetwork(options, events, nodeHost), taskManagerId)
  closing.push(() => started.network.close())
  return started
}

/** A client that says these bytes; how the server ended the call. */
function say(address: string, messages: readonly Uint8Array[], path = exchangeMethod.path): Promise<ServiceError> {
  const client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
  closing.push(() => client.close())
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(path, exchangeMethod.requestSerialize, exchangeMethod.responseDeserialize)
  call.on('data', () => undefined)
  call.on('error', () => undefined)
  for (const message of messages) call.write(Buffer.from(message))
  return new Promise((resolve) => void call.on('status', resolve as never))
}

const hello: ExchangeHello = { version: ownVersion(), token: '', from: 'hostile', jobId: 'job', attempt: 0 }
const channel: Subscription = { channel: 0, edge: 0, fromSubtask: 0, toSubtask: 0, segmentSizeBytes: 1024, segments: 2 }
const message = (parts: Partial<FromConsumer>) => encodeFromConsumer({ subscribe: [], released: [], ...parts })

describe('a client that is none of ours', () => {
  it('is told what is wrong, and those of others run on', async () => {
    const [producer, consumer] = await Promise.all([start('tm-producer'), start('tm-consumer')])
    const pair = new NetworkPair(2)
    pair.addProducers(producer.network)
    pair.addConsumers(consumer.network, producer.network.dataAddress)
    const sent = send(pair, 1, 2000)
    const seen = receive(pair, 1)
    const cases: [Uint8Array[], RegExp][] = [
      [[Buffer.from('GET / HTTP/1.1')], /not protobuf/],
      [[message({ subscribe: [channel] })], /first message was no hello/],
      [[message({ hello: { ...hello, version: '0.0.1' } })], /runs version .*, not 0\.0\.1/],
      [[message({ hello }), message({ hello })], /said hello twice/],
      [[message({ hello, subscribe: [channel] })], /subtask 0 to subtask 0 is taken already/],
      [[message({ hello, subscribe: [{ ...channel, edge: 7 }] })], /edge 7 from subtask 0 to subtask 0 does not begin here/],
      [[message({ hello, released: [{ channel: 0, segments: 1 }] })], /1 segments of channel 0 were told as read, which were not sent/],
      [[message({ hello: { ...hello, attempt: 9 }, released: [{ channel: 0, segments: 1 }] })], /as read before it got one/],
      [[randomBytes(2 * 1024 * 1024)], /larger than max/i],
    ]
    for (const [messages, reason] of cases) expect((await say(producer.network.dataAddress, messages)).details).toMatch(reason)
    expect((await say(producer.network.dataAddress, [], '/headrace.exchange.Exchange/Other')).code).toBe(12)
    expect(await seen).toMatchObject({ rows: 2000, isEnded: true })
    await sent
    expect([...producer.broken, ...consumer.broken]).toEqual([])
  })

  it('may say anything', async () => {
    const producer = await start('tm-producer')
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.uint8Array({ maxLength: 30 }).map((more) => Buffer.concat([message({ hello }), more])),
    )
    await fc.assert(
      fc.asyncProperty(bytes, async (each) => {
        const { code } = await Promise.race([
          say(producer.network.dataAddress, [each]),
          // What is a message after all waits for its attempt.
          new Promise<{ code: number }>((resolve) => setTimeout(resolve, 20, { code: 9 })),
        ])
        // 0: by chance it said goodbye.
        expect([0, 9]).toContain(code)
      }),
      { numRuns: 60 },
    )
  })
})

describe('a producer that is none of ours', () => {
  /** What the consumer is told when the producer answers its first message with these. */
  async function answered(segments: FromProducer, channels = 1, broken = [100]) {
    const server = await serveExchange('127.0.0.1:0', undefined, (stream) => ({
      onMessage: () => stream.send(segments),
      onEnd: () => undefined,
    }))
    closing.push(() => server.close())
    const consumer = await start('tm-consumer')
    const pair = new NetworkPair(channels)
    pair.addConsumers(consumer.network, `127.0.0.1:${server.port}`)
    const { slots, error } = await consumer.firstBroken
    expect(slots).toEqual(broken)
    return error.message
  }
  const frame = (kind: number, size: number, bytes = size): Uint8Array =>
    new Uint8Array(Int32Array.from([kind, size, ...new Array(bytes / 4 - 2).fill(0)]).buffer)
  const watermark = frame(2, 32)

  it('breaks the channel and nothing else', async () => {
    expect(await answered([{ channel: 3, content: watermark }])).toMatch(/of channel 3, which is not open/)
    expect(await answered([{ channel: 0, content: new Uint8Array(1032) }])).toMatch(/a segment of 1032 bytes, 1024 fit/)
    expect(await answered(new Array(3).fill({ channel: 0, content: watermark }))).toMatch(/more segments of channel 0 than were free/)
    for (const content of [
      frame(11, 32),
      frame(-1, 32),
      frame(1, 0, 32),
      frame(1, 64, 32),
      frame(1, 36, 36),
      frame(0, 0, 32),
      Buffer.from('hello!'),
      Buffer.concat([watermark, Buffer.from('abc')]),
    ])
      expect(await answered([{ channel: 0, content }])).toMatch(/channel 0 that is no frames/)
  })

  it('sends nothing more after the last word', async () => {
    const last = frame(10, 32)
    expect(
      await answered(
        [last, last].map((content) => ({ channel: 0, content })),
        2,
        [101],
      ),
    ).toMatch(/of channel 0, which is not open/)
  })
})
