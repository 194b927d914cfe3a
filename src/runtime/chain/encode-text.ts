/**
 * Text that writes a row into the staging batch of an edge. Values that pass their check are stored directly; a row with
 * anything unusual (another type, a key too many) goes through ResultPartition.emit, which decides the same way.
 */
import type { Field } from '../../base/columnar/data-type.ts'
import { fieldCheck } from '../../base/columnar/staging-batch.ts'
import { maxDictionaryColumns } from '../exchange/frame.ts'
import type { ResultPartition } from '../exchange/result-partition.ts'
import { quote } from '../operator/kernel/quote.ts'
import type { RowText } from './row-text.ts'

export interface EncodeNames {
  /** Suffix of this partition's variables: its place among the chain's partitions. */
  readonly p: number
  /** Makes the text's own variables unique within its scope. */
  readonly id: string
  /** Index of the node whose rows these are. */
  readonly node: number
  /** Takes text that has to stand ahead of the loop over a unit. */
  hoist(text: string): void
}

/** What `at` holds while a key function runs for the output of a node, in messages of the chain's `fail`. */
export const keyFunctionOf = (node: number): number => -1 - node

/** Declarations ahead of the loop; they hold until the partition's version changes. */
export function encodeDeclarations(partition: ResultPartition, p: number): string {
  let text = `const P${p} = rt.partitions[${p}], S${p} = P${p}.staging, T${p} = S${p}.timestamps`
  partition.staging.columns.forEach((_, c) => {
    text += `, C${p}_${c} = S${p}.columns[${c}], V${p}_${c} = C${p}_${c}.values, N${p}_${c} = C${p}_${c}.nulls`
  })
  if (needsHash(partition)) text += `, H${p} = P${p}.router.hashes, K${p} = P${p}.router.key.fn`
  return text
}

/** `checkOpen`: the text may run when the batch is full (several rows in one call); else the loop has checked. */
export function encodeText(
  partition: ResultPartition,
  row: RowText,
  timestamp: string,
  { p, id, node, hoist }: EncodeNames,
  checkOpen: boolean,
): string {
  const { schema, columns } = partition.staging
  const slow = `P${p}.emit(${row.row}, ${timestamp})`
  if (schema === null || !isPlainEncode(partition)) return slow
  if (!partition.isProjected && row.names?.some((name) => !columns.some(({ field }) => field.name === name))) return slow
  const value = (field: Field) => (schema.root === 'value' ? row.row : row.field(field.name))
  const declare = columns.map((column, c) => `const w${id}_${c} = ${value(column.field)}`).join('; ')
  const checks = columns.map((column, c) =>
    checkText(column.field, `w${id}_${c}`, trusts(row, column.field), schema.declared || partition.isProjected),
  )
  if (!schema.declared && !partition.isProjected && schema.root === 'row' && row.names === undefined)
    checks.push(`keyCount(${row.row}) === ${columns.length}`)
  if (schema.root === 'row' && row.names === undefined) {
    // Where every field may be missing, dates, maps and arrays would pass for rows.
    const mayBeEmpty = (schema.declared || partition.isProjected) && columns.every(({ field }) => field.nullable)
    checks.unshift(mayBeEmpty ? `isRecord(${row.row})` : `typeof ${row.row} === 'object' && ${row.row} !== null`)
  }
  const conditions = checks.filter((check) => check !== '')
  if (checkOpen) conditions.unshift(`P${p}.isOpen`)
  const stores = columns
    .map(
      ({ field }, c) =>
        storeText(field, p, c, `w${id}_${c}`) + (hasCodes(row, field, c) ? codeText(row, field, p, c, `w${id}_${c}`, hoist) : ''),
    )
    .join('\n')
  const { key: keySpec } = partition.router
  const key = keySpec !== undefined && needsHash(partition) ? `hashKey(${keyText(keySpec, row, `K${p}`)})` : undefined
  const store =
    `const n${id} = S${p}.rowCount\n${stores}\nT${p}[n${id}] = ${timestamp}${key === undefined ? '' : `; at = ${keyFunctionOf(node)}; H${p}[n${id}] = ${key}; at = ${node}`}; S${p}.rowCount = n${id} + 1`.replaceAll(
      '$n',
      `n${id}`,
    )
  return `${declare}\n${conditions.length === 0 ? `{ ${store} }` : `if (${conditions.join(' && ')}) { ${store} } else ${slow}`}`
}

