/**
 * A source of several splits whose rows follow from their numbers, read in small units with pauses between, so that a job has time to be
 * hurt. Each key is in one split. Splits are assigned once all is known: none begins late.
 */
import type { Type } from '../../src/base/columnar/data-type.ts'
import type { PollResult, ReaderOutput, Source, SourceReader, SourceReaderContext } from '../../src/program/function/source.ts'
import { mixed } from './seeded-random.ts'
import type { Place } from './simulated-process.ts'

export interface Row {
  readonly id: number
  readonly key: number
  readonly ts: number
  readonly v: number
  readonly w: string
}

export interface TortureSourceOptions<T> {
  readonly splits: number
  readonly rowsPerSplit: number
  readonly rowOf: (split: number, i: number) => T
  readonly type?: Type<T>
  /** Longest pause between two units. */
  readonly pauseMs: number
  readonly at: (place: Place) => void
}

interface Split {
  readonly split: number
  readonly next: number
}

/** Disorder stays below this. */
export const boundMs = 40

/** Three keys a split; time advances by 10 ms a row, disordered. */
export function plainRow(split: number, i: number): Row {
  const noise = mixed(split, i)
  return {
    id: split * 100_000 + i,
    key: split * 3 + (noise % 3),
    ts: 1_000 + i * 10 + ((noise >>> 4) % boundMs),
    v: ((noise >>> 9) % 201) - 100,
    w: ['ant', 'bee', 'cat', 'dog', 'eel'][(noise >>> 17) % 5]!,
  }
}

export function tortureSource<T>(options: TortureSourceOptions<T>): Source<T, Split, readonly Split[]> {
  return {
    name: `torture of ${options.splits} splits`,
    boundedness: 'bounded',
    ...(options.type && { type: options.type }),
    createEnumerator(ctx, restored) {
      const all = Array.from({ length: options.splits }, (_, split) => ({ split, next: 0 }))
      let unassigned: readonly Split[] = restored ?? all
      return {
        start: () => options.at('open'),
        addReader(subtask) {
          const own = unassigned.filter(({ split }) => split % ctx.parallelism === subtask)
          unassigned = unassigned.filter((split) => !own.includes(split))
          if (own.length > 0) ctx.assignSplits(subtask, own)
          ctx.signalNoMoreSplits(subtask)
        },
        handleSplitRequest() {},
        snapshotState() {
          options.at('snapshot')
          return unassigned
        },
        close() {},
      }
    },
    createReader: (ctx) => new TortureReader(options, ctx),
  }
}

class TortureReader<T> implements SourceReader<T, Split> {
  readonly #options: TortureSourceOptions<T>
  readonly #ctx: SourceReaderContext
  readonly #splits: { readonly split: number; next: number }[] = []
  #isComplete = false
  #isResting = false
  #rested: () => void = () => {}

  constructor(options: TortureSourceOptions<T>, ctx: SourceReaderContext) {
    this.#options = options
    this.#ctx = ctx
  }

  start(): void {
    this.#options.at('open')
  }

  pollNext(output: ReaderOutput<T>): PollResult {
    if (!this.#isComplete || this.#isResting) return 'nothing'
    this.#options.at('function')
    for (const { split } of this.#splits) output.forSplit(`${split}`)
    const at = this.#splits.shift()
    if (at === undefined) return 'end'
    const { rowOf, rowsPerSplit, pauseMs } = this.#options
    const id = `${at.split}`
    const own = output.forSplit(id)
    const count = 1 + (mixed(at.split, at.next, 7) % 12)
    for (let n = 0; n < count && at.next < rowsPerSplit; n++) own.collect(rowOf(at.split, at.next++))
    if (at.next < rowsPerSplit) this.#splits.push(at)
    else output.releaseSplit(id)
    const restMs = ((mixed(at.split, at.next, 9) % 100) / 100) * pauseMs
    if (restMs > 0) {
      this.#isResting = true
      this.#ctx.clock.setTimer(restMs, () => {
        this.#isResting = false
        this.#rested()
      })
    }
    return 'more'
  }

  isAvailable(): Promise<void> {
    if (this.#isComplete && !this.#isResting) return Promise.resolve()
    return new Promise((resolve) => void (this.#rested = resolve))
  }

  addSplits(splits: readonly Split[]): void {
    for (const { split, next } of splits) this.#splits.push({ split, next })
  }

  notifyNoMoreSplits(): void {
    this.#isComplete = true
    this.#rested()
  }

  snapshotState(): readonly Split[] {
    this.#options.at('snapshot')
    return this.#splits.map(({ split, next }) => ({ split, next }))
  }

  close(): void {
    this.#rested()
  }
}
