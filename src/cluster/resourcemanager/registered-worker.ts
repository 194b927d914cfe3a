/**
 * What the slot manager knows of one TaskManager: its slots, and whether it may be trusted with more. Pure.
 *
 * What always holds: a slot is free, pending (ordered, not confirmed) or allocated; what the TaskManager reports replaces what was
 * believed, but for an order that a report may have crossed on its way.
 */
import type { SlotReport } from '../rpc/protocols.ts'
import type { TaskManagerFacts } from './slot-manager-events.ts'

export type KnownSlot =
  | { readonly is: 'free' }
  | { readonly is: 'pending'; readonly allocationId: string; readonly jobId: string; readonly sinceMs: number }
  | { readonly is: 'allocated'; readonly allocationId: string; readonly jobId: string }

const free: KnownSlot = { is: 'free' }

export class RegisteredWorker {
  facts: TaskManagerFacts
  metrics: Readonly<Record<string, number>> = {}
  heardMs: number
  /** When its connection broke; undefined while it has one. */
  disconnectedMs: number | undefined
  /** Why its connection broke. */
  reason = ''
  /** Jobs whose JobMaster has lost it since it was last heard. */
  readonly suspectedBy = new Set<string>()
  /** Since when it has no job. */
  idleSinceMs: number | undefined
  #slots: KnownSlot[] = []

  constructor(facts: TaskManagerFacts, nowMs: number) {
    this.facts = facts
    this.heardMs = nowMs
  }

  get slots(): readonly KnownSlot[] {
    return this.#slots
  }

  get id(): string {
    return this.facts.taskManagerId
  }

  get suspected(): boolean {
    return this.disconnectedMs !== undefined || this.suspectedBy.size > 0
  }

  /** On a new connection: nothing is on its way. */
  register(facts: TaskManagerFacts, reports: readonly SlotReport[], nowMs: number): void {
    this.facts = facts
    this.#slots = []
    this.disconnectedMs = undefined
    this.report(reports, nowMs)
  }

  /** Whether anything is different now. */
  report(reports: readonly SlotReport[], nowMs: number): boolean {
    this.heardMs = nowMs
    let changed = this.suspectedBy.size > 0
    this.suspectedBy.clear()
    for (const { index, allocation } of reports) {
      const known = this.#slots[index] ?? free
      // A report that says nothing of an order may have left before the order came.
      if (allocation === undefined && known.is === 'pending') continue
      const next: KnownSlot = allocation === undefined ? free : { is: 'allocated', ...allocation }
      changed ||= next.is !== known.is || (next.is === 'allocated' && known.is === 'allocated' && next.allocationId !== known.allocationId)
      this.#slots[index] = next
    }
    this.#noteIdle(nowMs)
    return changed
  }

  order(index: number, allocationId: string, jobId: string, nowMs: number): void {
    this.#slots[index] = { is: 'pending', allocationId, jobId, sinceMs: nowMs }
    this.#noteIdle(nowMs)
  }

  /** Orders that were left unanswered are given up: whether there are any. */
  expireOrders(beforeMs: number, nowMs: number): boolean {
    const expired = this.#slots.map((slot) => slot.is === 'pending' && slot.sinceMs <= beforeMs)
    this.#slots = this.#slots.map((slot, index) => (expired[index] ? free : slot))
    this.#noteIdle(nowMs)
    return expired.includes(true)
  }

  freeIndexes(): readonly number[] {
    return this.#slots.flatMap((slot, index) => (slot.is === 'free' ? [index] : []))
  }

  /** Those of a job, pending ones too. */
  countOf(jobId: string): number {
    return this.#slots.reduce((sum, slot) => sum + (slot.is !== 'free' && slot.jobId === jobId ? 1 : 0), 0)
  }

  jobIds(): ReadonlySet<string> {
    return new Set(this.#slots.flatMap((slot) => (slot.is === 'free' ? [] : [slot.jobId])))
  }

  reports(): readonly SlotReport[] {
    return this.#slots.map((slot, index) =>
      slot.is === 'free' ? { index } : { index, allocation: { allocationId: slot.allocationId, jobId: slot.jobId } },
    )
  }

  #noteIdle(nowMs: number): void {
    const isIdle = this.#slots.every((slot) => slot.is === 'free')
    this.idleSinceMs = isIdle ? (this.idleSinceMs ?? nowMs) : undefined
  }
}
