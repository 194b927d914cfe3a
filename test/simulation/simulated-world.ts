/**
 * Hosts, the network between them and the time that they share, in one thread: whatever happens on them happens in the order that a seed
 * says, on a clock that jumps from event to event. Processes die, freeze and start again; messages take their time; hosts are cut off
 * from each other and find each other again.
 *
 * What always holds: the same seed and the same work give the same run, event for event. Nothing that a dead process had begun changes
 * anything any more; a frozen one does nothing until it thaws, and then everything that waited.
 */
import type { Clock, TimerHandle } from '../../src/base/core/clock.ts'
import { LoopbackNetwork } from '../../src/cluster/rpc/loopback-network.ts'
import type { Link, Transport } from '../../src/cluster/rpc/transport.ts'
import { below, chance, type SeededRandom } from '../torture/seeded-random.ts'

/** What one process is given of its host. All of it is dead when the process is. */
export interface SimulatedProcess {
  readonly host: string
  readonly clock: Clock
  readonly transport: Transport
  readonly yieldTo: (callback: () => void) => void
  readonly random: SeededRandom
}

export type FaultKind = 'kill' | 'freeze' | 'partition' | 'break' | 'delay'

export const noFaults = (): Record<FaultKind, number> => ({ kill: 0, freeze: 0, partition: 0, break: 0, delay: 0 })

interface Event {
  readonly atMs: number
  readonly order: number
  /** Absent: the world's own. */
  readonly process?: Process
  readonly callback: () => void
}

class Process implements SimulatedProcess {
  readonly host: string
  readonly clock: Clock
  readonly transport: Transport
  readonly yieldTo: (callback: () => void) => void
  readonly random: SeededRandom
  isDead = false
  frozenUntilMs = 0

  constructor(host: string, world: SimulatedWorld, transport: Transport) {
    this.host = host
    this.transport = this.#alive(transport)
    this.random = world.random
    this.yieldTo = (callback) => void world.schedule(world.random() * 0.05, callback, this)
    this.clock = {
      now: () => Math.floor(world.readMs()),
      elapsed: () => world.readMs(),
      setTimer: (delayMs, callback) => world.schedule(Math.max(0, delayMs), callback, this),
    }
  }

  /** What was awaited when the process died goes on, and comes to nothing. */
  #alive(transport: Transport): Transport {
    return {
      connect: (address, protocol, hello) => (this.isDead ? deadLink : transport.connect(address, protocol, hello)),
      listen: (address, acceptors) => (this.isDead ? never : transport.listen(address, acceptors)),
      readPackage: (address, id, hello) => (this.isDead ? never : transport.readPackage(address, id, hello)),
    }
  }
}

const never = new Promise<never>(() => {})
const deadLink: Link<any, any> = { send() {}, onMessage() {}, onClosed() {}, close() {} }

/** Turns of the real event loop in which nothing may happen: promises of the file system need some. */
const patience = 200
const usualDelayMs = 0.5

export class SimulatedWorld {
  readonly random: SeededRandom
  readonly faults = noFaults()
  readonly log: (line: string) => void
  readonly #network: LoopbackNetwork
  readonly #processes = new Map<string, Process>()
  #events: Event[] = []
  #order = 0
  #nowMs = 1_000_000
  /** Pairs of hosts that do not hear each other, and what they would have heard. */
  readonly #cuts = new Map<string, (() => void)[]>()
  #delayMs = usualDelayMs
  readonly #breaks: ((host: string, other?: string) => void)[] = []

