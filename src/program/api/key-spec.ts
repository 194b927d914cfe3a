/**
 * What a user names as a key (a field, several, a function), as a descriptor.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { KeySelector } from '../function/functions.ts'
import type { KeySpec } from '../graph/operator-descriptor.ts'
import { refuseAsync } from './refuse-async.ts'

const hint = "Pass a field name, several, or a function: keyBy('origin'), keyBy('origin', 'destination'), keyBy((row) => row.origin)."

export function keySpec(keys: readonly unknown[]): KeySpec {
  const [first] = keys
  if (typeof first === 'function' && keys.length === 1) {
    refuseAsync('The key function', first)
    return { kind: 'function', fn: first as KeySelector<unknown, unknown> }
  }
  for (const key of keys) {
    if (typeof key !== 'string')
      throw new StreamError('INVALID_ARGUMENT', `A key of ${keys.length === 0 ? 'nothing' : typeof key}`, { hint })
  }
  const fields = keys as readonly string[]
  const twice = fields.find((field, index) => fields.indexOf(field) !== index)
  if (twice !== undefined) throw new StreamError('INVALID_ARGUMENT', `The key names the field '${twice}' twice`, { hint: 'Name it once.' })
  if (fields.length === 0) throw new StreamError('INVALID_ARGUMENT', 'A key of nothing', { hint })
  return fields.length === 1 ? { kind: 'field', field: fields[0]! } : { kind: 'fields', fields }
}
