/**
 * Events of several kinds in one pass over the stream, as Nexmark's own table has them: one row an event with the columns
 * of every kind asked for, `auction_seller` and so on. In a row, what belongs to another kind means nothing.
 */
import type { DataType } from '../../src/base/columnar/data-type.ts'
import type { SourceColumn, SourceColumns } from '../../src/program/function/source.ts'
import { allocate, type Buffers, dataTypeOf, type EventKind, type Events, toColumns } from './event-columns.ts'

export const eventKinds = ['person', 'auction', 'bid'] as const satisfies readonly EventKind[]

/** Which columns of which kinds; events of other kinds are stepped over. Every row has its `kind` and `dateTime` besides. */
export type Selection = { readonly [K in EventKind]?: readonly Exclude<keyof Events[K] & string, 'dateTime'>[] }

type ColumnName<S extends Selection> = {
  [K in keyof S & EventKind]: S[K] extends readonly (infer C extends string)[] ? `${K}_${C}` : never
}[keyof S & EventKind]
export type EventRow<S extends Selection> = { kind: number; dateTime: number } & {
  [N in ColumnName<S>]: N extends `${infer K extends EventKind}_${infer C}` ? (C extends keyof Events[K] ? Events[K][C] : never) : never
}

/** What one pass writes into; null: events of that kind are stepped over. `kinds` is null where there is one kind only. */
export interface PassBuffers {
  readonly person: Buffers<'person'> | null
  readonly auction: Buffers<'auction'> | null
  readonly bid: Buffers<'bid'> | null
  readonly kinds: Int32Array | null
}

export function allocateSelection(selection: Selection, rows: number): PassBuffers {
  const dateTime = new Float64Array(rows)
  const make = <K extends EventKind>(kind: K): Buffers<K> | null => {
    const columns = selection[kind]
    return columns === undefined ? null : { ...allocate(kind, columns, rows, true), dateTime }
  }
  return { person: make('person'), auction: make('auction'), bid: make('bid'), kinds: new Int32Array(rows) }
}

export function selectionDataType(selection: Selection): DataType {
  const fields = eventKinds.flatMap((kind) => {
    const { fields: own } = dataTypeOf(kind, selection[kind] ?? []) as Extract<DataType, { kind: 'struct' }>
    return own.map((field) => ({ ...field, name: `${kind}_${field.name}` }))
  })
  return {
    kind: 'struct',
    fields: [
      { name: 'kind', type: { kind: 'int32' }, nullable: false },
      { name: 'dateTime', type: { kind: 'timestamp' }, nullable: false },
      ...fields,
    ],
  }
}

/** The first `rowCount` rows, columns in the order of selectionDataType. */
export function toSelectionUnit(selection: Selection, buffers: PassBuffers, rowCount: number): SourceColumns {
  const { dateTime } = (buffers.person ?? buffers.auction ?? buffers.bid)!
  const columns: SourceColumn[] = [
    { name: 'kind', values: buffers.kinds!.subarray(0, rowCount), kind: 'int32' },
    { name: 'dateTime', values: dateTime!.subarray(0, rowCount), kind: 'timestamp' },
  ]
  for (const kind of eventKinds) {
    const own = toColumns(kind, selection[kind] ?? [], buffers[kind] ?? {}, rowCount)
    columns.push(...own.map((column) => ({ ...column, name: `${kind}_${column.name}` })))
  }
  return { kind: 'columns', rowCount, columns }
}
