/**
 * The snapshots of one TypedKeyedState that are open, and how they are read. Pages of tables are saved by the tables; the arrays of
 * objects that entries point at are saved here, ahead of their first change. Ids of keys stay what they are meanwhile.
 */
import { ChunkRows, chunkRows } from './chunk-rows.ts'
import type { KeySpace, KeySpaceKind } from './key-space.ts'
import type { StateChunk, StateSnapshot } from './snapshot.ts'
import type { StateShape } from './state-shape.ts'
import { TableReader } from './table-reader.ts'
import type { TableSnapshot, TypedTable } from './typed-table.ts'
import type { RowCodec } from './typed-value.ts'

/** A state and where its values lie; see typed-keyed-state.ts. */
export interface TypedSnapshotState {
  readonly name: string
  readonly slot: number
  readonly word: number
  readonly codec: RowCodec | undefined
  readonly shape: StateShape
}

type Objects = readonly (readonly unknown[] | undefined)[]

interface OpenSnapshot {
  readonly tables: readonly { readonly table: TypedTable; readonly snapshot: TableSnapshot; readonly group: number }[]
  readonly kind: KeySpaceKind
  readonly objects: Objects
  /** By index; undefined: nobody's then. */
  readonly saved: Map<number, readonly unknown[] | undefined>
}

export class TypedSnapshots {
  readonly #keys: KeySpace
  readonly #firstGroup: number
  #open: OpenSnapshot[] = []
  #shapes: readonly StateShape[] = []

  constructor(keys: KeySpace, firstGroup: number) {
    this.#keys = keys
    this.#firstGroup = firstGroup
  }

  get isOpen(): boolean {
    return this.#open.length > 0
  }

