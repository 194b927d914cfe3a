/**
 * Whether a state of a snapshot can be taken over by the state of the same name that a program declares, and how values written
 * under one type become values of another. Pure; used when a job is planned, by the command line and by the operators that restore.
 *
 * | found                     | wanted                        | is                                                       |
 * | ------------------------- | ----------------------------- | -------------------------------------------------------- |
 * | the same, or not declared | the same, or not declared     | taken as it is                                           |
 * | int32, int64, timestamp   | a number type that holds it   | evolved                                                  |
 * | T                         | nullable T, any               | evolved                                                  |
 * | fields                    | more fields, fewer fields     | evolved: new ones are null, or 0, '', false where no null may be |
 * | another form, scope, type |                               | incompatible                                             |
 *
 * Keys are equal by value, so number keys may change their number type, and nothing else of a key may change.
 */
import type { DataType, Field } from '../../base/columnar/data-type.ts'
import { setField } from '../../base/columnar/read-column.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { StateDescription } from './snapshot.ts'

interface ColumnType {
  readonly type: DataType
  readonly nullable: boolean
}

export type StateCheck = { readonly is: 'as is' | 'evolved' } | { readonly is: 'incompatible'; readonly error: StreamError }

/** What of a description counts. */
export type StateType = Pick<StateDescription, 'name' | 'scope' | 'form' | 'declared'>

export function checkState(operator: string, found: StateType, wanted: StateType): StateCheck {
  if (found.form !== wanted.form || found.scope !== wanted.scope) {
    return incompatible(operator, found.name, kindOf(found), kindOf(wanted))
  }
  let evolved = false
  for (const [column, want] of Object.entries(wanted.declared ?? {})) {
    const have = found.declared?.[column]
    if (have === undefined) continue
    const fits = column === 'key' || column === 'mapKey' ? compareKeys(have, want) : compare(have, want)
    if (fits === 'no') {
      const where = column === 'value' || column === 'mapValue' ? '' : `${column} `
      return incompatible(operator, found.name, where + typeText(have), where + typeText(want))
    }
    if (fits === 'evolved') evolved = true
  }
  return { is: evolved ? 'evolved' : 'as is' }
}

/** As checkState, and throws where they are incompatible. */
export function mustTakeOver(operator: string, found: StateType, wanted: StateType): void {
  const check = checkState(operator, found, wanted)
  if (check.is === 'incompatible') throw check.error
}

/** A state as people are told of it: `value state of t.float64`. */
export function stateTypeText(state: StateType): string {
  const types = Object.entries(state.declared ?? {}).map(([column, type]) => (column === 'value' ? '' : `${column} `) + typeText(type))
  return kindOf(state) + (types.length === 0 ? '' : ` of ${types.join(', ')}`)
}

const kindOf = ({ form, scope }: StateType): string => (scope === 'keyed' ? `${form} state` : `${scope} ${form} state`)

function incompatible(operator: string, name: string, found: string, wanted: string): StateCheck {
  return { is: 'incompatible', error: misfit(operator, name, found, wanted) }
}

/** `found`, `wanted`: what state of what type. */
export function misfit(operator: string, name: string, found: string, wanted: string): StreamError {
  const message = `State ${name} of operator ${operator} is ${wanted} in the program and ${found} in the snapshot`
  const hint =
    'Fields may be added and removed and numbers widened. For any other change give the state another name, and it begins empty, or declare it as it was.'
  return new StreamError('STATE_INCOMPATIBLE', message, { hint, place: { operator } })
}

type Comparison = 'same' | 'evolved' | 'no'

const numberRank: Readonly<Record<string, number>> = { int32: 0, int64: 1, timestamp: 1, float64: 2 }

function compare(have: ColumnType, want: ColumnType): Comparison {
  if (want.type.kind === 'any') return have.type.kind === 'any' ? 'same' : 'evolved'
  if (have.nullable && !want.nullable) return 'no'
  const fits = compareTypes(have.type, want.type)
  return fits === 'same' && have.nullable !== want.nullable ? 'evolved' : fits
}