/** Whether the loop writes columns itself; else every row goes through emit. */
export function isPlainEncode({ staging, router }: ResultPartition): boolean {
  if (staging.schema === null || (router.note !== undefined && router.hashes === undefined)) return false
  return staging.columns.every((column) => fieldCheck(column.field) !== 'other' && !isInherited(column.field.name))
}

/** Whether the loop stores the key's hash: a key of fields is hashed by the scatter. */
const needsHash = ({ router }: ResultPartition): boolean => router.hashes !== undefined && router.key?.kind === 'function'

/** A column of the very type needs no check. */
function trusts(row: RowText, field: Field): boolean {
  const source = row.column(field.name)?.column
  if (source === undefined || source.validity !== null) return false
  if (source.dictionary !== undefined) return field.type.kind === 'utf8'
  if (field.type.kind === 'float64') return source.layout === 'f64' || source.layout === 'i32' || source.layout === 'i64'
  return field.type.kind === 'int32' && source.layout === 'i32'
}

/** Whether the strings come with indices into a dictionary, which spare the scatter a look-up of each. */
const hasCodes = (row: RowText, field: Field, c: number): boolean =>
  c < maxDictionaryColumns && row.column(field.name)?.column.dictionary !== undefined && trusts(row, field)

function codeText(row: RowText, field: Field, p: number, c: number, v: string, hoist: (text: string) => void): string {
  const { index } = row.column(field.name)!
  const name = `${p}_${c}_${index}`
  hoist(`const X${name} = P${p}.codesFor(${c}, y${index}), G${name} = C${p}_${c}.codes`)
  return `; { const j = d${index}[o${index} + i]; let g = X${name}[j]; if (g === 0) g = P${p}.learnCode(${c}, X${name}, j, ${v}); G${name}[$n] = g }`
}

/** Behind an inferred schema a missing field must not pass: with a field too many beside it, the count of keys would be right. */
function checkText(field: Field, v: string, trusted: boolean, mayBeMissing: boolean): string {
  if (trusted) return ''
  const check = {
    number: `typeof ${v} === 'number'`,
    int32: `typeof ${v} === 'number' && (${v} | 0) === ${v}`,
    integer: `Number.isSafeInteger(${v})`,
    boolean: `typeof ${v} === 'boolean'`,
    string: `typeof ${v} === 'string'`,
    other: 'false',
  }[fieldCheck(field)]
  return field.nullable ? `(${v} === null || ${mayBeMissing ? `${v} === undefined || ` : ''}${check})` : check
}

function storeText(field: Field, p: number, c: number, v: string): string {
  const isBoolean = field.type.kind === 'boolean'
  const store = `V${p}_${c}[$n] = ${isBoolean ? `${v} ? 1 : 0` : v}`
  if (!field.nullable) return store
  const isText = field.type.kind === 'utf8'
  return `if (${v} === null || ${v} === undefined) { N${p}_${c}[$n] = 1; C${p}_${c}.nullCount++; V${p}_${c}[$n] = ${isText ? 'null' : '0'} } else ${store}`
}

/** Reading such a name finds something in every object. */
const isInherited = (name: string): boolean => name in Object.prototype

/** The key's expression for a KeySpec over the row at hand. */
export function keyText(
  key:
    | { readonly kind: 'field'; readonly field: string }
    | { readonly kind: 'fields'; readonly fields: readonly string[] }
    | { readonly kind: 'function' },
  row: RowText,
  fn: string,
): string {
  if (key.kind === 'field') return row.field(key.field)
  if (key.kind === 'function') return `${fn}(${row.row})`
  return `{ ${key.fields.map((field) => `${quote.property(field)}: ${row.field(field)}`).join(', ')} }`
}
