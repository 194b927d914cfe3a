/**
 * An Arrow IPC file of chunks of columns, for state: typed arrays go into the file by whole columns, opaque values as CBOR.
 * A file has one schema; its metadata says so (`headrace:opaque` = cbor) and keeps the kinds that Arrow lacks.
 */
import type * as Arrow from 'apache-arrow'
import { wrapBlocks } from './arrow.ts'
import { type ArrowModule, loadArrow, toArrowSchema } from './arrow-schema.ts'
import { type CborCodec, loadCbor } from './cbor.ts'
import { align8, type ColumnSource, type SegmentViews, segmentViews } from './column-block.ts'
import type { Field, Schema } from './data-type.ts'
import { makeSchema } from './schema.ts'
import { columnSizeBytes, writeColumn } from './write-column.ts'

export const opaqueKey = 'headrace:opaque'

/** What files of columns are written and read with; loaded once, when it is first needed. */
export interface ColumnFormat {
  readonly arrow: ArrowModule
  readonly cbor: CborCodec
}

let format: Promise<ColumnFormat> | undefined

export function loadColumnFormat(): Promise<ColumnFormat> {
  format ??= Promise.all([loadArrow(), loadCbor()]).then(([arrow, cbor]) => ({ arrow, cbor }))
  return format
}

export class ColumnFileWriter {
  readonly schema: Schema
  readonly #arrow: ArrowModule
  readonly #arrowSchema: Arrow.Schema
  readonly #writer: Arrow.RecordBatchFileWriter
  #views: SegmentViews = segmentViews(new ArrayBuffer(1 << 16))

  /** `output` is given the file's bytes in order, and copies them: the memory is used again. */
  constructor({ arrow }: ColumnFormat, fields: readonly Field[], output: (bytes: Uint8Array) => void) {
    this.schema = makeSchema('row', fields, true)
    this.#arrow = arrow
    const plain = toArrowSchema(arrow, this.schema)
    this.#arrowSchema = new arrow.Schema(plain.fields, new Map([...plain.metadata, [opaqueKey, 'cbor']]))
    const sink = new arrow.AsyncByteQueue<Uint8Array>()
    // The writer's own queue is only emptied by a consumer that waits: what it is given is taken at once instead.
    sink.write = (bytes) => output(typeof bytes === 'string' ? Buffer.from(bytes) : (bytes as Uint8Array))
    this.#writer = new arrow.RecordBatchFileWriter({ autoDestroy: false })
    this.#writer.reset(sink, this.#arrowSchema)
  }

  /** One record batch. */
  write(columns: readonly ColumnSource[], rowCount: number): void {
    const needed = columns.reduce((sum, column) => sum + align8(columnSizeBytes(column, null, 0, rowCount)), 64)
    if (needed > this.#views.limit) this.#views = segmentViews(new ArrayBuffer(align8(needed + (needed >> 2))))
    while (!this.#writeBlocks(columns, rowCount)) this.#views = segmentViews(new ArrayBuffer(this.#views.limit * 2))
    const batch = wrapBlocks(this.#arrow, this.schema, this.#views, 0, rowCount)
    this.#writer.write(new this.#arrow.RecordBatch(this.#arrowSchema, batch.data))
  }

  finish(): void {
    this.#writer.finish()
  }

  #writeBlocks(columns: readonly ColumnSource[], rowCount: number): boolean {
    let at = 0
    for (const column of columns) {
      at = writeColumn(column, null, 0, rowCount, this.#views, at)
      if (at < 0) return false
    }
    return true
  }
}
