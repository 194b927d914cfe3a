/**
 * Which free slots a job is given. Pure.
 *
 * NONE packs: TaskManagers that the job has slots of already come first, then the busiest, so that few machines are used and channels
 * stay within them. SLOTS spreads: each slot is taken where the least part of all slots is taken.
 */

export type LoadBalance = 'NONE' | 'SLOTS'

/** A TaskManager that may get new tasks. */
export interface Candidate {
  readonly taskManagerId: string
  /** How many slots it has. */
  readonly total: number
  /** How many of them this job has. */
  readonly ofJob: number
  /** Indexes of the free ones. */
  readonly free: readonly number[]
}

export interface ChosenSlot {
  readonly taskManagerId: string
  readonly index: number
}

/** At most `count` slots, fewer where there are no more. Of equal candidates the one that stands first. */
export function chooseSlots(candidates: readonly Candidate[], count: number, mode: LoadBalance): readonly ChosenSlot[] {
  return mode === 'NONE' ? packed(candidates, count) : spread(candidates, count)
}

function packed(candidates: readonly Candidate[], count: number): readonly ChosenSlot[] {
  const taken = ({ total, free }: Candidate): number => total - free.length
  return [...candidates]
    .sort((a, b) => b.ofJob - a.ofJob || taken(b) - taken(a))
    .flatMap(({ taskManagerId, free }) => free.map((index) => ({ taskManagerId, index })))
    .slice(0, count)
}

function spread(candidates: readonly Candidate[], count: number): readonly ChosenSlot[] {
  const state = candidates.map((candidate) => ({ ...candidate, free: [...candidate.free] }))
  const load = ({ total, free }: Candidate): number => 1 - free.length / total
  const chosen: ChosenSlot[] = []
  while (chosen.length < count) {
    let best: (typeof state)[number] | undefined
    for (const each of state) {
      if (each.free.length === 0) continue
      if (best === undefined || load(each) < load(best) || (load(each) === load(best) && each.ofJob < best.ofJob)) best = each
    }
    if (best === undefined) break
    chosen.push({ taskManagerId: best.taskManagerId, index: best.free.shift()! })
    Object.assign(best, { ofJob: best.ofJob + 1 })
  }
  return chosen
}
