/**
 * The handles through which state is read and written, one kind each. They hold no value themselves: the cell finds it
 * for the current key and namespace.
 *
 * | kind                  | value in the cell                                        |
 * | --------------------- | -------------------------------------------------------- |
 * | value                 | the value                                                |
 * | list                  | an array, never empty                                    |
 * | map                   | Map of canonical key -> [key, value], never empty        |
 * | reducing, aggregating | [the reduced value] or [the accumulator]                 |
 */
import type { Type } from '../../base/columnar/data-type.ts'
import { canonicalKey } from '../../base/columnar/key-hash.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { AggregateFunction, ReduceFunction } from '../../program/function/functions.ts'
import type { AppendingState, ListState, MapState, StateDeclaration, ValueState } from '../../program/function/state.ts'
import { cloneValue, ownRow } from './clone-value.ts'
import { type DeclaredCheck, declaredCheck } from './declared-value.ts'
import type { StateCell } from './heap-keyed-state.ts'
import { accumulatorTypeOf } from './state-shape.ts'

export type StateHandle = (ValueState<unknown> | ListState<unknown> | MapState<unknown, unknown> | AppendingState<unknown, unknown>) & {
  /** Takes in what another namespace held; absent: this kind cannot be merged. */
  readonly merge?: (moved: unknown) => void
}

type Copy = (value: unknown) => unknown

/** How a value is taken into state and given out; `made` looks at what a function made of the values that were taken. */
interface Copies {
  readonly take: Copy
  readonly give: Copy
  readonly made?: DeclaredCheck
}

/** Whether a handle gives out copies (a user's state), the stored value whose strings are the state's own, or just what it was given. */
export type Sharing = 'own' | 'shared' | 'as is'

export function makeStateHandle(declaration: StateDeclaration, cell: StateCell, sharing: Sharing): StateHandle {
  const clone: Copy = (value) => cloneValue(value, cell.what)
  const same: Copy = (value) => value
  const copies: Copies = sharing === 'own' ? { take: clone, give: clone } : { take: sharing === 'shared' ? ownRow : same, give: same }
  // What the engine keeps for itself is of the type that it asked for.
  const check = (type: Type<unknown> | undefined, part?: 'key') => (sharing === 'own' ? declaredCheck(type, cell.what, part) : undefined)
  switch (declaration.kind) {
    case 'value':
      return valueHandle(cell, checked(copies, check(declaration.type)))
    case 'list':
      return listHandle(cell, checked(copies, check(declaration.type)))
    case 'map':
      return mapHandle(cell, checked(copies, check(declaration.type)), checked(copies, check(declaration.keyType, 'key')).take)
    case 'reducing':
      return reducingHandle(cell, checked(copies, check(declaration.type)), declaration.reduce)
    case 'aggregating':
      return aggregatingHandle(cell, { ...copies, made: check(accumulatorTypeOf(declaration)) }, declaration.aggregate)
  }
}

/** Takes only what passes; a value that does not fit is not looked into further. */
function checked(copies: Copies, made: DeclaredCheck | undefined): Copies {
  if (made === undefined) return copies
  const take: Copy = (value) => {
    made(value)
    return copies.take(value)
  }
  return { take, give: copies.give, made }
}

function valueHandle(cell: StateCell, { take, give }: Copies): StateHandle {
  return {
    get value(): unknown {
      const value = cell.read()
      return value === undefined ? null : give(value)
    },
    update(value: unknown): void {
      if (value === null || value === undefined) cell.clear()
      else cell.write(take(value))
    },
    clear: () => cell.clear(),
  }
}

function listHandle(cell: StateCell, { take, give }: Copies): StateHandle {
  const append = (value: unknown): void => {
    const taken = take(value)
    const list = cell.change() as unknown[] | undefined
    if (list === undefined) cell.write([taken])
    else list.push(taken)
  }
  return {
    get: () => ((cell.read() as unknown[] | undefined) ?? []).map(give),
    add: append,
    addAll: (values: Iterable<unknown>) => {
      for (const value of values) append(value)
    },
    update: (values: Iterable<unknown>) => {
      const list = Array.from(values, take)
      if (list.length === 0) cell.clear()
      else cell.write(list)
    },
    clear: () => cell.clear(),
    merge: (moved) => {
      const list = cell.change() as unknown[] | undefined
      if (list === undefined) cell.write(moved)
      else for (const value of moved as unknown[]) list.push(value)
    },
  }
}

