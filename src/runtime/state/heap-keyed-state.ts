/**
 * Keyed state of one operator subtask, as objects on the heap, in key groups. A handle reads and writes the value of the
 * current key and the current namespace (a window; undefined is the key's own). A key that holds nothing takes no memory.
 * Values are the user's own: they are cloned on write and on read, unless the operator says that it shares rows.
 */
import { canonicalKey, hashKey, keyGroupOf } from '../../base/columnar/key-hash.ts'
import { assert, StreamError } from '../../base/core/stream-error.ts'
import type { StateDeclaration } from '../../program/function/state.ts'
import { mustTakeOver } from './check-state-types.ts'
import { cloneValue } from './clone-value.ts'
import { type EntryTable, HeapSnapshots, type KeyEntry, type KeyGroups, type NamespaceColumns } from './heap-snapshots.ts'
import { restoredRows } from './restored-rows.ts'
import type { RestoredTable, StateSnapshot } from './snapshot.ts'
import { makeStateHandle, type StateHandle } from './state-handle.ts'
import { type StateShape, shapeOf } from './state-shape.ts'

/** What state is scoped to beside the key. A window operator uses its windows. */
export type Namespace = string | number | undefined

/** How a handle reaches the value of the current key and namespace. `undefined` is: nothing there. */
export interface StateCell {
  /** `state total of operator counts`: for messages. */
  readonly what: string
  read(): unknown
  /** As read, for one who changes in place what he gets. */
  change(): unknown
  write(value: unknown): void
  clear(): void
}

export interface HeapKeyedStateOptions {
  /** For messages. */
  readonly operatorName: string
  readonly maxParallelism: number
}

export interface DeclareOptions {
  /** For the engine's own use: what is stored and read is shared, and nobody changes it. */
  readonly shareValues?: boolean
  /** For the engine's own use: values are neither copied nor looked into; the operator may change them where they lie. */
  readonly asIs?: boolean
  /** The state belongs to the key whatever the current namespace. */
  readonly perKey?: boolean
  /** For values that the owner changes in place, behind a call of `aboutToChange`: what a snapshot keeps of one. */
  readonly copy?: (value: unknown) => unknown
}

export interface HeapSnapshotOptions {
  /** How namespaces stand in rows, where states have them. */
  readonly namespaces?: NamespaceColumns
  /** States whose rows are not what their kind of state says, by name. */
  readonly shapes?: Readonly<Record<string, StateShape>>
  /** Tables made of all that a key holds, and the states that are in them and need none of their own. */
  readonly tables?: readonly EntryTable[]
  readonly within?: readonly string[]
}

/** One value in state, as a snapshot sees it. */
export interface StateEntry {
  readonly keyGroup: number
  readonly key: unknown
  readonly namespace: Namespace
  /** In the handle's own form; see state-handle.ts. */
  readonly value: unknown
}

interface Declared {
  readonly name: string
  readonly slot: number
  readonly declaration: StateDeclaration
  readonly handle: StateHandle
  readonly shape: StateShape
  readonly perKey: boolean
}

export class HeapKeyedState {
  readonly #operatorName: string
  readonly #maxParallelism: number
  #groups: KeyGroups = []
  readonly #snapshots = new HeapSnapshots()
  readonly #declared = new Map<string, Declared>()
  #active = false
  #key: unknown
  #canonical: string | number = 0
  /** -1: not computed yet, since many elements touch no state. */
  #group = -1
  /** Whether #entry has been looked up for the current key. */
  #resolved = false
  #entry: KeyEntry | undefined
  #namespace: Namespace

  constructor(options: HeapKeyedStateOptions) {
    this.#operatorName = options.operatorName
    this.#maxParallelism = options.maxParallelism
  }

  /** Makes `key` current and leaves any namespace. */
  setCurrentKey(key: unknown): void {
    this.#namespace = undefined
    if (key === this.#key && typeof key !== 'object' && key !== undefined) {
      this.#active = true
      return
    }
    this.#canonical = canonicalKey(key)
    this.#key = key
    this.#group = -1
    this.#resolved = false
    this.#entry = undefined
    this.#active = true
  }

  setCurrentNamespace(namespace: Namespace): void {
    this.#namespace = namespace
  }

  /** Outside of a turn there is no current key, and touching state is an error. */
  leaveKey(): void {
    this.#active = false
  }

  get currentKey(): unknown {
    this.#mustBeKeyed('The current key')
    return this.#key
  }

