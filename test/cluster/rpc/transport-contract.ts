/**
 * What every Transport promises, as tests: run for the loopback and for gRPC.
 */
import { expect, it } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import type { FromResourceManager, ToResourceManager } from '../../../src/cluster/rpc/protocols.ts'
import type { Hello, Link, Transport } from '../../../src/cluster/rpc/transport.ts'

export interface Bench {
  readonly client: Transport
  readonly server: Transport
  /** Where the server may listen, with port 0. */
  readonly address: string
  close(): Promise<void>
}

export const hello: Hello = { version: '0.1.0', from: 'tm-1', sessionId: 'session', jobId: 'job' }

export const heartbeat = (value: number): ToResourceManager => ({
  say: 'heartbeat',
  slots: [{ index: value }, { index: 1, allocation: { allocationId: 'a', jobId: 'j' } }],
  metrics: { value },
})

/** Resolves with its cause, or undefined when it was closed in order. */
export const closed = (link: Link<any, any>): Promise<StreamError | undefined> => new Promise((resolve) => link.onClosed(resolve))

/** The server's end of the next link, and what was said at its beginning. */
export type Accepted = { link: Link<ToResourceManager, FromResourceManager>; hello: Hello }

export function transportContract(open: () => Promise<Bench>): void {
  const serving = async (use: (bench: Bench, address: string, accepted: () => Promise<Accepted>) => Promise<void>): Promise<void> => {
    const bench = await open()
    const waiting: ((accepted: Accepted) => void)[] = []
    const there: Accepted[] = []
    const server = await bench.server.listen(bench.address, {
      taskManager: (link, said) => {
        if (said.from === 'unwanted') throw new StreamError('PEER_REFUSED', 'Not you', { hint: 'Be another.' })
        const accepted = { link, hello: said }
        const next = waiting.shift()
        if (next === undefined) there.push(accepted)
        else next(accepted)
      },
      package: async (id) => {
        if (id !== 'known') throw new StreamError('FILE_NOT_FOUND', `There is no package ${id}`)
        return new Uint8Array(300_000).fill(7)
      },
    })
    const accepted = (): Promise<Accepted> =>
      there.length > 0 ? Promise.resolve(there.shift()!) : new Promise((resolve) => waiting.push(resolve))
    try {
      await use(bench, server.address, accepted)
    } finally {
      await server.close()
      await bench.close()
    }
  }

  it('carries what both ends say, in order, and the hello', () =>
    serving(async ({ client }, address, accepted) => {
      const link = client.connect(address, 'taskManager', hello)
      const answers: FromResourceManager[] = []
      const done = new Promise<void>((resolve) =>
        link.onMessage((message) => {
          answers.push(message)
          if (message.do === 'shutDown') resolve()
        }),
      )
      for (let i = 0; i < 200; i++) link.send(heartbeat(i))
      const server = await accepted()
      expect(server.hello).toEqual(hello)
      const heard: ToResourceManager[] = []
      server.link.onMessage((message) => {
        heard.push(message)
        if (heard.length === 200) server.link.send({ do: 'shutDown', reason: 'enough' })
      })
      server.link.send({ do: 'registered', sessionId: 'session' })
      await done
      expect(heard).toEqual(Array.from({ length: 200 }, (_, i) => heartbeat(i)))
      expect(answers).toEqual([
        { do: 'registered', sessionId: 'session' },
        { do: 'shutDown', reason: 'enough' },
      ])
    }))

  it('tells both ends of a link that was closed in order, behind what was said', () =>
    serving(async ({ client }, address, accepted) => {
      const link = client.connect(address, 'taskManager', hello)
      const { link: server } = await accepted()
      const heard: string[] = []
      server.onMessage((message) => void heard.push(message.say))
      link.send(heartbeat(1))
      link.close()
      expect(await closed(server)).toBeUndefined()
      expect(await closed(link)).toBeUndefined()
      expect(heard).toEqual(['heartbeat'])
      link.send(heartbeat(2))
      server.send({ do: 'heartbeat' })
    }))

  it('can be closed by the server', () =>
    serving(async ({ client }, address, accepted) => {
      const link = client.connect(address, 'taskManager', hello)
      const { link: server } = await accepted()
      const answers: string[] = []
      link.onMessage((message) => void answers.push(message.do))
      server.send({ do: 'heartbeat' })
      server.close()
      expect(await closed(link)).toBeUndefined()
      expect(await closed(server)).toBeUndefined()
      expect(answers).toEqual(['heartbeat'])
    }))

  it('tells a client that was refused why', () =>
    serving(async ({ client }, address) => {
      const cause = await closed(client.connect(address, 'taskManager', { ...hello, from: 'unwanted' }))
      expect(cause).toMatchObject({ code: 'PEER_REFUSED', message: 'Not you', hint: 'Be another.' })
    }))

  it('tells a client that nobody is there', () =>
    serving(async ({ client }, address) => {
      expect(await closed(client.connect(address, 'requirements', hello))).toMatchObject({ code: 'PEER_UNREACHABLE' })
      const nowhere = `${address.slice(0, address.lastIndexOf(':'))}:1`
      expect(await closed(client.connect(nowhere, 'taskManager', hello))).toMatchObject({ code: 'PEER_UNREACHABLE' })
    }))

  it('hands out packages', () =>
    serving(async ({ client }, address) => {
      const bytes = await client.readPackage(address, 'known', hello)
      expect(bytes.length).toBe(300_000)
      expect(bytes.every((byte) => byte === 7)).toBe(true)
      await expect(client.readPackage(address, 'unknown', hello)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
    }))
}
