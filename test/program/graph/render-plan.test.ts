import { describe, expect, it } from 'vitest'
import { outputTag } from '../../../src/program/api/output-tag.ts'
import { tumbling } from '../../../src/program/api/windows.ts'
import { discardSink } from '../../../src/program/connector/discard-sink.ts'
import { count } from '../../../src/program/function/aggregate.ts'
import { planToJson, planToText } from '../../../src/program/graph/render-plan.ts'
import { planOf } from './plan-support.ts'

const late = outputTag<{ word: string; at: number }>('late')
const { jobGraph } = await planOf(
  (env) => {
    const counts = env
      .fromData([{ word: 'a', at: 1 }], { name: 'words', uid: 'words' })
      .filter((row) => row.at > 0)
      .keyBy('word')
      .window(tumbling(60_000), { lateOutput: late })
      .aggregate({ words: count() }, { description: 'per minute' })
    counts.sinkTo(discardSink(), { name: 'out', uid: 'out' })
    counts.getSideOutput(late).sinkTo(discardSink(), { name: 'late words', parallelism: 1, slotSharingGroup: 'side' })
  },
  { 'parallelism.default': 2 },
)

describe('a plan for people', () => {
  it('shows vertices, chains, what they read and how, parallelism, uids and warnings', () => {
    expect(planToText(jobGraph)).toBe(
      `Job test: 4 vertices, 3 slots
Fingerprint ${jobGraph.fingerprint}

Vertex 0: parallelism 1 (max 128)
  words (uid words, stateful)

Vertex 1: parallelism 2 (max 128)
  reads vertex 0, words: rebalance
  Filter

Vertex 2: parallelism 2 (max 128)
  reads vertex 1, Filter: hash by word
  Window(tumbling 1 min) (stateful, per minute)
    -> out (uid out)

Vertex 3: parallelism 1 (max 128), slot sharing group side
  reads vertex 2, Window(tumbling 1 min), side output late: rebalance
  late words

Warnings
  Operator 'Window(tumbling 1 min)' keeps state but has no uid: after a change of the program such state may not be found again.`,
    )
  })
})

describe('a plan for programs', () => {
  it('is the job graph with slots and warnings, and is JSON', () => {
    const json = planToJson(jobGraph)
    expect(JSON.parse(JSON.stringify(json))).toEqual(json)
    expect(json).toMatchObject({ version: 1, jobName: 'test', slots: 3, fingerprint: jobGraph.fingerprint })
    expect(json.warnings).toHaveLength(1)
  })
})
