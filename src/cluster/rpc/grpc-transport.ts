/**
 * Links over gRPC: one call with two streams a link. An adapter.
 *
 * What always holds: a caller of another version, without the token where one is asked for, or with messages that are none, gets an
 * error, and the server goes on. On an address that other machines reach, nothing is served without TLS or a token.
 */
import {
  ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  Server as GrpcServer,
  logVerbosity,
  Metadata,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  type ServiceDefinition,
  setLogVerbosity,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import { StreamError } from '../../base/core/stream-error.ts'
import { callFailure, helloOf, metadataOf, refusal } from './hello-metadata.ts'
import { fromWire, toWire } from './link-codec.ts'
import { LinkEnd } from './link-end.ts'
import type { ReadPackage } from './program-package.ts'
import { descriptor } from './proto/descriptor.ts'
import type { ProtocolName } from './protocols.ts'
import type { Acceptors, Hello, Link, Server, Transport } from './transport.ts'

/** PEM texts. */
export interface TlsOptions {
  readonly certificate: string
  readonly key: string
  /** Who signs the certificates of the cluster's processes. */
  readonly authority: string
  /** A client must show a certificate too. */
  readonly mutual: boolean
}

export interface GrpcTransportOptions {
  /** Version of the package. */
  readonly version: string
  /** What every process of the cluster knows; absent: nobody is asked. */
  readonly token?: string
  readonly tls?: TlsOptions
}

/** Which service has a protocol, and what its messages are tagged with at the server's end. */
const services = {
  taskManager: 'headrace.ResourceManager',
  requirements: 'headrace.ResourceManager',
  slots: 'headrace.JobMaster',
} as const satisfies Record<ProtocolName, string>

const packageService = 'headrace.Packages'
const partBytes = 256 * 1024
/** Deployments carry the JobGraph and where every state lies. */
const limits = { 'grpc.max_receive_message_length': 512 * 1024 * 1024, 'grpc.max_send_message_length': -1 }

/** A client's last message: to a server, a stream that was ended in order looks like one whose connection broke. */
const farewell = {}
const isFarewell = (wire: { say?: unknown; do?: unknown }): boolean => wire.say === undefined && wire.do === undefined

type Call = ClientDuplexStream<any, any> | ServerDuplexStream<any, any>

export function grpcTransport(options: GrpcTransportOptions): Transport {
  // What fails is told to whoever asked for it, not to stderr.
  setLogVerbosity(logVerbosity.NONE)
  const definitions = fromJSON(descriptor, { keepCase: false, longs: Number, defaults: true, oneofs: true, objects: true })
  const serviceOf = (name: string): ServiceDefinition => definitions[name] as ServiceDefinition
  const credentials = clientCredentials(options.tls)
  const call = (address: string): Client => new Client(address, credentials, limits)
  return {
    connect(address, protocol, hello) {
      const client = call(address)
      const { path, requestSerialize, responseDeserialize } = serviceOf(services[protocol])[protocol]!
      const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadataOf(hello, options.token))
      const link = linkOver<any, any>(stream, 'do', () => void stream.write(farewell))
      let failure: StreamError | undefined
      stream.on('error', (thrown) => {
        failure = callFailure(address, thrown)
        stream.cancel()
        link.ended(failure)
        client.close()
      })
      // A call that failed has said so before its end.
      stream.on('end', () => {
        link.ended(failure)
        client.close()
      })
      return link
    },
    listen: (address, acceptors) => listen(address, acceptors, options, serviceOf),
    readPackage(address, id, hello) {
      const client = call(address)
      const { path, requestSerialize, responseDeserialize } = serviceOf(packageService).read!
      const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { id }, metadataOf(hello, options.token))
      return collect(address, stream).finally(() => client.close())
    },
  }
}

function collect(address: string, stream: ClientReadableStream<any>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  return new Promise((resolve, reject) => {
    stream.on('data', ({ content }: { content: Uint8Array }) => void parts.push(content))
    stream.on('error', (thrown) => reject(callFailure(address, thrown)))
    stream.on('end', () => resolve(Buffer.concat(parts)))
  })
}

/** What comes over the stream is tagged `tag`. A message that is none ends the link. */
function linkOver<In, Out>(stream: Call, tag: 'say' | 'do', beforeEnd: () => void): LinkEnd<In, Out> {
  const link = new LinkEnd<In, Out>({
    write: (message) => void stream.write(toWire(message as Record<string, unknown>)),
    end: () => {
      beforeEnd()
      stream.end()
    },
  })
  stream.on('data', (wire) => {
    if (isFarewell(wire)) return link.ended()
    let message: In
    try {
      message = fromWire(tag, wire) as In
    } catch (thrown) {
      stream.destroy(new StreamError('PEER_REFUSED', `A message is malformed: ${(thrown as Error).message}`))
      return
    }
    link.deliver(message)
  })
  return link
}

