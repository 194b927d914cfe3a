/**
 * One column of one row group, page by page. Strings stay dictionary indices where the file has them so; other
 * dictionaries are looked up at once. A page without nulls is a typed array.
 */
import type { ColumnMetaData, PageHeader, SchemaElement } from 'hyparquet'
import type { SourceColumn } from '../function/source.ts'
import type { Hyparquet } from './hyparquet-library.ts'
import { decodeRuns, decodeValues } from './parquet-encoding.ts'
import type { ColumnValues, ValueConverter } from './parquet-values.ts'
import { sliceValues } from './source-unit.ts'

/** A page's encoded values, decompressed, and which rows have one. */
interface EncodedPage {
  readonly rows: number
  readonly values: Uint8Array
  readonly encoding: Parameters<typeof decodeValues>[2]
  /** A 1 for each row that is not null; absent: none is. */
  readonly present: Uint8Array | undefined
}

export interface ColumnChunk {
  readonly name: string
  readonly element: SchemaElement
  readonly metadata: ColumnMetaData
  /** The bytes of the chunk in the file. */
  readonly bytes: Uint8Array
  readonly converter: ValueConverter
}

export class ParquetColumn {
  readonly #lib: Hyparquet
  readonly #chunk: ColumnChunk
  readonly #reader: { view: DataView; offset: number }
  readonly #nullable: boolean
  #dictionary: ColumnValues | undefined
  #page: SourceColumn | undefined
  #used = 0
  #skip: number

  /** Begins at row `skip` of the row group. */
  constructor(lib: Hyparquet, chunk: ColumnChunk, skip: number) {
    this.#lib = lib
    this.#chunk = chunk
    this.#reader = { view: new DataView(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.byteLength), offset: 0 }
    this.#nullable = chunk.element.repetition_type !== 'REQUIRED'
    this.#skip = skip
  }

  /** Rows that are decoded and not yet taken. */
  get available(): number {
    return this.#page === undefined ? 0 : this.#page.values.length - this.#used
  }