  get currentKeyGroup(): number {
    this.#mustBeKeyed('The current key group')
    if (this.#group < 0) this.#group = keyGroupOf(hashKey(this.#key), this.#maxParallelism)
    return this.#group
  }

  /** The handle of a state. Declaring it again alike gives the same handle; declaring it otherwise is an error. */
  declare<H>(name: string, declaration: StateDeclaration<H>, options: DeclareOptions = {}): H {
    const known = this.#declared.get(name)
    if (known !== undefined) {
      mustMatch(this.#operatorName, name, known.declaration, declaration)
      return known.handle as H
    }
    const slot = this.#declared.size
    const perKey = options.perKey === true
    const cell = this.#cell(name, slot, perKey)
    const sharing = options.asIs ? 'as is' : options.shareValues ? 'shared' : 'own'
    const handle = makeStateHandle(declaration, cell, sharing)
    this.#declared.set(name, { name, slot, declaration, handle, shape: shapeOf(declaration, cell.what, sharing, options.copy), perKey })
    return handle as H
  }

  /** Drops all state of the current key in a namespace. */
  clearNamespace(namespace: string | number): void {
    this.#mustBeKeyed('A namespace')
    const entry = this.#lookup()
    if (!entry?.spaces?.has(namespace)) return
    this.#snapshots.save(entry)
    entry.spaces.delete(namespace)
    this.#dropIfEmpty(entry)
  }

  /**
   * Moves the current key's list, reducing and aggregating state from the sources into the target, in the given order, behind what
   * the target holds. `names` limits it to some states; value and map state cannot be merged.
   */
  mergeNamespaces(target: string | number, sources: readonly (string | number)[], names?: readonly string[]): void {
    this.#mustBeKeyed('A namespace')
    const current = this.#namespace
    for (const { name, slot, handle } of this.#declared.values()) {
      if (names !== undefined && !names.includes(name)) continue
      for (const source of sources) {
        if (source === target) continue
        const moved = this.#read(slot, source)
        if (moved === undefined) continue
        if (handle.merge === undefined) throw this.#notMergeable(name)
        this.#clear(slot, source)
        this.#namespace = target
        handle.merge(moved)
      }
    }
    this.#namespace = current
  }

  /** To be called ahead of a change, in place, of what a state declared `asIs` holds for the current key. */
  aboutToChange(): void {
    if (!this.#snapshots.isOpen) return
    const entry = this.#lookup()
    if (entry !== undefined) this.#snapshots.save(entry)
  }

  /** Whether keys are saved ahead of their changes. */
  get isSaving(): boolean {
    return this.#snapshots.isOpen
  }

  /** Every declared state as it is now; costs nothing that grows with the state. */
  snapshot({ namespaces, shapes, tables, within = [] }: HeapSnapshotOptions = {}): readonly StateSnapshot[] {
    const declared = [...this.#declared.values()]
    const alone = declared.filter(({ name }) => !within.includes(name))
    const states = alone.map(({ name, slot, shape, perKey }) => {
      return { name, slot, shape: shapes?.[name] ?? shape, namespaces: perKey ? undefined : namespaces }
    })
    const copies = declared.map(({ shape }) => shape)
    return this.#snapshots.begin(this.#groups, copies, states, tables, (name) => this.#declared.get(name)!.slot)
  }

  has(name: string): boolean {
    return this.#declared.has(name)
  }

  /** Takes in the rows of a declared state, whose type they must fit. */
  async restore(table: RestoredTable, { namespaces, shapes }: HeapSnapshotOptions = {}): Promise<void> {
    const state = this.#declared.get(table.name)
    assert(state !== undefined, `state ${table.name} of ${this.#operatorName} is declared before it is restored`)
    const { slot, perKey } = state
    const shape = shapes?.[table.name] ?? state.shape
    mustTakeOver(this.#operatorName, table, { name: table.name, scope: 'keyed', form: shape.form, declared: shape.declared })
    const spaces = perKey ? undefined : namespaces
    const names = [...(spaces?.names ?? []), ...shape.columns]
    const width = spaces?.names.length ?? 0
    for await (const { keys, rows } of restoredRows(table, names, shape.declared, this.#operatorName)) {
      for (const [i, row] of rows.entries()) {
        this.setCurrentKey(keys[i])
        const namespace = spaces?.fromColumns(row.slice(0, width))
        this.#write(slot, namespace, shape.restore(this.#read(slot, namespace), width === 0 ? row : row.slice(width)))
      }
    }
    this.leaveKey()
  }

  /** Forgets all keys. */
  clear(): void {
    // Open snapshots keep the groups that they began with.
    this.#groups = []
    this.#key = undefined
    this.#resolved = false
    this.#entry = undefined
    this.#active = false
  }

  /** Keys that hold state. */
  get numKeys(): number {
    let keys = 0
    for (const group of this.#groups) keys += group?.size ?? 0
    return keys
  }

  /** All values of one state, key group by key group. */
  *entries(name: string): IterableIterator<StateEntry> {
    const declared = this.#declared.get(name)
    assert(declared !== undefined, `state ${name} of ${this.#operatorName} is declared before it is iterated`)
    const { slot } = declared
    for (const [keyGroup, group] of this.#groups.entries()) {
      for (const { key, own, spaces } of group?.values() ?? []) {
        if (own?.[slot] !== undefined) yield { keyGroup, key, namespace: undefined, value: own[slot] }
        for (const [namespace, slots] of spaces ?? []) {
          if (slots[slot] !== undefined) yield { keyGroup, key, namespace, value: slots[slot] }
        }
      }
    }
  }

  #cell(name: string, slot: number, perKey: boolean): StateCell {
    const namespace = (): Namespace => {
      if (!this.#active) this.#mustBeKeyed(`State ${name}`)
      return perKey ? undefined : this.#namespace
    }
    return {
      what: `state ${name} of operator ${this.#operatorName}`,
      read: () => this.#read(slot, namespace()),
      change: () => {
        const at = namespace()
        this.aboutToChange()
        return this.#read(slot, at)
      },
      write: (value) => this.#write(slot, namespace(), value),
      clear: () => this.#clear(slot, namespace()),
    }
  }

  #lookup(): KeyEntry | undefined {
    if (!this.#resolved) {
      this.#entry = this.#groups[this.currentKeyGroup]?.get(this.#canonical)
      this.#resolved = true
    }
    return this.#entry
  }

  #read(slot: number, namespace: Namespace): unknown {
    const entry = this.#lookup()
    if (entry === undefined) return undefined
    const slots = namespace === undefined ? entry.own : entry.spaces?.get(namespace)
    return slots?.[slot]
  }

  #write(slot: number, namespace: Namespace, value: unknown): void {
    const entry = this.#lookup() ?? this.#addEntry()
    this.#snapshots.save(entry)
    let slots = namespace === undefined ? entry.own : entry.spaces?.get(namespace)
    if (slots === undefined) {
      slots = new Array(this.#declared.size).fill(undefined)
      if (namespace === undefined) {
        entry.own = slots
      } else {
        entry.spaces ??= new Map()
        entry.spaces.set(namespace, slots)
      }
    }
    slots[slot] = value
  }

  #clear(slot: number, namespace: Namespace): void {
    const entry = this.#lookup()
    const slots = namespace === undefined ? entry?.own : entry?.spaces?.get(namespace)
    if (entry === undefined || slots?.[slot] === undefined) return
    this.#snapshots.save(entry)
    slots[slot] = undefined
    if (slots.some((value) => value !== undefined)) return
    if (namespace === undefined) entry.own = undefined
    else entry.spaces!.delete(namespace)
    this.#dropIfEmpty(entry)
  }

  #addEntry(): KeyEntry {
    const group = this.currentKeyGroup
    // The user keeps the key that he gave; ours must not change with it.
    const key = cloneValue(this.#key, `The key of operator ${this.#operatorName}`)
    const canonical = key === this.#canonical ? (key as string | number) : this.#canonical
    const entry: KeyEntry = { key, own: undefined, spaces: undefined, epoch: this.#snapshots.epoch }
    const keys = this.#groups[group] ?? new Map<string | number, KeyEntry>()
    this.#groups[group] = keys.set(canonical, entry)
    this.#entry = entry
    return entry
  }

  #dropIfEmpty(entry: KeyEntry): void {
    if (entry.own !== undefined || (entry.spaces !== undefined && entry.spaces.size > 0)) return
    this.#groups[this.currentKeyGroup]?.delete(this.#canonical)
    this.#snapshots.drop(this.currentKeyGroup, entry)
    this.#entry = undefined
  }

  #mustBeKeyed(what: string): void {
    if (this.#active) return
    throw new StreamError('INVALID_PROGRAM', `${what} of operator ${this.#operatorName} was used outside of a keyed element or timer`, {
      hint: 'Keyed state belongs to the current key: use it in processElement and onTimer only, not in open, close, a promise or a callback.',
      place: { operator: this.#operatorName },
    })
  }

  #notMergeable(name: string): StreamError {
    const { kind } = this.#declared.get(name)!.declaration
    return new StreamError('INVALID_PROGRAM', `State ${name} of operator ${this.#operatorName} is ${kind} state and cannot be merged`, {
      hint: 'With session windows use list, reducing or aggregating state; an aggregate function then needs merge().',
      place: { operator: this.#operatorName },
    })
  }
}

export function mustMatch(operator: string, name: string, known: StateDeclaration, again: StateDeclaration): void {
  const same = describe(known) === describe(again) && functionOf(known) === functionOf(again)
  if (same) return
  throw new StreamError(
    'STATE_INCOMPATIBLE',
    `State ${name} of operator ${operator} is declared twice: as ${describe(known)} and as ${describe(again)}`,
    {
      hint: 'Give each state of an operator a name of its own.',
      place: { operator },
    },
  )
}

function describe(declaration: StateDeclaration): string {
  const types = [declaration.kind === 'map' ? declaration.keyType : undefined, declaration.type]
  return `${declaration.kind}(${types.map((type) => (type === undefined ? 'inferred' : JSON.stringify(type.dataType) + (type.nullable ? '?' : ''))).join(', ')})`
}

function functionOf(declaration: StateDeclaration): unknown {
  return declaration.kind === 'reducing' ? declaration.reduce : declaration.kind === 'aggregating' ? declaration.aggregate : undefined
}