type MapEntries = Map<string | number, [key: unknown, value: unknown]>

function mapHandle(cell: StateCell, { take, give }: Copies, takeKey: Copy): StateHandle {
  const entries = (): MapEntries | undefined => cell.read() as MapEntries | undefined
  const put = (key: unknown, value: unknown): void => {
    const entry: [unknown, unknown] = [takeKey(key), take(value)]
    const map = cell.change() as MapEntries | undefined
    if (map === undefined) cell.write(new Map([[canonicalKey(key), entry]]))
    else map.set(canonicalKey(key), entry)
  }
  // A copy of the list of entries: the loop that reads it may change the map.
  const list = (): [unknown, unknown][] => [...(entries()?.values() ?? [])]
  return {
    get: (key: unknown) => {
      const entry = entries()?.get(canonicalKey(key))
      return entry === undefined ? undefined : give(entry[1])
    },
    put,
    putAll: (pairs: Iterable<readonly [unknown, unknown]>) => {
      for (const [key, value] of pairs) put(key, value)
    },
    remove: (key: unknown) => {
      const map = cell.change() as MapEntries | undefined
      if (map?.delete(canonicalKey(key)) && map.size === 0) cell.clear()
    },
    contains: (key: unknown) => entries()?.has(canonicalKey(key)) ?? false,
    entries: () => given(list(), ([key, value]): [unknown, unknown] => [give(key), give(value)]),
    keys: () => given(list(), ([key]) => give(key)),
    values: () => given(list(), ([, value]) => give(value)),
    get isEmpty(): boolean {
      return entries() === undefined
    },
    clear: () => cell.clear(),
  }
}

function* given<E, R>(entries: readonly E[], give: (entry: E) => R): IterableIterator<R> {
  for (const entry of entries) yield give(entry)
}

function reducingHandle(cell: StateCell, { take, give, made }: Copies, fn: ReduceFunction<unknown>): StateHandle {
  const reduce = typeof fn === 'function' ? fn : fn.reduce.bind(fn)
  const add = (taken: unknown): void => {
    const box = cell.change() as [unknown] | undefined
    if (box === undefined) {
      cell.write([taken])
      return
    }
    const reduced = reduce(box[0], taken)
    made?.(reduced)
    box[0] = reduced
  }
  return {
    get: () => {
      const box = cell.read() as [unknown] | undefined
      return box === undefined ? undefined : give(box[0])
    },
    add: (value: unknown) => add(take(value)),
    clear: () => cell.clear(),
    merge: (moved) => add((moved as [unknown])[0]),
  }
}

function aggregatingHandle(cell: StateCell, { take, give, made }: Copies, fn: AggregateFunction<unknown, unknown, unknown>): StateHandle {
  return {
    get: () => {
      const box = cell.read() as [unknown] | undefined
      return box === undefined ? undefined : give(fn.getResult(box[0]))
    },
    add: (value: unknown) => {
      const box = cell.change() as [unknown] | undefined
      const added = fn.add(take(value), box === undefined ? fn.createAccumulator() : box[0])
      made?.(added)
      if (box === undefined) cell.write([added])
      else box[0] = added
    },
    clear: () => cell.clear(),
    merge: (moved) => {
      const box = cell.change() as [unknown] | undefined
      if (box === undefined) cell.write(moved)
      else if (fn.merge === undefined) throw withoutMerge(cell.what)
      else box[0] = fn.merge(box[0], (moved as [unknown])[0])
    },
  }
}

function withoutMerge(what: string): StreamError {
  return new StreamError('INVALID_PROGRAM', `${what} must be merged, and its aggregate function has no merge()`, {
    hint: 'Session windows merge: add merge(a, b) to the aggregate function.',
  })
}
