/**
 * Arrow IPC files and streams: read batch by batch through ranges of the file, and written row by row. A file has one
 * schema: the declared one, or the least that holds the first records.
 */
import type * as Arrow from 'apache-arrow'
import { StreamError } from '../core/stream-error.ts'
import { wrapBlocks } from './arrow.ts'
import { type ArrowColumns, arrowColumns } from './arrow-columns.ts'
import { type ArrowModule, loadArrow, opaqueKey, toArrowSchema } from './arrow-schema.ts'
import type { Schema } from './data-type.ts'
import { findMisfit, schemaFromRow, widenSchema } from './schema.ts'
import { StagingBatch, stagingCapacity } from './staging-batch.ts'
import { align8, columnSizeBytes, type SegmentViews, segmentViews, writeColumn } from './write-column.ts'

/** What is needed of a file: FileReader of base/filesystem has it. */
export interface ByteRanges {
  readonly sizeBytes: number
  read(position: number, lengthBytes: number): Promise<Uint8Array>
}

export interface ArrowIpcReader {
  /** Batches of a file; undefined for a stream, which only knows its end when it comes. */
  readonly batchCount: number | undefined
  /** A state file of a checkpoint, whose opaque values are CBOR. */
  readonly isOfCheckpoint: boolean
  /** A batch by its number: any order in a file, 0, 1, ... in a stream. undefined: there is no such batch. */
  readBatch(index: number): Promise<ArrowColumns | undefined>
}

/** `path` is for messages. */
export async function openArrowIpc(file: ByteRanges, path: string, names?: readonly string[]): Promise<ArrowIpcReader> {
  const arrow = await loadArrow()
  const magic = await file.read(0, 6)
  const isFile = String.fromCharCode(...magic) === 'ARROW1'
  try {
    return isFile ? await openFile(arrow, file, path, names) : openStream(arrow, file, path, names)
  } catch (error) {
    throw malformed(error, path)
  }
}

async function openFile(arrow: ArrowModule, file: ByteRanges, path: string, names: readonly string[] | undefined): Promise<ArrowIpcReader> {
  if (file.sizeBytes < 18) throw new RangeError(`it has ${file.sizeBytes} bytes`)
  const footer = await file.read(file.sizeBytes - 6, 6)
  if (String.fromCharCode(...footer) !== 'ARROW1') throw new RangeError('it does not end as an Arrow file does')
  const reader = (await arrow.RecordBatchReader.from(fileHandle(file))) as Arrow.AsyncRecordBatchFileReader
  await reader.open()
  return {
    batchCount: reader.numRecordBatches,
    isOfCheckpoint: reader.schema.metadata.get(opaqueKey) === 'cbor',
    async readBatch(index) {
      try {
        const batch = await reader.readRecordBatch(index)
        return batch === null ? undefined : arrowColumns(arrow, batch, names, path)
      } catch (error) {
        throw malformed(error, path)
      }
    },
  }
}

function openStream(arrow: ArrowModule, file: ByteRanges, path: string, names: readonly string[] | undefined): ArrowIpcReader {
  const batches = streamBatches(arrow, file)
  let next = 0
  return {
    batchCount: undefined,
    isOfCheckpoint: false,
    async readBatch(index) {
      try {
        for (;;) {
          const { done, value } = await batches.next()
          if (done === true) return undefined
          if (next++ === index) return arrowColumns(arrow, value, names, path)
        }
      } catch (error) {
        throw malformed(error, path)
      }
    },
  }
}

async function* streamBatches(arrow: ArrowModule, file: ByteRanges): AsyncGenerator<Arrow.RecordBatch, void> {
  const blockBytes = 1 << 20
  async function* blocks(): AsyncGenerator<Uint8Array, void> {
    for (let position = 0; position < file.sizeBytes; ) {
      const block = await file.read(position, blockBytes)
      if (block.length === 0) return
      position += block.length
      yield block
    }
  }
  const reader = await arrow.RecordBatchReader.from(blocks())
  await reader.open({ autoDestroy: true })
  if (reader.schema === undefined || reader.schema === null)
    throw new TypeError('it begins with neither the magic of an Arrow file nor the schema of a stream')
  for await (const batch of reader) if (batch.numRows > 0 || batch.schema.fields.length > 0) yield batch
}

