/**
 * The sources of random programs that headrace has no constructor for: rows handed over in units of columns, one by one
 * with the record's own timestamp, or through two splits for each subtask.
 */
import type { ReaderOutput, Source, SourceColumn, SourceReader } from 'headrace'
import type { SourceSpec } from './program-spec.ts'
import { rowOf, type SourceRow, timestampOf } from './source-rows.ts'

/** Row numbers from, from + step, ... */
interface Split {
  readonly id: string
  readonly from: number
  readonly step: number
}

export function randomSource(spec: SourceSpec): Source<SourceRow, Split, readonly Split[]> {
  return {
    name: `${spec.kind} of ${spec.rows} rows`,
    boundedness: 'bounded',
    createEnumerator: (ctx, restored) => {
      const count = ctx.parallelism * (spec.kind === 'splits' ? 2 : 1)
      const begun = () => Array.from({ length: count }, (_, from) => ({ id: `s${from}`, from, step: count }))
      let left: readonly Split[] = restored ?? begun()
      const ownerOf = ({ id }: Split) => Math.floor(Number(id.slice(1)) / (spec.kind === 'splits' ? 2 : 1)) % ctx.parallelism
      return {
        start() {},
        addReader(subtask) {
          ctx.assignSplits(
            subtask,
            left.filter((split) => ownerOf(split) === subtask),
          )
          left = left.filter((split) => ownerOf(split) !== subtask)
          ctx.signalNoMoreSplits(subtask)
        },
        handleSplitRequest() {},
        snapshotState: () => left,
        close() {},
      }
    },
    createReader: () => new RandomReader(spec),
  }
}

class RandomReader implements SourceReader<SourceRow, Split> {
  readonly #spec: SourceSpec
  readonly #splits: { readonly split: Split; next: number }[] = []
  readonly #given = Promise.withResolvers<void>()
  /** One array for all units, appended to, as a reader of dictionary pages would. */
  readonly #dictionary: string[] = []
  #complete = false
  #units = 0

  constructor(spec: SourceSpec) {
    this.#spec = spec
  }

  start(): void {}

  pollNext(output: ReaderOutput<SourceRow>): 'more' | 'nothing' | 'end' {
    // A split holds time back from here on, read or not.
    if (this.#spec.kind === 'splits') for (const { split } of this.#splits) output.forSplit(split.id)
    const at = this.#splits.shift()
    if (at === undefined) return this.#complete ? 'end' : 'nothing'
    const { split } = at
    const indices: number[] = []
    for (; at.next < this.#spec.rows && indices.length < this.#spec.unit; at.next += split.step) indices.push(at.next)
    const target = this.#spec.kind === 'splits' ? output.forSplit(split.id) : output
    if (this.#spec.kind === 'columns') this.#emitColumns(indices, target)
    else
      for (const i of indices) target.collect(rowOf(this.#spec, i), this.#spec.time === 'record' ? timestampOf(this.#spec, i) : undefined)
    if (at.next < this.#spec.rows) this.#splits.push(at)
    else if (this.#spec.kind === 'splits') output.releaseSplit(split.id)
    return 'more'
  }

  #emitColumns(indices: readonly number[], output: ReaderOutput<SourceRow>): void {
    if (indices.length === 0) return
    const rows = indices.map((i) => rowOf(this.#spec, i))
    const unit = this.#units++
    const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
    const columns = names.map((name) =>
      columnOf(
        name,
        rows.map((row) => row[name] ?? null),
        unit,
        this.#dictionary,
      ),
    )
    const timestamps = this.#spec.time === 'record' ? Float64Array.from(indices, (i) => timestampOf(this.#spec, i)) : undefined
    output.emit({ kind: 'columns', rowCount: rows.length, columns, ...(timestamps && { timestamps }) })
  }

  async isAvailable(): Promise<void> {
    return this.#given.promise
  }

  addSplits(splits: readonly Split[]): void {
    for (const split of splits) this.#splits.push({ split, next: split.from })
  }

  notifyNoMoreSplits(): void {
    this.#complete = true
    this.#given.resolve()
  }

  snapshotState(): readonly Split[] {
    return this.#splits.map(({ split, next }) => ({ ...split, from: next }))
  }

  close(): void {}
}

/** In another physical form from unit to unit, where the values allow several. */
function columnOf(name: string, values: readonly unknown[], unit: number, dictionary: string[]): SourceColumn {
  const isInt = (value: unknown) => typeof value === 'number' && (value | 0) === value && !Object.is(value, -0)
  if (values.every(isInt) && unit % 3 !== 2) return { name, values: Int32Array.from(values as number[]) }
  if (values.every((value) => typeof value === 'number') && unit % 4 !== 3) return { name, values: Float64Array.from(values as number[]) }
  if (values.every((value) => typeof value === 'boolean') && unit % 2 === 0)
    return { name, values: Uint8Array.from(values as boolean[], Number) }
  if (name === 'w' && unit % 3 !== 1)
    return { name, values: Int32Array.from(values as string[], (word) => idOf(word, dictionary)), dictionary }
  if (values.every((value) => typeof value === 'string') && unit % 2 === 0) return { name, values, kind: 'utf8' }
  return { name, values }
}

function idOf(word: string, dictionary: string[]): number {
  const known = dictionary.indexOf(word)
  return known >= 0 ? known : dictionary.push(word) - 1
}
