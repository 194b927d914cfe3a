/**
 * The slots of a TaskManager, and which allocation holds each. Pure.
 *
 * What always holds: a slot is held by at most one allocation, and an allocation holds one slot.
 */
import type { SlotReport } from '../rpc/protocols.ts'

export interface SlotAllocation {
  readonly allocationId: string
  readonly jobId: string
}

export class SlotTable {
  readonly #slots: (SlotAllocation | undefined)[]

  constructor(slots: number) {
    this.#slots = Array.from({ length: slots }, () => undefined)
  }

  /** false: another allocation has it, or there is no such slot. Said twice, it is one. */
  allocate(index: number, allocation: SlotAllocation): boolean {
    if (index < 0 || index >= this.#slots.length) return false
    const holder = this.#slots[index]
    if (holder !== undefined) return holder.allocationId === allocation.allocationId
    if (this.indexOf(allocation.allocationId) !== undefined) return false
    this.#slots[index] = allocation
    return true
  }

  /** false: it held none. */
  free(allocationId: string): boolean {
    const index = this.indexOf(allocationId)
    if (index === undefined) return false
    this.#slots[index] = undefined
    return true
  }

  indexOf(allocationId: string): number | undefined {
    const index = this.#slots.findIndex((each) => each?.allocationId === allocationId)
    return index === -1 ? undefined : index
  }

  jobOf(allocationId: string): string | undefined {
    return this.#slots.find((each) => each?.allocationId === allocationId)?.jobId
  }

  /** With their slots' indexes. */
  ofJob(jobId: string): readonly { readonly index: number; readonly allocationId: string }[] {
    return this.#slots.flatMap((each, index) => (each?.jobId === jobId ? [{ index, allocationId: each.allocationId }] : []))
  }

  reports(): readonly SlotReport[] {
    return this.#slots.map((allocation, index) => (allocation === undefined ? { index } : { index, allocation }))
  }
}