function compareTypes(have: DataType, want: DataType): Comparison {
  if (have.kind === 'null') return want.kind === 'null' ? 'same' : 'evolved'
  if (have.kind === 'struct' && want.kind === 'struct') return compareFields(have.fields, want.fields)
  if (have.kind === 'list' && want.kind === 'list')
    return compare({ type: have.item, nullable: have.itemNullable }, { type: want.item, nullable: want.itemNullable })
  if (have.kind === want.kind) return 'same'
  const [from, to] = [numberRank[have.kind], numberRank[want.kind]]
  return from !== undefined && to !== undefined && from < to ? 'evolved' : 'no'
}

function compareFields(have: readonly Field[], want: readonly Field[]): Comparison {
  let evolved = have.some(({ name }) => !want.some((field) => field.name === name))
  for (const field of want) {
    const known = have.find(({ name }) => name === field.name)
    const fits = known === undefined ? 'evolved' : compare(known, field)
    if (fits === 'no') return 'no'
    if (fits === 'evolved') evolved = true
  }
  return evolved ? 'evolved' : 'same'
}

/** Numbers are equal whatever their type, and a field of a key that is added or removed makes it another key. */
function compareKeys(have: ColumnType, want: ColumnType): Comparison {
  const [from, to] = [numberRank[have.type.kind], numberRank[want.type.kind]]
  if (from !== undefined && to !== undefined) return 'same'
  return typeText({ ...have, nullable: false }) === typeText({ ...want, nullable: false }) ? 'same' : 'no'
}

/** Whether every value of the one type is taken over as one of the other. */
export const isTakenOver = (have: ColumnType, want: ColumnType): boolean => compare(have, want) !== 'no'

/** How a value of one type becomes one of another that it fits; undefined: it is the value itself. */
export function evolution(have: ColumnType | undefined, want: ColumnType | undefined): ((value: unknown) => unknown) | undefined {
  if (have === undefined || want === undefined || compare(have, want) !== 'evolved') return undefined
  const convert = conversion(have.type, want.type)
  return convert && ((value) => (value === null || value === undefined ? null : convert(value)))
}

/** The same for a value that is there, whether all of it will fit or not. */
export function conversion(have: DataType, want: DataType): ((value: any) => unknown) | undefined {
  if (have.kind === 'list' && want.kind === 'list') {
    const item = evolution({ type: have.item, nullable: have.itemNullable }, { type: want.item, nullable: want.itemNullable })
    return item && ((values: unknown[]) => values.map(item))
  }
  if (have.kind !== 'struct' || want.kind !== 'struct') return undefined
  const fields = want.fields.map((field) => {
    const known = have.fields.find(({ name }) => name === field.name)
    return { name: field.name, known: known !== undefined, convert: evolution(known, field), field }
  })
  return (value: Record<string, unknown>) => {
    const row: Record<string, unknown> = {}
    for (const { name, known, convert, field } of fields) {
      setField(row, name, !known ? defaultOf(field) : convert === undefined ? value[name] : convert(value[name]))
    }
    return row
  }
}

/** What a field holds that a value was written without. */
function defaultOf({ type, nullable }: ColumnType): unknown {
  if (nullable) return null
  switch (type.kind) {
    case 'int32':
    case 'int64':
    case 'float64':
    case 'timestamp':
      return 0
    case 'boolean':
      return false
    case 'bigint':
      return 0n
    case 'utf8':
      return ''
    case 'binary':
      return new Uint8Array(0)
    case 'date':
      return new Date(0)
    case 'list':
      return []
    case 'struct':
      return Object.fromEntries(type.fields.map((field) => [field.name, defaultOf(field)]))
    default:
      return null
  }
}

/** A type as a user writes it: `t.row({ a: t.int32 })`. */
export function typeText({ type, nullable }: ColumnType): string {
  const text =
    type.kind === 'struct'
      ? `t.row({ ${type.fields.map((field) => `${field.name}: ${typeText(field)}`).join(', ')} })`
      : type.kind === 'list'
        ? `t.list(${typeText({ type: type.item, nullable: type.itemNullable })})`
        : `t.${type.kind}`
  return nullable ? `t.nullable(${text})` : text
}
