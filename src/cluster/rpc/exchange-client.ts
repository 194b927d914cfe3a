/**
 * The consumer's end of exchange streams over gRPC, which takes them five to eight times as fast as a server would (window and limits
 * are the client's to set). Runs in the network thread. Streams to one address share one connection.
 */
import { Client, type ClientDuplexStream, credentials, type ServiceError, status } from '@grpc/grpc-js'
import { StreamError } from '../../base/core/stream-error.ts'
import type { ConnectExchange, ExchangeStream, FromConsumer, FromProducer, StreamEnd, StreamHandlers } from './exchange.ts'
import { decodeFromProducer, encodeFromConsumer } from './exchange-codec.ts'
import { exchangeMethod, keepalive, maxEntries } from './exchange-method.ts'
import type { TlsOptions } from './grpc-transport.ts'

const windowBytes = 4 * 1024 * 1024

/** A connection, and how many streams use it. */
interface Connection {
  readonly client: Client
  streams: number
}

export function grpcExchange(tls: TlsOptions | undefined): ConnectExchange {
  const connections = new Map<string, Connection>()
  return (address, handlers) => {
    let connection = connections.get(address)
    try {
      connection ??= { client: connect(address, tls), streams: 0 }
    } catch (thrown) {
      return brokenStream(handlers, `${address} is no address: ${StreamError.from(thrown).message}`)
    }
    connections.set(address, connection)
    connection.streams++
    return openStream(connection.client, handlers, (end) => {
      connection.streams--
      // After a break the next stream begins with a new connection, without waiting for this one's backoff.
      if ((end.kind === 'broken' || connection.streams === 0) && connections.get(address) === connection) connections.delete(address)
      if (connection.streams === 0) connection.client.close()
    })
  }
}

function connect(address: string, tls: TlsOptions | undefined): Client {
  const security =
    tls === undefined
      ? credentials.createInsecure()
      : credentials.createSsl(Buffer.from(tls.authority), ...(tls.mutual ? [Buffer.from(tls.key), Buffer.from(tls.certificate)] : []))
  return new Client(address, security, {
    'grpc-node.flow_control_window': windowBytes,
    'grpc.max_receive_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_http_proxy': 0,
    'grpc.enable_retries': 0,
    ...keepalive,
  })
}

function openStream(client: Client, handlers: StreamHandlers<FromProducer>, onEnd: (end: StreamEnd) => void): ExchangeStream<FromConsumer> {
  const { path, requestSerialize, responseDeserialize } = exchangeMethod
  const call: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
  let isOver = false
  let isClosing = false
  const end = (how: StreamEnd): void => {
    if (isOver) return
    isOver = true
    onEnd(how)
    handlers.onEnd(how)
  }
  const breakOff = (reason: string): void => {
    call.cancel()
    end({ kind: 'broken', reason })
  }
  call.on('data', (bytes: Buffer) => {
    if (isOver || isClosing) return
    try {
      handlers.onMessage(decodeFromProducer(bytes))
    } catch (thrown) {
      breakOff(StreamError.from(thrown).message)
    }
  })
  call.on('end', () => undefined)
  call.on('error', () => undefined)
  call.on('status', ({ code, details }: ServiceError) =>
    end(code === status.OK || isClosing ? { kind: 'closed' } : { kind: 'broken', reason: details || status[code] }),
  )
  return {
    send(message) {
      if (!isOver && !isClosing) for (const part of inParts(message)) call.write(encodeFromConsumer(part))
    },
    close(refusal) {
      if (isOver || isClosing) return
      if (refusal !== undefined) return breakOff(refusal)
      isClosing = true
      call.write(encodeFromConsumer({ subscribe: [], released: [], closing: true }))
      call.end()
    },
  }
}

/** A stream that never was. */
function brokenStream(handlers: StreamHandlers<FromProducer>, reason: string): ExchangeStream<FromConsumer> {
  queueMicrotask(() => handlers.onEnd({ kind: 'broken', reason }))
  return { send: () => undefined, close: () => undefined }
}

/** Nothing of what a server receives may come near its limit. */
function* inParts(message: FromConsumer): Iterable<FromConsumer> {
  const { subscribe, released } = message
  if (subscribe.length + released.length <= maxEntries) return yield message
  if (message.hello !== undefined) yield { hello: message.hello, subscribe: [], released: [] }
  for (let at = 0; at < subscribe.length; at += maxEntries) yield { subscribe: subscribe.slice(at, at + maxEntries), released: [] }
  for (let at = 0; at < released.length; at += maxEntries) yield { subscribe: [], released: released.slice(at, at + maxEntries) }
}
