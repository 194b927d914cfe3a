/** What both ends of exchange streams over gRPC agree upon: the method of exchange.proto, and how a dead connection is found out. */
import type { MethodDefinition } from '@grpc/grpc-js'
import type { FromProducer } from './exchange.ts'
import { encodeFromProducer } from './exchange-codec.ts'

const asItIs = (bytes: Buffer): Buffer => bytes

/**
 * Bytes pass as they are: the codec stands outside, where its errors are ours. But for segments on their way out, which gRPC has
 * encoded when it copies them into a message anyway.
 */
export const exchangeMethod: MethodDefinition<Buffer, any> = {
  path: '/headrace.exchange.Exchange/Receive',
  requestStream: true,
  responseStream: true,
  requestSerialize: asItIs,
  requestDeserialize: asItIs,
  responseSerialize: (segments: FromProducer) => encodeFromProducer(segments),
  responseDeserialize: asItIs,
}

/** A peer that is cut off or frozen answers no ping. Heartbeats of the managers are faster; this ends what they do not see. */
export const keepalive = { 'grpc.keepalive_time_ms': 10_000, 'grpc.keepalive_timeout_ms': 10_000 } as const

/** Subscriptions or releases in one message, so that none comes near the server's limit. */
export const maxEntries = 4096
