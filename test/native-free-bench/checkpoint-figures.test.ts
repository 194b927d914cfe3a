import { expect, it } from 'vitest'
import { figuresOf, parseFlinkFigures, together } from '../../native-free-bench/checkpoint-figures.ts'

const line =
  'CKPT 21 completed, 1 not; end-to-end min 600 p50 891 p99 1881 max 1881 ms; sync min 0 p50 3 p99 152 max 152 ms; async min 5 p50 790 p99 1783 max 1783 ms; start delay min 0 p50 114 p99 430 max 430 ms; max size 37.0 MB'

it("reads what Flink's side prints of its checkpoints", () => {
  expect(parseFlinkFigures(`# run 1\nRESULT x\n${line}\n`)).toEqual({
    ...{ completed: 21, failed: 1, sizeMb: 37 },
    endToEndMs: { p50: 891, p99: 1881, max: 1881 },
    syncMs: { p50: 3, p99: 152, max: 152 },
    asyncMs: { p50: 790, p99: 1783, max: 1783 },
  })
  expect(() => parseFlinkFigures('RESULT x')).toThrow('told nothing of checkpoints')
})

const taken = (durationMs: number) => ({
  durationMs,
  alignmentMs: 1,
  syncMs: durationMs / 100,
  asyncMs: durationMs / 2,
  sizeBytes: durationMs * 1e6,
})

it('takes percentiles over the checkpoints of a run, and the median run for the median of several', () => {
  const figures = figuresOf({ failed: 0, completed: [300, 100, 200].map(taken) })
  expect(figures).toMatchObject({
    completed: 3,
    endToEndMs: { p50: 200, p99: 300, max: 300 },
    syncMs: { p50: 2 },
    asyncMs: { max: 150 },
    sizeMb: 300,
  })
  const slower = figuresOf({ failed: 1, completed: [900, 800].map(taken) })
  const faster = figuresOf({ failed: 0, completed: [50].map(taken) })
  expect(together([slower, faster, figures])).toMatchObject({ completed: 6, failed: 1, endToEndMs: { p50: 200, p99: 900, max: 900 } })
  expect(() => figuresOf({ failed: 2, completed: [] })).toThrow('no checkpoint was completed, and 2 failed')
})
