/**
 * Opaque values as CBOR (RFC 8949), the form they have on disk: any reader of CBOR opens them, and they come back as they
 * were, Map, Set, Date, bigint, undefined, typed arrays and -0 included. What CBOR would change is refused instead. The
 * library is loaded when it is first needed: a task thread that takes no checkpoint does without it.
 */
import { StreamError } from '../core/stream-error.ts'
import { describeValue } from './schema.ts'
import { isRecord } from './value-type.ts'

export interface CborCodec {
  /** Throws TYPE_MISMATCH for what cannot be held: functions, class internals, cycles, ... `where` begins the message. */
  encode(value: unknown, where: string): Uint8Array
  decode(bytes: Uint8Array): unknown
}

/** Text that is no Unicode: UTF-8 but for lone surrogates, which have three bytes like any other unit of that size. */
const wtf8Tag = 273
/** Seconds since the epoch: of a Date. */
const timeTag = 1

export async function loadCbor(): Promise<CborCodec> {
  const [{ Token, Type }, { encode, decode }] = await Promise.all([import('cborg'), import('cborg/extended')])
  const refuse = (value: unknown): never => {
    throw new TypeError(`${describeValue(value)} cannot be written as CBOR`)
  }
  const typeEncoders = {
    string: (text: string) => (text.isWellFormed() ? null : [new Token(Type.tag, wtf8Tag), new Token(Type.bytes, encodeWtf8(text))]),
    Object: (value: object) => {
      if (!isRecord(value)) return refuse(value)
      for (const name of Object.keys(value)) if (!name.isWellFormed()) return refuse(value)
      return null
    },
    ArrayBuffer: refuse,
    SharedArrayBuffer: refuse,
    DataView: refuse,
  }
  const tags = {
    [wtf8Tag]: (inner: () => unknown) => decodeWtf8(inner() as Uint8Array),
    // 1.003 s is not quite 1003 ms, and a Date cuts off.
    [timeTag]: (inner: () => unknown) => new Date(Math.round(Number(inner()) * 1000)),
  }
  return {
    encode(value, where) {
      try {
        return encode(value, { typeEncoders: typeEncoders as never })
      } catch (cause) {
        throw new StreamError('TYPE_MISMATCH', `${where} holds ${describeValue(value)}, which cannot be written to a checkpoint`, {
          hint: `Keep plain data in state: numbers, strings, dates, maps, arrays and objects of them, without cycles. (${(cause as Error).message})`,
          cause,
        })
      }
    },
    decode: (bytes) => decode(bytes, { tags: tags as never }),
  }
}

function encodeWtf8(text: string): Uint8Array {
  const parts: Uint8Array[] = []
  let start = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i)!
    if (code > 0xffff) i++
    if (code < 0xd800 || code > 0xdfff) continue
    parts.push(Buffer.from(text.slice(start, i)), Uint8Array.of(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)))
    start = i + 1
  }
  parts.push(Buffer.from(text.slice(start)))
  return new Uint8Array(Buffer.concat(parts))
}

function decodeWtf8(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let text = ''
  let start = 0
  for (let i = 0; i < buffer.length; i++) {
    // A surrogate's three bytes begin 0xed 0xa0..0xbf, as nothing in UTF-8 does.
    if (buffer[i] !== 0xed || buffer[i + 1]! < 0xa0) continue
    text += buffer.toString('utf8', start, i) + String.fromCharCode(0xd000 | ((buffer[i + 1]! & 63) << 6) | (buffer[i + 2]! & 63))
    i += 2
    start = i + 1
  }
  return text + buffer.toString('utf8', start)
}
