/** A chunk of a keyed state in the making, row by row: key group, key, and columns of any values. */
import type { StateChunk } from './snapshot.ts'

/** Rows of a chunk, unless a reader says otherwise. */
export const chunkRows = 2048

export class ChunkRows {
  count = 0
  readonly #names: readonly string[]
  readonly #keyColumn: (keys: unknown[]) => StateChunk['columns'][number]['values']
  #groups = new Int32Array(chunkRows)
  #keys: unknown[] = []
  #columns: unknown[][]

  /** `names` are those of the columns behind keyGroup and key; `keyColumn` makes the column of what was given as keys. */
  constructor(names: readonly string[], keyColumn: (keys: unknown[]) => StateChunk['columns'][number]['values'] = (keys) => keys) {
    this.#names = names
    this.#keyColumn = keyColumn
    this.#columns = names.map(() => [])
  }

  get room(): number {
    return chunkRows - this.count
  }

  /** There must be room; `values` and then `more` are the columns' values. */
  add(keyGroup: number, key: unknown, values: readonly unknown[], more: readonly unknown[]): void {
    this.#groups[this.count++] = keyGroup
    this.#keys.push(key)
    for (let c = 0; c < values.length; c++) this.#columns[c]!.push(values[c])
    for (let c = 0; c < more.length; c++) this.#columns[values.length + c]!.push(more[c])
  }

  /** What was added since the last call. */
  take(): StateChunk {
    const chunk: StateChunk = {
      rowCount: this.count,
      columns: [
        { name: 'keyGroup', values: this.#groups.subarray(0, this.count) },
        { name: 'key', values: this.#keyColumn(this.#keys) },
        ...this.#names.map((name, c) => ({ name, values: this.#columns[c]! })),
      ],
    }
    this.count = 0
    this.#groups = new Int32Array(chunkRows)
    this.#keys = []
    this.#columns = this.#names.map(() => [])
    return chunk
  }
}
