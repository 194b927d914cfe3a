/**
 * The channels of one attempt of a job that leave or enter this TaskManager. Runs in the network thread; pure but for what it is given.
 *
 * What always holds: a slot is told of as broken at most once, and not after remove(). After remove() the attempt lives on here until
 * what its producers said last is delivered, or nobody can want it any more.
 */
import type { Clock, TimerHandle } from '../../base/core/clock.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { RemoteChannel } from '../../runtime/task/wire-slots.ts'
import type { ConnectExchange, ExchangeStream, FromProducer, StreamEnd } from '../rpc/exchange.ts'
import type { NetworkAttempt } from '../rpc/network-service.ts'
import { IncomingStream } from './incoming-stream.ts'
import { OutgoingChannels, type OutgoingStream } from './outgoing-channels.ts'

export interface RelayedAttemptOptions {
  readonly taskManagerId: string
  readonly version: string
  readonly token: string
  readonly clock: Clock
  readonly connect: ConnectExchange
  readonly onBroken: (slots: readonly number[], error: StreamError) => void
  /** After remove(): nothing is left to do. */
  readonly onGone: () => void
  /** There may be something to do. */
  readonly onStir: () => void
}

/** A peer that wants no more in order has told its JobMaster why: that should be the error that is seen, if the attempt fails of it. */
const closedGraceMs = 5000
/** Consumers subscribe when they are deployed and have their program, as their producers did; who has not by then never will. */
const untakenMs = 120_000

export class RelayedAttempt {
  readonly #attempt: NetworkAttempt
  readonly #options: RelayedAttemptOptions
  readonly #sleepers: Int32Array
  readonly #incoming: readonly IncomingStream[]
  readonly #outgoing: OutgoingChannels
  readonly #told = new Set<number>()
  readonly #timers = new Set<TimerHandle>()
  #isRemoved = false
  #isGone = false

  constructor(attempt: NetworkAttempt, options: RelayedAttemptOptions) {
    this.#attempt = attempt
    this.#options = options
    this.#sleepers = new Int32Array(attempt.sleepers)
    const wakeSlot = (slot: number): void => this.#wakeSlot(slot)
    this.#outgoing = new OutgoingChannels(
      attempt.remote.filter(({ remote }) => remote === 'to'),
      wakeSlot,
    )
    const { jobId, attempt: number } = attempt
    const { taskManagerId: from, version, token, connect } = options
    this.#incoming = this.#byProducer().map(
      ([address, channels]) =>
        new IncomingStream({
          ...{ connect, address, channels, wakeSlot },
          hello: { version, token, from, jobId, attempt: number },
          onIncomplete: (slots, end) => this.#incomplete(slots, `from TaskManager ${address} to TaskManager ${from}`, end),
        }),
    )
    for (const port of attempt.ports.values()) port.on('message', () => this.stir())
  }

  stir(): void {
    Atomics.store(this.#sleepers, this.#attempt.carrier, 0)
    this.#options.onStir()
  }

  /** Moves what can be moved; whether anything was. */
  step(): boolean {
    if (this.#isGone) return false
    let progressed = this.#outgoing.step()
    for (const stream of this.#incoming) if (stream.step()) progressed = true
    return progressed
  }

  /** Says that nobody looks from now on, and looks once more; true: there was something to do after all. */
  stepAsleep(): boolean {
    Atomics.store(this.#sleepers, this.#attempt.carrier, 1)
    const progressed = this.step()
    if (progressed) Atomics.store(this.#sleepers, this.#attempt.carrier, 0)
    return progressed
  }

  /** A consumer's stream; it is closed where it asks for what is not here. */
  openOutgoing(stream: ExchangeStream<FromProducer>): OutgoingStream {
    return this.#outgoing.open(stream)
  }

  outgoingEnded(stream: OutgoingStream, to: string, end: StreamEnd): void {
    const slots = stream.ended()
    if (slots.length > 0) this.#incomplete(slots, `from TaskManager ${this.#options.taskManagerId} to TaskManager ${to}`, end)
    this.#endIfDone()
  }

  remove(): void {
    if (this.#isRemoved) return
    this.#isRemoved = true
    for (const timer of this.#timers) timer.cancel()
    for (const stream of this.#incoming) stream.close()
    for (const port of this.#attempt.ports.values()) port.close()
    this.#outgoing.remove()
    if (this.#outgoing.hasUntaken) this.#after(untakenMs, () => this.#gone())
    this.#options.onStir()
    this.#endIfDone()
  }

  #wakeSlot(slot: number): void {
    if (this.#isRemoved) return
    if (Atomics.compareExchange(this.#sleepers, slot, 1, 0) === 1) this.#attempt.ports.get(slot)?.postMessage(0)
  }

  #byProducer(): [string, RemoteChannel[]][] {
    const byAddress = new Map<string, RemoteChannel[]>()
    for (const each of this.#attempt.remote) {
      if (each.remote !== 'from') continue
      const address = this.#attempt.locations[each.channel.fromSlot] ?? `of slot ${each.channel.fromSlot}, which has no address`
      const others = byAddress.get(address)
      if (others === undefined) byAddress.set(address, [each])
      else others.push(each)
    }
    return [...byAddress]
  }

  #incomplete(slots: readonly number[], way: string, end: StreamEnd): void {
    if (this.#isRemoved) return
    if (end.kind === 'broken') return this.#broken(slots, way, end.reason)
    this.#after(closedGraceMs, () => this.#broken(slots, way, 'one of them ended its part before all was said'))
  }

  #broken(slots: readonly number[], way: string, reason: string): void {
    const fresh = slots.filter((slot) => !this.#told.has(slot))
    if (this.#isRemoved || fresh.length === 0) return
    for (const slot of fresh) this.#told.add(slot)
    const { jobId, attempt } = this.#attempt
    const message = `The channels of job ${jobId} (attempt ${attempt}) ${way} broke: ${reason}`
    const hint =
      'The job goes on from its last checkpoint if its restart strategy allows it. See whether both TaskManagers live and can reach each other.'
    this.#options.onBroken(fresh, new StreamError('TASK_LOST', message, { hint }))
  }

  #after(delayMs: number, act: () => void): void {
    const timer = this.#options.clock.setTimer(delayMs, () => {
      this.#timers.delete(timer)
      act()
    })
    this.#timers.add(timer)
  }

  #endIfDone(): void {
    if (this.#isRemoved && !this.#outgoing.hasStreams && !this.#outgoing.hasUntaken) this.#gone()
  }

  #gone(): void {
    if (this.#isGone) return
    // What was not taken in time is given up; what somebody takes goes on.
    if (this.#outgoing.hasStreams) return void this.#outgoing.giveUpUntaken()
    this.#isGone = true
    for (const timer of this.#timers) timer.cancel()
    this.#options.onGone()
  }
}