  constructor(random: SeededRandom, log: (line: string) => void = () => {}) {
    this.random = random
    this.log = (line) => log(`${this.#nowMs.toFixed(2).padStart(12)} ms  ${line}`)
    this.#network = new LoopbackNetwork((from, to, arrive) => this.carry(from, to, arrive))
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** Looking at the clock takes a little of it, so that loops which wait for time to pass end. */
  readMs(): number {
    this.#nowMs += 0.01 * this.random()
    return this.#nowMs
  }

  /** A new process on the host; what ran there before is dead. */
  start(host: string): SimulatedProcess {
    this.#end(host)
    const process = new Process(host, this, this.#network.transportOf(host))
    this.#processes.set(host, process)
    this.log(`${host} starts`)
    return process
  }

  isRunning(host: string): boolean {
    return this.#processes.has(host)
  }

  kill(host: string): void {
    if (!this.#end(host)) return
    this.faults.kill++
    this.log(`${host} is killed`)
  }

  freeze(host: string, forMs: number): void {
    const process = this.#processes.get(host)
    if (process === undefined) return
    this.faults.freeze++
    process.frozenUntilMs = Math.max(process.frozenUntilMs, this.#nowMs + forMs)
    this.log(`${host} freezes for ${forMs.toFixed(0)} ms`)
  }

  /** Neither hears the other; what they say arrives when the cut heals, unless the link was given up by then. */
  partition(a: string, b: string, forMs: number): void {
    const cut = pairOf(a, b)
    if (this.#cuts.has(cut)) return
    this.faults.partition++
    this.#cuts.set(cut, [])
    this.log(`${a} and ${b} are cut off from each other for ${forMs.toFixed(0)} ms`)
    this.schedule(forMs, () => {
      const held = this.#cuts.get(cut) ?? []
      this.#cuts.delete(cut)
      this.log(`${a} and ${b} hear each other again: ${held.length} messages`)
      for (const arrive of held) arrive()
    })
  }

  /** The connections between the two break. */
  break(a: string, b: string): void {
    this.faults.break++
    this.log(`connections between ${a} and ${b} break`)
    this.#network.break(a, b)
    for (const hear of this.#breaks) hear(a, b)
  }

  /** Messages take up to this long for a while. */
  slow(delayMs: number, forMs: number): void {
    this.faults.delay++
    this.#delayMs = delayMs
    this.log(`messages take up to ${delayMs.toFixed(0)} ms for ${forMs.toFixed(0)} ms`)
    this.schedule(forMs, () => {
      this.#delayMs = usualDelayMs
    })
  }

  schedule(delayMs: number, callback: () => void, process?: Process): TimerHandle {
    if (process?.isDead) return { cancel: () => undefined }
    const event = { atMs: this.#nowMs + delayMs, order: this.#order++, callback, ...(process && { process }) }
    this.#events.push(event)
    return { cancel: () => void (this.#events = this.#events.filter((other) => other !== event)) }
  }

  /** Runs until `isDone`; throws when that is not so within `limitMs` of the world's time, or nothing happens any more. */
  async run(isDone: () => boolean, limitMs: number): Promise<void> {
    const untilMs = this.#nowMs + limitMs
    for (let still = 0; !isDone(); ) {
      // What was promised is kept before the next event.
      await new Promise((resolve) => setImmediate(resolve))
      if (isDone()) return
      if (this.#takeTurn()) still = 0
      else if (++still > patience) throw new Error('nothing happens any more, and nothing will')
      if (this.#nowMs > untilMs) throw new Error(`it did not come to an end within ${limitMs} ms of simulated time`)
    }
  }

  #takeTurn(): boolean {
    const next = this.#events.reduce<Event | undefined>(
      (first, event) =>
        first === undefined || dueMs(event) < dueMs(first) || (dueMs(event) === dueMs(first) && event.order < first.order) ? event : first,
      undefined,
    )
    if (next === undefined) return false
    this.#events = this.#events.filter((event) => event !== next)
    this.#nowMs = Math.max(this.#nowMs, dueMs(next))
    next.callback()
    return true
  }

  /** Called when connections of the host (with the other one, or all) break: for networks beside that of the links. */
  onBreak(hear: (host: string, other?: string) => void): void {
    this.#breaks.push(hear)
  }

  /** What is said on one host arrives at another, or at itself, in its time. */
  carry(from: string, to: string, arrive: () => void): void {
    // What a process would hear of itself when it is dead.
    if (from === to && !this.#processes.has(from)) return
    const long = chance(this.random, 0.02) ? 20 : 1
    const delayMs = from === to ? 0.02 : this.#delayMs * this.random() * long
    this.schedule(delayMs, () => {
      const cut = this.#cuts.get(pairOf(from, to))
      const receive = (): void => void this.schedule(0, arrive, this.#processes.get(to))
      if (cut === undefined) receive()
      else cut.push(receive)
    })
  }

  #end(host: string): boolean {
    const process = this.#processes.get(host)
    if (process === undefined) return false
    process.isDead = true
    this.#processes.delete(host)
    this.#events = this.#events.filter((event) => event.process !== process)
    this.#network.kill(host)
    for (const hear of this.#breaks) hear(host)
    return true
  }
}

const dueMs = ({ atMs, process }: Event): number => Math.max(atMs, process?.frozenUntilMs ?? 0)

const pairOf = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`)

/** Any of the pairs. */
export function anyPair(random: SeededRandom, hosts: readonly string[]): readonly [string, string] {
  const a = below(random, hosts.length)
  const b = (a + 1 + below(random, hosts.length - 1)) % hosts.length
  return [hosts[a]!, hosts[b]!]
}
