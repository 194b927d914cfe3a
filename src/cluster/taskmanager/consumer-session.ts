/**
 * One consumer's stream as the producers' TaskManager takes it: first it says who it is and which attempt it wants, then it is held to
 * that. Pure but for what it is given.
 *
 * What always holds: nothing of a job is told to a client of another version or without the token.
 */
import { timingSafeEqual } from 'node:crypto'
import type { ExchangeHello, ExchangeStream, FromConsumer, FromProducer, StreamEnd, StreamHandlers, Subscription } from '../rpc/exchange.ts'
import type { OutgoingStream } from './outgoing-channels.ts'
import type { RelayedAttempt } from './relayed-attempt.ts'

export interface ConsumerSessionOptions {
  readonly taskManagerId: string
  readonly version: string
  readonly token: string
  /** The attempt; 'over': it was here; undefined: not yet, join() follows. */
  readonly find: (hello: ExchangeHello) => RelayedAttempt | 'over' | undefined
  readonly onEnd: (hello: ExchangeHello | undefined) => void
}

/** More channels than any TaskManager has. */
const maxSubscriptions = 1 << 20

type State =
  | { readonly is: 'new' }
  | { readonly is: 'waiting'; readonly hello: ExchangeHello; readonly early: Subscription[] }
  | { readonly is: 'joined'; readonly hello: ExchangeHello; readonly attempt: RelayedAttempt; readonly outgoing: OutgoingStream }
  | { readonly is: 'over' }

export class ConsumerSession implements StreamHandlers<FromConsumer> {
  readonly #stream: ExchangeStream<FromProducer>
  readonly #options: ConsumerSessionOptions
  #state: State = { is: 'new' }
  #subscriptions = 0

  constructor(stream: ExchangeStream<FromProducer>, options: ConsumerSessionOptions) {
    this.#stream = stream
    this.#options = options
  }

  onMessage({ hello, subscribe, released }: FromConsumer): void {
    if (this.#state.is === 'new') {
      if (hello === undefined) return this.#refuse('the first message was no hello')
      const problem = this.#greet(hello)
      if (problem !== undefined) return this.#refuse(problem)
    } else if (hello !== undefined) return this.#refuse('it said hello twice')
    this.#subscriptions += subscribe.length
    if (this.#subscriptions > maxSubscriptions) return this.#refuse(`it asked for more than ${maxSubscriptions} channels`)
    this.#take(subscribe, released)
  }

  onEnd(end: StreamEnd): void {
    const state = this.#state
    if (state.is === 'over') return
    this.#state = { is: 'over' }
    if (state.is === 'joined') state.attempt.outgoingEnded(state.outgoing, state.hello.from, end)
    this.#options.onEnd(state.is === 'new' ? undefined : state.hello)
  }

  /** The attempt is there. */
  join(attempt: RelayedAttempt): void {
    if (this.#state.is !== 'waiting') return
    const { hello, early } = this.#state
    const outgoing = attempt.openOutgoing(this.#stream)
    this.#state = { is: 'joined', hello, attempt, outgoing }
    outgoing.subscribe(early)
    attempt.stir()
  }

  #greet(hello: ExchangeHello): string | undefined {
    const { taskManagerId, version, token, find } = this.#options
    if (hello.version !== version) return `TaskManager ${taskManagerId} runs version ${version}, not ${hello.version}`
    if (!isSame(hello.token, token)) return `TaskManager ${taskManagerId} was given another token`
    const found = find(hello)
    if (found === 'over') return `attempt ${hello.attempt} of job ${hello.jobId} is over on TaskManager ${taskManagerId}`
    this.#state = { is: 'waiting', hello, early: [] }
    if (found !== undefined) this.join(found)
    return undefined
  }

  #take(subscribe: readonly Subscription[], released: FromConsumer['released']): void {
    const state = this.#state
    if (state.is === 'waiting') {
      if (released.length > 0) return this.#refuse('it told segments as read before it got one')
      for (const each of subscribe) state.early.push(each)
    } else if (state.is === 'joined') {
      state.outgoing.subscribe(subscribe)
      state.outgoing.released(released)
      state.attempt.stir()
    }
  }

  #refuse(reason: string): void {
    this.#stream.close(reason)
  }
}

/** In a time that does not tell how much of it is right. */
function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)]
  return a.length === b.length && timingSafeEqual(a, b)
}
