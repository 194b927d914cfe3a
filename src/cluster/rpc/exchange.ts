/**
 * Streams of segments between TaskManagers, as the network relay sees them: gRPC fills them between processes (exchange-client.ts,
 * exchange-server.ts), anything that keeps order in tests and in the simulation.
 *
 * What always holds: messages arrive in the order in which they were sent, each at most once; `onEnd` is called exactly once at each end,
 * also at the one that closed the stream (where it refused, as broken for that reason), and nothing is called after it, nor before the
 * call that made the stream has returned.
 */

/** What the consumer says of itself with its first message. */
export interface ExchangeHello {
  readonly version: string
  readonly token: string
  /** Id of its TaskManager. */
  readonly from: string
  readonly jobId: string
  readonly attempt: number
}

export interface Subscription {
  /** Its number in this stream. */
  readonly channel: number
  readonly edge: number
  readonly fromSubtask: number
  readonly toSubtask: number
  readonly segmentSizeBytes: number
  readonly segments: number
}

export interface Released {
  readonly channel: number
  readonly segments: number
}

export interface FromConsumer {
  readonly hello?: ExchangeHello
  readonly subscribe: readonly Subscription[]
  readonly released: readonly Released[]
  /** Nothing follows. Said by close(), heard as the end. */
  readonly closing?: true
}

export interface Segment {
  readonly channel: number
  readonly content: Uint8Array
}

export type FromProducer = readonly Segment[]

/** In order: the other end (or this one) wanted no more. A break has a reason, in words. */
export type StreamEnd = { readonly kind: 'closed' } | { readonly kind: 'broken'; readonly reason: string }

export interface StreamHandlers<In> {
  onMessage(message: In): void
  onEnd(end: StreamEnd): void
}

export interface ExchangeStream<Out> {
  /** What a message refers to stays as it is until the other end has it: a segment until it is told as released. */
  send(message: Out): void
  /** With a reason: the other end is told that it was refused, and its stream breaks. What was sent before may be lost then. */
  close(refusal?: string): void
}

/** The consumer's side: at once, whether the peer is there or not. */
export type ConnectExchange = (address: string, handlers: StreamHandlers<FromProducer>) => ExchangeStream<FromConsumer>

/** The producer's side. */
export type AcceptExchange = (stream: ExchangeStream<FromProducer>) => StreamHandlers<FromConsumer>
