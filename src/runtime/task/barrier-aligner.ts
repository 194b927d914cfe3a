/**
 * Aligns checkpoint barriers over the channels of one task, so that a snapshot holds exactly the rows that came before the
 * barrier of every channel. Pure: it is told what arrived and answers what to do, in order; it reads no clock and touches
 * no channel.
 *
 * What always holds: a channel that is blocked stays so until `unblock` names it; a checkpoint is taken or given up at most
 * once, and taken in rising order; a channel that is closed is waited for by nobody. At-least-once blocks nothing, and
 * counts the barriers of several checkpoints at a time.
 */
export type AlignmentMode = 'EXACTLY_ONCE' | 'AT_LEAST_ONCE'

/** What has to be done next. */
export type AlignmentStep =
  | { readonly do: 'block'; readonly channel: number }
  | { readonly do: 'unblock'; readonly channels: readonly number[] }
  /** Every open channel has brought the barrier. */
  | { readonly do: 'take'; readonly checkpointId: number; readonly alignmentMs: number }
  /** A newer one has overtaken it: it can never be whole. */
  | { readonly do: 'giveUp'; readonly checkpointId: number }

interface Alignment {
  readonly checkpointId: number
  readonly startedMs: number
  /** Channels that have brought its barrier. */
  readonly arrived: Set<number>
}

export class BarrierAligner {
  readonly #mode: AlignmentMode
  readonly #open: Set<number>
  /** By rising checkpoint. Exactly-once has one at most, whose `arrived` are blocked. */
  #alignments: Alignment[] = []
  /** Begun by the coordinator and not taken: a task without open channels has nobody else to hear of them from. */
  readonly #announced = new Set<number>()
  readonly #aborted = new Set<number>()
  /** No barrier of this checkpoint or an older one counts any more. */
  #settledId = 0

  constructor(mode: AlignmentMode, channelCount: number) {
    this.#mode = mode
    this.#open = new Set(Array.from({ length: channelCount }, (_, channel) => channel))
  }

  /** Some channels have brought a barrier that others have not. */
  get isAligning(): boolean {
    return this.#alignments.length > 0
  }

  /** The coordinator has begun a checkpoint. */
  announce(checkpointId: number): AlignmentStep[] {
    if (this.#isOver(checkpointId)) return []
    if (this.#open.size === 0) return this.#take(checkpointId, 0)
    this.#announced.add(checkpointId)
    return []
  }

  /** A barrier on a channel that is not blocked. Barriers of one channel come in the order of their ids. */
  barrier(channel: number, checkpointId: number, nowMs: number): AlignmentStep[] {
    if (this.#isOver(checkpointId)) return []
    const steps = this.#mode === 'EXACTLY_ONCE' ? this.#giveUpBefore(checkpointId) : []
    // Only older ones are waited for still, or this one: a newer one has settled it.
    let alignment = this.#alignments.find((known) => known.checkpointId === checkpointId)
    if (alignment === undefined) {
      alignment = { checkpointId, startedMs: nowMs, arrived: new Set() }
      this.#alignments.push(alignment)
      this.#alignments.sort((a, b) => a.checkpointId - b.checkpointId)
    }
    alignment.arrived.add(channel)
    if (this.#mode === 'EXACTLY_ONCE') steps.push({ do: 'block', channel })
    return [...steps, ...this.#takeWhole(nowMs)]
  }

  /** The channel is closed: it has no barrier to wait for any more, which may be what an alignment was waiting for. */
  close(channel: number, nowMs: number): AlignmentStep[] {
    if (!this.#open.delete(channel)) return []
    const steps = this.#takeWhole(nowMs)
    if (this.#open.size > 0) return steps
    for (const checkpointId of [...this.#announced].sort((a, b) => a - b)) {
      if (!this.#isOver(checkpointId)) steps.push(...this.#take(checkpointId, 0))
    }
    return steps
  }

  /** The coordinator gave this checkpoint up, and no other. Its barriers may still come: they are ignored. */
  abort(checkpointId: number): AlignmentStep[] {
    if (this.#isOver(checkpointId)) return []
    this.#announced.delete(checkpointId)
    this.#aborted.add(checkpointId)
    const alignment = this.#alignments.find((known) => known.checkpointId === checkpointId)
    if (alignment === undefined) return []
    this.#alignments = this.#alignments.filter((known) => known !== alignment)
    return this.#unblock(alignment)
  }

  #isOver(checkpointId: number): boolean {
    return checkpointId <= this.#settledId || this.#aborted.has(checkpointId)
  }

  #takeWhole(nowMs: number): AlignmentStep[] {
    const steps: AlignmentStep[] = []
    for (const alignment of [...this.#alignments]) {
      if (alignment.checkpointId <= this.#settledId || !this.#isWhole(alignment)) continue
      steps.push(...this.#take(alignment.checkpointId, nowMs - alignment.startedMs), ...this.#unblock(alignment))
    }
    return steps
  }

  #isWhole({ arrived }: Alignment): boolean {
    for (const channel of this.#open) if (!arrived.has(channel)) return false
    return true
  }

  /** Older ones that are still waited for can come no more, as barriers of a channel come in order. */
  #take(checkpointId: number, alignmentMs: number): AlignmentStep[] {
    const steps = this.#giveUpBefore(checkpointId)
    this.#alignments = this.#alignments.filter((alignment) => alignment.checkpointId > checkpointId)
    this.#settle(checkpointId)
    return [...steps, { do: 'take', checkpointId, alignmentMs }]
  }

  #giveUpBefore(checkpointId: number): AlignmentStep[] {
    const older = this.#alignments.filter((alignment) => alignment.checkpointId < checkpointId)
    this.#alignments = this.#alignments.filter((alignment) => alignment.checkpointId >= checkpointId)
    // Those that have not begun here either: two channels must never block for two checkpoints.
    this.#settle(checkpointId - 1)
    return older.flatMap((alignment) => [{ do: 'giveUp', checkpointId: alignment.checkpointId } as const, ...this.#unblock(alignment)])
  }

  #unblock({ arrived }: Alignment): AlignmentStep[] {
    return this.#mode === 'EXACTLY_ONCE' && arrived.size > 0 ? [{ do: 'unblock', channels: [...arrived] }] : []
  }

  #settle(checkpointId: number): void {
    this.#settledId = Math.max(this.#settledId, checkpointId)
    for (const known of [this.#announced, this.#aborted]) {
      for (const id of known) if (id <= this.#settledId) known.delete(id)
    }
  }
}
