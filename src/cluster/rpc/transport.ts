/**
 * How managers in different processes talk: by links, two-way streams of messages between a client, which connects, and a server,
 * which serves. gRPC fills it between processes (grpc-transport.ts), a loopback in tests and in the simulation.
 *
 * What always holds: messages of one link arrive in the order in which they were sent, each at most once; what was sent to a link that has
 * closed is lost without a word, so whoever needs an answer waits for the answer or for `onClosed`, which is called exactly once at each
 * end. A peer that is frozen or cut off closes nothing: heartbeats find that out. No handler is called before the call that made the
 * link has returned.
 */
import type { StreamError } from '../../base/core/stream-error.ts'
import type { ReadPackage } from './program-package.ts'
import type { ProtocolName, Protocols } from './protocols.ts'

export interface Link<In, Out> {
  send(message: Out): void
  /** One handler; messages that came before it was given are kept for it. */
  onMessage(handler: (message: In) => void): void
  /** `cause` is absent when one of both ends closed the link in order. */
  onClosed(handler: (cause?: StreamError) => void): void
  /** What was sent before still arrives. */
  close(): void
}

/** What a client says of itself when it connects; the server refuses a stale session, another version or a wrong token. */
export interface Hello {
  /** Version of the package: both ends run the same. */
  readonly version: string
  /** Resource id of the client: of its process, new with each start. */
  readonly from: string
  /** Leader session of the server that the client believes in; absent: whoever leads there. */
  readonly sessionId?: string
  /** Which of the server's jobs it is about. */
  readonly jobId?: string
}

/** The server's end of a protocol. It throws a StreamError to refuse the link, which closes it at the client with that error. */
export type Accept<P extends ProtocolName> = (link: Link<Protocols[P]['toServer'], Protocols[P]['toClient']>, hello: Hello) => void

export type Acceptors = { readonly [P in ProtocolName]?: Accept<P> } & { readonly package?: ReadPackage }

export interface Server {
  /** `host:port`, with the real port where 0 was asked for. */
  readonly address: string
  close(): Promise<void>
}

export interface Transport {
  /** At once, whether the peer is there or not: a link that cannot be made closes with a cause. */
  connect<P extends ProtocolName>(address: string, protocol: P, hello: Hello): Link<Protocols[P]['toClient'], Protocols[P]['toServer']>
  /** Rejects when the address cannot be listened on. */
  listen(address: string, acceptors: Acceptors): Promise<Server>
  /** The package with this id, from a server that has `package`. Whoever reads it checks that its content has this id. */
  readPackage(address: string, id: string, hello: Hello): Promise<Uint8Array>
}
