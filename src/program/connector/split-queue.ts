/**
 * The enumerator of a source whose splits are known from the start. Split k is kept for subtask k, so that an
 * undisturbed job always reads the same records in the same subtask. Those out of a snapshot are shared out among the readers that
 * register, as readers with splits of their own do not ask before they have read them, which can be never.
 */
import type { SplitEnumerator, SplitEnumeratorContext } from '../function/source.ts'

export interface QueuedSplit {
  /** The subtask it is kept for; null: for anyone. */
  readonly owner: number | null
}

export class SplitQueue<Split extends QueuedSplit> implements SplitEnumerator<readonly Split[]> {
  readonly #ctx: SplitEnumeratorContext<Split>
  #pending: Split[]
  /** Readers that have not registered yet, where there are splits to share out. */
  #toCome: number

  constructor(ctx: SplitEnumeratorContext<Split>, fresh: () => Split[], restored: readonly Split[] | undefined) {
    this.#ctx = ctx
    this.#pending = restored === undefined ? fresh() : restored.map((split) => ({ ...split, owner: null }))
    this.#toCome = restored === undefined ? 0 : ctx.parallelism
  }

  start(): void {}

  addReader(subtask: number): void {
    if (this.#toCome === 0) return
    const share = this.#pending.splice(0, Math.ceil(this.#pending.length / this.#toCome--))
    if (share.length > 0) this.#ctx.assignSplits(subtask, share)
  }

  handleSplitRequest(subtask: number): void {
    const index = this.#pending.findIndex((split) => split.owner === null || split.owner === subtask)
    const [split] = index < 0 ? [] : this.#pending.splice(index, 1)
    if (split === undefined) this.#ctx.signalNoMoreSplits(subtask)
    else this.#ctx.assignSplits(subtask, [split])
  }

  snapshotState(): readonly Split[] {
    return [...this.#pending]
  }

  close(): void {}
}
