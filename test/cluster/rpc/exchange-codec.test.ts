import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import type { FromConsumer, Segment } from '../../../src/cluster/rpc/exchange.ts'
import { decodeFromConsumer, decodeFromProducer, encodeFromConsumer, encodeFromProducer } from '../../../src/cluster/rpc/exchange-codec.ts'

const root = protobuf.loadSync(fileURLToPath(new URL('../../../src/cluster/rpc/exchange.proto', import.meta.url)))
const ofConsumer = root.lookupType('headrace.exchange.FromConsumer')
const ofProducer = root.lookupType('headrace.exchange.FromProducer')

const uint = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const text = fc.string({ unit: 'binary' })
const consumerMessage: fc.Arbitrary<FromConsumer> = fc.record(
  {
    hello: fc.record({ version: text, token: text, from: text, jobId: text, attempt: uint }),
    subscribe: fc.array(
      fc.record({ channel: uint, edge: uint, fromSubtask: uint, toSubtask: uint, segmentSizeBytes: uint, segments: uint }),
      { maxLength: 5 },
    ),
    released: fc.array(fc.record({ channel: uint, segments: uint }), { maxLength: 5 }),
    closing: fc.constant(true as const),
  },
  { requiredKeys: ['subscribe', 'released'] },
)
const producerMessage: fc.Arbitrary<Segment[]> = fc.array(fc.record({ channel: uint, content: fc.uint8Array({ maxLength: 400 }) }), {
  maxLength: 5,
})

const plain = (segments: readonly Segment[]) => segments.map(({ channel, content }) => ({ channel, content: [...content] }))

describe('the messages of exchange.proto by hand', () => {
  it('are what protobuf makes of a consumer, both ways', () => {
    fc.assert(
      fc.property(consumerMessage, (message) => {
        const bytes = encodeFromConsumer(message)
        expect(ofConsumer.toObject(ofConsumer.decode(bytes), { defaults: true, arrays: true })).toEqual({
          hello: null,
          closing: false,
          ...message,
        })
        const { jobId: _, ...read } = { jobId: '', ...decodeFromConsumer(ofConsumer.encode(ofConsumer.create(message)).finish()) }
        expect(read).toEqual(message)
        expect(decodeFromConsumer(bytes)).toEqual(message)
      }),
      { numRuns: 300 },
    )
  })

  it('are what protobuf makes of a producer, both ways', () => {
    fc.assert(
      fc.property(producerMessage, (segments) => {
        const bytes = encodeFromProducer(segments)
        const { segments: read } = ofProducer.toObject(ofProducer.decode(bytes), { defaults: true, arrays: true })
        expect(plain(read)).toEqual(plain(segments))
        const full = segments.filter(({ content }) => content.length > 0)
        expect(plain(decodeFromProducer(ofProducer.encode(ofProducer.create({ segments: full })).finish()))).toEqual(plain(full))
        expect(plain(decodeFromProducer(bytes))).toEqual(plain(segments))
      }),
      { numRuns: 300 },
    )
  })

  it('take segments that stand in shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(64)).fill(7)
    expect(plain(decodeFromProducer(encodeFromProducer([{ channel: 3, content: shared.subarray(8, 16) }])))).toEqual([
      { channel: 3, content: new Array(8).fill(7) },
    ])
  })

  it('are refused when they are anything else, however it was made', () => {
    const refusal = expect.objectContaining({ code: 'MALFORMED_INPUT' })
    const readAll = (bytes: Uint8Array) => {
      for (const read of [decodeFromConsumer, decodeFromProducer]) {
        try {
          read(bytes)
        } catch (thrown) {
          expect(thrown).toEqual(refusal)
        }
      }
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), readAll), { numRuns: 2000 })
    const torn = fc.tuple(consumerMessage, fc.nat(), fc.nat(255)).map(([message, at, byte]) => {
      const bytes = encodeFromConsumer(message)
      if (bytes.length > 0) bytes[at % bytes.length] = byte
      return bytes
    })
    fc.assert(fc.property(torn, readAll), { numRuns: 500 })
    for (const bytes of [[0x0a], [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], [0x07], [0x00, 0x01], [0x1a, 0x01, 0x0d]]) {
      expect(() => decodeFromConsumer(Uint8Array.from(bytes))).toThrow(refusal)
    }
    expect(() => decodeFromProducer(Uint8Array.from([0x0a, 0x02, 0x08, 0x01]))).toThrow(/without content/)
  })

  it('pass over fields that are not known', () => {
    const bytes = Buffer.concat([
      encodeFromConsumer({ subscribe: [], released: [{ channel: 1, segments: 2 }] }),
      Buffer.from([0x7a, 0x02, 1, 2, 0x78, 0x80, 0x01, 0x7d, 1, 2, 3, 4, 0x79, 1, 2, 3, 4, 5, 6, 7, 8]),
    ])
    expect(decodeFromConsumer(bytes)).toEqual({ subscribe: [], released: [{ channel: 1, segments: 2 }] })
  })
})