async function listen(
  address: string,
  acceptors: Acceptors,
  options: GrpcTransportOptions,
  serviceOf: (name: string) => ServiceDefinition,
): Promise<Server> {
  mustBeSafe(address, options)
  const server = new GrpcServer(limits)
  const served = new Map<string, UntypedServiceImplementation>()
  for (const protocol of Object.keys(services) as ProtocolName[]) {
    const accept = acceptors[protocol] as ((link: Link<any, any>, hello: Hello) => void) | undefined
    if (accept === undefined) continue
    const methods = served.get(services[protocol]) ?? {}
    methods[protocol] = (stream: ServerDuplexStream<any, any>) => serve(stream, accept, options)
    served.set(services[protocol], methods)
  }
  if (acceptors.package !== undefined)
    served.set(packageService, { read: (stream: ServerWritableStream<any, any>) => void servePackage(stream, acceptors.package!, options) })
  for (const [name, methods] of served) server.addService(serviceOf(name), methods)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, serverCredentials(options.tls), (thrown, bound) =>
      thrown === null ? resolve(bound) : reject(cannotListen(address, thrown)),
    )
  })
  return {
    address: `${address.slice(0, address.lastIndexOf(':'))}:${port}`,
    close: async () => server.forceShutdown(),
  }
}

function serve(
  stream: ServerDuplexStream<any, any>,
  accept: (link: Link<any, any>, hello: Hello) => void,
  options: GrpcTransportOptions,
): void {
  const link = linkOver<any, any>(stream, 'say', () => undefined)
  const over = (cause?: StreamError): void => {
    link.ended(cause)
    // The call ends when both ends have.
    stream.end()
  }
  stream.on('end', () => over(brokenBy(stream)))
  stream.on('finish', () => link.ended())
  stream.on('cancelled', () => over(brokenBy(stream)))
  stream.on('error', (thrown) => over(StreamError.from(thrown, 'PEER_UNREACHABLE')))
  try {
    accept(link, helloOf(stream.metadata, options))
    stream.sendMetadata(new Metadata())
  } catch (thrown) {
    refuse(stream, thrown)
  }
}

async function servePackage(stream: ServerWritableStream<any, any>, read: ReadPackage, options: GrpcTransportOptions): Promise<void> {
  try {
    helloOf(stream.metadata, options)
    const bytes = await read(String(stream.request.id))
    for (let at = 0; at < bytes.length; at += partBytes) stream.write({ content: bytes.subarray(at, at + partBytes) })
    stream.end()
  } catch (thrown) {
    refuse(stream, thrown)
  }
}

/** grpc-js sends the status that an error event brings, and the stream is over. */
function refuse(stream: ServerDuplexStream<any, any> | ServerWritableStream<any, any>, thrown: unknown): void {
  stream.emit('error', refusal(thrown))
}

const brokenBy = (stream: ServerDuplexStream<any, any>): StreamError =>
  new StreamError('PEER_UNREACHABLE', `The connection from ${stream.getPeer()} broke`)

const clientCredentials = (tls: TlsOptions | undefined): ChannelCredentials =>
  tls === undefined
    ? ChannelCredentials.createInsecure()
    : ChannelCredentials.createSsl(Buffer.from(tls.authority), ...(tls.mutual ? [Buffer.from(tls.key), Buffer.from(tls.certificate)] : []))

const serverCredentials = (tls: TlsOptions | undefined): ServerCredentials =>
  tls === undefined
    ? ServerCredentials.createInsecure()
    : ServerCredentials.createSsl(
        Buffer.from(tls.authority),
        [{ private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.certificate) }],
        tls.mutual,
      )

const cannotListen = (address: string, thrown: Error): StreamError =>
  new StreamError('IO_FAILED', `Cannot listen on ${address}: ${thrown.message}`, {
    hint: 'Choose a free port (0 takes any), and an address of this machine.',
    cause: thrown,
  })

/** Throws INVALID_CONFIG when others could reach the address and nothing keeps them out. */
export function mustBeSafe(address: string, { tls, token }: Pick<GrpcTransportOptions, 'tls' | 'token'>): void {
  const host = address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1')
  if (tls?.mutual || token !== undefined || host === 'localhost' || host === '::1' || /^127\./.test(host)) return
  throw new StreamError('INVALID_CONFIG', `${address} can be reached from other machines, and whoever reaches it could run programs here`, {
    hint: 'Set security.deploy-token to the same secret on all machines, or security.ssl.internal.enabled with keys of your own; or listen on 127.0.0.1.',
    place: { option: 'security.deploy-token' },
  })
}
