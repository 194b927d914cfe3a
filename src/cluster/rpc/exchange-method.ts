/** What both ends of exchange streams over gRPC agree upon: the method of exchange.proto, and how a dead connection is found out. */
import type { MethodDefinition } from '@grpc/grpc-js'

const asItIs = (bytes: Buffer): Buffer => bytes

/** Bytes pass as they are: the codec stands outside, where its errors are ours. */
export const exchangeMethod: MethodDefinition<Buffer, Buffer> = {
  path: '/headrace.exchange.Exchange/Receive',
  requestStream: true,
  responseStream: true,
  requestSerialize: asItIs,
  requestDeserialize: asItIs,
  responseSerialize: asItIs,
  responseDeserialize: asItIs,
}

/** A peer that is cut off or frozen answers no ping. Heartbeats of the managers are faster; this ends what they do not see. */
export const keepalive = { 'grpc.keepalive_time_ms': 10_000, 'grpc.keepalive_timeout_ms': 10_000 } as const

/** Subscriptions or releases in one message, so that none comes near the server's limit. */
export const maxEntries = 4096
