/**
 * Writes an `org.apache.flink.util.SerializedThrowable` as Java's object serialization does (version 5 of its stream protocol), which
 * Flink's client reads back with its own class. A read one stands for itself: its serializedException is null.
 *
 *     AC ED 00 05                       magic, version
 *     73                                an object
 *       72 SerializedThrowable          its class: name, serialVersionUID, flags, fields
 *       72 java.lang.Exception            and its superclasses
 *       72 java.lang.Throwable
 *       70                              no more of them
 *       cause, detailMessage, stackTrace, suppressedExceptions    fields of Throwable, then 78: it writes itself (writeObject)
 *       fullStringifiedStackTrace, originalErrorClassName, serializedException
 */

const nullReference = 0x70
const classDescription = 0x72
const newObject = 0x73
const shortString = 0x74
const endOfBlock = 0x78
const longString = 0x7c

/** Flags of a class: it is Serializable; and it has a writeObject method. */
const serializable = 0x02
const writesItself = 0x03

export interface ThrowableText {
  /** Name of the class of the original. */
  readonly className: string
  readonly message: string
  readonly trace: string
}

interface ClassDescription {
  readonly name: string
  readonly serialVersionUID: bigint
  readonly flags: number
  /** Name and type of each object field, in Java's order: by name. */
  readonly fields: readonly (readonly [name: string, type: string])[]
}

/** The class first, then what it extends. */
const classes: readonly ClassDescription[] = [
  {
    name: 'org.apache.flink.util.SerializedThrowable',
    serialVersionUID: 7284183123441947635n,
    flags: serializable,
    fields: [
      ['fullStringifiedStackTrace', 'Ljava/lang/String;'],
      ['originalErrorClassName', 'Ljava/lang/String;'],
      ['serializedException', '[B'],
    ],
  },
  { name: 'java.lang.Exception', serialVersionUID: -3387516993124229948n, flags: serializable, fields: [] },
  {
    name: 'java.lang.Throwable',
    serialVersionUID: -3042686055658047285n,
    flags: writesItself,
    fields: [
      ['cause', 'Ljava/lang/Throwable;'],
      ['detailMessage', 'Ljava/lang/String;'],
      ['stackTrace', '[Ljava/lang/StackTraceElement;'],
      ['suppressedExceptions', 'Ljava/util/List;'],
    ],
  },
]

export function serializedThrowable({ className, message, trace }: ThrowableText): Uint8Array {
  // As Flink's own constructor makes its message.
  const detailMessage = `${className}: ${message}`
  return Buffer.concat([
    Buffer.from([0xac, 0xed, 0x00, 0x05, newObject]),
    ...classes.map(describe),
    Buffer.from([nullReference]),
    ...[Buffer.from([nullReference]), stringObject(detailMessage), Buffer.from([nullReference, nullReference, endOfBlock])],
    ...[stringObject(trace), stringObject(className), Buffer.from([nullReference])],
  ])
}

function describe({ name, serialVersionUID, flags, fields }: ClassDescription): Buffer {
  const uid = Buffer.alloc(8)
  uid.writeBigInt64BE(serialVersionUID)
  const described = fields.flatMap(([field, type]) => [Buffer.from(type.slice(0, 1), 'latin1'), shortText(field), stringObject(type)])
  return Buffer.concat([
    ...[Buffer.from([classDescription]), shortText(name), uid, Buffer.from([flags]), uint16(fields.length)],
    ...described,
    Buffer.from([endOfBlock]),
  ])
}

function stringObject(text: string): Buffer {
  const bytes = modifiedUtf8(text)
  if (bytes.length <= 0xffff) return Buffer.concat([Buffer.from([shortString]), uint16(bytes.length), bytes])
  const length = Buffer.alloc(8)
  length.writeBigUInt64BE(BigInt(bytes.length))
  return Buffer.concat([Buffer.from([longString]), length, bytes])
}

function shortText(text: string): Buffer {
  const bytes = modifiedUtf8(text)
  return Buffer.concat([uint16(bytes.length), bytes])
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

/** Java's: each UTF-16 unit by itself, so that halves of a pair take three bytes each; NUL takes two. */
function modifiedUtf8(text: string): Buffer {
  const bytes = Buffer.alloc(3 * text.length)
  let length = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0x01 && unit <= 0x7f) bytes[length++] = unit
    else if (unit <= 0x7ff) {
      bytes[length++] = 0xc0 | (unit >> 6)
      bytes[length++] = 0x80 | (unit & 0x3f)
    } else {
      bytes[length++] = 0xe0 | (unit >> 12)
      bytes[length++] = 0x80 | ((unit >> 6) & 0x3f)
      bytes[length++] = 0x80 | (unit & 0x3f)
    }
  }
  return bytes.subarray(0, length)
}
