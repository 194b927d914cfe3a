/**
 * Whether the keys of a program can be those of a snapshot. Pure. Keys are equal by value: all numbers, bigints too, are of one kind, and
 * no key equals one of another kind, so state under such keys would never be met again.
 */
import type { DataType } from '../../base/columnar/data-type.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { typeText } from './check-state-types.ts'
import type { StateScope } from './snapshot.ts'

/** Of the keys of one state, the least type that holds them all. */
export interface KeyColumn {
  readonly type: DataType
  readonly nullable: boolean
}

/** A state with the type of its keys. */
export interface FoundKeys {
  readonly state: string
  readonly key: KeyColumn
}

/** What of the tables of one operator counts: those without rows say nothing of keys, nor do those of early snapshots. */
interface WrittenKeys {
  readonly name: string
  readonly scope: StateScope
  readonly key?: KeyColumn
}

const numbers: readonly string[] = ['int32', 'int64', 'float64', 'timestamp', 'bigint']

/** Whether no key of the one type equals one of the other; false where that is not known. */
export function neverEqual(a: DataType, b: DataType): boolean {
  if (isOpen(a) || isOpen(b)) return false
  if (a.kind === 'struct' && b.kind === 'struct')
    return a.fields.some(({ name, type }) => b.fields.some((field) => field.name === name && neverEqual(type, field.type)))
  if (a.kind === 'list' && b.kind === 'list') return neverEqual(a.item, b.item)
  return kindOf(a) !== kindOf(b)
}

const isOpen = ({ kind }: DataType): boolean => kind === 'any' || kind === 'null'
const kindOf = ({ kind }: DataType): string => (numbers.includes(kind) ? 'number' : kind)

/** The keys that an operator had; undefined: none, or of several kinds, so that no key is strange to it. */
export function keysOf(tables: Iterable<WrittenKeys>): FoundKeys | undefined {
  let found: FoundKeys | undefined
  for (const { name, scope, key } of tables) {
    if (scope !== 'keyed' || key === undefined) continue
    if (isOpen(key.type) || (found !== undefined && neverEqual(found.key.type, key.type))) return undefined
    found ??= { state: name, key }
  }
  return found
}

/** STATE_INCOMPATIBLE, with both types; undefined: they may be equal. */
export function keyMisfit(operator: string, { state, key }: FoundKeys, wanted: KeyColumn): StreamError | undefined {
  if (!neverEqual(key.type, wanted.type)) return undefined
  const text = ({ type }: KeyColumn): string => `keyed by ${typeText({ type, nullable: false })}`
  const message = `State ${state} of operator ${operator} is ${text(wanted)} in the program and ${text(key)} in the snapshot`
  const hint =
    'No key of the one type equals one of the other: key the stream as it was, or give the operator another uid, and it begins empty.'
  return new StreamError('STATE_INCOMPATIBLE', message, { hint, place: { operator } })
}
