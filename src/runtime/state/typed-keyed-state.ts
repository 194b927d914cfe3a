/**
 * Keyed state of one operator subtask in typed tables, one per key group: a key's entry holds every state of the operator,
 * so that a turn finds it once. Numbers lie in the entry itself; whatever else a key holds (lists, maps, strings, objects)
 * is an array of values that the entry points at. It behaves as HeapKeyedState does, without namespaces.
 *
 * The value fields of an entry:
 *
 * | word  | holds                                                                                                  |
 * | ----- | ------------------------------------------------------------------------------------------------------ |
 * | 0     | int32 marks, a bit per state; int32 index of the key's objects, 0 = none                               |
 * | 1     | the event-time timer that was registered last and is still pending (NaN: not known), kept by the timers |
 * | 2 ... | of a number: itself. NaN: none, or the number NaN if its mark is set                                   |
 * |       | of a row of numbers: its fields, if its mark is set                                                    |
 *
 * A key that holds nothing has neither marks, objects nor numbers: its entry is vacant and goes when its table is full.
 */
import { assert, StreamError } from '../../base/core/stream-error.ts'
import type { StateDeclaration, ValueState } from '../../program/function/state.ts'
import { mustMatch, type StateCell, type StateEntry } from './heap-keyed-state.ts'
import { KeySpace, type KeySpaceKind } from './key-space.ts'
import type { StateSnapshot } from './snapshot.ts'
import { makeStateHandle, type StateHandle } from './state-handle.ts'
import { type StateShape, shapeOf } from './state-shape.ts'
import { TypedSnapshots } from './typed-snapshots.ts'
import { firstValueWord, TypedTable } from './typed-table.ts'
import { NumberHandle, type NumberKind, type RowCodec, RowHandle, rowCodec } from './typed-value.ts'

export interface TypedKeyedStateOptions {
  /** For messages. */
  readonly operatorName: string
  /** The key groups of the subtask. */
  readonly groups: { readonly first: number; readonly count: number; readonly maxParallelism: number }
  /** Whether source may be generated: rows of numbers need it to be typed. */
  readonly generated: boolean
}

interface Declared {
  readonly name: string
  readonly slot: number
  readonly declaration: StateDeclaration
  readonly handle: StateHandle
  readonly shape: StateShape
  /** First word of a typed value within the value fields; 0: it is among the objects only. */
  readonly word: number
  readonly codec: RowCodec | undefined
}

export interface RowWords {
  readonly name: string
  /** Of the fields, in the order of their words. */
  readonly names: readonly string[]
  readonly word: number
  readonly mark: number
}

/** What `at` says while there is no entry. */
const absent = -1
const unresolved = -2
const noTurn = -3

export const marksWord = 0
export const timerWord = 1
/** States with a mark; more of them are objects. */
const maxMarks = 31

export class TypedKeyedState {
  readonly keys = new KeySpace()
  /** Of the current key; `at` is the first value field of its entry in `table`, or says why there is none. */
  key = 0
  hash = 0
  at = noTurn
  table: TypedTable
  readonly #options: TypedKeyedStateOptions
  readonly #declared = new Map<string, Declared>()
  #tables: TypedTable[] = []
  readonly #initial: number[] = [0, Number.NaN]
  /** Words that hold a number where they are not NaN. */
  readonly #numberWords: number[] = []
  /** First value field of an entry. */
  #first = 1
  readonly #mask: number
  /** By index; 0 is nobody's. An array is a value per state, in the order of declaration. */
  readonly #objects: (unknown[] | undefined)[] = [undefined]
  readonly #freeObjects: number[] = []
  readonly #snapshots: TypedSnapshots

  constructor(options: TypedKeyedStateOptions) {
    this.#options = options
    const { maxParallelism } = options.groups
    this.#mask = (maxParallelism & (maxParallelism - 1)) === 0 ? maxParallelism - 1 : 0
    this.table = new TypedTable('int32', new Float64Array(0), this.keys.hashOf)
    this.#snapshots = new TypedSnapshots(this.keys, options.groups.first)
  }

  get currentKey(): unknown {
    return this.keys.keyOf(this.key)
  }

