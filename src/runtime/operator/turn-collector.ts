/**
 * What a user's function emits into. It is open in the function's own turn only: a collector kept and used later (in a
 * promise, a callback, another record's call) is an error, since the row would enter the stream at a random place.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { Collector } from '../../program/function/functions.ts'
import { noTimestamp, type OperatorContext, type Output } from './operator.ts'

export class TurnCollector implements Collector<unknown> {
  readonly #output: Output
  readonly #operatorName: string
  #timestamp = noTimestamp
  #open = false

  constructor(ctx: OperatorContext) {
    this.#output = ctx.output
    this.#operatorName = ctx.operatorName
  }

  /** Until `end`, rows go out with this timestamp. */
  begin(timestamp: number): void {
    this.#timestamp = timestamp
    this.#open = true
  }

  end(): void {
    this.#open = false
  }

  get isOpen(): boolean {
    return this.#open
  }

  collect(row: unknown): void {
    if (!this.#open) this.refuse('emitted a row')
    this.#output.emit(row, this.#timestamp)
  }

  collectSide(tag: string, row: unknown): void {
    if (!this.#open) this.refuse(`emitted a row into side output ${tag}`)
    this.#output.emitSide(tag, row, this.#timestamp)
  }

  /** Fails unless it is the function's turn. */
  mustBeOpen(did: string): void {
    if (!this.#open) this.refuse(did)
  }

  private refuse(did: string): never {
    throw new StreamError('INVALID_PROGRAM', `Operator ${this.#operatorName} ${did} outside of its turn`, {
      hint: 'Emit and set timers within the call of the function, not in a promise or callback that comes later.',
      place: { operator: this.#operatorName },
    })
  }
}
