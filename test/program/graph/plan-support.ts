/** Short ways to plans for the tests of program/. */
import type { Config } from '../../../src/base/core/config-options.ts'
import { Environment } from '../../../src/program/api/environment.ts'
import type { JobGraph } from '../../../src/program/graph/job-graph.ts'
import type { StreamGraph } from '../../../src/program/graph/stream-graph.ts'
import { withoutSnapshots } from '../../support/without-snapshots.ts'

export interface Planned {
  readonly streamGraph: StreamGraph
  readonly jobGraph: JobGraph
}

/** The plan of a program that executes once, at its end. */
export async function planOf(program: (env: Environment) => void, config: Config = {}): Promise<Planned> {
  let planned: Planned | undefined
  const env = new Environment({
    config,
    executor: async () => ({
      async submit({ streamGraph, jobGraph }) {
        planned = { streamGraph, jobGraph }
        const result = { jobId: 'job', jobName: jobGraph.jobName, netRuntimeMs: 0, counters: {}, operators: [] }
        return {
          jobId: 'job',
          status: 'FINISHED',
          result: Promise.resolve(result),
          cancel: async () => undefined,
          onProgress: () => undefined,
          ...withoutSnapshots,
        }
      },
    }),
  })
  program(env)
  await env.execute('test')
  return planned!
}

/** `['Source: n -> Map', 'Sink: x']`. */
export async function chainsOf(program: (env: Environment) => void, config: Config = {}): Promise<string[]> {
  const { jobGraph } = await planOf(program, config)
  return jobGraph.vertices.map((vertex) => vertex.name)
}

/** The partitioning of each edge between vertices, in their order. */
export async function edgesOf(program: (env: Environment) => void, config: Config = {}): Promise<string[]> {
  const { jobGraph } = await planOf(program, config)
  return jobGraph.edges.map(({ fromVertex, toVertex, partitioning }) => `${fromVertex} ${partitioning.kind} ${toVertex}`)
}

/** JSON there and back must change nothing. */
export const throughJson = (graph: JobGraph): JobGraph => JSON.parse(JSON.stringify(graph)) as JobGraph