/** The part of Node's FileHandle that apache-arrow calls. */
export function fileHandle(file: ByteRanges): Parameters<typeof Arrow.RecordBatchReader.from>[0] {
  const handle = {
    fd: -1,
    stat: async () => ({ size: file.sizeBytes }),
    async read(buffer: Uint8Array, offset: number, length: number, position: number) {
      const bytes = await file.read(position, length)
      buffer.set(bytes, offset)
      return { bytesRead: bytes.length, buffer }
    },
    close: async () => {},
  }
  return handle as never
}

export function malformed(error: unknown, path: string): StreamError {
  if (error instanceof StreamError) return error
  return new StreamError('MALFORMED_INPUT', `cannot read ${path} as Arrow IPC: ${(error as Error).message}`, {
    hint: 'Check that it is a whole Arrow IPC file or stream. Compressed bodies (LZ4, ZSTD) are not supported: write it without compression.',
    place: { file: path },
    cause: error,
  })
}

/** Rows that decide an inferred schema. */
const sampleRows = stagingCapacity

/** Where an unfinished file can be gone on with, by another writer; plain JSON. */
export interface ArrowFileState {
  readonly schema: Schema
  readonly positionBytes: number
  /** Of each record batch, one after the other: its offset, the length of its head and of its body. */
  readonly blocks: readonly number[]
}

/** What the footer will say; apache-arrow keeps it to itself. */
interface FooterParts {
  _position: number
  _recordBatchBlocks: { readonly offset: number; readonly metaDataLength: number; readonly bodyLength: number }[]
}

/** Writes an Arrow IPC file. Each call returns the bytes that are ready, in order. */
export class ArrowIpcWriter {
  readonly #arrow: ArrowModule
  readonly #path: string
  readonly #declared: boolean
  readonly #writer: Arrow.RecordBatchFileWriter
  #ready: Uint8Array[] = []
  #started = false
  #sample: unknown[] | undefined
  #staging: StagingBatch

  private constructor(arrow: ArrowModule, path: string, schema: Schema | undefined) {
    this.#arrow = arrow
    this.#path = path
    this.#declared = schema !== undefined
    this.#sample = schema === undefined ? [] : undefined
    this.#staging = new StagingBatch(schema ?? null)
    const sink = new arrow.AsyncByteQueue<Uint8Array>()
    // The writer's own queue is only emptied by a consumer that waits: what it is given is taken at once instead.
    sink.write = (bytes) => void this.#ready.push(typeof bytes === 'string' ? Buffer.from(bytes) : new Uint8Array(bytes as Uint8Array))
    this.#writer = new arrow.RecordBatchFileWriter({ autoDestroy: false })
    this.#writer.reset(sink)
  }

  static async open(path: string, schema?: Schema): Promise<ArrowIpcWriter> {
    return new ArrowIpcWriter(await loadArrow(), path, schema)
  }

  /** Goes on behind what a writer that is gone had written when it was asked to persist. `declared` as in open. */
  static async resume(path: string, state: ArrowFileState, declared: boolean): Promise<ArrowIpcWriter> {
    const arrow = await loadArrow()
    const writer = new ArrowIpcWriter(arrow, path, declared ? state.schema : undefined)
    writer.#sample = undefined
    writer.#staging = new StagingBatch(state.schema)
    writer.#start(toArrowSchema(arrow, state.schema))
    // The beginning stands in the file already.
    writer.#takeReady()
    const parts = writer.#writer as unknown as FooterParts
    parts._position = state.positionBytes
    for (let i = 0; i < state.blocks.length; i += 3)
      parts._recordBatchBlocks.push({
        ...{ offset: state.blocks[i]!, metaDataLength: state.blocks[i + 1]!, bodyLength: state.blocks[i + 2]! },
      })
    return writer
  }

