/**
 * Streams of segments between simulated hosts: ordered, broken when the world says so.
 */
import type { AcceptExchange, ConnectExchange, ExchangeStream, StreamEnd, StreamHandlers } from '../../src/cluster/rpc/exchange.ts'
import type { SimulatedWorld } from './simulated-world.ts'

interface Side {
  readonly host: string
  handlers?: StreamHandlers<any>
  /** What came before anybody listened. */
  early: ((handlers: StreamHandlers<any>) => void)[]
  isOver: boolean
}

type Stream = readonly [consumer: Side, producer: Side]

const side = (host: string): Side => ({ host, early: [], isOver: false })

export class SimulatedExchange {
  readonly #world: SimulatedWorld
  readonly #tamper: (message: any) => readonly any[]
  readonly #servers = new Map<string, AcceptExchange>()
  readonly #streams = new Set<Stream>()

  constructor(world: SimulatedWorld, tamper: (message: any) => readonly any[] = (message) => [message]) {
    this.#world = world
    this.#tamper = tamper
    world.onBreak((host, other) => this.#break(host, other))
  }

  listen(address: string, accept: AcceptExchange): void {
    this.#servers.set(address, accept)
  }

  connectFrom(host: string): ConnectExchange {
    return (address, handlers) => {
      const stream: Stream = [side(host), side(address.slice(0, address.lastIndexOf(':')))]
      stream[0].handlers = handlers
      this.#streams.add(stream)
      this.#world.carry(host, stream[1].host, () => {
        const accept = this.#servers.get(address)
        if (accept === undefined) return this.#world.carry(stream[1].host, host, () => this.#over(stream, 0, nobody(address)))
        if (stream[1].isOver) return
        stream[1].handlers = accept(this.#end(stream, 1))
        for (const tell of stream[1].early.splice(0)) tell(stream[1].handlers)
      })
      return this.#end(stream, 0)
    }
  }

  #end(stream: Stream, own: 0 | 1): ExchangeStream<any> {
    const here = stream[own]
    const there = stream[own === 0 ? 1 : 0]
    const underWay: ((handlers: StreamHandlers<any>) => void)[] = []
    const carry = (tell: (handlers: StreamHandlers<any>) => void): void => {
      underWay.push(tell)
      this.#world.carry(here.host, there.host, () => {
        const next = underWay.shift()
        if (next === undefined || there.isOver) return
        if (there.handlers === undefined) there.early.push(next)
        else next(there.handlers)
      })
    }
    return {
      send: (message) => {
        if (here.isOver) return
        for (const each of this.#tamper(structuredClone(message))) carry((handlers) => handlers.onMessage(each))
      },
      close: (refusal) => {
        if (here.isOver) return
        const end: StreamEnd = refusal === undefined ? { kind: 'closed' } : { kind: 'broken', reason: refusal }
        carry(() => this.#over(stream, own === 0 ? 1 : 0, end))
        this.#world.carry(here.host, here.host, () => this.#over(stream, own, { kind: 'closed' }))
      },
    }
  }

  #over(stream: Stream, which: 0 | 1, end: StreamEnd): void {
    const over = stream[which]
    if (over.isOver) return
    over.isOver = true
    if (stream[0].isOver && stream[1].isOver) this.#streams.delete(stream)
    over.handlers?.onEnd(end)
  }

  #break(host: string, other: string | undefined): void {
    for (const address of this.#servers.keys()) if (other === undefined && address.startsWith(`${host}:`)) this.#servers.delete(address)
    for (const stream of this.#streams) {
      const hosts = stream.map((each) => each.host)
      if (!hosts.includes(host) || (other !== undefined && !hosts.includes(other))) continue
      const end: StreamEnd = { kind: 'broken', reason: `the connection between ${hosts.join(' and ')} broke` }
      for (const which of [0, 1] as const) this.#world.carry(hosts[which]!, hosts[which]!, () => this.#over(stream, which, end))
    }
  }
}

const nobody = (address: string): StreamEnd => ({ kind: 'broken', reason: `nobody listens at ${address}` })
