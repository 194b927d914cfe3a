/**
 * The snapshots of one HeapKeyedState that are open: what a key held when they began is kept ahead of its first change, and read
 * key group by key group. Keys that came later are not in them. More than one may be open at a time.
 *
 * Every entry knows the snapshot since whose beginning it is kept, or new: `epoch`. An entry of a lower epoch than a snapshot is what
 * it was when that began.
 */
import { ChunkRows, chunkRows } from './chunk-rows.ts'
import type { Namespace } from './heap-keyed-state.ts'
import type { StateChunk, StateSnapshot } from './snapshot.ts'
import type { StateShape } from './state-shape.ts'

/** What one key holds: a value per declared state, in the order of declaration, per namespace. */
export interface KeyEntry {
  readonly key: unknown
  own: unknown[] | undefined
  spaces: Map<string | number, unknown[]> | undefined
  epoch: number
}

export type KeyGroups = (Map<string | number, KeyEntry> | undefined)[]

/** A namespace as columns of a snapshot; a window has its start and end. */
export interface NamespaceColumns {
  readonly names: readonly string[]
  /** In the order of the names. */
  toColumns(namespace: Namespace): readonly unknown[]
  fromColumns(values: readonly unknown[]): Namespace
}

/** A state as it is to be written. */
export interface SnapshotState {
  readonly name: string
  /** Its place in the arrays of an entry. */
  readonly slot: number
  readonly shape: StateShape
  /** undefined: the state belongs to the key alone. */
  readonly namespaces: NamespaceColumns | undefined
}

/** A table whose rows are made of all that a key holds. */
export interface EntryTable {
  readonly name: string
  readonly form: string
  /** Behind keyGroup and key. */
  readonly columns: readonly string[]
  readonly declared?: StateSnapshot['declared']
  rowsOf(held: HeldByKey): readonly (readonly unknown[])[]
}

/** What a key holds, in the handles' own forms; undefined: nothing. */
export interface HeldByKey {
  /** Of a state that belongs to the key alone. */
  own(state: string): unknown
  in(state: string, namespace: string | number): unknown
  readonly namespaces: Iterable<string | number>
}

type Contents = Pick<KeyEntry, 'own' | 'spaces'>

interface OpenSnapshot {
  readonly epoch: number
  readonly groups: KeyGroups
  readonly saved: Map<KeyEntry, Contents>
  /** By key group: entries that were dropped. */
  readonly gone: (KeyEntry[] | undefined)[]
}

export class HeapSnapshots {
  /** Of the snapshot that began last; 0: none did. */
  epoch = 0
  #open: OpenSnapshot[] = []
  #shapes: readonly StateShape[] = []

  get isOpen(): boolean {
    return this.#open.length > 0
  }

  /** `shapes`: one a slot. */
  begin(
    groups: KeyGroups,
    shapes: readonly StateShape[],
    states: readonly SnapshotState[],
    tables: readonly EntryTable[] = [],
    slotOf: (state: string) => number = () => -1,
  ): readonly StateSnapshot[] {
    this.#shapes = shapes
    const open: OpenSnapshot = { epoch: ++this.epoch, groups, saved: new Map(), gone: [] }
    this.#open.push(open)
    let left = states.length + tables.length
    const release = (): void => {
      if (--left === 0) this.#open = this.#open.filter((other) => other !== open)
    }
    if (left === 0) this.#open.pop()
    const ofStates = states.map((state) => ({
      ...{ name: state.name, scope: 'keyed' as const, form: state.shape.form },
      ...(state.shape.declared !== undefined && { declared: state.shape.declared }),
      chunks: () => this.#chunks(open, state),
      release,
    }))
    const ofEntries = tables.map((table) => ({
      ...{ name: table.name, scope: 'keyed' as const, form: table.form },
      ...(table.declared !== undefined && { declared: table.declared }),
      chunks: () => this.#entryChunks(open, table, slotOf),
      release,
    }))
    return [...ofStates, ...ofEntries]
  }

