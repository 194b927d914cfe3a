/**
 * The id under which an operator's state is found: from its uid where it has one, else from its position, which is what
 * it reads and the how-manyeth of its kind it is to read that. A branch that is added elsewhere shifts no id; an operator
 * inserted upstream does, which is why stateful operators should have a uid.
 */
import { canonicalJson, hash32Hex } from './canonical.ts'
import type { StreamGraph } from './stream-graph.ts'

export const operatorIdOfUid = (uid: string): string => hash32Hex(['uid', uid])

/** Ids by node id. */
export function operatorIds(graph: StreamGraph): ReadonlyMap<number, string> {
  const ids = new Map<number, string>()
  const siblings = new Map<string, number>()
  for (const node of graph.nodes) {
    const reads = node.inputs.map((edge) => [ids.get(edge.from)!, edge.input, edge.outputTag ?? null])
    const position = ['position', node.operator.kind, reads]
    const place = canonicalJson(position)
    const nth = siblings.get(place) ?? 0
    siblings.set(place, nth + 1)
    ids.set(node.id, node.uid === undefined ? hash32Hex([...position, nth]) : operatorIdOfUid(node.uid))
  }
  return ids
}
