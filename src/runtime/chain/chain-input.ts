/**
 * One unit of work of a task, in the form its loop reads: rows, columns (a batch), or a range whose records are made in the
 * loop. `cursor` is the next row; a unit is done when it reaches `rowCount`.
 */
import type { ColumnBatch } from '../../base/columnar/column-batch.ts'
import type { Schema } from '../../base/columnar/data-type.ts'
import type { ReadColumn } from '../../base/columnar/read-column.ts'
import { restIndex } from '../../base/columnar/schema.ts'
import type { WatermarkState } from '../operator/watermark-state.ts'

interface UnitBase {
  readonly rowCount: number
  cursor: number
  /** Which input of the head operator. */
  readonly input: 0 | 1
  /** For sources: whose watermarks these records drive. */
  readonly watermarks: WatermarkState<any> | undefined
  /** Names the first record in messages. */
  readonly position: string
}

export type ChainUnit = UnitBase &
  (
    | { readonly form: 'rows'; readonly rows: readonly unknown[]; readonly timestamps: ArrayLike<number> | undefined }
    | { readonly form: 'range'; readonly generate: (index: number) => unknown; readonly from: number; readonly step: number }
    | { readonly form: 'batch'; readonly batch: ColumnBatch }
  )

/** Stands for the bits of a column that has none in the batch at hand, and may have in others of its shape. */
const someBits = new Uint8Array(0)

/**
 * The columns of a batch as its loop is made for them: where one holds a null, all that may are read with care. Else there
 * would be a loop for each pattern of columns with and without nulls. A key that is null is refused, so its column, if
 * `key` names one, is taken as it is.
 */
export function loopColumns({ schema, columns }: ColumnBatch, key: string | undefined): readonly ReadColumn[] {
  if (columns.every(({ validity }) => validity === null)) return columns
  return columns.map((column, c) => {
    const { name, nullable } = schema.fields[c]!
    return column.validity !== null || !nullable || name === key ? column : { ...column, validity: someBits }
  })
}

/** What decides the generated loop for a unit: units of equal shape share it. `key`: the field that the input is keyed by. */
export function shapeOf(unit: ChainUnit, key: string | undefined): string {
  if (unit.form !== 'batch') return `${unit.form}${unit.form === 'rows' && unit.timestamps !== undefined ? '@' : ''}/${unit.input}`
  const { schema, timestamps } = unit.batch
  let shape = `${fieldsText(schema)}/${unit.input}${timestamps === null ? '' : '@'}`
  for (const column of loopColumns(unit.batch, key)) {
    shape += `,${column.layout}${column.dictionary === undefined ? '' : 'd'}${column.validity === null ? '' : '?'}`
  }
  return shape
}

const fieldsTexts = new WeakMap<Schema, string>()

/** What a schema says of the text of a loop: the names. Types show in the layouts. */
function fieldsText(schema: Schema): string {
  let text = fieldsTexts.get(schema)
  if (text === undefined) {
    text = `${schema.root}${restIndex(schema) < 0 ? '' : '+'}${JSON.stringify(schema.fields.map(({ name }) => name))}`
    fieldsTexts.set(schema, text)
  }
  return text
}
