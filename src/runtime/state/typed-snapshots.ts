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
import { keyColumn, WordRows } from './word-rows.ts'

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
      // States are read one after the other, and released when they are.
      chunks: () => (state.word > 0 ? this.#wordChunks(open, state, () => left === 1) : this.#chunks(open, state, () => left === 1)),
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

  /** Numbers go from the tables' words into the columns; values that are none come in between now and then. */
  *#wordChunks(open: OpenSnapshot, { slot, word, codec }: TypedSnapshotState, isLast: () => boolean): IterableIterator<StateChunk> {
    const place = { word, mark: 1 << slot, isNumber: codec === undefined }
    const otherAt = (index: number): unknown => objectsOf(open, index)?.[slot]
    const rows = new WordRows(open.kind, this.#keys, codec)
    for (const { snapshot, group } of open.tables) {
      const reader = new TableReader(snapshot, isLast())
      while (rows.addFrom(reader, group, place, otherAt)) {
        if (rows.room > 0) continue
        yield rows.take()
        reader.resume()
      }
    }
    if (rows.count > 0) yield rows.take()
  }

  *#chunks(open: OpenSnapshot, state: TypedSnapshotState, isLast: () => boolean): IterableIterator<StateChunk> {
    const { shape } = state
    const rows = new ChunkRows(shape.columns, (keys) => keyColumn(open.kind, this.#keys, keys as number[]))
    for (const { snapshot, group } of open.tables) {
      const reader = new TableReader(snapshot, isLast())
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

function valueOf(open: OpenSnapshot, { slot }: TypedSnapshotState, { i32, at, first }: TableReader): unknown {
  return objectsOf(open, i32[(at + first) * 2 + 1]!)?.[slot]
}
