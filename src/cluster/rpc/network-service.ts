/**
 * What a TaskManager asks of its network thread: to carry the channels of its slots that begin or end on another machine. One a process;
 * `startNetworkThread` (cluster/taskmanager/start-network-thread.ts) fills it with a worker thread, `startInlineNetwork` with the caller's own.
 *
 * What always holds: a channel's segments arrive in order, each once, or its slots are told of by `onBroken`; a channel whose producer has
 * said its last word is delivered to its end though its attempt was removed here meanwhile.
 */
import type { StreamError } from '../../base/core/stream-error.ts'
import type { RemoteChannel } from '../../runtime/task/wire-slots.ts'
import type { TlsOptions } from './grpc-transport.ts'

/** The part of Node's MessagePort that pings need. It is handed over: whoever gave it uses it no more. */
export interface PingPort {
  postMessage(message: unknown, transfer?: readonly any[]): void
  on(event: 'message', listener: (message: any) => void): unknown
  close(): void
}

export interface NetworkAttempt {
  readonly jobId: string
  readonly attempt: number
  /** `sleepers` and `remote` as wireSlots made them; `carrier` is carrierOf the job: the network's place in sleepers. */
  readonly sleepers: SharedArrayBuffer
  readonly carrier: number
  readonly remote: readonly RemoteChannel[]
  /** Data address of the TaskManager of every slot of the attempt. */
  readonly locations: Readonly<Record<number, string>>
  /** To each slot here that has a remote channel: a ping on it means "there is something in a ring", both ways. */
  readonly ports: ReadonlyMap<number, PingPort>
}

export interface NetworkOptions {
  /** `host:port` to listen on; port 0: any. */
  readonly listen: string
  /** `host` that others reach it at, where that is another. */
  readonly advertised?: string
  /** Names this TaskManager in messages at the other end. */
  readonly taskManagerId: string
  readonly tls?: TlsOptions
  /** Both ends must have the same. */
  readonly token?: string
}

export interface NetworkEvents {
  /** These slots of the attempt, all of them here, can never get or give what they should. Once a slot. */
  onBroken(jobId: string, attempt: number, slots: readonly number[], error: StreamError): void
  /** The network as a whole is gone, with all that it carried; the process cannot serve any more. */
  onLost(error: StreamError): void
}

export interface NetworkService {
  /** `host:port` where its partitions are served. */
  readonly dataAddress: string
  /** Once an attempt, before its slots are started or after. Its channels to slots that are not there yet wait. */
  add(attempt: NetworkAttempt): void
  /** The attempt's slots here are over. Nothing is told of it any more; what they said last still goes out. */
  remove(jobId: string, attempt: number): void
  close(): Promise<void>
}

/** Rejects where the address cannot be listened on. */
export type StartNetwork = (options: NetworkOptions, events: NetworkEvents) => Promise<NetworkService>
