/**
 * What a call says of itself ahead of its messages, and how a refused one says why: gRPC metadata.
 */
import { timingSafeEqual } from 'node:crypto'
import { Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { StreamError, type WireError } from '../../base/core/stream-error.ts'
import type { Hello } from './transport.ts'

const prefix = 'headrace-'
const errorKey = `${prefix}error-bin`

export function metadataOf(hello: Hello, token: string | undefined): Metadata {
  const metadata = new Metadata()
  const { version, from, sessionId, jobId } = hello
  for (const [name, value] of Object.entries({ version, from, session: sessionId, job: jobId, token })) {
    if (value !== undefined) metadata.set(`${prefix}${name}-bin`, Buffer.from(value))
  }
  return metadata
}

/** Throws PEER_REFUSED to a caller of another version, or without the token that this process asks for. */
export function helloOf(metadata: Metadata, own: { readonly version: string; readonly token?: string }): Hello {
  const read = (name: string): string | undefined => {
    const value = metadata.get(`${prefix}${name}-bin`)[0]
    return value instanceof Buffer ? value.toString() : undefined
  }
  if (own.token !== undefined && !sameText(read('token') ?? '', own.token)) {
    throw new StreamError('PEER_REFUSED', 'The caller did not give the token that this process asks for', {
      hint: 'Give all processes of the cluster the same security.deploy-token.',
    })
  }
  const version = read('version')
  const from = read('from')
  if (version === undefined || from === undefined) {
    throw new StreamError('PEER_REFUSED', 'The caller does not say who it is: it is no process of headrace', {
      hint: 'This port is for processes of the cluster; people and programs use the REST address.',
    })
  }
  if (version !== own.version) {
    throw new StreamError('PEER_REFUSED', `${from} runs headrace ${version}, this process ${own.version}`, {
      hint: 'All processes of a cluster run one version: install the same everywhere and start them again.',
    })
  }
  const sessionId = read('session')
  const jobId = read('job')
  return { version, from, ...(sessionId !== undefined && { sessionId }), ...(jobId !== undefined && { jobId }) }
}

const sameText = (given: string, wanted: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** What ends a call at its server. */
export function refusal(thrown: unknown): { readonly code: status; readonly details: string; readonly metadata: Metadata } {
  const error = StreamError.from(thrown)
  const metadata = new Metadata()
  const { stack: _, cause: __, ...wire } = error.toWire()
  metadata.set(errorKey, Buffer.from(JSON.stringify(wire)))
  return { code: status.FAILED_PRECONDITION, details: error.code, metadata }
}

/** Why a call ended, as its client sees it. */
export function callFailure(address: string, failure: Partial<ServiceError>): StreamError {
  const said = failure.metadata?.get(errorKey)[0]
  if (said instanceof Buffer) {
    try {
      return StreamError.fromWire(JSON.parse(said.toString()) as WireError)
    } catch {
      // Not one of ours: what gRPC says is all there is.
    }
  }
  if (failure.code === status.UNIMPLEMENTED)
    return new StreamError('PEER_UNREACHABLE', `The process at ${address} does not serve this: ${failure.details}`, {
      hint: 'Is it the address of the JobManager (jobmanager.rpc.address and .port)?',
    })
  return new StreamError('PEER_UNREACHABLE', `No connection to ${address}: ${failure.details ?? 'it broke'}`, {
    hint: 'Is the process there running, is the address right, and do both ends use TLS or both not?',
  })
}
