/**
 * Reads one part of a text file: bytes are gathered until they hold whole lines, cut into pieces of about 64 KB, and
 * each piece is decoded into units. Lines of any length pass, up to the longest string that JavaScript has; nothing is
 * copied twice for them. A position is the byte offset of a piece and the number of records already given out of it.
 */
import { Buffer, constants } from 'node:buffer'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import { ByteStream } from './byte-stream.ts'
import type { DecodedUnit, SplitReader } from './file-format.ts'
import { type RowsOrColumns, rowCountOf, sliceUnit } from './source-unit.ts'
import { type DecodedText, MalformedText, type TextDecoder, type TextPart, type TextPosition } from './text-format.ts'

const pieceBytes = 1 << 16
const unitRows = 4_096
const lineFeed = 10

export interface TextSplitOptions<T> {
  readonly format: string
  readonly path: string
  readonly part: TextPart
  readonly position: TextPosition | undefined
  readonly fileSystem: FileSystem
  readonly decoder: TextDecoder<T>
}

/** A decoded piece of text, of which so many records were given out. */
interface Piece<T> {
  readonly unit: RowsOrColumns<T>
  readonly position: TextPosition
  given: number
}

export class TextSplitReader<T> implements SplitReader<T, TextPosition> {
  readonly #options: TextSplitOptions<T>
  #stream: ByteStream | undefined
  #opened = false
  /** Bytes read and not yet decoded, with the offset in the file of the first. */
  #buffer: Buffer = Buffer.alloc(0)
  #offset: number
  #line: number | null
  #atEnd = false
  /** A piece has at least so many bytes: grows when a record did not end in it. */
  #wanted = pieceBytes
  /** Bytes of the record that did not end: the next piece is longer. */
  #unfinished = 0
  #piece: Piece<T> | undefined
  #skip: number
  #malformed: MalformedText | undefined

  constructor(options: TextSplitOptions<T>) {
    this.#options = options
    const { part, position } = options
    this.#offset = position?.offset ?? part.start
    this.#skip = position?.skip ?? 0
    this.#line = position === undefined ? (part.start === 0 ? 1 : null) : position.line
  }

