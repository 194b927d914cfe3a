/**
 * One text for one value, whatever the order of its keys, and 32 hex digits of its hash: what ids and fingerprints are
 * made of. undefined fields do not count.
 */
import { createHash } from 'node:crypto'

export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  fields.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join(',')}}`
}

export const hash32Hex = (value: unknown): string => createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 32)
