/**
 * How generated text reads the row at hand: a variable that holds an object, or columns of a batch of which an object is
 * only made where one is needed.
 */
import type { Schema } from '../../base/columnar/data-type.ts'
import type { ReadColumn } from '../../base/columnar/read-column.ts'
import { restIndex } from '../../base/columnar/schema.ts'
import { quote } from '../operator/kernel/quote.ts'

export interface RowText {
  /** The row as an expression: a variable, or a literal made on the spot. */
  readonly row: string
  /** The fields there are, where the row stands in columns. */
  readonly names?: readonly string[]
  field(name: string): string
  isNullable(name: string): boolean
  /** Whether the expression, where it is not null, is a number whatever the row. */
  isNumber(name: string): boolean
  /** What kind of column stands behind a field; undefined: an object's property of unknown type. */
  column(name: string): { readonly index: number; readonly column: ReadColumn } | undefined
}

export function objectRow(variable: string): RowText {
  return {
    row: variable,
    field: (name) => `${variable}${quote.access(name)}`,
    isNullable: () => true,
    isNumber: () => false,
    column: () => undefined,
  }
}

/** Text that declares, ahead of the loop, what columnRow's expressions use. `batch` is the batch's variable. */
export function columnDeclarations(columns: readonly ReadColumn[], batch: string): string {
  return columns
    .map((column, c) => {
      let text = `const q${c} = ${batch}.columns[${c}], d${c} = q${c}.data, o${c} = q${c}.offset`
      if (column.validity !== null) text += `, x${c} = q${c}.validity, b${c} = q${c}.validityBit`
      if (column.dictionary !== undefined) text += `, y${c} = q${c}.dictionary`
      return text
    })
    .join('\n')
}

/** Row `i` of the batch whose columns columnDeclarations declared. */
export function columnRow(schema: Schema, columns: readonly ReadColumn[]): RowText {
  const value = (c: number): string => {
    const text = present(columns[c]!, c)
    return columns[c]!.validity === null || columns[c]!.layout === 'objects' ? text : `(${isThere(c)} ? ${text} : null)`
  }
  const indexOf = (name: string) => schema.fields.findIndex((field) => field.name === name)
  if (restIndex(schema) >= 0) {
    // Fields beyond the schema's limits share one column: such rows are read whole.
    return {
      row: 'readRow(i)',
      field: (name) => `(readRow(i)${quote.access(name)} ?? null)`,
      isNullable: () => true,
      isNumber: () => false,
      column: () => undefined,
    }
  }
  return {
    names: schema.root === 'row' ? schema.fields.map((field) => field.name) : undefined,
    row:
      schema.root === 'value'
        ? value(0)
        : `{ ${schema.fields.map((field, c) => `${quote.property(field.name)}: ${value(c)}`).join(', ')} }`,
    field: (name) => (indexOf(name) < 0 ? 'null' : value(indexOf(name))),
    isNullable: (name) => indexOf(name) < 0 || columns[indexOf(name)]!.validity !== null || columns[indexOf(name)]!.layout === 'objects',
    isNumber: (name) => indexOf(name) < 0 || isNumeric(columns[indexOf(name)]!),
    column: (name) => (indexOf(name) < 0 ? undefined : { index: indexOf(name), column: columns[indexOf(name)]! }),
  }
}

const isNumeric = ({ layout, dictionary }: ReadColumn) =>
  dictionary === undefined && (layout === 'f64' || layout === 'i32' || layout === 'i64')

const isThere = (c: number) => `(x${c} === null || ((x${c}[(b${c} + i) >>> 3] >> ((b${c} + i) & 7)) & 1) === 1)`

function present(column: ReadColumn, c: number): string {
  if (column.dictionary !== undefined) return `y${c}[d${c}[o${c} + i]]`
  switch (column.layout) {
    case 'i64':
      return `(d${c}[o${c} + 2 * i] >>> 0) + d${c}[o${c} + 2 * i + 1] * 4294967296`
    case 'bits':
      return `((d${c}[(o${c} + i) >>> 3] >> ((o${c} + i) & 7)) & 1) === 1`
    case 'u8':
      return `d${c}[o${c} + i] === 1`
    default:
      return `d${c}[o${c} + i]`
  }
}
