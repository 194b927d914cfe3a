/**
 * Reads the Arrow IPC files that ColumnFileWriter wrote, batch by batch: numbers stay where they are in the file's memory,
 * everything else becomes the values it was, at every depth.
 */
import { Buffer, isAscii } from 'node:buffer'
import type * as Arrow from 'apache-arrow'
import { type ByteRanges, fileHandle, malformed } from './arrow-ipc.ts'
import { type ArrowModule, fromArrowSchema, opaqueKey } from './arrow-schema.ts'
import type { CborCodec } from './cbor.ts'
import type { ColumnBatch } from './column-batch.ts'
import type { ColumnFormat } from './column-file-writer.ts'
import type { DataType, Schema } from './data-type.ts'
import { halvesToNumbers } from './int64-numbers.ts'
import { bitAt, int64At, type ReadColumn, setField } from './read-column.ts'
import { bytesToBigint } from './value-bytes.ts'

export interface ColumnFile {
  readonly schema: Schema
  readonly batchCount: number
  readBatch(index: number): Promise<ColumnBatch>
}

/** `path` is for messages. Throws MALFORMED_INPUT for what is no such file. */
export async function openColumnFile({ arrow, cbor }: ColumnFormat, file: ByteRanges, path: string): Promise<ColumnFile> {
  const attempt = async <R>(work: () => Promise<R>): Promise<R> => {
    try {
      return await work()
    } catch (error) {
      throw malformed(error, path)
    }
  }
  return attempt(async () => {
    const reader = (await arrow.RecordBatchReader.from(fileHandle(file))) as Arrow.AsyncRecordBatchFileReader
    await reader.open()
    if (reader.schema.metadata.get(opaqueKey) !== 'cbor') throw new TypeError('it is no state file of headrace')
    const schema = fromArrowSchema(arrow, reader.schema)
    return {
      schema,
      batchCount: reader.numRecordBatches,
      readBatch: (index) =>
        attempt(async () => {
          const batch = await reader.readRecordBatch(index)
          if (batch === null) throw new RangeError(`it has no batch ${index}`)
          const columns = schema.fields.map(({ type }, c) => openVector(arrow, cbor, type, batch.data.children[c]!))
          return { schema, rowCount: batch.numRows, columns, timestamps: null }
        }),
    }
  })
}

function openVector(arrow: ArrowModule, cbor: CborCodec, type: DataType, data: Arrow.Data): ReadColumn {
  const validity = data.nullCount > 0 && type.kind !== 'null' ? data.nullBitmap : null
  const rest = { validity, validityBit: validity === null ? 0 : data.offset, nextByteOffset: 0 }
  const values = data.values as Float64Array
  switch (type.kind) {
    case 'float64':
      return { layout: 'f64', data: values, offset: 0, ...rest }
    case 'int32':
      return { layout: 'i32', data: data.values as Int32Array, offset: 0, ...rest }
    case 'int64':
    case 'timestamp':
      return { layout: 'i64', data: halvesOf(values), offset: 0, ...rest }
    case 'boolean':
      return { layout: 'bits', data: data.values as Uint8Array, offset: data.offset, ...rest }
    case 'struct':
      if (validity === null && data.children.every((child, c) => child.nullCount === 0 && numeric.has(type.fields[c]!.type.kind)))
        return openNumbers(arrow, cbor, type, data)
  }
  const objects = decode(arrow, cbor, type, data)
  if (validity !== null) for (let i = 0; i < objects.length; i++) if (!bitAt(validity, data.offset + i)) objects[i] = null
  return { layout: 'objects', data: objects, offset: 0, ...rest }
}

const numeric: ReadonlySet<string> = new Set(['float64', 'int32', 'int64', 'timestamp'])

function openNumbers(arrow: ArrowModule, cbor: CborCodec, type: DataType & { readonly kind: 'struct' }, data: Arrow.Data): ReadColumn {
  const fields = type.fields.map(({ name, type: inner }, c) => {
    const { values } = data.children[c]!
    if (inner.kind === 'float64') return { name, numbers: values as Float64Array }
    return { name, numbers: inner.kind === 'int32' ? new Float64Array(values as Int32Array) : halvesToNumbers(halvesOf(values)) }
  })
  let objects: unknown[] | undefined
  return {
    layout: 'objects',
    get data() {
      objects ??= decode(arrow, cbor, type, data)
      return objects
    },
    ...{ offset: 0, validity: null, validityBit: 0, nextByteOffset: 0 },
    fields,
  }
}

const halvesOf = (values: { readonly buffer: ArrayBufferLike; readonly byteOffset: number; readonly byteLength: number }): Int32Array =>
  new Int32Array(values.buffer, values.byteOffset, values.byteLength >> 2)

function decode(arrow: ArrowModule, cbor: CborCodec, type: DataType, data: Arrow.Data): unknown[] {
  const { length } = data
  switch (type.kind) {
    case 'utf8':
      return readStrings(data)
    case 'binary':
      return readBytes(data, (bytes) => bytes)
    case 'bigint':
      return readBytes(data, (bytes) => (bytes.length === 0 ? null : bytesToBigint(bytes)))
    case 'any':
      return readBytes(data, (bytes) => (bytes.length === 0 ? null : cbor.decode(bytes)))
    case 'date': {
      const halves = halvesOf(data.values as Float64Array)
      return Array.from({ length }, (_, i) => new Date(int64At(halves, 2 * i)))
    }
    case 'struct': {
      const objects = Array.from({ length }, (): Record<string, unknown> => ({}))
      for (const [c, field] of type.fields.entries()) {
        const column = openVector(arrow, cbor, field.type, data.children[c]!)
        for (let i = 0; i < length; i++) setField(objects[i]!, field.name, exactValue(column, i))
      }
      return objects
    }
    case 'list': {
      const items = openVector(arrow, cbor, type.item, data.children[0]!)
      const offsets = data.valueOffsets as Int32Array
      return Array.from({ length }, (_, i) =>
        Array.from({ length: offsets[i + 1]! - offsets[i]! }, (_item, k) => exactValue(items, offsets[i]! + k)),
      )
    }
    default:
      return new Array<unknown>(length).fill(null)
  }
}

/** As readValue, but undefined stays undefined. */
export function exactValue(column: ReadColumn, row: number): unknown {
  const { layout, offset, validity, validityBit } = column
  if (validity !== null && !bitAt(validity, validityBit + row)) return null
  const data = column.data as readonly unknown[]
  if (layout === 'i64') return int64At(column.data as Int32Array, offset + 2 * row)
  if (layout === 'bits') return bitAt(column.data as Uint8Array, offset + row)
  return data[offset + row]
}

function readStrings(data: Arrow.Data): unknown[] {
  const offsets = data.valueOffsets as Int32Array
  const bytes = data.values as Uint8Array
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const strings = new Array<unknown>(data.length)
  if (isAscii(text)) {
    const whole = text.toString('latin1')
    for (let i = 0; i < strings.length; i++) strings[i] = whole.substring(offsets[i]!, offsets[i + 1])
  } else for (let i = 0; i < strings.length; i++) strings[i] = text.toString('utf8', offsets[i], offsets[i + 1])
  return strings
}

function readBytes(data: Arrow.Data, fromBytes: (bytes: Uint8Array) => unknown): unknown[] {
  const offsets = data.valueOffsets as Int32Array
  return Array.from({ length: data.length }, (_, i) => fromBytes((data.values as Uint8Array).slice(offsets[i]!, offsets[i + 1]!)))
}
