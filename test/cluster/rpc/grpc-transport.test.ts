import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTcp, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { descriptorText } from '../../../.build/proto.mjs'
import { type GrpcTransportOptions, grpcTransport } from '../../../src/cluster/rpc/grpc-transport.ts'
import type { FromJobMaster, ToJobMaster } from '../../../src/cluster/rpc/protocols.ts'
import type { Link, Server } from '../../../src/cluster/rpc/transport.ts'
import { closed, heartbeat, hello, transportContract } from './transport-contract.ts'

const of = (options: Partial<GrpcTransportOptions> = {}) => grpcTransport({ version: '0.1.0', ...options })

/** A server that takes every link and keeps what it hears. */
async function listening(options: Partial<GrpcTransportOptions> = {}): Promise<{ server: Server; heard: unknown[]; ends: unknown[] }> {
  const heard: unknown[] = []
  const ends: unknown[] = []
  const server = await of(options).listen('127.0.0.1:0', {
    taskManager: (link) => {
      link.onMessage((message) => {
        heard.push(message)
        link.send({ do: 'heartbeat' })
      })
      link.onClosed((cause) => void ends.push(cause?.code))
    },
  })
  return { server, heard, ends }
}

const answered = (link: Link<any, any>): Promise<unknown> => new Promise((resolve) => link.onMessage(resolve))

