/**
 * Slots that a JobMaster has asked to be deployed: first they wait for slots of TaskManagers, then they run.
 *
 * What always holds: `done` or `lost` is told once for each, never while a call of the JobMaster is under way; what is sent to a slot that
 * still waits is kept for it, in order, but for a cancel, which ends it.
 */
import type { StreamError } from '../../base/core/stream-error.ts'
import type { JobDeployment, ToSlot } from '../../runtime/task/deployment.ts'
import type { FromJobMaster } from '../rpc/protocols.ts'
import type { DeployedSlots, SlotEvents } from '../rpc/slot-pool.ts'
import type { OfferedSlot } from './offered-slots.ts'

/** Where a slot runs. */
export interface PlacedSlot extends OfferedSlot {
  readonly send: (message: FromJobMaster) => void
}

export class SlotRequest implements DeployedSlots {
  readonly deployment: JobDeployment
  readonly events: SlotEvents
  readonly #live: Set<number>
  readonly #kept = new Map<number, ToSlot[]>()
  readonly #onEmpty: () => void
  #places: ReadonlyMap<number, PlacedSlot> | undefined

  /** `onEmpty`: every slot has ended. */
  constructor(deployment: JobDeployment, events: SlotEvents, onEmpty: () => void) {
    this.deployment = deployment
    this.events = events
    this.#onEmpty = onEmpty
    this.#live = new Set(deployment.slots.map(({ slot }) => slot))
  }

  get attempt(): number {
    return this.deployment.plan.attempt
  }

  /** The slots that have not ended. */
  get live(): readonly number[] {
    return [...this.#live]
  }

  has(slot: number): boolean {
    return this.#live.has(slot)
  }

  placeOf(slot: number): PlacedSlot | undefined {
    return this.#places?.get(slot)
  }

  /** They have been deployed there: what was kept for them follows. */
  placed(places: ReadonlyMap<number, PlacedSlot>): void {
    this.#places = places
    for (const [slot, messages] of this.#kept) for (const message of messages) this.send(slot, message)
    this.#kept.clear()
  }

  send(slot: number, message: ToSlot): void {
    if (!this.#live.has(slot)) return
    const { attempt } = this
    if (this.#places !== undefined) this.#places.get(slot)?.send({ do: 'slot', attempt, slot, message })
    else if (message.do === 'cancel') this.#endSoon(slot)
    else this.#kept.set(slot, [...(this.#kept.get(slot) ?? []), message])
  }

  kill(slot: number): void {
    if (!this.#live.has(slot)) return
    const { attempt } = this
    if (this.#places !== undefined) this.#places.get(slot)?.send({ do: 'kill', attempt, slot })
    else this.#endSoon(slot)
  }

  /** Tells, at once, how a slot ended. */
  end(slot: number, tell: (events: SlotEvents) => void): void {
    if (!this.#live.delete(slot)) return
    tell(this.events)
    if (this.#live.size === 0) this.#onEmpty()
  }

  /** None of them will be deployed. */
  fail(error: StreamError): void {
    const [first, ...rest] = this.live
    if (first === undefined) return
    this.events.failed(first, error)
    for (const slot of [first, ...rest]) this.end(slot, (events) => events.done(slot))
  }

  #endSoon(slot: number): void {
    queueMicrotask(() => this.end(slot, (events) => events.done(slot)))
  }
}
