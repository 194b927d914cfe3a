/**
 * One end of a link, whatever carries it: keeps what comes before there is a handler for it, and tells its end once.
 */
import type { StreamError } from '../../base/core/stream-error.ts'
import type { Link } from './transport.ts'

/** What the carrier does for this end. */
export interface Wire<Out> {
  write(message: Out): void
  /** No message follows. */
  end(): void
}

export class LinkEnd<In, Out> implements Link<In, Out> {
  readonly #wire: Wire<Out>
  #handler: ((message: In) => void) | undefined
  #closed: ((cause?: StreamError) => void) | undefined
  #early: In[] = []
  #state: 'open' | 'closing' | 'closed' = 'open'
  /** How it ended, until somebody has asked. */
  #end: { readonly cause?: StreamError } | undefined

  constructor(wire: Wire<Out>) {
    this.#wire = wire
  }

  send(message: Out): void {
    if (this.#state === 'open') this.#wire.write(message)
  }

  onMessage(handler: (message: In) => void): void {
    this.#handler = handler
    const early = this.#early
    this.#early = []
    for (const message of early) this.deliver(message)
  }

  onClosed(handler: (cause?: StreamError) => void): void {
    this.#closed = handler
    this.#tellEnd()
  }

  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#wire.end()
  }

  /** A message has come. After close() nobody wants it. */
  deliver(message: In): void {
    if (this.#state !== 'open') return
    if (this.#handler === undefined) this.#early.push(message)
    else this.#handler(message)
  }

  /** Nothing comes any more; a second time it says nothing new. */
  ended(cause?: StreamError): void {
    if (this.#state === 'closed') return
    // Whoever closed it in order does not care how the other end took it.
    const inOrder = this.#state === 'closing' || cause === undefined
    this.#state = 'closed'
    this.#end = inOrder ? {} : { cause }
    this.#tellEnd()
  }

  #tellEnd(): void {
    if (this.#end === undefined || this.#closed === undefined) return
    const { cause } = this.#end
    this.#end = undefined
    this.#closed(cause)
  }
}
