/** Rows of a kernel's windows or panes in the making: a chunk of a snapshot as soon as there are enough of them. */
import type { ColumnarUnitColumn } from '../../../base/columnar/column-batch.ts'
import type { StateChunk } from '../../state/snapshot.ts'
import { TableReader } from '../../state/table-reader.ts'
import type { TableSnapshot } from '../../state/typed-table.ts'
import { elementsTable, panesTable, windowsTable } from '../window/accumulator-columns.ts'
import type { Accumulator } from './accumulator.ts'
import type { HeldKeys } from './held-keys.ts'
import type { ObjectSnapshot } from './object-column.ts'

const enough = 2048

/** How a kernel's contents stand in a snapshot; `ofPanes`: stretches of time that are no windows. */
export interface WindowsForm {
  readonly name: string
  readonly form: 'windows' | 'panes' | 'list'
  readonly columns: readonly string[]
  readonly bounds: readonly [start: string, end: string]
}

export function windowsForm(accumulator: Accumulator, ofPanes: boolean): WindowsForm {
  const bounds = ofPanes ? (['paneStart', 'paneEnd'] as const) : (['windowStart', 'windowEnd'] as const)
  const { columns } = accumulator
  if (accumulator.objects?.isList === true) return { name: elementsTable, form: 'list', columns, bounds }
  return ofPanes ? { name: panesTable, form: 'panes', columns, bounds } : { name: windowsTable, form: 'windows', columns, bounds }
}

/** The chunks of a snapshot: `add` puts what a table's entry at hand holds into the rows. */
export function* chunksOfTables(
  rows: WindowRows,
  tables: Iterable<{ readonly snapshot: TableSnapshot; readonly add: (rows: WindowRows, reader: TableReader) => void }>,
): IterableIterator<StateChunk> {
  for (const { snapshot, add } of tables) {
    const reader = new TableReader(snapshot)
    while (reader.next()) {
      add(rows, reader)
      if (!rows.isEnough) continue
      yield rows.take()
      reader.resume()
    }
  }
  if (rows.count > 0) yield rows.take()
}

export class WindowRows {
  count = 0
  readonly #form: WindowsForm
  readonly #keys: HeldKeys
  readonly #objects: ObjectSnapshot | undefined
  /** One key may have any number of rows: there is always room for one more. */
  #group = new Int32Array(enough)
  #start = new Float64Array(enough)
  #end = new Float64Array(enough)
  #words: readonly Float64Array[]
  #key: number[] = []
  #values: unknown[] = []

  constructor(form: WindowsForm, keys: HeldKeys, objects: ObjectSnapshot | undefined) {
    this.#form = form
    this.#keys = keys
    this.#objects = objects
    this.#words = this.#newWords()
  }

  get isEnough(): boolean {
    return this.count >= enough
  }

  /** `at` is the first word of the accumulator. */
  add(keyGroup: number, key: number, start: number, end: number, f64: Float64Array, at: number): void {
    if (this.#objects === undefined) {
      const row = this.#addFrame(keyGroup, key, start, end)
      const words = this.#words
      for (let w = 0; w < words.length; w++) words[w]![row] = f64[at + w]!
      return
    }
    const place = f64[at]!
    if (place === 0) return
    const value = this.#objects.valueAt(place)
    for (const one of this.#form.form === 'list' ? (value as unknown[]) : [value]) {
      this.#addFrame(keyGroup, key, start, end)
      this.#values.push(one)
    }
  }

  #addFrame(keyGroup: number, key: number, start: number, end: number): number {
    const row = this.count++
    if (row === this.#group.length) this.#grow()
    this.#group[row] = keyGroup
    this.#start[row] = start
    this.#end[row] = end
    this.#key.push(key)
    return row
  }

  #grow(): void {
    const longer = (column: Float64Array): Float64Array<ArrayBuffer> => {
      const copy = new Float64Array(column.length * 2)
      copy.set(column)
      return copy
    }
    const groups = new Int32Array(this.#group.length * 2)
    groups.set(this.#group)
    this.#group = groups
    this.#start = longer(this.#start)
    this.#end = longer(this.#end)
    this.#words = this.#words.map(longer)
  }

  #newWords(): Float64Array[] {
    return this.#objects === undefined ? this.#form.columns.map(() => new Float64Array(enough)) : []
  }

  take(): StateChunk {
    const { bounds, columns } = this.#form
    const { count } = this
    const words = columns.map(
      (name, w): ColumnarUnitColumn => ({ name, values: this.#objects === undefined ? this.#words[w]!.subarray(0, count) : this.#values }),
    )
    const chunk: StateChunk = {
      rowCount: count,
      columns: [
        { name: 'keyGroup', values: this.#group.subarray(0, count) },
        { name: 'key', values: this.#keys.column(this.#key) },
        { name: bounds[0], values: this.#start.subarray(0, count) },
        { name: bounds[1], values: this.#end.subarray(0, count) },
        ...words,
      ],
    }
    this.count = 0
    this.#group = new Int32Array(enough)
    this.#start = new Float64Array(enough)
    this.#end = new Float64Array(enough)
    this.#words = this.#newWords()
    this.#key = []
    this.#values = []
    return chunk
  }
}
