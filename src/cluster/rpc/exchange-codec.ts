/**
 * The messages of exchange.proto as bytes, by hand: a segment is copied once on its way out and not at all on its way in. Pure.
 *
 * What always holds: bytes that are no such message are refused with MALFORMED_INPUT, whatever they are; fields that are not known are
 * passed over, as protobuf has it.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { ExchangeHello, FromConsumer, FromProducer, Released, Segment, Subscription } from './exchange.ts'
import { bytesField, bytesFieldBytes, numberFields, ProtoReader, varintBytes, writeBytesHead, writeVarint } from './proto-bytes.ts'

export function encodeFromConsumer({ hello, subscribe, released, closing }: FromConsumer): Buffer {
  const pieces: Uint8Array[] = []
  if (hello !== undefined) pieces.push(bytesField(1, helloFields(hello)))
  for (const each of subscribe) pieces.push(bytesField(2, numberFields(subscriptionFields.map((name) => each[name]))))
  for (const { channel, segments } of released) pieces.push(bytesField(3, numberFields([channel, segments])))
  if (closing === true) pieces.push(numberFields([1], 4))
  return Buffer.concat(pieces)
}

const subscriptionFields = ['channel', 'edge', 'fromSubtask', 'toSubtask', 'segmentSizeBytes', 'segments'] as const

const helloFields = ({ version, token, from, jobId, attempt }: ExchangeHello): Buffer =>
  Buffer.concat([
    ...[version, token, from, jobId].map((text, index) => bytesField(index + 1, Buffer.from(text))),
    numberFields([attempt], 5),
  ])

export function decodeFromConsumer(bytes: Uint8Array): FromConsumer {
  let hello: ExchangeHello | undefined
  const subscribe: Subscription[] = []
  const released: Released[] = []
  let closing = false
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) hello = readHello(reader.bytes())
    else if (reader.field === 2) {
      const [channel = 0, edge = 0, fromSubtask = 0, toSubtask = 0, segmentSizeBytes = 0, segments = 0] = readNumbers(reader.bytes())
      subscribe.push({ channel, edge, fromSubtask, toSubtask, segmentSizeBytes, segments })
    } else if (reader.field === 3) {
      const [channel = 0, segments = 0] = readNumbers(reader.bytes())
      released.push({ channel, segments })
    } else if (reader.field === 4) closing = reader.uint() !== 0
    else reader.skip()
  }
  return { ...(hello && { hello }), subscribe, released, ...(closing && { closing }) }
}

function readHello(bytes: Uint8Array): ExchangeHello {
  const texts: string[] = []
  let attempt = 0
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field <= 4) texts[reader.field] = reader.text()
    else if (reader.field === 5) attempt = reader.uint()
    else reader.skip()
  }
  const [, version = '', token = '', from = '', jobId = ''] = texts
  return { version, token, from, jobId, attempt }
}

/** Fields 1 to 6. */
function readNumbers(bytes: Uint8Array): number[] {
  const numbers: number[] = []
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field <= subscriptionFields.length) numbers[reader.field - 1] = reader.uint()
    else reader.skip()
  }
  return numbers
}

/** Grows with the largest message. */
let scratch = Buffer.alloc(0)

/** A copy of them all, which the next call overwrites: gRPC makes its own at once, and large buffers are dear (start-network-thread.ts). */
export function encodeFromProducer(segments: FromProducer): Buffer {
  const sizes = segments.map(({ channel, content }) => 1 + varintBytes(channel) + bytesFieldBytes(content.length))
  const total = sizes.reduce((sum, size) => sum + bytesFieldBytes(size), 0)
  if (scratch.length < total) scratch = Buffer.allocUnsafe(2 * total)
  const bytes = scratch.subarray(0, total)
  let at = 0
  for (const [index, { channel, content }] of segments.entries()) {
    at = writeBytesHead(bytes, at, 1, sizes[index]!)
    at = writeVarint(bytes, writeVarint(bytes, at, 1 << 3), channel)
    at = writeBytesHead(bytes, at, 2, content.length)
    bytes.set(content, at)
    at += content.length
  }
  return bytes
}

/** Their contents are views of `bytes`. */
export function decodeFromProducer(bytes: Uint8Array): FromProducer {
  const segments: Segment[] = []
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) segments.push(readSegment(reader.bytes()))
    else reader.skip()
  }
  return segments
}

function readSegment(bytes: Uint8Array): Segment {
  let channel = 0
  let content: Uint8Array | undefined
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) channel = reader.uint()
    else if (reader.field === 2) content = reader.bytes()
    else reader.skip()
  }
  if (content === undefined) throw new StreamError('MALFORMED_INPUT', `A segment of channel ${channel} without content`)
  return { channel, content }
}
