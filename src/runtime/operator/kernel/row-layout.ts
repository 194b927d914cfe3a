/**
 * How a running row lies in a typed table: which fields are words of the entry, and which are kept in an object beside the
 * table. A layout only ever widens (key -> number -> rest), and the operator converts its tables then.
 *
 * | kind    | where                                                                            |
 * | ------- | -------------------------------------------------------------------------------- |
 * | key     | nowhere: it is the entry's key                                                   |
 * | number  | one word                                                                         |
 * | boolean | one word, 0 or 1                                                                 |
 * | rest    | an object with all such fields in the operator's list; one word holds its index  |
 */
import type { ColumnBatch } from '../../../base/columnar/column-batch.ts'
import type { ReadColumn } from '../../../base/columnar/read-column.ts'
import { setField } from '../../../base/columnar/read-column.ts'
import { restIndex } from '../../../base/columnar/schema.ts'
import type { KeySpec } from '../../../program/graph/operator-descriptor.ts'
import type { KeySpaceKind } from '../../state/key-space.ts'

export type FieldKind = 'key' | 'number' | 'boolean' | 'rest'

export interface LayoutField {
  readonly name: string
  readonly kind: FieldKind
  /** Value word of a number or boolean. */
  readonly word: number
}

export interface RowLayout {
  /** A row that is a value has one field, and it is a number. */
  readonly root: 'row' | 'value'
  readonly fields: readonly LayoutField[]
  /** Value words of an entry. */
  readonly words: number
  /** The value word that holds the index of the rest; -1: there is none. */
  readonly restWord: number
  readonly id: string
}

/** Layout of rows like those of a batch; undefined: they have none. `computed` is a field that is not the key's even where it is named so. */
export function layoutOf(batch: ColumnBatch, key: KeySpec, keyKind: KeySpaceKind, computed: string | undefined): RowLayout | undefined {
  const { schema, columns } = batch
  if (restIndex(schema) >= 0) return undefined
  const kinds = schema.fields.map((field, c): FieldKind => {
    const column = columns[c]!
    const kind = kindOf(column)
    if (schema.root === 'value' || key.kind !== 'field' || field.name !== key.field || field.name === computed) return kind
    // A key that is no number or string may equal another that is written differently.
    if (keyKind !== 'interned') return kind === 'number' ? 'key' : kind
    return field.type.kind === 'utf8' && column.validity === null ? 'key' : 'rest'
  })
  if (schema.root === 'value' && kinds[0] !== 'number') return undefined
  return makeLayout(
    schema.root,
    schema.fields.map(({ name }) => name),
    kinds,
  )
}

function kindOf({ layout, validity, dictionary }: ReadColumn): FieldKind {
  if (validity !== null || dictionary !== undefined || layout === 'objects') return 'rest'
  return layout === 'bits' || layout === 'u8' ? 'boolean' : 'number'
}

function makeLayout(root: 'row' | 'value', names: readonly string[], kinds: readonly FieldKind[]): RowLayout {
  let words = 0
  const fields = names.map(
    (name, f): LayoutField => ({ name, kind: kinds[f]!, word: kinds[f] === 'number' || kinds[f] === 'boolean' ? words++ : -1 }),
  )
  const restWord = kinds.includes('rest') ? words++ : -1
  return { root, fields, words, restWord, id: `${root} ${JSON.stringify(names)} ${kinds.join()}` }
}

/** The layout that holds rows of both; undefined: their fields differ. */
export function joinLayouts(a: RowLayout, b: RowLayout): RowLayout | undefined {
  if (a.id === b.id) return a
  if (a.root !== b.root || a.fields.length !== b.fields.length || a.fields.some(({ name }, f) => name !== b.fields[f]!.name))
    return undefined
  const kinds = a.fields.map(({ kind }, f): FieldKind => {
    const other = b.fields[f]!.kind
    if (kind === other) return kind
    return isNumeric(kind) && isNumeric(other) ? 'number' : 'rest'
  })
  if (a.root === 'value' && kinds[0] !== 'number') return undefined
  return makeLayout(
    a.root,
    a.fields.map(({ name }) => name),
    kinds,
  )
}

const isNumeric = (kind: FieldKind): boolean => kind === 'key' || kind === 'number'

/** The layout that holds this row of this key as well; undefined: the row has other fields. */
export function widenLayout(layout: RowLayout, row: unknown, key: unknown): RowLayout | undefined {
  if (layout.root === 'value') return typeof row === 'number' ? layout : undefined
  if (typeof row !== 'object' || row === null || Object.keys(row).length !== layout.fields.length) return undefined
  const values = layout.fields.map(({ name }) => (Object.hasOwn(row, name) ? (row as Record<string, unknown>)[name] : undefined))
  if (values.includes(undefined)) return undefined
  const kinds = layout.fields.map(({ kind }, f): FieldKind => {
    const value = values[f]
    if (kind === 'key') return Object.is(value, key) ? kind : typeof value === 'number' && typeof key === 'number' ? 'number' : 'rest'
    return kind === 'rest' || typeof value === kind ? kind : 'rest'
  })
  if (kinds.every((kind, f) => kind === layout.fields[f]!.kind)) return layout
  return makeLayout(
    layout.root,
    layout.fields.map(({ name }) => name),
    kinds,
  )
}

/** The row that lies at a word of a table; `restAt` answers what lies beside it. */
export function readRow(layout: RowLayout, f64: Float64Array, at: number, key: unknown, restAt: (index: number) => unknown): unknown {
  if (layout.root === 'value') return f64[at]
  const rest = layout.restWord < 0 ? undefined : (restAt(f64[at + layout.restWord]!) as Record<string, unknown>)
  const row: Record<string, unknown> = {}
  for (const { name, kind, word } of layout.fields) {
    setField(row, name, kind === 'key' ? key : kind === 'rest' ? rest![name] : kind === 'boolean' ? f64[at + word] === 1 : f64[at + word])
  }
  return row
}

/** Writes a row that fits the layout; its rest becomes the list's last. */
export function writeRow(layout: RowLayout, f64: Float64Array, at: number, row: any, rests: unknown[]): void {
  if (layout.root === 'value') {
    f64[at] = row
    return
  }
  const rest: Record<string, unknown> = {}
  for (const { name, kind, word } of layout.fields) {
    if (kind === 'rest') setField(rest, name, row[name])
    else if (kind !== 'key') f64[at + word] = Number(row[name])
  }
  if (layout.restWord >= 0) f64[at + layout.restWord] = rests.push(rest) - 1
}