  /** The handle of a state. Declaring it again alike gives the same handle; declaring it otherwise is an error. */
  declare<H>(name: string, declaration: StateDeclaration<H>): H {
    const { operatorName, generated } = this.#options
    const known = this.#declared.get(name)
    if (known !== undefined) {
      mustMatch(operatorName, name, known.declaration, declaration)
      return known.handle as H
    }
    assert(this.#tables.length === 0, `state ${name} of ${operatorName} is declared before its first key`)
    const slot = this.#declared.size
    const word = this.#initial.length
    const cell = this.#cell(name, slot)
    const objects = makeStateHandle(declaration, cell, 'own')
    const codec = declaration.kind === 'value' && generated && slot < maxMarks ? rowCodec(declaration.type, word) : undefined
    const isNumber = codec === undefined && declaration.kind === 'value' && slot < maxMarks && mayBeNumber(declaration)
    if (isNumber) this.#numberWords.push(word)
    for (let i = codec?.words ?? (isNumber ? 1 : 0); i > 0; i--) this.#initial.push(Number.NaN)
    const place = { name, word, mark: 1 << slot }
    const handle =
      codec !== undefined
        ? new RowHandle(this, codec, place, objects as ValueState<unknown>)
        : isNumber
          ? new NumberHandle(this, place, numberKind(declaration), objects as ValueState<unknown>)
          : objects
    const shape = shapeOf(declaration, cell.what, 'own')
    this.#declared.set(name, { name, slot, declaration, handle, shape, word: codec !== undefined || isNumber ? word : 0, codec })
    return handle as H
  }

  /** Makes tables able to hold keys of that kind. Answers how keys change, if they do: timers hold them too. */
  requireKeyKind(kind: KeySpaceKind): ((key: number) => number) | undefined {
    const { keys } = this
    if (!keys.isBelow(kind)) return undefined
    keys.widenTo(kind)
    // What was narrower was a number, and numbers were themselves.
    const keyOf = (key: number): number => keys.idOf(key)
    this.#first = firstValueWord(keys.tableKeyKind)
    const old = this.#tables
    this.#tables = old.map((table) => table.rekeyed(keys.tableKeyKind, keyOf))
    this.#tables.forEach((table) => this.#dropVacant(table))
    return keyOf
  }

  /** One per key group, made when first asked for: no state can be declared after that. */
  get tables(): readonly TypedTable[] {
    if (this.#tables.length === 0) this.#makeTables()
    return this.#tables
  }

  /** Words of an entry, key included. */
  get stride(): number {
    return this.#first + this.#initial.length
  }

  /** Makes a table key current; the key space must be wide enough for it. */
  enter(key: number, hash: number): void {
    this.key = key
    this.hash = hash
    this.at = unresolved
  }

  /** As enter, where the key has been looked for: `at` is the first value field of its entry, or -1. */
  enterAt(key: number, hash: number, table: TypedTable, at: number): void {
    this.key = key
    this.hash = hash
    this.table = table
    this.at = at
  }

  /** Between turns there is no current key, and touching state is an error. */
  leave(): void {
    this.at = noTurn
  }

  /** First value field of the current key's entry, or below 0. `name`: the state that is asked for. */
  find(name: string): number {
    return this.at >= 0 ? this.at : this.#resolve(name)
  }

  /** As find, and makes the entry if there is none. */
  ensure(name: string): number {
    return this.at >= 0 || this.#resolve(name) >= 0 ? this.at : this.#insert()
  }

  #resolve(name: string): number {
    if (this.at === noTurn) throw this.#notKeyed(name)
    if (this.at === unresolved) {
      this.table = this.tables[this.#groupOf(this.hash)]!
      const entry = this.table.find(this.key, this.hash)
      this.at = entry < 0 ? absent : entry + this.#first
    }
    return this.at
  }

  /** Of a key that has been looked for. */
  #insert(): number {
    this.at = this.table.insert(this.key, this.hash) + this.#first
    return this.at
  }

  #groupOf(hash: number): number {
    const { first, maxParallelism } = this.#options.groups
    return (this.#mask > 0 ? hash & this.#mask : (hash >>> 0) % maxParallelism) - first
  }

  #makeTables(): void {
    const { keys } = this
    const initial = Float64Array.from(this.#initial)
    this.#tables = Array.from({ length: this.#options.groups.count }, () => {
      const table = new TypedTable(keys.tableKeyKind, initial, keys.hashOf)
      this.#dropVacant(table)
      return table
    })
  }

  /** Lets a table forget the keys that hold nothing. */
  #dropVacant(table: TypedTable): void {
    const first = firstValueWord(table.keyKind)
    const numbers = this.#numberWords
    table.isVacant = (i32, f64, entry) => {
      const at = entry + first
      if (i32[at * 2] !== 0 || i32[at * 2 + 1] !== 0) return false
      for (const word of numbers) if (!Number.isNaN(f64[at + word])) return false
      return true
    }
  }

  /** Whether pages and objects are saved ahead of their changes. */
  get isSaving(): boolean {
    return this.#snapshots.isOpen
  }

  /** Every declared state as it is now; costs nothing that grows with the state. */
  snapshot(): readonly StateSnapshot[] {
    return this.#snapshots.begin(this.#tables, this.#objects, [...this.#declared.values()])
  }

  /** The shape of a declared state. */
  shapeOf(name: string): StateShape | undefined {
    return this.#declared.get(name)?.shape
  }

  /** Gives the current key one more row of a state, behind those it has. */
  restoreRow(name: string, row: readonly unknown[]): void {
    const { slot, word, handle, shape } = this.#declared.get(name)!
    if (word > 0) (handle as ValueState<unknown>).update(row[0])
    else this.#writeObject(name, slot, shape.restore(this.#readObject(name, slot), row))
  }

  /** Where the rows of a state lie, if it is words. */
  rowWordsOf(name: string): RowWords | undefined {
    const { slot, word, codec } = this.#declared.get(name)!
    return codec && { name, names: codec.names, word, mark: 1 << slot }
  }

  /** As restoreRow, of a row that is given by the columns of its fields. */
  restoreNumbers({ name, word, mark }: RowWords, columns: readonly Float64Array[], row: number): void {
    const at = this.ensure(name)
    const { i32, f64 } = this.table
    this.table.saveBefore(at)
    i32[at * 2]! |= mark
    for (let c = 0; c < columns.length; c++) f64[at + word + c] = columns[c]![row]!
  }

  /** Keys that hold state. */
  get numKeys(): number {
    let keys = 0
    for (const table of this.#tables) {
      table.forEach((entry) => {
        if (table.isVacant?.(table.i32, table.f64, entry) === false) keys++
      })
    }
    return keys
  }

  /** Of the tables. */
  get sizeBytes(): number {
    let bytes = 0
    for (const table of this.#tables) bytes += table.sizeBytes
    return bytes
  }

  /** All values of one state, key group by key group. */
  *entries(name: string): IterableIterator<StateEntry> {
    const declared = this.#declared.get(name)
    assert(declared !== undefined, `state ${name} of ${this.#options.operatorName} is declared before it is iterated`)
    for (const [group, table] of this.#tables.entries()) {
      const found: number[] = []
      table.forEach((entry) => found.push(entry))
      for (const entry of found) {
        const value = this.#valueAt(table, entry + this.#first, declared)
        if (value === undefined) continue
        yield { keyGroup: group + this.#options.groups.first, key: this.keys.keyOf(table.keyAt(entry)), namespace: undefined, value }
      }
    }
  }

  #valueAt(table: TypedTable, at: number, { slot, word, codec }: Declared): unknown {
    const { i32, f64 } = table
    const isMarked = (i32[at * 2]! & (1 << slot)) !== 0
    if (codec !== undefined && isMarked) return codec.read(f64, at)
    if (codec === undefined && word > 0 && (isMarked || !Number.isNaN(f64[at + word]))) return f64[at + word]
    return this.#objects[i32[at * 2 + 1]!]?.[slot]
  }

  /** The way to a state's value among the objects of the current key. */
  #cell(name: string, slot: number): StateCell {
    return {
      what: `state ${name} of operator ${this.#options.operatorName}`,
      read: () => this.#readObject(name, slot),
      change: () => {
        const at = this.find(name)
        const index = at < 0 ? 0 : this.table.i32[at * 2 + 1]!
        if (index !== 0) this.#snapshots.saveObjects(index, this.#objects[index])
        return this.#objects[index]?.[slot]
      },
      write: (value) => this.#writeObject(name, slot, value),
      clear: () => {
        const at = this.find(name)
        const index = at < 0 ? 0 : this.table.i32[at * 2 + 1]!
        if (index !== 0) this.#clearObject(at, index, slot)
      },
    }
  }

  #readObject(name: string, slot: number): unknown {
    const at = this.find(name)
    return at < 0 ? undefined : this.#objects[this.table.i32[at * 2 + 1]!]?.[slot]
  }

  #writeObject(name: string, slot: number, value: unknown): void {
    const at = this.ensure(name)
    let index = this.table.i32[at * 2 + 1]!
    if (index === 0) index = this.#addObjects(at)
    else this.#snapshots.saveObjects(index, this.#objects[index])
    this.#objects[index]![slot] = value
  }

  #addObjects(at: number): number {
    const index = this.#freeObjects.pop() ?? this.#objects.length
    this.#snapshots.saveObjects(index, undefined)
    this.#objects[index] = new Array(this.#declared.size).fill(undefined)
    this.table.saveBefore(at)
    this.table.i32[at * 2 + 1] = index
    return index
  }

  #clearObject(at: number, index: number, slot: number): void {
    const objects = this.#objects[index]!
    this.#snapshots.saveObjects(index, objects)
    objects[slot] = undefined
    if (objects.some((value) => value !== undefined)) return
    this.table.saveBefore(at)
    this.table.i32[at * 2 + 1] = 0
    this.#objects[index] = undefined
    this.#freeObjects.push(index)
  }

  #notKeyed(name: string): StreamError {
    const { operatorName } = this.#options
    return new StreamError('INVALID_PROGRAM', `State ${name} of operator ${operatorName} was used outside of a keyed element or timer`, {
      hint: 'Keyed state belongs to the current key: use it in processElement and onTimer only, not in open, close, a promise or a callback.',
      place: { operator: operatorName },
    })
  }
}

/** Undeclared values are numbers often enough to keep a field for them. */
function mayBeNumber({ type }: StateDeclaration): boolean {
  const kind = type?.dataType.kind
  return kind === undefined || kind === 'float64' || kind === 'int32' || kind === 'int64' || kind === 'timestamp' || kind === 'any'
}

function numberKind({ type }: StateDeclaration): NumberKind {
  const kind = type?.dataType.kind
  return kind === 'int32' ? 'int32' : kind === 'int64' || kind === 'timestamp' ? 'whole' : 'any'
}
