/**
 * Events of a channel that wait for credit, in order and bounded however long the consumer is stuck: of watermarks in a row
 * the last stands for all, and a change of status that is taken back before anyone was told never happened. A barrier or an end
 * parts what comes before it from what comes after: nothing is drawn together over it.
 */
import type { ChannelEvent } from './frame.ts'

export class EventQueue {
  readonly #events: ChannelEvent[] = []

  get length(): number {
    return this.#events.length
  }

  push(event: ChannelEvent): void {
    const last = this.#events.at(-1)
    const isStatus = event.kind === 'idle' || event.kind === 'active'
    if (isStatus && (last?.kind === 'idle' || last?.kind === 'active')) {
      // Two changes in a row: the consumer keeps what it knows.
      if (last.kind !== event.kind) this.#events.pop()
      return
    }
    if (event.kind === 'watermark' && last?.kind === 'watermark') this.#events.pop()
    this.#events.push(event)
  }

  shift(): ChannelEvent | undefined {
    return this.#events.shift()
  }
}
