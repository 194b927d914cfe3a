/**
 * One value as one readable line: a string as it is, anything else as Node's inspect writes it.
 */
import { inspect } from 'node:util'

export function formatValue(value: unknown): string {
  if (typeof value === 'string') return value
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, compact: true, depth: 10, maxArrayLength: 1_000, maxStringLength: 10_000 })
}
