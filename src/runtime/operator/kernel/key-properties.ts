/** The key's properties in a result row: its fields, or `key` where a function computes it. */
import type { KeySpec } from '../../../program/graph/operator-descriptor.ts'
import type { KeySpace } from '../../state/key-space.ts'
import { quote } from './quote.ts'

/** Properties of a literal, each with a comma behind it. `tableKey` is an expression; `values` is in scope, the key space's. */
export function keyPropertiesText(key: KeySpec, keys: KeySpace, tableKey: string): string {
  const value = keys.kind === 'interned' ? `values[${tableKey}]` : tableKey
  if (key.kind === 'field') return `${quote.property(key.field)}: ${value}, `
  if (key.kind === 'function') return `key: ${value}, `
  return `${key.fields.map((field) => `${quote.property(field)}: ${value}${quote.access(field)}`).join(', ')}, `
}

export function keyProperties(key: KeySpec, value: unknown): Record<string, unknown> {
  if (key.kind === 'field') return { [key.field]: value }
  return key.kind === 'function'
    ? { key: value }
    : Object.fromEntries(key.fields.map((field) => [field, (value as Record<string, unknown>)[field]]))
}
