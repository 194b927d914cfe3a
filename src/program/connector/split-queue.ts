/**
 * The enumerator of a source whose splits are known from the start. Split k is kept for subtask k, so that an
 * undisturbed job always reads the same records in the same subtask; splits that come back from a failed reader or out
 * of a snapshot go to whoever asks first.
 */
import type { SplitEnumerator, SplitEnumeratorContext } from '../function/source.ts'

export interface QueuedSplit {
  /** The subtask it is kept for; null: for anyone. */
  readonly owner: number | null
}

export class SplitQueue<Split extends QueuedSplit> implements SplitEnumerator<Split, readonly Split[]> {
  readonly #ctx: SplitEnumeratorContext<Split>
  #pending: Split[]

  constructor(ctx: SplitEnumeratorContext<Split>, fresh: () => Split[], restored: readonly Split[] | undefined) {
    this.#ctx = ctx
    this.#pending = restored === undefined ? fresh() : restored.map((split) => ({ ...split, owner: null }))
  }

  start(): void {}

  addReader(): void {}

  handleSplitRequest(subtask: number): void {
    const index = this.#pending.findIndex((split) => split.owner === null || split.owner === subtask)
    const [split] = index < 0 ? [] : this.#pending.splice(index, 1)
    if (split === undefined) this.#ctx.signalNoMoreSplits(subtask)
    else this.#ctx.assignSplits(subtask, [split])
  }

  addSplitsBack(splits: readonly Split[]): void {
    this.#pending.push(...splits.map((split) => ({ ...split, owner: null })))
  }

  snapshotState(): readonly Split[] {
    return [...this.#pending]
  }

  close(): void {}
}
