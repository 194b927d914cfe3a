/**
 * Any interleaving of rows, checkpoints, aborts, ends and turns of the slots, over several sources and two stages, against a model: the
 * counts in a snapshot's keyed state are those of exactly the rows ahead of the splits in the same snapshot, and what a restored
 * job gives together with the first one's rows is every row once.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rowReader } from '../../../src/base/columnar/column-batch.ts'
import type { Environment } from '../../../src/program/api/environment.ts'
import { restoredState } from '../../../src/runtime/checkpoint/restored-state.ts'
import { CheckpointBench, type Split, SplitSource } from './checkpoint-bench.ts'
import { ListSink } from './job-bench.ts'

const sources = 2
const counters = 2
const rows = 60

/** Each source subtask's rows, counted by the source that they came from and i % 5. */
const program = (source: SplitSource, sink: ListSink) => (env: Environment) =>
  void env
    .fromSource(source, { name: 'in' })
    .setParallelism(sources)
    .map((row: any) => ({ key: `${row.id}${row.i % 5}`, n: 1 }))
    .setParallelism(sources)
    .keyBy('key')
    .reduce((a: any, b: any) => ({ key: a.key, n: a.n + b.n }))
    .setParallelism(counters)
    .sinkTo(sink)
    .setParallelism(counters)

/** Of a whole checkpoint: where each source's split stood, and the counts. */
async function contents(bench: CheckpointBench, checkpointId: number) {
  const metadata = bench.metadata(checkpointId)
  const read = async (vertex: number, parallelism: number) => {
    const found: any[] = []
    for (const { operatorId } of bench.jobGraph.vertices[vertex]!.operators) {
      for (let subtask = 0; subtask < parallelism; subtask++) {
        const { maxParallelism } = bench.jobGraph.vertices[vertex]!
        const state = restoredState(metadata, operatorId, { subtask, parallelism, maxParallelism }, bench.fileSystem)
        for (const table of state!.tables) {
          for await (const batch of table.batches()) {
            const row = rowReader(batch)
            for (let i = 0; i < batch.rowCount; i++) found.push(row(i))
          }
        }
      }
    }
    return found
  }
  const splits: Split[] = (await read(0, sources)).map(({ value }) => value)
  const counts = await read(1, counters)
  return { splits, counts }
}

const actions = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('turns' as const), n: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('rows' as const), n: fc.nat(sources - 1) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('start' as const), n: fc.constant(0) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), n: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('late' as const), n: fc.constant(0) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const), n: fc.nat(sources - 1) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('loop' as const), n: fc.constant(0) }) },
  ),
  { minLength: 10, maxLength: 60 },
)

test.each([true, false])('a snapshot holds the rows before the barrier of every input, generated: %s', async (codegen) => {
  let taken = 0
  await fc.assert(
    fc.asyncProperty(actions, async (script) => {
      const source = new SplitSource()
      source.unit = 7
      const bench = await CheckpointBench.of(program(source, new ListSink()), {
        config: { 'execution.codegen': codegen },
        tickMs: 0.3,
        network: { segmentSizeBytes: 4096, maxBytes: 8 * (256 + 2 * 4096) },
      })
      for (let subtask = 0; subtask < sources; subtask++) bench.split(0, subtask, { id: 'ab'[subtask]!, from: 0, to: rows })
      let last = 0
      const aborted = new Set<number>()
      const ended = new Set<number>()
      for (const { do: what, n } of script) {
        if (what === 'turns') for (let i = 0; i < n; i++) bench.queue.shift()?.()
        else if (what === 'rows') source.allow(n, 5 + (last % 3))
        else if (what === 'start') bench.start(++last)
        else if (what === 'late') {
          // The slots hear of it one after the other, with turns between.
          const checkpoint = { checkpointId: ++last, timestampMs: 0, kind: 'checkpoint', directory: `/chk-${last}` } as const
          for (let slot = bench.slots.length - 1; slot >= 0; slot--) {
            bench.send({ do: 'startCheckpoint', checkpoint }, slot)
            for (let i = 0; i < 3; i++) bench.queue.shift()?.()
          }
        } else if (what === 'abort' && last - n > 0) {
          aborted.add(last - n)
          bench.abort(last - n)
        } else if (what === 'end' && !ended.has(n)) {
          ended.add(n)
          bench.noMore(0, n)
        } else await new Promise((resolve) => setImmediate(resolve))
      }
      await bench.rest()
      expect(bench.failures).toEqual([])
      expect(bench.saidOf('checkpointDeclined')).toEqual([])
      for (let id = 1; id <= last; id++) {
        // None is lost; what was aborted in time is not acknowledged by all.
        if (!aborted.has(id)) expect(bench.acknowledged(id)).toHaveLength(sources + counters)
        if (aborted.has(id)) continue
        taken++
        const { splits, counts } = await contents(bench, id)
        for (const [s, name] of ['a', 'b'].entries()) {
          const split = splits.find((each) => each.id === name)
          const before = split === undefined ? rows : split.from
          const counted = counts.filter(({ key }) => keyText(key).startsWith(name)).reduce((sum, row) => sum + countOf(row), 0)
          expect([name, s, counted]).toEqual([name, s, before])
        }
      }
    }),
    { numRuns: 60 },
  )
  expect(taken).toBeGreaterThan(50)
})

const keyText = (key: any): string => (typeof key === 'object' ? String(Object.values(key)[0]) : String(key))
const countOf = (row: any): number => row.value.n
