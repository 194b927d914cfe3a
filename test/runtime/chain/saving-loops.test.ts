import { expect, test } from 'vitest'
import { JobBench, ListSink, rowsUnit, scriptedSource } from '../task/job-bench.ts'

const numbered = (from: number) => Array.from({ length: 100 }, (_, i) => ({ i: from + i }))

test('loops that save are in use while a snapshot is open and at no other time, and neither kind is made twice', async () => {
  const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>())
  const bench = await JobBench.of((env) => {
    const counted: any = env.fromSource(
      scriptedSource(() =>
        gates.flatMap(({ promise }, g) => [
          { wait: promise },
          rowsUnit(
            numbered(g * 100),
            numbered(g * 100).map(({ i }) => i),
          ),
        ]),
      ),
      { name: 'in' },
    )
    counted
      .keyBy('i')
      .window({ kind: 'tumbling', time: 'event', sizeMs: 10_000, offsetMs: 0 })
      .aggregate({ n: { kind: 'count' } })
      .sinkTo(new ListSink())
  })
  await bench.open()
  const { chain } = bench.task(1).options
  const kernel = chain.runtime.nodes[0]!.kernel!
  const pass = async (gate: number) => {
    gates[gate]!.resolve()
    for (let i = 0; i < 400 && bench.task(1).recordsIn < (gate + 1) * 100; i++) {
      bench.round()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(bench.task(1).recordsIn).toBe((gate + 1) * 100)
    return kernel.fireLoop
  }
  const plain = await pass(0)
  const snapshots = kernel.snapshotState!({ checkpointId: 1, timestampMs: 0, kind: 'checkpoint', directory: '/1' })
  expect(kernel.isSaving).toBe(true)
  const saving = await pass(1)
  expect(saving).not.toBe(plain)
  expect(String(saving)).not.toBe('')
  for (const snapshot of snapshots) snapshot.release()
  expect(kernel.isSaving).toBe(false)
  expect(await pass(2)).toBe(plain)
  expect(chain.compiledLoops).toBe(1)
  await bench.settle()
  expect(bench.failures).toEqual([])
})
