/**
 * Plans written by hand, as small as a test can use them: each vertex has one operator whose node id is the vertex id + 1.
 */
import type { Source } from '../../../src/program/function/source.ts'
import type { JobGraph, PlanPartitioning } from '../../../src/program/graph/job-graph.ts'
import type { StreamGraph } from '../../../src/program/graph/stream-graph.ts'

export interface VertexSpec {
  readonly name: string
  readonly parallelism: number
  readonly group?: string
  readonly source?: Source<any, any, any>
}

export interface EdgeSpec {
  readonly from: number
  readonly to: number
  readonly kind: PlanPartitioning['kind']
}

export function jobGraphOf(vertices: readonly VertexSpec[], edges: readonly EdgeSpec[] = [], fingerprint = 'f'): JobGraph {
  return {
    version: 1,
    jobName: 'by hand',
    vertices: vertices.map(({ name, parallelism, group, source }, id) => ({
      id,
      vertexId: id.toString(16).padStart(32, '0'),
      name,
      parallelism,
      maxParallelism: 128,
      slotSharingGroup: group ?? 'default',
      operators: [
        {
          nodeId: id + 1,
          operatorId: id.toString(16).padStart(32, '0'),
          name,
          kind: source === undefined ? 'map' : 'source',
          chainedTo: -1,
          chaining: 'always',
          stateful: false,
        },
      ],
    })),
    edges: edges.map(({ from, to, kind }, id) => ({
      id,
      fromVertex: from,
      fromOperator: 0,
      toVertex: to,
      input: 0,
      partitioning: { kind },
      bufferTimeoutMs: 100,
    })),
    config: { 'pipeline.name': 'by hand' },
    fingerprint,
  }
}

export function streamGraphOf(vertices: readonly VertexSpec[]): StreamGraph {
  return {
    jobName: 'by hand',
    config: {},
    nodes: vertices.map(({ name, parallelism, group, source }, id) => ({
      id: id + 1,
      operator: source === undefined ? { kind: 'map', fn: (value: unknown) => value } : { kind: 'source', source },
      name,
      parallelism,
      slotSharingGroup: group ?? 'default',
      chaining: 'always',
      inputs: [],
      keys: [],
    })),
  }
}
