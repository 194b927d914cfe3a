/**
 * A network within one thread: hosts that reach each other by links whose messages are cloned and carried by whoever is given as
 * `carry`, at once, later or not before a partition heals. For tests and the simulation; what a message means is the same as over gRPC.
 *
 * What always holds: a link keeps the order of its messages, however `carry` mixes what it carries.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import { LinkEnd } from './link-end.ts'
import type { ReadPackage } from './program-package.ts'
import type { Acceptors, Hello, Link, Server, Transport } from './transport.ts'

/** Calls `arrive` once, sooner or later, never before it has returned; or never, when the message is lost and its link will be broken. */
export type Carry = (fromHost: string, toHost: string, arrive: () => void) => void

interface LoopbackLink {
  readonly hosts: readonly [client: string, server: string]
  readonly ends: readonly [client: LinkEnd<any, any>, server: LinkEnd<any, any>]
}

interface LoopbackServer {
  readonly host: string
  readonly acceptors: Acceptors
}

export class LoopbackNetwork {
  readonly #carry: Carry
  readonly #servers = new Map<string, LoopbackServer>()
  readonly #links = new Set<LoopbackLink>()
  #nextPort = 1024

  constructor(carry: Carry) {
    this.#carry = carry
  }

  /** What a process on this host is given. Its addresses are `host:port`. */
  transportOf(host: string): Transport {
    return {
      connect: (address, protocol, hello) => this.#connect(host, address, protocol, hello),
      listen: async (address, acceptors) => this.#listen(host, address, acceptors),
      readPackage: (address, id, hello) => this.#readPackage(host, address, id, hello),
    }
  }

  /** Breaks every link between the two hosts, or all of the first one: both ends hear it, and what was under way is lost. */
  break(host: string, other?: string): void {
    for (const link of [...this.#links]) {
      if (!link.hosts.includes(host) || (other !== undefined && !link.hosts.includes(other))) continue
      this.#links.delete(link)
      link.ends.forEach((end, side) => this.#carry(link.hosts[side]!, link.hosts[side]!, () => end.ended(broken(link.hosts))))
    }
  }

  /** The process there is gone: nobody listens, its links are broken. */
  kill(host: string): void {
    for (const [address, server] of this.#servers) if (server.host === host) this.#servers.delete(address)
    this.break(host)
  }

  #listen(host: string, address: string, acceptors: Acceptors): Server {
    const port = Number(address.split(':').at(-1))
    const real = `${host}:${port === 0 ? this.#nextPort++ : port}`
    if (this.#servers.has(real))
      throw new StreamError('IO_FAILED', `Somebody listens on ${real} already`, { hint: 'Choose another port, or 0 for any free one.' })
    const server = { host, acceptors }
    this.#servers.set(real, server)
    return {
      address: real,
      close: async () => {
        if (this.#servers.get(real) === server) this.#servers.delete(real)
      },
    }
  }

  #connect(host: string, address: string, protocol: keyof Acceptors, hello: Hello): Link<any, any> {
    const to = address.slice(0, address.lastIndexOf(':'))
    const hosts = [host, to] as const
    // The two ends know each other, and the link its ends: neither is called before this has returned.
    const ends: LoopbackLink['ends'] = [this.#end(hosts, () => link, 1), this.#end(hosts, () => link, 0)]
    const link: LoopbackLink = { hosts, ends }
    this.#links.add(link)
    this.#carry(host, to, () => {
      const server = this.#servers.get(address)
      const accept = server?.acceptors[protocol] as ((link: Link<any, any>, hello: Hello) => void) | undefined
      try {
        if (accept === undefined) throw unreachable(address, protocol)
        accept(ends[1], structuredClone(hello))
      } catch (thrown) {
        const refused = StreamError.from(thrown)
        ends[1].ended(refused)
        this.#carry(to, host, () => this.#over(link, 0, refused))
      }
    })
    return ends[0]
  }

  #end(hosts: LoopbackLink['hosts'], link: () => LoopbackLink, peer: 0 | 1): LinkEnd<unknown, unknown> {
    const [from, to] = peer === 1 ? hosts : [hosts[1], hosts[0]]
    const underWay: ((end: LinkEnd<unknown, unknown>) => void)[] = []
    const carry = (what: (end: LinkEnd<unknown, unknown>) => void): void => {
      underWay.push(what)
      // Whichever arrives: the oldest is heard first.
      this.#carry(from, to, () => {
        const next = underWay.shift()
        if (this.#links.has(link())) next?.(link().ends[peer])
      })
    }
    return new LinkEnd({
      write: (message) => {
        const copy = structuredClone(message)
        carry((end) => end.deliver(copy))
      },
      end: () => {
        carry(() => this.#over(link(), peer))
        this.#carry(from, from, () => link().ends[peer === 1 ? 0 : 1].ended())
      },
    })
  }

  #over(link: LoopbackLink, end: 0 | 1, cause?: StreamError): void {
    this.#links.delete(link)
    link.ends[end].ended(cause)
  }

  #readPackage(host: string, address: string, id: string, _hello: Hello): Promise<Uint8Array> {
    const to = address.slice(0, address.lastIndexOf(':'))
    return new Promise((resolve, reject) => {
      this.#carry(host, to, () => {
        const read: ReadPackage = this.#servers.get(address)?.acceptors.package ?? (() => Promise.reject(unreachable(address, 'package')))
        read(id).then(
          (bytes) => this.#carry(to, host, () => resolve(bytes.slice())),
          (thrown) => this.#carry(to, host, () => reject(thrown)),
        )
      })
    })
  }
}

const unreachable = (address: string, protocol: string): StreamError =>
  new StreamError('PEER_UNREACHABLE', `Nobody at ${address} serves '${protocol}'`, {
    hint: 'Is the process there running, and is the address right?',
  })

const broken = ([client, server]: readonly [string, string]): StreamError =>
  new StreamError('PEER_UNREACHABLE', `The connection between ${client} and ${server} broke`)
