/**
 * An Arrow IPC file of chunks of columns, for state: typed arrays go into the file by whole columns, opaque values as CBOR.
 * A file has one schema; its metadata says so (`headrace:opaque` = cbor) and keeps the kinds that Arrow lacks.
 */
import type * as Arrow from 'apache-arrow'
import { StreamError } from '../core/stream-error.ts'
import { wrapBlocks } from './arrow.ts'
import { type ArrowModule, loadArrow, opaqueKey, toArrowSchema } from './arrow-schema.ts'
import { type CborCodec, loadCbor } from './cbor.ts'
import { type ColumnSource, type SegmentViews, segmentViews } from './column-block.ts'
import type { Field, Schema } from './data-type.ts'
import { makeSchema } from './schema.ts'
import { writeColumn } from './write-column.ts'

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

const keptBytes = 1 << 20
/** A batch that takes more is cut in two. */
const batchBytes = 1 << 26
/** Offsets within a batch are int32. */
const largestRowBytes = 1 << 30

/** Where batches are put together, whichever file they are for: one is made and handed out in one go. */
let scratch: SegmentViews = segmentViews(new ArrayBuffer(1 << 17))

export class ColumnFileWriter {
  readonly schema: Schema
  readonly #arrow: ArrowModule
  readonly #arrowSchema: Arrow.Schema
  readonly #writer: Arrow.RecordBatchFileWriter

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

  /** One record batch, or several where the values are large. */
  write(columns: readonly ColumnSource[], rowCount: number): void {
    this.#writeRows(columns, 0, rowCount)
    if (scratch.limit > keptBytes) scratch = segmentViews(new ArrayBuffer(keptBytes))
  }

  #writeRows(columns: readonly ColumnSource[], from: number, count: number): void {
    while (!writeBlocks(columns, from, count)) {
      if (count > 1 && scratch.limit >= batchBytes) {
        const half = count >> 1
        this.#writeRows(columns, from, half)
        this.#writeRows(columns, from + half, count - half)
        return
      }
      if (scratch.limit >= largestRowBytes)
        throw new StreamError('RECORD_TOO_LARGE', `a row of a checkpoint takes more than ${largestRowBytes >> 20} MB`, {
          hint: 'Divide the value, for example into the entries of a map state or the elements of a list state.',
        })
      scratch = segmentViews(new ArrayBuffer(scratch.limit * 2))
    }
    const batch = wrapBlocks(this.#arrow, this.schema, scratch, 0, count)
    this.#writer.write(new this.#arrow.RecordBatch(this.#arrowSchema, batch.data))
  }

  finish(): void {
    this.#writer.finish()
  }
}

function writeBlocks(columns: readonly ColumnSource[], from: number, count: number): boolean {
  let at = 0
  for (const column of columns) {
    at = writeColumn(column, null, from, count, scratch, at)
    if (at < 0) return false
  }
  return true
}
