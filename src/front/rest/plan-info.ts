/**
 * A plan as Flink's JobPlanInfo, which the dashboard draws. Descriptions are HTML there, so names are escaped. Pure.
 */
import type { JobGraph, JobVertex, PlanPartitioning } from '../../program/graph/job-graph.ts'

const shipStrategy: { readonly [K in PlanPartitioning['kind']]: string } = {
  forward: 'FORWARD',
  rebalance: 'REBALANCE',
  rescale: 'RESCALE',
  shuffle: 'SHUFFLE',
  broadcast: 'BROADCAST',
  global: 'GLOBAL',
  hash: 'HASH',
  custom: 'CUSTOM',
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

export function planInfo(jobId: string, { jobName, vertices, edges }: JobGraph): unknown {
  const nodes = vertices.map((vertex) => ({
    ...{ id: vertex.vertexId, parallelism: vertex.parallelism, operator: '', operator_strategy: '', description: described(vertex) },
    inputs: edges
      .filter(({ toVertex }) => toVertex === vertex.id)
      .map(({ fromVertex, partitioning: { kind } }, num) => ({
        ...{
          num,
          id: vertices[fromVertex]!.vertexId,
          ship_strategy: shipStrategy[kind],
          exchange: 'pipelined_bounded',
          local_strategy: null,
          caching: null,
        },
      })),
    optimizer_properties: {},
  }))
  return { jid: jobId, name: jobName, type: 'STREAMING', nodes }
}

/** One operator a line, each behind what it is chained to. */
function described({ operators }: JobVertex): string {
  return operators.map(({ name, chainedTo }) => `${chainedTo === -1 ? '' : '+- '}${escaped(name)}<br/>`).join('')
}
