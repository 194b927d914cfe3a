/** The programs whose checkpoints are under test, and what their sinks hold. */
import type { Environment } from '../../../src/program/api/environment.ts'
import { CheckpointBench, type CheckpointBenchOptions, SplitSource } from './checkpoint-bench.ts'
import { ListSink } from './job-bench.ts'

/** Counts rows by key: source -> keyed reduce -> sink behind another edge. */
export const counting = (source: SplitSource, sink: ListSink) => (env: Environment) =>
  void env
    .fromSource(source, { name: 'in' })
    .map((row: any) => ({ key: row.i % 3, n: 1 }))
    .keyBy('key')
    .reduce((a: any, b: any) => ({ key: a.key, n: a.n + b.n }))
    .rebalance()
    .map((row: any) => row)
    .sinkTo(sink)

/** source (parallelism 2) -> one sink: every row that its subtasks emitted, in the order of each. */
export const gathering =
  (source: SplitSource, sink: ListSink, parallelism = 2) =>
  (env: Environment) =>
    void env
      .fromSource(source, { name: 'in' })
      .setParallelism(parallelism)
      .rebalance()
      .map((row: any) => row)
      .setParallelism(1)
      .sinkTo(sink)
      .setParallelism(1)

export async function gathered(sink = new ListSink(), options: CheckpointBenchOptions = {}) {
  const source = new SplitSource()
  const bench = await CheckpointBench.of(gathering(source, sink), options)
  bench.split(0, 0, { id: 'a', from: 0, to: 1_000 }).split(0, 1, { id: 'b', from: 0, to: 1_000 })
  source.allow(0, 20)
  source.allow(1, 20)
  await bench.rest()
  return { source, sink, bench }
}

export const idsOf = (sink: ListSink) => ({
  a: sink.rows.filter(({ id }) => id === 'a').length,
  b: sink.rows.filter(({ id }) => id === 'b').length,
})
