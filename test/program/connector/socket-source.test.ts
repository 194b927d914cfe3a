import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { socketSource } from '../../../src/program/connector/socket-source.ts'
import { readAll, SourceHarness } from '../../support/source-harness.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** A server that does `serve` with each connection; its port. */
async function listen(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer(serve)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close())
  return (server.address() as AddressInfo).port
}

describe('socketTextStream', () => {
  it('reads lines until the connection is closed, the last one also without an end', async () => {
    const port = await listen((socket) => socket.end('one\r\n\ntwo €\nlast'))
    expect((await readAll(socketSource('127.0.0.1', port), { parallelism: 2 })).records).toEqual(['one', '', 'two €', 'last'])
  })

  it('cuts at a delimiter of several characters that comes in pieces, and characters that do', async () => {
    const port = await listen((socket) => {
      const bytes = Buffer.from('a||b€||\nc|d||')
      socket.setNoDelay(true)
      const send = (at: number): void =>
        void (at < bytes.length ? socket.write(bytes.subarray(at, at + 1), () => setImmediate(send, at + 1)) : socket.end())
      send(0)
    })
    expect((await readAll(socketSource('127.0.0.1', port, '||'))).records).toEqual(['a', 'b€', '\nc|d'])
  })

  it('goes on reading after it held up a sender that was faster than it', async () => {
    const lines = Array.from({ length: 200_000 }, (_, i) => `line ${i}`)
    const port = await listen((socket) => socket.end(lines.join('\n')))
    expect((await readAll(socketSource('127.0.0.1', port))).records).toEqual(lines)
  })

  it('fails when nobody listens, and says what to start', async () => {
    const port = await listen(() => {})
    for (const close of closers.splice(0)) close()
    await expect(readAll(socketSource('127.0.0.1', port))).rejects.toMatchObject({
      code: 'IO_FAILED',
      message: expect.stringContaining(`cannot read the socket 127.0.0.1:${port}`),
      hint: expect.stringContaining(`nc -lk ${port}`),
    })
  })

  it('says after a restore that it cannot resume, and connects anew', async () => {
    let connections = 0
    const port = await listen((socket) => {
      if (++connections === 1) socket.write('first\n')
      else socket.end('second\n')
    })
    const source = socketSource('127.0.0.1', port)
    const first = await new SourceHarness(source).start()
    await first.pollUntil(() => first.records.length === 1)
    const snapshot = first.snapshot()
    await first.close()
    expect(first.contexts[0]?.printed).toEqual([])
    const second = await readAll(source, { restored: snapshot })
    expect(second.records).toEqual(['second'])
    expect(second.contexts[0]?.printed).toEqual([
      { stream: 'stderr', line: expect.stringContaining('cannot resume: a socket cannot be read again') },
    ])
  })

  it('refuses an address that is none', () => {
    expect(() => socketSource('', 1)).toThrow(/host/)
    expect(() => socketSource('localhost', 70_000)).toThrow(/port is 70000/)
    expect(() => socketSource('localhost', 1, '')).toThrow(/delimiter/)
  })
})
