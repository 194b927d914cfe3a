/**
 * The producer's end of exchange streams over gRPC. Runs in the network thread.
 *
 * What always holds: whatever a client sends, at worst its own stream ends.
 */
import { logVerbosity, Server, ServerCredentials, type ServerDuplexStream, setLogVerbosity, status } from '@grpc/grpc-js'
import { StreamError } from '../../base/core/stream-error.ts'
import type { AcceptExchange, FromProducer, StreamEnd, StreamHandlers } from './exchange.ts'
import { decodeFromConsumer } from './exchange-codec.ts'
import { exchangeMethod, keepalive } from './exchange-method.ts'
import type { TlsOptions } from './grpc-transport.ts'

export interface ExchangeServer {
  /** The real one, where 0 was asked for. */
  readonly port: number
  /** Breaks all its streams. */
  close(): void
}

/** A client has nothing large to say: subscriptions come in pieces (maxSubscriptions). */
const maxMessageBytes = 1024 * 1024

export async function serveExchange(listen: string, tls: TlsOptions | undefined, accept: AcceptExchange): Promise<ExchangeServer> {
  // What fails is told to who asked; gRPC would print it besides.
  setLogVerbosity(logVerbosity.NONE)
  const server = new Server({ 'grpc.max_receive_message_length': maxMessageBytes, 'grpc.max_send_message_length': -1, ...keepalive })
  server.addService({ receive: exchangeMethod }, { receive: (call: ServerDuplexStream<Buffer, FromProducer>) => void serve(call, accept) })
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(
          Buffer.from(tls.authority),
          [{ cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.key) }],
          tls.mutual,
        )
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(listen, credentials, (error, bound) => (error === null ? resolve(bound) : reject(cannotListen(listen, error))))
  })
  return { port, close: () => server.forceShutdown() }
}

function cannotListen(listen: string, error: Error): StreamError {
  return new StreamError('INVALID_CONFIG', `Data connections cannot be listened for at ${listen}: ${error.message}`, {
    hint: 'Another process may have the port, or the address is not one of this machine.',
    place: { option: 'taskmanager.data.port' },
    cause: error,
  })
}

function serve(call: ServerDuplexStream<Buffer, FromProducer>, accept: AcceptExchange): void {
  let handlers: StreamHandlers<ReturnType<typeof decodeFromConsumer>> | undefined
  const end = (how: StreamEnd): void => {
    const told = handlers
    handlers = undefined
    told?.onEnd(how)
  }
  const refuse = (reason: string): void => {
    call.emit('error', { code: status.FAILED_PRECONDITION, details: reason })
    end({ kind: 'broken', reason })
  }
  const closed = (): void => {
    call.end()
    end({ kind: 'closed' })
  }
  handlers = accept({
    send: (segments: FromProducer) => {
      if (handlers !== undefined) call.write(segments)
    },
    close(refusal) {
      if (handlers === undefined) return
      if (refusal === undefined) closed()
      else refuse(refusal)
    },
  })
  call.on('data', (bytes: Buffer) => {
    try {
      const message = decodeFromConsumer(bytes)
      if (message.closing) closed()
      else handlers?.onMessage(message)
    } catch (thrown) {
      refuse(StreamError.from(thrown).message)
    }
  })
  const lost = (): void => end({ kind: 'broken', reason: 'the connection was lost' })
  call.on('end', () => {
    call.end()
    lost()
  })
  call.on('cancelled', lost)
  call.on('error', (error) => end({ kind: 'broken', reason: error.message }))
}
