/**
 * As much of protobuf's wire format as hand-made messages need: numbers of 32 bits, texts, bytes and messages within messages. Pure.
 *
 * What always holds: a reader never looks beyond its bytes, and refuses with MALFORMED_INPUT what no writer of the format makes.
 */
import { StreamError } from '../../base/core/stream-error.ts'

const varint = 0
const fixed64 = 1
const lengthDelimited = 2
const fixed32 = 5

/** Bytes of a number from 0 to 2^32 - 1. */
export const varintBytes = (value: number): number =>
  value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5

/** Writes the value at `at`; answers what follows it. */
export function writeVarint(into: Uint8Array, at: number, value: number): number {
  let rest = value
  let next = at
  while (rest > 0x7f) {
    into[next++] = (rest & 0x7f) | 0x80
    rest = Math.floor(rest / 128)
  }
  into[next++] = rest
  return next
}

/** Head of a field with bytes: its tag and their length. Fields up to 15 have tags of one byte. */
export function writeBytesHead(into: Uint8Array, at: number, field: number, length: number): number {
  return writeVarint(into, writeVarint(into, at, (field << 3) | lengthDelimited), length)
}

/** Bytes of a field (up to 15) with so many bytes. */
export const bytesFieldBytes = (length: number): number => 1 + varintBytes(length) + length

/** A field with bytes, as a piece of a message. */
export function bytesField(field: number, content: Uint8Array): Uint8Array {
  const piece = new Uint8Array(bytesFieldBytes(content.length))
  piece.set(content, writeBytesHead(piece, 0, field, content.length))
  return piece
}

/** The numbers as fields 1, 2, 3, ... of a message. */
export function numberFields(numbers: readonly number[], firstField = 1): Uint8Array {
  const piece = new Uint8Array(numbers.reduce((sum, value) => sum + 1 + varintBytes(value), 0))
  let at = 0
  for (const [index, value] of numbers.entries())
    at = writeVarint(piece, writeVarint(piece, at, ((firstField + index) << 3) | varint), value)
  return piece
}

/** Walks the fields of one message. After next() either a value is taken or skip() is called. */
export class ProtoReader {
  readonly #bytes: Uint8Array
  #at = 0
  #wireType = varint
  field = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  next(): boolean {
    if (this.#at === this.#bytes.length) return false
    const tag = this.#varint()
    this.field = tag >>> 3
    this.#wireType = tag & 7
    if (this.field === 0) throw malformed('a field has the number 0')
    return true
  }

  uint(): number {
    this.#expect(varint)
    return this.#varint()
  }

  /** A view. */
  bytes(): Uint8Array {
    this.#expect(lengthDelimited)
    return this.#take(this.#varint())
  }

  text(): string {
    const { buffer, byteOffset, byteLength } = this.bytes()
    return Buffer.from(buffer, byteOffset, byteLength).toString('utf8')
  }

  skip(): void {
    switch (this.#wireType) {
      case varint:
        for (let i = 0; i < 10; i++) if (this.#take(1)[0]! < 0x80) return
        throw malformed('a number of more than ten bytes')
      case fixed64:
        return void this.#take(8)
      case lengthDelimited:
        return void this.#take(this.#varint())
      case fixed32:
        return void this.#take(4)
      default:
        throw malformed(`wire type ${this.#wireType}`)
    }
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) throw malformed(`field ${this.field} has wire type ${this.#wireType}, not ${wireType}`)
  }

  #varint(): number {
    let value = 0
    for (let factor = 1; factor < 2 ** 35; factor *= 128) {
      const byte = this.#take(1)[0]!
      value += (byte & 0x7f) * factor
      if (byte < 0x80 && value < 2 ** 32) return value
      if (byte < 0x80) break
    }
    throw malformed('a number of more than 32 bits')
  }

  #take(length: number): Uint8Array {
    const from = this.#at
    if (length > this.#bytes.length - from) throw malformed(`${length} bytes are announced and ${this.#bytes.length - from} are there`)
    this.#at = from + length
    return this.#bytes.subarray(from, from + length)
  }
}

const malformed = (what: string): StreamError => new StreamError('MALFORMED_INPUT', `A message that is not protobuf: ${what}`)
