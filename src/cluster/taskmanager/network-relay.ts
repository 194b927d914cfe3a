/**
 * Carries the channels of all jobs between this TaskManager and others: a pump over the attempts that have something to do. Runs in the
 * network thread, or wherever a test or the simulation puts it; its connections, clock and event loop are given to it.
 *
 * What always holds: an attempt that is not being pumped has its flag in `sleepers` up, so that its slots ping; a consumer that comes
 * before its producers waits, one that comes after they have ended is refused.
 */
import type { Clock } from '../../base/core/clock.ts'
import { assert, type StreamError } from '../../base/core/stream-error.ts'
import type { AcceptExchange, ConnectExchange, ExchangeHello } from '../rpc/exchange.ts'
import type { NetworkAttempt } from '../rpc/network-service.ts'
import { ConsumerSession } from './consumer-session.ts'
import { RelayedAttempt } from './relayed-attempt.ts'

export interface NetworkRelayOptions {
  readonly taskManagerId: string
  /** Of the package. */
  readonly version: string
  readonly token: string
  readonly clock: Clock
  /** Yields to the event loop and calls back. */
  readonly yieldTo: (callback: () => void) => void
  readonly connect: ConnectExchange
  readonly onBroken: (jobId: string, attempt: number, slots: readonly number[], error: StreamError) => void
}

/** Attempts that are over and remembered, so that whoever asks for them late is told so and does not wait. */
const maxRemembered = 4096

export class NetworkRelay {
  readonly #options: NetworkRelayOptions
  readonly #attempts = new Map<string, RelayedAttempt>()
  readonly #over = new Set<string>()
  readonly #waiting = new Map<string, Set<ConsumerSession>>()
  readonly #awake = new Set<RelayedAttempt>()
  #isScheduled = false

  constructor(options: NetworkRelayOptions) {
    this.#options = options
  }

  add(attempt: NetworkAttempt): void {
    const { jobId, attempt: number } = attempt
    const key = keyOf(attempt)
    assert(!this.#attempts.has(key), `attempt ${number} of job ${jobId} was deployed to a TaskManager twice`)
    const { taskManagerId, version, token, clock, connect, onBroken } = this.#options
    const relayed: RelayedAttempt = new RelayedAttempt(attempt, {
      ...{ taskManagerId, version, token, clock, connect },
      onBroken: (slots, error) => onBroken(jobId, number, slots, error),
      onGone: () => this.#forget(key),
      onStir: () => this.#stir(relayed),
    })
    this.#attempts.set(key, relayed)
    const waiting = this.#waiting.get(key) ?? []
    this.#waiting.delete(key)
    for (const session of waiting) session.join(relayed)
    this.#stir(relayed)
  }

  remove(jobId: string, attempt: number): void {
    this.#attempts.get(keyOf({ jobId, attempt }))?.remove()
  }

  /** A stream that some consumer has opened. */
  readonly accept: AcceptExchange = (stream) => {
    const { taskManagerId, version, token } = this.#options
    const session: ConsumerSession = new ConsumerSession(stream, {
      ...{ taskManagerId, version, token },
      find: (hello) => this.#find(hello, session),
      onEnd: (hello) => {
        if (hello !== undefined) this.#stopWaiting(keyOf(hello), session)
      },
    })
    return session
  }

  #find(hello: ExchangeHello, session: ConsumerSession): RelayedAttempt | 'over' | undefined {
    const key = keyOf(hello)
    if (this.#over.has(key)) return 'over'
    const found = this.#attempts.get(key)
    if (found !== undefined) return found
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) this.#waiting.set(key, new Set([session]))
    else waiting.add(session)
    return undefined
  }

  #stopWaiting(key: string, session: ConsumerSession): void {
    const waiting = this.#waiting.get(key)
    if (waiting?.delete(session) && waiting.size === 0) this.#waiting.delete(key)
  }

  #forget(key: string): void {
    const relayed = this.#attempts.get(key)
    this.#attempts.delete(key)
    if (relayed !== undefined) this.#awake.delete(relayed)
    this.#over.add(key)
    if (this.#over.size > maxRemembered) for (const oldest of this.#over) return void this.#over.delete(oldest)
  }

  #stir(relayed: RelayedAttempt): void {
    this.#awake.add(relayed)
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#options.yieldTo(() => this.#turn())
  }

  /** One round: what can be carried is bounded by the rings, and connections have to be served in between. */
  #turn(): void {
    for (const relayed of this.#awake) if (!relayed.step() && !relayed.stepAsleep()) this.#awake.delete(relayed)
    this.#isScheduled = this.#awake.size > 0
    if (this.#isScheduled) this.#options.yieldTo(() => this.#turn())
  }
}

const keyOf = ({ jobId, attempt }: Pick<ExchangeHello, 'jobId' | 'attempt'>): string => `${jobId}/${attempt}`
