/**
 * One unit of work of a task, in the form its loop reads: rows, columns (a batch), or a range whose records are made in the
 * loop. `cursor` is the next row; a unit is done when it reaches `rowCount`.
 */
import type { ColumnBatch } from '../../base/columnar/column-batch.ts'
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

/** What decides the generated loop for a unit: units of equal shape share it. */
export function shapeOf(unit: ChainUnit): string {
  if (unit.form !== 'batch') return `${unit.form}${unit.form === 'rows' && unit.timestamps !== undefined ? '@' : ''}/${unit.input}`
  const { schema, columns, timestamps } = unit.batch
  let shape = `${schema.id}/${unit.input}${timestamps === null ? '' : '@'}`
  for (const column of columns) shape += `,${column.layout}${column.dictionary === undefined ? '' : 'd'}${column.validity === null ? '' : '?'}`
  return shape
}
