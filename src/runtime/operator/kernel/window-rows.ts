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
  #group: number[] = []
  #key: unknown[] = []
  #start: number[] = []
  #end: number[] = []
  #words: unknown[][]

  constructor(form: WindowsForm, keys: HeldKeys, objects: ObjectSnapshot | undefined) {
    this.#form = form
    this.#keys = keys
    this.#objects = objects
    this.#words = form.columns.map(() => [])
  }

  get isEnough(): boolean {
    return this.count >= enough
  }

  /** `at` is the first word of the accumulator. */
  add(keyGroup: number, key: number, start: number, end: number, f64: Float64Array, at: number): void {
    if (this.#objects === undefined) {
      this.#addFrame(keyGroup, key, start, end)
      for (let w = 0; w < this.#words.length; w++) this.#words[w]!.push(f64[at + w])
      return
    }
    const place = f64[at]!
    if (place === 0) return
    const value = this.#objects.valueAt(place)
    for (const one of this.#form.form === 'list' ? (value as unknown[]) : [value]) {
      this.#addFrame(keyGroup, key, start, end)
      this.#words[0]!.push(one)
    }
  }

  #addFrame(keyGroup: number, key: number, start: number, end: number): void {
    this.count++
    this.#group.push(keyGroup)
    this.#key.push(this.#keys.keyOf(key))
    this.#start.push(start)
    this.#end.push(end)
  }

  take(): StateChunk {
    const { bounds, columns } = this.#form
    const words = columns.map((name, w): ColumnarUnitColumn => {
      const values = this.#words[w]!
      return { name, values: this.#objects === undefined ? Float64Array.from(values as number[]) : values }
    })
    const chunk: StateChunk = {
      rowCount: this.count,
      columns: [
        { name: 'keyGroup', values: Int32Array.from(this.#group) },
        { name: 'key', values: this.#keys.column(this.#key) },
        { name: bounds[0], values: Float64Array.from(this.#start) },
        { name: bounds[1], values: Float64Array.from(this.#end) },
        ...words,
      ],
    }
    this.count = 0
    this.#group = []
    this.#key = []
    this.#start = []
    this.#end = []
    this.#words = columns.map(() => [])
    return chunk
  }
}