  poll(maxRows: number): DecodedUnit<T> | 'pending' | 'again' | 'end' {
    if (this.#piece !== undefined) return this.#give(this.#piece, maxRows)
    if (!this.#opened || this.#malformed !== undefined) return 'pending'
    if (this.#offset >= (this.#options.part.end ?? Number.POSITIVE_INFINITY)) return 'end'
    const length = this.#cut()
    if (length === 'pending' || length === 'end') return length
    return this.#decode(length, maxRows)
  }

  async fill(): Promise<void> {
    if (this.#malformed !== undefined) return this.#failMalformed(this.#malformed)
    if (!this.#opened) await this.#open()
    else await this.#read()
  }

  position(): TextPosition | undefined {
    const piece = this.#piece
    if (piece !== undefined) return { ...piece.position, skip: piece.given }
    // Before it is open, a part in the middle does not know yet where its first line starts.
    return this.#opened ? { offset: this.#offset, skip: this.#skip, line: this.#line } : this.#options.position
  }

  async close(): Promise<void> {
    const stream = this.#stream
    this.#stream = undefined
    await stream?.close()
  }

  async #open(): Promise<void> {
    const { path, part, position, fileSystem } = this.#options
    const unaligned = part.start > 0 && position === undefined
    // The byte before says whether a line starts exactly here.
    const from = unaligned ? part.start - 1 : this.#offset
    this.#stream = await ByteStream.open(fileSystem, path, part.compression, from)
    this.#offset = from
    await this.#read()
    if (unaligned) await this.#skipLine()
    else if (from === 0 && this.#buffer[0] === 0xef && this.#buffer[1] === 0xbb && this.#buffer[2] === 0xbf) this.#advance(3)
    this.#opened = true
  }

  async #skipLine(): Promise<void> {
    for (;;) {
      const lineEnd = this.#buffer.indexOf(lineFeed)
      if (lineEnd >= 0) return this.#advance(lineEnd + 1)
      this.#advance(this.#buffer.length)
      if (this.#atEnd) return
      await this.#read()
    }
  }

  /** Appends blocks until there are enough bytes and a line end among the new ones, or the file ends. */
  async #read(): Promise<void> {
    const blocks: Uint8Array[] = [this.#buffer]
    let size = this.#buffer.length
    for (;;) {
      const block = await this.#stream?.next()
      if (block === undefined) {
        this.#atEnd = true
        break
      }
      blocks.push(block)
      size += block.length
      if (size >= this.#wanted && block.includes(lineFeed)) break
    }
    this.#buffer =
      blocks.length === 2 && size === blocks[1]?.length
        ? Buffer.from(blocks[1].buffer, blocks[1].byteOffset, size)
        : Buffer.concat(blocks, size)
  }

  /** The length of the next piece, which ends with a line or the file. */
  #cut(): number | 'pending' | 'end' {
    const buffer = this.#buffer
    if (buffer.length < this.#wanted && !this.#atEnd) return 'pending'
    if (buffer.length === 0) return 'end'
    let end = buffer.lastIndexOf(lineFeed, this.#wanted - 1) + 1
    if (end <= this.#unfinished) end = buffer.indexOf(lineFeed, this.#wanted) + 1
    if (end === 0) {
      if (!this.#atEnd) {
        this.#wanted = buffer.length + 1
        return 'pending'
      }
      end = buffer.length
    }
    const last = (this.#options.part.end ?? Number.POSITIVE_INFINITY) - this.#offset
    if (end > last) end = buffer.indexOf(lineFeed, last - 1) + 1 || end
    return end
  }

  #decode(length: number, maxRows: number): DecodedUnit<T> | 'again' | 'pending' {
    const { decoder, path } = this.#options
    if (length > constants.MAX_STRING_LENGTH) throw tooLong(path, length)
    const text = this.#buffer.toString('utf8', 0, length)
    const final = this.#atEnd && length === this.#buffer.length
    let decoded: DecodedText<T>
    try {
      decoded = decoder.decode(text, final)
    } catch (error) {
      if (!(error instanceof MalformedText)) throw error
      if (this.#line !== null) throw error.toStreamError(this.#options.format, path, this.#line)
      this.#malformed = error
      return 'pending'
    }
    const { unit, consumed, lines } = decoded
    const taken = consumed === text.length ? length : text.length === length ? consumed : this.#bytesBefore(text, consumed, length)
    // Doubling keeps a record that goes over many lines from being decoded again and again.
    this.#unfinished = length - taken
    this.#wanted = Math.max(pieceBytes, 2 * this.#unfinished)
    const position = { offset: this.#offset, skip: 0, line: this.#line }
    this.#advance(taken)
    if (this.#line !== null) this.#line += lines
    const given = Math.min(this.#skip, rowCountOf(unit))
    this.#skip -= given
    if (given === rowCountOf(unit)) return 'again'
    this.#piece = { unit, position, given }
    return this.#give(this.#piece, maxRows)
  }

  /**
   * Bytes of the records that were taken out of `text`. They end with a line, and line ends are the same in bytes and characters,
   * which bytes that are not UTF-8 are not: each becomes a character of three.
   */
  #bytesBefore(text: string, consumed: number, length: number): number {
    if (consumed === 0) return 0
    let end = length
    // Line ends behind them are few: those of one record that did not end.
    for (let at = text.indexOf('\n', consumed); at >= 0; at = text.indexOf('\n', at + 1)) end = this.#buffer.lastIndexOf(lineFeed, end - 1)
    return this.#buffer.lastIndexOf(lineFeed, end - 1) + 1
  }

  #give(piece: Piece<T>, maxRows: number): DecodedUnit<T> {
    const from = piece.given
    const count = rowCountOf(piece.unit)
    piece.given = Math.min(from + unitRows, from + maxRows, count)
    if (piece.given === count) this.#piece = undefined
    const { offset, line } = piece.position
    const where = line === null ? `byte ${offset}${from === 0 ? '' : ` record ${from}`}` : `line ${line + from}`
    return { unit: sliceUnit(piece.unit, from, piece.given), position: `${this.#options.path} ${where}` }
  }

  #advance(bytes: number): void {
    this.#buffer = this.#buffer.subarray(bytes)
    this.#offset += bytes
  }

  /** A part in the middle of a file does not know its lines: for the message they are counted from the beginning. */
  async #failMalformed(malformed: MalformedText): Promise<never> {
    const { format, path, part, fileSystem } = this.#options
    const stream = await ByteStream.open(fileSystem, path, part.compression, 0)
    let line = 1
    try {
      let position = 0
      for (let block = await stream.next(); block !== undefined && position < this.#offset; block = await stream.next()) {
        const until = Math.min(block.length, this.#offset - position)
        for (let i = block.indexOf(lineFeed); i >= 0 && i < until; i = block.indexOf(lineFeed, i + 1)) line++
        position += block.length
      }
    } finally {
      await stream.close()
    }
    throw malformed.toStreamError(format, path, line)
  }
}

const tooLong = (path: string, bytes: number) =>
  new StreamError('RECORD_TOO_LARGE', `${path} has a line of ${bytes} bytes, more than a string can hold`, {
    hint: 'Is it a text file, with line ends? If its records are so large, cut them before they are read.',
    place: { file: path },
  })
