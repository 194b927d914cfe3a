/**
 * The types of an operator's keys, as far as the program declares them: those of fields of rows of a declared type. What a key
 * function returns is known when it is called.
 */
import type { DataType, Field } from '../../base/columnar/data-type.ts'
import type { KeySpec } from './operator-descriptor.ts'
import type { StreamGraph, StreamNode } from './stream-graph.ts'

export interface DeclaredKey {
  readonly type: DataType
  readonly nullable: boolean
}

/** Of its keyed inputs, those that are known. */
export function declaredKeys({ inputs, keys }: StreamNode, { nodes }: StreamGraph): readonly DeclaredKey[] {
  return inputs.flatMap(({ from, input, outputTag, outputType }) => {
    const spec = keys[input]
    const node = nodes.find(({ id }) => id === from)!
    const type = outputTag === undefined ? declaredType(node) : outputType
    const key = spec === undefined || type?.dataType.kind !== 'struct' ? undefined : keyIn(type.dataType.fields, spec)
    return key === undefined ? [] : [key]
  })
}

const declaredType = ({ outputType, operator }: StreamNode) => outputType ?? (operator.kind === 'source' ? operator.source.type : undefined)

function keyIn(fields: readonly Field[], spec: KeySpec): DeclaredKey | undefined {
  if (spec.kind === 'function') return undefined
  if (spec.kind === 'field') return fields.find(({ name }) => name === spec.field)
  const parts = spec.fields.flatMap((name) => fields.filter((field) => field.name === name))
  return { type: { kind: 'struct', fields: parts }, nullable: false }
}
