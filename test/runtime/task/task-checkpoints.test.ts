import { describe, expect, test } from 'vitest'
import type { Environment } from '../../../src/program/api/environment.ts'
import { CheckpointBench, SplitSource } from './checkpoint-bench.ts'
import { ListSink } from './job-bench.ts'

/** Counts rows by key: source -> keyed reduce -> sink behind another edge. */
const counting = (source: SplitSource, sink: ListSink) => (env: Environment) =>
  void env
    .fromSource(source, { name: 'in' })
    .map((row: any) => ({ key: row.i % 3, n: 1 }))
    .keyBy('key')
    .reduce((a: any, b: any) => ({ key: a.key, n: a.n + b.n }))
    .rebalance()
    .map((row: any) => row)
    .sinkTo(sink)

describe('a checkpoint', () => {
  test('goes from the source to the sink, and everyone acknowledges it', async () => {
    const source = new SplitSource()
    const sink = new ListSink()
    const bench = await CheckpointBench.of(counting(source, sink))
    bench.split(0, 0, { id: 'a', from: 0, to: 100 })
    source.allow(0, 30)
    await bench.rest()
    bench.start(1)
    await bench.rest()
    expect(bench.failures).toEqual([])
    expect(bench.saidOf('checkpointDeclined')).toEqual([])
    expect(bench.acknowledged(1)).toEqual(['0/0', '1/0', '2/0'])
    source.allow(0, 70)
    bench.noMore(0, 0)
    await bench.rest()
    expect(sink.rows).toHaveLength(100)
    expect(bench.saidOf('awaitsCheckpoint')).toHaveLength(3)
    expect(bench.states('finished')).toEqual([])
    bench.complete(1)
    await bench.rest()
    expect(bench.states('finished')).toEqual([])
    await bench.start(2).rest()
    await bench.complete(2).rest()
    expect(bench.states('finished').sort()).toEqual(['0/0', '1/0', '2/0'])
    await Promise.all(bench.slots.map(({ done }) => done))

    const again = new SplitSource()
    const rest = new ListSink()
    const restored = await CheckpointBench.of(counting(again, rest), {
      restore: bench.metadata(1),
      fileSystem: bench.fileSystem,
      checkpointing: false,
    })
    expect(again.told).toEqual(['0 add a@30', '0 start'])
    again.allow(0, 1000)
    restored.noMore(0, 0)
    await restored.rest()
    expect(restored.failures).toEqual([])
    expect(rest.rows).toEqual(sink.rows.slice(30))
    expect(restored.states('finished')).toHaveLength(3)
  })
})