  take(rows: number): SourceColumn {
    const page = this.#page as SourceColumn
    const from = this.#used
    this.#used += rows
    return { ...page, values: sliceValues(page.values, from, this.#used) }
  }

  /** Decodes pages until one has rows that are wanted. */
  decodePage(): void {
    this.#page = undefined
    this.#used = 0
    while (this.available === 0) {
      if (this.#reader.offset >= this.#chunk.bytes.length - 1) throw new RangeError('the column has fewer rows than its row group')
      const header = this.#lib.parquetHeader(this.#reader)
      const bytes = this.#chunk.bytes.subarray(this.#reader.offset, this.#reader.offset + header.compressed_page_size)
      this.#reader.offset += header.compressed_page_size
      if (header.type === 'DICTIONARY_PAGE') this.#dictionary = this.#decodeDictionary(header, bytes)
      else if (header.type !== 'INDEX_PAGE') this.#takePage(header, bytes)
    }
  }

  #takePage(header: PageHeader, bytes: Uint8Array): void {
    const rows = header.data_page_header?.num_values ?? header.data_page_header_v2?.num_values ?? 0
    if (rows <= this.#skip) {
      this.#skip -= rows
      return
    }
    this.#page = this.#decode(header.type === 'DATA_PAGE' ? this.#pageV1(header, bytes) : this.#pageV2(header, bytes))
    this.#used = this.#skip
    this.#skip = 0
  }

  #decodeDictionary(header: PageHeader, bytes: Uint8Array): ColumnValues {
    const { element, metadata, converter } = this.#chunk
    const page = this.#decompress(bytes, header.uncompressed_page_size)
    return converter.convert(
      decodeValues(this.#lib, page, 'PLAIN', metadata.type, header.dictionary_page_header?.num_values ?? 0, element.type_length),
    )
  }

  #pageV1(header: PageHeader, bytes: Uint8Array): EncodedPage {
    const {
      num_values: rows,
      encoding,
      definition_level_encoding: levelEncoding,
    } = header.data_page_header as NonNullable<PageHeader['data_page_header']>
    const page = this.#decompress(bytes, header.uncompressed_page_size)
    if (!this.#nullable) return { rows, values: page, encoding, present: undefined }
    if (levelEncoding !== 'RLE') throw new TypeError(`definition levels in the encoding ${levelEncoding} are not supported`)
    const length = new DataView(page.buffer, page.byteOffset, 4).getUint32(0, true)
    return { rows, values: page.subarray(4 + length), encoding, present: presence(page.subarray(4, 4 + length), rows) }
  }

  #pageV2(header: PageHeader, bytes: Uint8Array): EncodedPage {
    const page = header.data_page_header_v2 as NonNullable<PageHeader['data_page_header_v2']>
    const levels = page.repetition_levels_byte_length + page.definition_levels_byte_length
    const body = bytes.subarray(levels)
    return {
      rows: page.num_values,
      values: page.is_compressed === false || body.length === 0 ? body : this.#decompress(body, header.uncompressed_page_size - levels),
      encoding: page.encoding,
      present:
        this.#nullable && page.num_nulls > 0
          ? presence(bytes.subarray(page.repetition_levels_byte_length, levels), page.num_values)
          : undefined,
    }
  }

  #decode({ rows, values, encoding, present }: EncodedPage): SourceColumn {
    const { name, element, metadata, converter } = this.#chunk
    const count = present === undefined ? rows : countOnes(present)
    const { kind } = converter
    if (encoding !== 'PLAIN_DICTIONARY' && encoding !== 'RLE_DICTIONARY') {
      const decoded = converter.convert(decodeValues(this.#lib, values, encoding, metadata.type, count, element.type_length))
      return { name, kind, values: present === undefined ? decoded : spread(decoded, present, kind) }
    }
    const dictionary = this.#dictionary
    if (dictionary === undefined) throw new TypeError('the column has no dictionary, but its pages use one')
    const indices = new Int32Array(count)
    if (count > 0 && (values[0] as number) > 0) decodeRuns(values, 1, values[0] as number, indices)
    checkIndices(indices, dictionary.length)
    if (kind === 'utf8' && present === undefined) return { name, kind, values: indices, dictionary: dictionary as string[] }
    const looked = lookUp(dictionary, indices)
    return { name, kind, values: present === undefined ? looked : spread(looked, present, kind) }
  }

  #decompress(bytes: Uint8Array, size: number): Uint8Array {
    return this.#lib.decompressPage(bytes, size, this.#chunk.metadata.codec, this.#lib.compressors)
  }
}

/** Definition levels of a flat column: undefined when there is no null. */
function presence(levels: Uint8Array, rows: number): Uint8Array | undefined {
  const present = new Uint8Array(rows)
  decodeRuns(levels, 0, 1, present)
  return present.includes(0) ? present : undefined
}

function countOnes(present: Uint8Array): number {
  let count = 0
  for (let i = 0; i < present.length; i++) count += present[i] as number
  return count
}

function checkIndices(indices: Int32Array, size: number): void {
  for (let i = 0; i < indices.length; i++)
    if ((indices[i] as number) >>> 0 >= size) throw new RangeError(`the index ${indices[i]} is outside the dictionary of ${size} values`)
}

function lookUp(dictionary: ColumnValues, indices: Int32Array): ColumnValues {
  if (Array.isArray(dictionary)) {
    const values = new Array<unknown>(indices.length)
    for (let i = 0; i < indices.length; i++) values[i] = dictionary[indices[i] as number]
    return values
  }
  if (dictionary instanceof Float64Array) {
    const values = new Float64Array(indices.length)
    for (let i = 0; i < indices.length; i++) values[i] = dictionary[indices[i] as number] as number
    return values
  }
  const values = dictionary instanceof Int32Array ? new Int32Array(indices.length) : new Uint8Array(indices.length)
  for (let i = 0; i < indices.length; i++) values[i] = dictionary[indices[i] as number] as number
  return values
}

/** Values with null in the rows that have none. */
function spread(values: ColumnValues, present: Uint8Array, kind: SourceColumn['kind']): unknown[] {
  const rows = new Array<unknown>(present.length)
  let next = 0
  for (let i = 0; i < rows.length; i++) {
    if (present[i] === 0) rows[i] = null
    else {
      const value = values[next++]
      rows[i] = kind === 'boolean' ? value === 1 : value
    }
  }
  return rows
}
