/**
 * The three kinds of events as columns: which there are, their physical form, and one unit's worth of them. A column that
 * was not asked for is null here, and nothing is made for it.
 */
import type { DataType } from '../../src/base/columnar/data-type.ts'
import type { SourceColumn, SourceColumns } from '../../src/program/function/source.ts'
import { channels, cities, names, states, urls } from './tables.ts'

export interface Person {
  id: number
  name: string
  emailAddress: string
  creditCard: string
  city: string
  state: string
  dateTime: number
  extra: string
}

export interface Auction {
  id: number
  itemName: string
  description: string
  initialBid: number
  reserve: number
  dateTime: number
  expires: number
  seller: number
  category: number
  extra: string
}

export interface Bid {
  auction: number
  bidder: number
  price: number
  channel: string
  url: string
  dateTime: number
  extra: string
}

export interface Events {
  person: Person
  auction: Auction
  bid: Bid
}
export type EventKind = keyof Events

type Form = 'int32' | 'timestamp' | 'text' | (() => readonly string[])
const dictionary = (values: readonly string[]) => () => values

/** In the order of the canonical form. A function gives the dictionary that an index column goes by. */
export const forms: { readonly [K in EventKind]: { readonly [C in keyof Events[K]]: Form } } = {
  person: {
    id: 'int32',
    name: dictionary(names),
    emailAddress: 'text',
    creditCard: 'text',
    city: dictionary(cities),
    state: dictionary(states),
    dateTime: 'timestamp',
    extra: 'text',
  },
  auction: {
    id: 'int32',
    itemName: 'text',
    description: 'text',
    initialBid: 'int32',
    reserve: 'int32',
    dateTime: 'timestamp',
    expires: 'timestamp',
    seller: 'int32',
    category: 'int32',
    extra: 'text',
  },
  bid: { auction: 'int32', bidder: 'int32', price: 'int32', channel: channels, url: urls, dateTime: 'timestamp', extra: 'text' },
}

export const columnNames = <K extends EventKind>(kind: K): (keyof Events[K] & string)[] =>
  Object.keys(forms[kind]) as (keyof Events[K] & string)[]

/** The row type of these columns. */
export function dataTypeOf(kind: EventKind, columns: readonly string[]): DataType {
  const typeOf = (form: Form): DataType => ({ kind: form === 'int32' || form === 'timestamp' ? form : 'utf8' })
  return {
    kind: 'struct',
    fields: columns.map((name) => ({ name, type: typeOf((forms[kind] as Record<string, Form>)[name]!), nullable: false })),
  }
}

/** Arrays to write rows into, by column name; index columns are Int32Array as ids are. */
export type Buffers<K extends EventKind> = {
  readonly [C in keyof Events[K]]:
    | (Events[K][C] extends string
        ? C extends DictionaryColumn
          ? Int32Array
          : string[]
        : C extends TimeColumn
          ? Float64Array
          : Int32Array)
    | null
}
type TimeColumn = 'dateTime' | 'expires'
type DictionaryColumn = 'name' | 'city' | 'state' | 'channel' | 'url'

/** `sparse`: not every row will be written. */
export function allocate<K extends EventKind>(kind: K, wanted: readonly string[], rows: number, sparse = false): Buffers<K> {
  const text = () => (sparse ? new Array<string>(rows).fill('') : [])
  const make = (form: Form) => (form === 'text' ? text() : form === 'timestamp' ? new Float64Array(rows) : new Int32Array(rows))
  return Object.fromEntries(
    Object.entries<Form>(forms[kind]).map(([name, form]) => [name, wanted.includes(name) ? make(form) : null]),
  ) as Buffers<K>
}

/** The first `rowCount` rows, columns in the order of `wanted`. */
export const toUnit = (kind: EventKind, wanted: readonly string[], buffers: object, rowCount: number): SourceColumns => ({
  kind: 'columns',
  rowCount,
  columns: toColumns(kind, wanted, buffers, rowCount),
})

export function toColumns(kind: EventKind, wanted: readonly string[], buffers: object, rowCount: number): SourceColumn[] {
  return wanted.map((name): SourceColumn => {
    const form = (forms[kind] as Record<string, Form>)[name]!
    const values = (buffers as Record<string, Int32Array | Float64Array | string[]>)[name]!
    if (Array.isArray(values)) return { name, values, kind: 'utf8' }
    const head = values.length === rowCount ? values : values.subarray(0, rowCount)
    if (typeof form === 'function') return { name, values: head, kind: 'utf8', dictionary: form() }
    return { name, values: head, kind: form === 'timestamp' ? 'timestamp' : 'int32' }
  })
}