  /** Writes the rows still held. The state belongs to the file with these bytes; undefined: nothing has been written yet. */
  persist(): { readonly bytes: readonly Uint8Array[]; readonly state: ArrowFileState | undefined } {
    const first = this.#sample === undefined || this.#sample.length === 0 ? [] : this.#endSample()
    if (this.#staging.rowCount > 0) this.#writeBatch()
    const bytes = [...first, ...this.#takeReady()]
    if (!this.#started) return { bytes, state: undefined }
    const { _position, _recordBatchBlocks } = this.#writer as unknown as FooterParts
    const blocks = _recordBatchBlocks.flatMap(({ offset, metaDataLength, bodyLength }) => [offset, metaDataLength, bodyLength])
    return { bytes, state: { schema: this.#staging.schema as Schema, positionBytes: _position, blocks } }
  }

  append(row: unknown): readonly Uint8Array[] {
    if (this.#sample !== undefined) {
      this.#sample.push(row)
      return this.#sample.length < sampleRows ? [] : this.#endSample()
    }
    if (this.#staging.append(row, Number.NaN)) return []
    if (this.#staging.rowCount === stagingCapacity) this.#writeBatch()
    if (!this.#staging.append(row, Number.NaN)) throw this.#misfit(row)
    return this.#takeReady()
  }

  finish(): readonly Uint8Array[] {
    const first = this.#sample === undefined ? [] : this.#endSample()
    this.#writeBatch()
    this.#writer.finish()
    return [...first, ...this.#takeReady()]
  }

  #endSample(): readonly Uint8Array[] {
    const sample = this.#sample ?? []
    this.#sample = undefined
    let schema = sample.length === 0 ? undefined : schemaFromRow(sample[0])
    for (const row of sample) schema = widenSchema(schema as Schema, row)
    this.#staging = new StagingBatch(schema ?? null)
    return sample.flatMap((row) => this.append(row))
  }

  #writeBatch(): void {
    const { schema, rowCount, columns } = this.#staging
    if (schema === null) return this.#start(new this.#arrow.Schema([]))
    if (rowCount === 0) return this.#start(toArrowSchema(this.#arrow, schema))
    for (let sizeBytes = columns.reduce((sum, column) => sum + blockSize(column, rowCount), 64); ; sizeBytes *= 2) {
      const views = segmentViews(new ArrayBuffer(align8(sizeBytes)))
      if (!writeColumns(columns, rowCount, views)) continue
      this.#started = true
      this.#writer.write(wrapBlocks(this.#arrow, schema, views, 0, rowCount))
      break
    }
    this.#staging.clear()
  }

  /** A file without rows still says its schema. */
  #start(schema: Arrow.Schema): void {
    if (this.#started) return
    this.#started = true
    this.#writer.reset(undefined, schema)
  }

  #takeReady(): readonly Uint8Array[] {
    const ready = this.#ready
    this.#ready = []
    return ready
  }

  #misfit(row: unknown): StreamError {
    const misfit = findMisfit(this.#staging.schema as Schema, row)
    const what =
      misfit === null
        ? 'a record does not fit its schema'
        : `field '${misfit.field}' should be ${misfit.expected}, and a record came with ${misfit.got}`
    return new StreamError('TYPE_MISMATCH', `cannot write ${this.#path}: ${what}`, {
      hint: this.#declared
        ? 'Correct the declared type, or map the records before the sink.'
        : `An Arrow file has one schema, here that of the first ${sampleRows} records: declare it with arrowSink({ type: t.row({ ... }) }).`,
      place: { file: this.#path },
    })
  }
}

type Columns = StagingBatch['columns']

const sourceOf = ({ field, values, nulls }: Columns[number]) => ({ ...field, values, nulls })
const blockSize = (column: Columns[number], rowCount: number) => align8(columnSizeBytes(sourceOf(column), null, 0, rowCount))

function writeColumns(columns: Columns, rowCount: number, views: SegmentViews): boolean {
  let at = 0
  for (const column of columns) {
    at = writeColumn(sourceOf(column), null, 0, rowCount, views, at)
    if (at < 0) return false
  }
  return true
}
