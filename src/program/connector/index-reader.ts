/**
 * The reader of sources whose splits are made of indices: it asks for a split when it has none, and reads those it has by
 * turns, a unit of each. It has several when a job goes on with fewer subtasks than before; each then has an output, and so
 * a watermark, of its own, or the records of one would make those of another late. How a split becomes units is the matter of
 * an IndexSource; asking, waiting and remembering is here once.
 */
import type { TimerHandle } from '../../base/core/clock.ts'
import type { PollResult, ReaderOutput, SourceReader, SourceReaderContext, SourceUnit } from '../function/source.ts'
import { Availability } from './availability.ts'
import { RateLimit } from './rate-limit.ts'

export interface IndexSource<T, Split> {
  /** Records of the longest unit. */
  readonly unitRows: number
  /** The same for all that is left of a split, and another for each split. */
  idOf(split: Split): string
  left(split: Split): number
  /** The first `count` records of the split. */
  unitOf(split: Split, count: number): SourceUnit<T>
  positionOf(split: Split): string
  /** The split without its first `count` records. */
  after(split: Split, count: number): Split
  /** Records of the split a second; absent: as fast as they are taken. */
  ratePerSecondOf?(split: Split): number
}

interface OpenSplit<T, Split> {
  readonly id: string
  rest: Split
  readonly limit: RateLimit | undefined
  output: ReaderOutput<T> | undefined
}

export class IndexReader<T, Split> implements SourceReader<T, Split> {
  readonly #ctx: SourceReaderContext
  readonly #source: IndexSource<T, Split>
  readonly #available = new Availability()
  /** In the order of their turns. */
  readonly #splits: OpenSplit<T, Split>[] = []
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
    if (this.#splits.length === 0) return this.#noMore ? 'end' : 'nothing'
    for (const split of this.#splits) split.output ??= output.forSplit(split.id)
    const turn = this.#splits.findIndex(({ limit }) => (limit?.delayMs() ?? 0) === 0)
    const [split] = turn < 0 ? [] : this.#splits.splice(turn, 1)
    if (split === undefined) return 'nothing'
    this.#emit(split, output.wantedRows)
    if (this.#source.left(split.rest) > 0) this.#splits.push(split)
    else {
      output.releaseSplit(split.id)
      if (this.#splits.length === 0 && !this.#noMore) this.#ask()
    }
    return 'more'
  }

  isAvailable(): Promise<void> {
    const delayMs = Math.min(...this.#splits.map(({ limit }) => limit?.delayMs() ?? 0))
    if (delayMs <= 0 || (this.#splits.length === 0 && this.#noMore)) return Promise.resolve()
    if (this.#splits.length > 0) {
      this.#timer?.cancel()
      this.#timer = this.#ctx.clock.setTimer(delayMs, () => this.#available.open())
    }
    return this.#available.wait()
  }

  addSplits(splits: readonly Split[]): void {
    this.#asked = false
    for (const rest of splits) {
      const rate = this.#source.ratePerSecondOf?.(rest)
      const limit = rate === undefined ? undefined : new RateLimit(rate, this.#ctx.clock)
      this.#splits.push({ id: this.#source.idOf(rest), rest, limit, output: undefined })
    }
    this.#available.open()
  }

  notifyNoMoreSplits(): void {
    this.#noMore = true
    this.#available.open()
  }

  snapshotState(): readonly Split[] {
    return this.#splits.map(({ rest }) => rest)
  }

  close(): void {
    this.#timer?.cancel()
  }

  #emit(split: OpenSplit<T, Split>, wantedRows: number): void {
    const source = this.#source
    const count = Math.min(source.unitRows, wantedRows, source.left(split.rest), split.limit?.due() ?? source.unitRows)
    // What is left of a split can be nothing: that of a collection without items.
    if (count === 0) return
    split.output?.emit(source.unitOf(split.rest, count), source.positionOf(split.rest))
    split.limit?.take(count)
    split.rest = source.after(split.rest, count)
  }

  #ask(): void {
    if (this.#asked) return
    this.#asked = true
    this.#ctx.sendSplitRequest()
  }
}
