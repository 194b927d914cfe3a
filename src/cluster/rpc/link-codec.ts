/**
 * Messages of protocols.ts as those of proto/headrace.proto, and back. Their fields have the same names there; `say` or `do` becomes the
 * name of the oneof's field, and a field `x_value` holds what has no type there.
 */
import { deserialize, serialize } from 'node:v8'

/** Fields that go as V8 serializes them. */
const opaque: ReadonlySet<string> = new Set(['plan', 'program', 'message', 'error'])

type Message = Readonly<Record<string, unknown>>

export function toWire(message: Message): Message {
  const { say, do: order, ...fields } = message
  const wire: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (opaque.has(name)) wire[`${name}Value`] = serialize(value)
    else wire[name] = value
  }
  return { [String(say ?? order)]: wire }
}

/** Throws when the message is none of `tag`'s: an unknown one, or bytes that are no value. */
export function fromWire(tag: 'say' | 'do', wire: Message): Message {
  const kind = wire[tag]
  const fields = typeof kind === 'string' ? wire[kind] : undefined
  if (fields === undefined || fields === null) throw new Error('it is empty, or of a newer version')
  const message: Record<string, unknown> = { [tag]: kind }
  for (const [name, value] of Object.entries(present(fields) as Message)) {
    if (name.endsWith('Value')) message[name.slice(0, -'Value'.length)] = deserialize(value as Uint8Array)
    else message[name] = value
  }
  return message
}

/** protobufjs says null for a message that is absent: here such a field is. */
function present(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(present)
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null)
      .map(([name, field]) => [name, present(field)]),
  )
}
