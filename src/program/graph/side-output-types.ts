/**
 * What is declared of an operator's side outputs: by the tags that they are read with, and by the one that a window gives late
 * rows. A tag may leave its type out; the types of one output agree once the graph has been validated.
 */
import type { Type } from '../../base/columnar/data-type.ts'
import type { StreamNode } from './stream-graph.ts'

/** Per tag that anyone declared, in the order of the readers. */
export function sideOutputTypes(nodes: Iterable<StreamNode>, from: number): ReadonlyMap<string, readonly Type<unknown>[]> {
  const types = new Map<string, Type<unknown>[]>()
  const add = (tag: string | undefined, type: Type<unknown> | undefined): void => {
    if (tag === undefined || type === undefined) return
    types.set(tag, [...(types.get(tag) ?? []), type])
  }
  for (const { id, operator, inputs } of nodes) {
    if (id === from && operator.kind === 'window') add(operator.lateTag?.id, operator.lateTag?.type)
    for (const edge of inputs) if (edge.from === from) add(edge.outputTag, edge.outputType)
  }
  return types
}