  /** Ahead of each change of an entry, of its arrays or of what lies in them. */
  save(entry: KeyEntry): void {
    if (this.#open.length === 0 || entry.epoch >= this.epoch) return
    const copy = this.#copyOf(entry)
    for (const { epoch, saved } of this.#open) if (entry.epoch < epoch) saved.set(entry, copy)
    entry.epoch = this.epoch
  }

  /** An entry, saved already, leaves its key group for good. */
  drop(group: number, entry: KeyEntry): void {
    for (const { saved, gone } of this.#open) {
      if (!saved.has(entry)) continue
      gone[group] ??= []
      gone[group].push(entry)
    }
  }

  #copyOf({ own, spaces }: KeyEntry): Contents {
    const copy = (slots: readonly unknown[]): unknown[] =>
      slots.map((value, slot) => (value === undefined ? undefined : this.#shapes[slot]!.copy(value)))
    return {
      own: own === undefined ? undefined : copy(own),
      spaces: spaces === undefined ? undefined : new Map(Array.from(spaces, ([namespace, slots]) => [namespace, copy(slots)])),
    }
  }

  *#chunks(open: OpenSnapshot, state: SnapshotState): IterableIterator<StateChunk> {
    const rows = new ChunkRows([...(state.namespaces?.names ?? []), ...state.shape.columns])
    for (let group = 0; group < open.groups.length; group++) {
      // Entries dropped from here on are in the first part, and those that come are of a later epoch.
      const entries = [...(open.groups[group]?.values() ?? []), ...(open.gone[group] ?? [])]
      for (const entry of entries) {
        const count = countRows(this.#contentsOf(open, entry), state)
        if (count === 0) continue
        if (count > rows.room && rows.count > 0) yield rows.take()
        // What does not go into one chunk is read from a copy: it may change between two chunks.
        if (count > chunkRows) this.save(entry)
        const contents = this.#contentsOf(open, entry)!
        if (count <= rows.room) {
          addRows(rows, group, entry.key, contents, state)
          continue
        }
        for (const [values, more] of rowsOf(contents, state)) {
          if (rows.room === 0) yield rows.take()
          rows.add(group, entry.key, values, more)
        }
      }
    }
    if (rows.count > 0) yield rows.take()
  }

  /** The rows of an entry are made at once, so it may change between two chunks. */
  *#entryChunks(open: OpenSnapshot, table: EntryTable, slotOf: (state: string) => number): IterableIterator<StateChunk> {
    const rows = new ChunkRows(table.columns)
    for (let group = 0; group < open.groups.length; group++) {
      const entries = [...(open.groups[group]?.values() ?? []), ...(open.gone[group] ?? [])]
      for (const entry of entries) {
        const contents = this.#contentsOf(open, entry)
        if (contents === undefined) continue
        for (const row of table.rowsOf(heldBy(contents, slotOf))) {
          if (rows.room === 0) yield rows.take()
          rows.add(group, entry.key, row, [])
        }
      }
    }
    if (rows.count > 0) yield rows.take()
  }

  /** undefined: the entry is newer than the snapshot. */
  #contentsOf({ epoch, saved }: OpenSnapshot, entry: KeyEntry): Contents | undefined {
    return saved.get(entry) ?? (entry.epoch < epoch ? entry : undefined)
  }
}

function heldBy({ own, spaces }: Contents, slotOf: (state: string) => number): HeldByKey {
  return {
    own: (state) => own?.[slotOf(state)],
    in: (state, namespace) => spaces?.get(namespace)?.[slotOf(state)],
    namespaces: spaces?.keys() ?? [],
  }
}

function countRows(contents: Contents | undefined, { slot, shape, namespaces }: SnapshotState): number {
  if (contents === undefined) return 0
  const { own, spaces } = contents
  let count = own?.[slot] === undefined ? 0 : shape.countOf(own[slot])
  if (namespaces !== undefined && spaces !== undefined)
    for (const slots of spaces.values()) if (slots[slot] !== undefined) count += shape.countOf(slots[slot])
  return count
}

/** Where there is room for them all. */
function addRows(
  rows: ChunkRows,
  group: number,
  key: unknown,
  { own, spaces }: Contents,
  { slot, shape, namespaces }: SnapshotState,
): void {
  if (own?.[slot] !== undefined) {
    const columns = namespaces?.toColumns(undefined) ?? noColumns
    for (const row of shape.rowsOf(own[slot])) rows.add(group, key, columns, row)
  }
  if (namespaces === undefined || spaces === undefined) return
  for (const [namespace, slots] of spaces) {
    if (slots[slot] === undefined) continue
    const columns = namespaces.toColumns(namespace)
    for (const row of shape.rowsOf(slots[slot])) rows.add(group, key, columns, row)
  }
}

const noColumns: readonly unknown[] = []

function* rowsOf(
  { own, spaces }: Contents,
  { slot, shape, namespaces }: SnapshotState,
): IterableIterator<readonly [namespace: readonly unknown[], row: readonly unknown[]]> {
  if (own?.[slot] !== undefined) {
    const columns = namespaces?.toColumns(undefined) ?? []
    for (const row of shape.rowsOf(own[slot])) yield [columns, row]
  }
  if (namespaces === undefined || spaces === undefined) return
  for (const [namespace, slots] of spaces) {
    if (slots[slot] === undefined) continue
    const columns = namespaces.toColumns(namespace)
    for (const row of shape.rowsOf(slots[slot])) yield [columns, row]
  }
}
