/**
 * Text that gives a kernel its key for the row at hand, by the cheapest way the input allows: a number straight from its
 * column, a dictionary id translated through an array, or the key's value interned.
 */
import type { ColumnBatch } from '../../base/columnar/column-batch.ts'
import type { KeySpec } from '../../program/graph/operator-descriptor.ts'
import type { KernelKey, KeyedKernel } from '../operator/kernel/keyed-kernel.ts'
import type { KeySpaceKind } from '../state/key-space.ts'
import { keyText } from './encode-text.ts'
import type { RowText } from './row-text.ts'
import { tupleKeyText } from './tuple-key-text.ts'

const int32Hash = `h ^= h >>> 16; h = Math.imul(h, 0x85ebca6b); h ^= h >>> 13; h = Math.imul(h, 0xc2b2ae35); h ^= h >>> 16`

/** Kind of table key that a batch's key column calls for. */
export function keyKindOf(key: KeySpec, batch: ColumnBatch): KeySpaceKind {
  if (key.kind !== 'field') return 'interned'
  const index = batch.schema.fields.findIndex((field) => field.name === key.field)
  const column = batch.columns[index]
  if (column === undefined || column.dictionary !== undefined || column.validity !== null) return 'interned'
  if (column.layout === 'i32') return 'int32'
  return column.layout === 'f64' || column.layout === 'i64' ? 'float64' : 'interned'
}

/** The kernel's key space must already be as wide as the batch needs (requireKeyKind(keyKindOf(...))). */
export function kernelKey(
  key: KeySpec,
  row: RowText,
  kernel: KeyedKernel,
  K: string,
  input: number,
): KernelKey & { readonly before: string } {
  const kind = kernel.keys.kind
  const value = keyText(key, row, `rt.headKeys[${input}].fn`)
  if (key.kind === 'fields' && key.fields.length > 1) return { kind, k: 'k', h: 'h', value, ...tupleKeyText(key.fields, row, K, value) }
  const column = key.kind === 'field' ? row.column(key.field) : undefined
  if (kind === 'interned' && column?.column.dictionary !== undefined && column.column.validity === null) {
    const c = column.index
    return {
      kind,
      k: 'k',
      h: 'h',
      value,
      before: `const ids = ${K}.keys.translate(y${c}), hashes = ${K}.keys.hashes`,
      declare: `const k = ids[d${c}[o${c} + i] + 1], h = hashes[k]`,
    }
  }
  if (kind === 'interned')
    return { kind, k: 'k', h: 'h', value, before: '', declare: `const k = ${K}.keys.intern(${value}), h = ${K}.keys.hashes[k]` }
  if (kind === 'int32') return { kind, k: 'k', h: 'h', value, before: '', declare: `const k = ${value}; let h = k; ${int32Hash}` }
  return {
    kind,
    k: 'k',
    h: 'h',
    value,
    before: '',
    declare: `const k = ${value}; let h; if ((k | 0) === k) { h = k | 0; ${int32Hash} } else h = ${K}.keys.hashOf(k)`,
  }
}
