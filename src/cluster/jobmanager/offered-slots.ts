/**
 * The slots that TaskManagers have offered to one job, and what runs in each. Pure.
 *
 * What always holds: a slot runs at most one slot of the job at a time; what ran in a slot before goes back there when it can.
 */

/** What runs, or is about to: a slot of the job in one of its attempts. */
export interface SlotUse {
  readonly attempt: number
  readonly slot: number
}

export interface OfferedSlot {
  readonly allocationId: string
  readonly taskManagerId: string
  readonly index: number
}

interface Entry extends OfferedSlot {
  use: SlotUse | undefined
  idleSinceMs: number
}

export class OfferedSlots {
  readonly #entries = new Map<string, Entry>()
  /** Where each slot of the job ran last. */
  readonly #lastOf = new Map<number, string>()

  get size(): number {
    return this.#entries.size
  }

  get numFree(): number {
    return [...this.#entries.values()].filter(({ use }) => use === undefined).length
  }

  /** All that the TaskManager has for the job. What it had before and does not name now, it has no more. */
  offer(taskManagerId: string, slots: readonly { readonly index: number; readonly allocationId: string }[], nowMs: number): void {
    const named = new Set(slots.map(({ allocationId }) => allocationId))
    for (const each of this.of(taskManagerId)) if (!named.has(each.allocationId)) this.#entries.delete(each.allocationId)
    for (const { index, allocationId } of slots) {
      if (this.#entries.has(allocationId)) continue
      this.#entries.set(allocationId, { allocationId, taskManagerId, index, use: undefined, idleSinceMs: nowMs })
    }
  }

  of(taskManagerId: string): readonly OfferedSlot[] {
    return [...this.#entries.values()].filter((each) => each.taskManagerId === taskManagerId)
  }

  /** The TaskManager is gone, and its slots with it. */
  lose(taskManagerId: string): void {
    for (const { allocationId } of this.of(taskManagerId)) this.#entries.delete(allocationId)
  }

  remove(allocationId: string): void {
    this.#entries.delete(allocationId)
  }

  /** One for each, by the job's slot; undefined, and nothing is taken, where there are too few. */
  take(
    slots: readonly number[],
    attempt: number,
    isUsable: (taskManagerId: string) => boolean,
  ): ReadonlyMap<number, OfferedSlot> | undefined {
    const free = new Map([...this.#entries].filter(([, { use, taskManagerId }]) => use === undefined && isUsable(taskManagerId)))
    if (free.size < slots.length) return undefined
    const taken = new Map<number, Entry>()
    const take = (slot: number, entry: Entry): void => {
      taken.set(slot, entry)
      free.delete(entry.allocationId)
    }
    for (const slot of slots) {
      const former = free.get(this.#lastOf.get(slot) ?? '')
      if (former !== undefined) take(slot, former)
    }
    for (const slot of slots) if (!taken.has(slot)) take(slot, free.values().next().value!)
    for (const [slot, entry] of taken) {
      entry.use = { attempt, slot }
      this.#lastOf.set(slot, entry.allocationId)
    }
    return taken
  }

  /** What ran there has ended. */
  free(allocationId: string, nowMs: number): void {
    const entry = this.#entries.get(allocationId)
    if (entry !== undefined) Object.assign(entry, { use: undefined, idleSinceMs: nowMs })
  }

  /** Those that the job holds beyond what it needs and that nothing has run in since then. */
  excess(needed: number, sinceMs: number): readonly OfferedSlot[] {
    const idle = [...this.#entries.values()].filter(({ use, idleSinceMs }) => use === undefined && idleSinceMs <= sinceMs)
    return idle.slice(0, Math.max(0, this.#entries.size - needed))
  }
}