  begin(tables: readonly TypedTable[], objects: Objects, states: readonly TypedSnapshotState[]): readonly StateSnapshot[] {
    if (states.length === 0) return []
    this.#shapes = states.map(({ shape }) => shape)
    const read = tables.map((table, t) => ({ table, snapshot: table.beginSnapshot(), group: this.#firstGroup + t }))
    const open: OpenSnapshot = { tables: read, kind: this.#keys.kind, objects, saved: new Map() }
    this.#open.push(open)
    this.#keys.hold()
    let left = states.length
    const release = (): void => {
      if (--left === 0) this.#release(open)
    }
    return states.map((state) => ({
      ...{ name: state.name, scope: 'keyed' as const, form: state.shape.form },
      ...(state.shape.declared !== undefined && { declared: state.shape.declared }),
      chunks: () => (state.word > 0 && state.codec === undefined ? this.#numberChunks(open, state) : this.#chunks(open, state)),
      release,
    }))
  }

  /** Ahead of each change of an array of objects, or of what lies in it. */
  saveObjects(index: number, objects: readonly unknown[] | undefined): void {
    if (this.#open.length === 0) return
    let copy: readonly unknown[] | undefined
    for (const { saved } of this.#open) {
      if (saved.has(index)) continue
      copy ??= objects?.map((value, slot) => (value === undefined ? undefined : this.#shapes[slot]!.copy(value)))
      saved.set(index, copy)
    }
  }

  #release(open: OpenSnapshot): void {
    for (const { table, snapshot } of open.tables) table.endSnapshot(snapshot)
    this.#open = this.#open.filter((other) => other !== open)
    this.#keys.release()
  }

  /** Numbers go from the tables' words into the columns; others come in between now and then. */
  *#numberChunks(open: OpenSnapshot, { slot, word }: TypedSnapshotState): IterableIterator<StateChunk> {
    const mark = 1 << slot
    const { values: keyOf } = this.#keys
    let rows = numberRows(open.kind)
    let count = 0
    for (const { snapshot, group } of open.tables) {
      const reader = new TableReader(snapshot)
      while (reader.next()) {
        const at = reader.at + reader.first
        const number = reader.f64[at + word]!
        if (number !== number && (reader.i32[at * 2]! & mark) === 0) {
          const other = objectsOf(open, reader.i32[at * 2 + 1]!)?.[slot]
          if (other === undefined) continue
          rows.others.set(count, other)
        }
        rows.groups[count] = group
        rows.keys[count] = open.kind === 'interned' ? keyOf[reader.key] : reader.key
        rows.numbers[count] = number
        if (++count < chunkRows) continue
        yield numberChunk(rows, count)
        rows = numberRows(open.kind)
        count = 0
        reader.resume()
      }
    }
    if (count > 0) yield numberChunk(rows, count)
  }

  *#chunks(open: OpenSnapshot, state: TypedSnapshotState): IterableIterator<StateChunk> {
    const { shape } = state
    const rows = new ChunkRows(shape.columns, (keys) => keyColumn(open.kind, this.#keys, keys as number[]))
    for (const { snapshot, group } of open.tables) {
      const reader = new TableReader(snapshot)
      while (reader.next()) {
        let value = valueOf(open, state, reader)
        if (value === undefined) continue
        const { key } = reader
        const index = reader.i32[(reader.at + reader.first) * 2 + 1]!
        const count = shape.countOf(value)
        if (count > rows.room && rows.count > 0) {
          yield rows.take()
          reader.resume()
          value = valueOf(open, state, reader)
        }
        if (count > chunkRows) {
          // It may change between two chunks: what is read is a copy.
          this.saveObjects(index, open.objects[index])
          value = objectsOf(open, index)![state.slot]
        }
        for (const row of shape.rowsOf(value)) {
          if (rows.room === 0) {
            yield rows.take()
            reader.resume()
          }
          rows.add(group, key, row, [])
        }
      }
    }
    if (rows.count > 0) yield rows.take()
  }
}

const objectsOf = ({ saved, objects }: OpenSnapshot, index: number): readonly unknown[] | undefined =>
  saved.has(index) ? saved.get(index) : objects[index]

function valueOf(open: OpenSnapshot, { slot, word, codec }: TypedSnapshotState, { i32, f64, at: entry, first }: TableReader): unknown {
  const at = entry + first
  const isMarked = (i32[at * 2]! & (1 << slot)) !== 0
  if (codec !== undefined && isMarked) return codec.read(f64, at)
  if (codec === undefined && word > 0 && (isMarked || !Number.isNaN(f64[at + word]))) return f64[at + word]
  return objectsOf(open, i32[at * 2 + 1]!)?.[slot]
}

/** Table keys as a column of the keys they stand for. */
export function keyColumn(kind: KeySpaceKind, { values }: KeySpace, keys: readonly number[]): Int32Array | Float64Array | unknown[] {
  if (kind === 'interned') return keys.map((id) => values[id])
  return kind === 'int32' ? new Int32Array(keys) : new Float64Array(keys)
}

interface NumberRows {
  readonly groups: Int32Array
  readonly keys: Int32Array | Float64Array | unknown[]
  readonly numbers: Float64Array
  /** By row: values that are no numbers. */
  readonly others: Map<number, unknown>
}

function numberRows(kind: KeySpaceKind): NumberRows {
  const keys = kind === 'interned' ? [] : kind === 'int32' ? new Int32Array(chunkRows) : new Float64Array(chunkRows)
  return { groups: new Int32Array(chunkRows), keys, numbers: new Float64Array(chunkRows), others: new Map() }
}

function numberChunk({ groups, keys, numbers, others }: NumberRows, count: number): StateChunk {
  const values =
    others.size === 0 ? numbers : Array.from(numbers.subarray(0, count), (number, i) => (others.has(i) ? others.get(i) : number))
  return {
    rowCount: count,
    columns: [
      { name: 'keyGroup', values: groups.subarray(0, count) },
      { name: 'key', values: Array.isArray(keys) ? keys : keys.subarray(0, count) },
      { name: 'value', values },
    ],
  }
}
