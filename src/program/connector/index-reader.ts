/**
 * The reader of sources whose splits are made of indices: it holds a list of splits and asks for another when the last
 * is used up. How a split becomes units is the matter of an IndexSource; asking, waiting and
 * remembering is here once.
 */
import type { TimerHandle } from '../../base/core/clock.ts'
import type { PollResult, ReaderOutput, SourceReader, SourceReaderContext } from '../function/source.ts'
import { Availability } from './availability.ts'

export interface IndexSource<T, Split> {
  /** Emits one unit from the split and answers what is left of it: undefined when that was all. */
  emit(split: Split, output: ReaderOutput<T>): Split | undefined
  /** How long to wait before the next record may be emitted; 0: not at all. */
  delayMs?(): number
}

export class IndexReader<T, Split> implements SourceReader<T, Split> {
  readonly #ctx: SourceReaderContext
  readonly #source: IndexSource<T, Split>
  readonly #available = new Availability()
  #splits: Split[] = []
  #asked = false
  #noMore = false
  #timer: TimerHandle | undefined

  constructor(ctx: SourceReaderContext, source: IndexSource<T, Split>) {
    this.#ctx = ctx
    this.#source = source
  }

  start(): void {
    if (this.#splits.length === 0) this.#ask()
  }

  pollNext(output: ReaderOutput<T>): PollResult {
    const split = this.#splits[0]
    if (split === undefined) return this.#noMore ? 'end' : 'nothing'
    if ((this.#source.delayMs?.() ?? 0) > 0) return 'nothing'
    const rest = this.#source.emit(split, output)
    if (rest !== undefined) this.#splits[0] = rest
    else {
      this.#splits.shift()
      if (this.#splits.length === 0 && !this.#noMore) this.#ask()
    }
    return 'more'
  }

  isAvailable(): Promise<void> {
    const delayMs = this.#splits.length > 0 ? (this.#source.delayMs?.() ?? 0) : 0
    if (delayMs > 0) this.#timer ??= this.#ctx.clock.setTimer(delayMs, () => this.#timeUp())
    else if (this.#splits.length > 0 || this.#noMore) return Promise.resolve()
    return this.#available.wait()
  }

  addSplits(splits: readonly Split[]): void {
    this.#asked = false
    this.#splits.push(...splits)
    this.#available.open()
  }

  notifyNoMoreSplits(): void {
    this.#noMore = true
    this.#available.open()
  }

  snapshotState(): readonly Split[] {
    return [...this.#splits]
  }

  close(): void {
    this.#timer?.cancel()
  }

  #timeUp(): void {
    this.#timer = undefined
    this.#available.open()
  }

  #ask(): void {
    if (this.#asked) return
    this.#asked = true
    this.#ctx.sendSplitRequest()
  }
}
