/**
 * Slots that run in the thread that started the job: closures are used as they are, breakpoints work, and the order of
 * events is the same in each run. Several slots take turns on one event loop; their channels are the same rings as
 * between threads.
 *
 * A slot hears its coordinator only outside its own turn (messages are handed over after a yield), and the coordinator
 * hears a slot at once. Nothing can stop a user function that never returns here: that takes threads.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { StreamGraph } from '../../program/graph/stream-graph.ts'
import type { SlotDeployment, ToSlot } from '../../runtime/task/deployment.ts'
import type { RunningSlot, RunSlot, SlotHost } from '../../runtime/task/slot.ts'
import { carrierOf, wireSlots } from '../../runtime/task/wire-slots.ts'
import type { PingPort } from '../rpc/network-service.ts'
import type { SlotEvents, SlotPool } from '../rpc/slot-pool.ts'
import { pingPorts } from './ping-ports.ts'
import type { ProgramSlots } from './slot-runner.ts'

export interface InlineSlotsOptions extends Pick<SlotHost, 'clock' | 'fileSystem' | 'yieldTo'> {
  readonly runSlot: RunSlot
}

/** The slots for the job of this plan. */
export function inlineSlots(options: InlineSlotsOptions, streamGraph: StreamGraph): SlotPool & ProgramSlots {
  const run: ProgramSlots['run'] = ({ deployments, remote }, carrier, events) => {
    const slots = new Map(deployments.map((each) => [each.slot, new InlineSlot(each, options, events)]))
    const ports = new Map<number, PingPort>()
    const toCarrier = new Map<number, PingPort>()
    for (const { channel, remote: end } of remote) {
      const slot = end === 'from' ? channel.toSlot : channel.fromSlot
      if (ports.has(slot)) continue
      const [here, there] = pingPorts(options.yieldTo)
      here.on('message', () => slots.get(slot)?.wake())
      toCarrier.set(slot, here)
      ports.set(slot, there)
    }
    options.yieldTo(() => {
      for (const [own, slot] of slots) {
        slot.start(streamGraph, (peer) => (peer === carrier ? toCarrier.get(own)?.postMessage(0) : slots.get(peer)?.wake()))
      }
    })
    return { send: (slot, message) => slots.get(slot)?.receive(message), kill: (slot) => slots.get(slot)?.kill(), ports }
  }
  return { run, deploy: (deployment, events) => run(wireSlots(deployment), carrierOf(deployment.plan.jobGraph), events) }
}

class InlineSlot {
  readonly #deployment: SlotDeployment
  readonly #options: InlineSlotsOptions
  readonly #events: SlotEvents
  #running: RunningSlot | undefined
  #handler: ((message: ToSlot) => void) | undefined
  #inbox: ToSlot[] = []
  #deliveryPending = false
  #ended = false

  constructor(deployment: SlotDeployment, options: InlineSlotsOptions, events: SlotEvents) {
    this.#deployment = deployment
    this.#options = options
    this.#events = events
  }

  start(streamGraph: StreamGraph, wakePeer: (slot: number) => void): void {
    if (this.#ended) return
    const { runSlot, clock, fileSystem, yieldTo } = this.#options
    const { slot } = this.#deployment
    const control: SlotHost['control'] = {
      send: (message) => {
        if (!this.#ended) this.#events.message(slot, message)
      },
      onMessage: (handler) => {
        this.#handler = handler
        this.#deliverSoon()
      },
    }
    try {
      this.#running = runSlot(this.#deployment, streamGraph, { clock, fileSystem, yieldTo, control, wakePeer })
    } catch (thrown) {
      this.#fail(thrown)
      return
    }
    this.#running.done.then(
      () => this.end(),
      (thrown) => this.#fail(thrown),
    )
  }

  wake(): void {
    if (!this.#ended) this.#running?.wake()
  }

  /** Splits and events are cloned, so that a program which would not work in threads does not work here either. */
  receive(message: ToSlot): void {
    if (this.#ended) return
    this.#inbox.push(structuredClone(message))
    this.#deliverSoon()
  }

  /** A slot that is killed goes on being called by whatever it waits for, but nobody hears it any more; it is told to stop. */
  kill(): void {
    if (this.#ended) return
    const handler = this.#handler
    if (handler !== undefined) this.#options.yieldTo(() => handler({ do: 'cancel' }))
    this.end()
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#events.done(this.#deployment.slot)
  }

  #fail(thrown: unknown): void {
    if (this.#ended) return
    this.#events.failed(this.#deployment.slot, StreamError.from(thrown))
    this.end()
  }

  #deliverSoon(): void {
    if (this.#deliveryPending || this.#handler === undefined || this.#inbox.length === 0) return
    this.#deliveryPending = true
    this.#options.yieldTo(() => {
      this.#deliveryPending = false
      const messages = this.#inbox
      this.#inbox = []
      for (const message of messages) if (!this.#ended) this.#handler?.(message)
    })
  }
}