describe('gRPC', () => {
  transportContract(async () => ({ client: of(), server: of(), address: '127.0.0.1:0', close: async () => undefined }))

  it('has a descriptor that is what its .proto files say', () => {
    expect(readFileSync(new URL('../../../src/cluster/rpc/proto/descriptor.ts', import.meta.url), 'utf8')).toBe(descriptorText())
  })

  it('carries what the program made: plans, rows and errors keep their values', async () => {
    const rows = [{ at: new Date(5), big: 2n ** 70n, none: undefined, bytes: new Uint8Array([1, 2]), map: new Map([[1, { a: [null] }]]) }]
    const order: FromJobMaster = {
      do: 'deploy',
      plan: { jobId: 'j', jobGraph: { rows } as never, attempt: 2, vertices: [0], ring: { segments: 4, segmentSizeBytes: 64 }, config: {} },
      program: { id: 'p', sizeBytes: 5, file: 'a.ts', args: rows, seed: { seed: 1 } as never, earlier: [] },
      slots: [{ slot: 1, tasks: [{ vertex: 0, subtask: 1 }], allocationId: 'x' }],
      locations: { 0: 'a:1', 1: 'b:2' },
    }
    const said: ToJobMaster = { say: 'slot', attempt: 2, slot: 1, message: { say: 'collect', channel: 'c', rows } }
    const heard: unknown[] = []
    const server = await of().listen('127.0.0.1:0', {
      slots: (link) => {
        link.onMessage((message) => {
          heard.push(message)
          link.send(order)
        })
      },
    })
    const link = of().connect(server.address, 'slots', hello)
    link.send(said)
    expect(await answered(link)).toEqual(order)
    expect(heard).toEqual([said])
    link.close()
    await server.close()
  })

  it('refuses another version, in words that name both', async () => {
    const { server, heard } = await listening()
    const cause = await closed(of().connect(server.address, 'taskManager', { ...hello, version: '9.9.9' }))
    expect(cause).toMatchObject({ code: 'PEER_REFUSED', message: 'tm-1 runs headrace 9.9.9, this process 0.1.0' })
    expect(heard).toEqual([])
    await server.close()
  })

  it('refuses who does not know the token', async () => {
    const { server } = await listening({ token: 'secret' })
    for (const token of [undefined, 'wrong!', 'longer than it is']) {
      const cause = await closed(of(token === undefined ? {} : { token }).connect(server.address, 'taskManager', hello))
      expect(cause).toMatchObject({ code: 'PEER_REFUSED', hint: expect.stringContaining('security.deploy-token') })
      await expect(of().readPackage(server.address, 'known', hello)).rejects.toMatchObject({ code: expect.stringMatching(/^PEER/) })
    }
    const link = of({ token: 'secret' }).connect(server.address, 'taskManager', hello)
    link.send(heartbeat(1))
    expect(await answered(link)).toEqual({ do: 'heartbeat' })
    link.close()
    await server.close()
  })

  it('tells both ends when the connection breaks', async () => {
    const { server, ends } = await listening()
    const port = Number(server.address.split(':').at(-1))
    const sockets: { destroy(): unknown }[] = []
    const proxy = createServer((socket) => {
      const through = connectTcp(port, '127.0.0.1')
      for (const each of [socket, through]) each.on('error', () => undefined)
      socket.pipe(through).pipe(socket)
      sockets.push(socket, through)
    })
    const address = await new Promise<string>((resolve) =>
      proxy.listen(0, '127.0.0.1', () => resolve(`127.0.0.1:${(proxy.address() as { port: number }).port}`)),
    )
    const link = of().connect(address, 'taskManager', hello)
    link.send(heartbeat(1))
    await answered(link)
    for (const socket of sockets) socket.destroy()
    expect(await closed(link)).toMatchObject({ code: 'PEER_UNREACHABLE', message: expect.stringContaining(address) })
    await expect.poll(() => ends).toEqual(['PEER_UNREACHABLE'])
    proxy.close()
    await server.close()
  })

  it('goes on serving behind callers that say nonsense', async () => {
    const { server } = await listening()
    const session = connectHttp2(`http://${server.address}`)
    session.on('error', () => undefined)
    const post = (headers: Record<string, string>, body: Uint8Array): Promise<Record<string, unknown>> =>
      new Promise((resolve, reject) => {
        const request = session.request({ ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers', ...headers })
        let seen: Record<string, unknown> = {}
        request.on('response', (head) => void (seen = { ...seen, ...head }))
        request.on('trailers', (tail) => void (seen = { ...seen, ...tail }))
        request.on('error', reject)
        request.on('close', () => resolve(seen))
        request.resume()
        request.end(body)
      })
    const who = {
      'headrace-version-bin': Buffer.from('0.1.0').toString('base64'),
      'headrace-from-bin': Buffer.from('evil').toString('base64'),
    }
    const path = '/headrace.ResourceManager/taskManager'
    const framed = (...bytes: number[]): Uint8Array => Buffer.from([0, 0, 0, 0, bytes.length, ...bytes])
    for (const [headers, body] of [
      [{ ':path': '/nope' }, framed()],
      [{ ':path': path }, framed()],
      [{ ':path': path, ...who }, framed(255, 255, 255, 255)],
      [{ ':path': path, ...who }, Buffer.from([0, 255, 255, 255, 255])],
      [{ ':path': path, ...who, 'content-type': 'text/plain' }, Buffer.from('GET / HTTP/1.1')],
    ] as const) {
      const answer = await post(headers, body)
      expect(answer['grpc-status'] ?? answer[':status']).not.toBe('0')
    }
    session.close()
    const link = of().connect(server.address, 'taskManager', hello)
    link.send(heartbeat(1))
    expect(await answered(link)).toEqual({ do: 'heartbeat' })
    link.close()
    await server.close()
  })

  it('serves others than this machine only behind TLS or a token', async () => {
    await expect(of().listen('0.0.0.0:0', {})).rejects.toMatchObject({ code: 'INVALID_CONFIG', place: { option: 'security.deploy-token' } })
    await (await of({ token: 't' }).listen('0.0.0.0:0', {})).close()
  })

  it('says which address it cannot have', async () => {
    const { server } = await listening()
    await expect(of().listen(server.address, {})).rejects.toMatchObject({
      code: 'IO_FAILED',
      message: expect.stringContaining(server.address),
    })
    await server.close()
  })
})

describe('gRPC over TLS', () => {
  let folder: string
  const read = (name: string): string => readFileSync(path.join(folder, name), 'utf8')
  const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const keys = (name: string, mutual: boolean) => ({
    tls: { certificate: read(`${name}.crt`), key: read(`${name}.key`), authority: read('own.crt'), mutual },
  })

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'headrace-tls-'))
    for (const name of ['own', 'stranger']) {
      const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
      openssl(
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '2',
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.crt`,
        ...subject,
      )
    }
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each([true, false])('talks to who has the keys (mutual: %s)', async (mutual) => {
    const { server } = await listening(keys('own', mutual))
    const link = of(keys('own', mutual)).connect(server.address, 'taskManager', hello)
    link.send(heartbeat(1))
    expect(await answered(link)).toEqual({ do: 'heartbeat' })
    link.close()
    for (const options of [{}, ...(mutual ? [{ tls: { ...keys('stranger', true).tls, authority: read('own.crt') } }] : [])]) {
      expect(await closed(of(options).connect(server.address, 'taskManager', hello))).toMatchObject({ code: 'PEER_UNREACHABLE' })
    }
    await server.close()
  })
})
