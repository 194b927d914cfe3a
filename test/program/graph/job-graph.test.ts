import { describe, expect, it } from 'vitest'
import type { Environment } from '../../../src/program/api/environment.ts'
import { outputTag } from '../../../src/program/api/output-tag.ts'
import { tumbling } from '../../../src/program/api/windows.ts'
import { discardSink } from '../../../src/program/connector/discard-sink.ts'
import { count, sum } from '../../../src/program/function/aggregate.ts'
import { slotsNeeded } from '../../../src/program/graph/create-job-graph.ts'
import { defaultMaxParallelism } from '../../../src/program/graph/max-parallelism.ts'
import { planOf, throughJson } from './plan-support.ts'

const words = (env: Environment) => env.fromData([{ word: 'a', n: 1 }], { name: 'words' })
const windows = (env: Environment) => {
  words(env)
    .keyBy('word')
    .window(tumbling(1000))
    .aggregate({ words: count(), n: sum('n') }, { uid: 'counts' })
    .sinkTo(discardSink(), { name: 'out' })
}

describe('a job graph', () => {
  it('is the same after a way through JSON', async () => {
    const { jobGraph } = await planOf(windows, { 'parallelism.default': 2 })
    expect(throughJson(jobGraph)).toEqual(jobGraph)
  })

  it('says what is partitioned by which key, and what the window does', async () => {
    const { jobGraph } = await planOf(windows, { 'parallelism.default': 2 })
    expect(jobGraph.edges).toEqual([
      { id: 0, fromVertex: 0, fromOperator: 0, toVertex: 1, input: 0, partitioning: { kind: 'hash', key: ['word'] }, bufferTimeoutMs: 100 },
    ])
    const [source, window] = jobGraph.vertices
    expect([source!.parallelism, window!.parallelism]).toEqual([1, 2])
    expect(window!.operators[0]).toMatchObject({
      kind: 'window',
      uid: 'counts',
      chainedTo: -1,
      stateful: true,
      details: {
        assigner: { kind: 'tumbling', sizeMs: 1000, offsetMs: 0, time: 'event' },
        apply: { aggregates: { words: { kind: 'count' }, n: { kind: 'sum', field: 'n' } } },
      },
    })
    expect(window!.operators[1]).toMatchObject({ name: 'out', chainedTo: 0, stateful: false })
  })

  it('names key functions but does not hold them', async () => {
    const { jobGraph } = await planOf((env) => {
      words(env)
        .keyBy((row) => row.word.length)
        .sum('n')
      words(env).keyBy('word', 'n').sum('n')
    })
    expect(jobGraph.edges.map((edge) => edge.partitioning)).toEqual([
      { kind: 'hash', key: 'function' },
      { kind: 'hash', key: ['word', 'n'] },
    ])
  })

  it('puts each operator after the one it is chained to, and vertices in topological order', async () => {
    const { jobGraph } = await planOf((env) => {
      const late = outputTag<number>('late')
      const a = env.fromSequence(1, 3).process<number>((n, ctx) => ctx.output(late, n))
      const b = a.rebalance().map((n) => n)
      a.getSideOutput(late).filter(() => true)
      b.connect(a).map(
        (x) => x,
        (y) => y,
      )
    })
    for (const vertex of jobGraph.vertices) {
      for (const [index, operator] of vertex.operators.entries()) expect(operator.chainedTo).toBeLessThan(index)
      expect(vertex.operators[0]!.chainedTo).toBe(-1)
    }
    for (const edge of jobGraph.edges) expect(edge.fromVertex).toBeLessThan(edge.toVertex)
    expect(jobGraph.edges.map((edge) => edge.input)).toEqual([0, 0, 1])
    expect(jobGraph.vertices[0]!.operators[2]).toMatchObject({ kind: 'filter', outputTag: 'late', chainedTo: 1 })
  })

  it('needs as many slots as the widest vertex of each sharing group', async () => {
    const { jobGraph } = await planOf((env) => {
      env
        .fromSequence(1, 3)
        .map((n) => n, { parallelism: 5 })
        .map((n) => n, { parallelism: 3, slotSharingGroup: 'heavy' })
    })
    expect(slotsNeeded(jobGraph)).toBe(8)
  })

  it('takes parallelism from the operator, else from the environment as it was then, else from the configuration', async () => {
    const program = (env: Environment) => {
      env.fromSequence(1, 3).map((n) => n)
      env.setParallelism(3)
      env
        .fromSequence(1, 3)
        .map((n) => n)
        .filter(() => true)
        .setParallelism(5)
    }
    const { jobGraph } = await planOf(program, { 'parallelism.default': 2 })
    expect(jobGraph.vertices.map(({ parallelism }) => parallelism)).toEqual([2, 3, 5])
  })

  it('takes buffer timeouts from the producer, the environment, or the switch that turns them off', async () => {
    const program = (env: Environment) => {
      env
        .setBufferTimeout(7)
        .fromSequence(1, 3)
        .setBufferTimeout(0)
        .rebalance()
        .map((n) => n)
        .rebalance()
        .filter(() => true)
    }
    expect((await planOf(program)).jobGraph.edges.map((edge) => edge.bufferTimeoutMs)).toEqual([0, 7])
    const off = await planOf(program, { 'execution.buffer-timeout.enabled': false })
    expect(off.jobGraph.edges.map((edge) => edge.bufferTimeoutMs)).toEqual([0, -1])
  })

  it('derives max parallelism with room to grow', () => {
    expect([1, 85, 86, 170, 171, 1000, 20_000, 32_768].map(defaultMaxParallelism)).toEqual([128, 128, 256, 256, 256, 2048, 32_768, 32_768])
    expect(defaultMaxParallelism(172)).toBe(512)
  })

  it('takes max parallelism from the operator, else from the environment', async () => {
    const { jobGraph } = await planOf((env) => {
      env
        .setMaxParallelism(200)
        .fromSequence(1, 3)
        .rebalance()
        .map((n) => n, { maxParallelism: 64 })
    })
    expect(jobGraph.vertices.map((vertex) => vertex.maxParallelism)).toEqual([200, 64])
  })

  it('holds what was said since the last execute, with all that it reads', async () => {
    const names: string[][] = []
    let env!: Environment
    await planOf((made) => {
      env = made
      made.fromSequence(1, 3, { name: 'kept' }).map((n) => n, { name: 'first' })
      made.fromSequence(1, 3, { name: 'unread' })
    }).then(({ jobGraph }) => {
      names.push(jobGraph.vertices.map((vertex) => vertex.name))
      expect(jobGraph.warnings).toContain("Source 'unread' is read by no operator and is left out.")
    })
    expect(names).toEqual([['kept -> first']])
    expect(env.hasPendingOperators).toBe(false)
  })

  it('warns of state without a uid, and only of that', async () => {
    const { jobGraph } = await planOf(windows)
    expect(jobGraph.warnings).toHaveLength(1)
    expect(jobGraph.warnings![0]).toMatch(/^Operator 'words' keeps state but has no uid/)
    const both = await planOf((env) => {
      env.fromSequence(1, 3, { name: 'left' }).print()
      env.fromSequence(1, 3, { name: 'right' }).print()
    })
    expect(both.jobGraph.warnings).toEqual([expect.stringMatching(/^Operators 'left', 'right' keep state but have no uid/)])
  })
})

describe('operator ids', () => {
  const idsOf = async (program: (env: Environment) => void) => {
    const { jobGraph } = await planOf(program)
    return new Map(jobGraph.vertices.flatMap((vertex) => vertex.operators.map((operator) => [operator.name, operator.operatorId])))
  }
  const base = (env: Environment) => {
    const source = env.fromSequence(1, 3, { name: 'n' })
    source
      .map((n) => n, { name: 'a' })
      .keyBy((n) => n)
      .reduce((x, y) => x + y, { name: 'r' })
    return source
  }

  it('are 32 hex digits, all different', async () => {
    const ids = [...(await idsOf((env) => void base(env))).values()]
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/)
    expect(new Set(ids).size).toBe(3)
  })

  it('stay when a branch is added elsewhere, and shift when an operator is inserted upstream', async () => {
    const before = await idsOf((env) => void base(env))
    const branched = await idsOf((env) => {
      env.fromData([1], { name: 'other' }).filter(() => true)
      base(env).filter(() => true, { name: 'side' })
    })
    expect(branched.get('r')).not.toBe(undefined)
    const inserted = await idsOf((env) => {
      env
        .fromSequence(1, 3, { name: 'n' })
        .filter(() => true)
        .map((n) => n, { name: 'a' })
        .keyBy((n) => n)
        .reduce((x, y) => x + y, { name: 'r' })
    })
    expect(inserted.get('r')).not.toBe(before.get('r'))
    const after = await idsOf((env) => {
      const source = base(env)
      source.filter(() => true, { name: 'side' })
      source.map((n) => n, { name: 'b' })
    })
    for (const name of ['a', 'r']) expect(after.get(name)).toBe(before.get(name))
    expect(after.get('b')).not.toBe(after.get('a'))
  })

  it('come from the uid where there is one, wherever the operator stands', async () => {
    const first = await idsOf((env) => void env.fromSequence(1, 3).map((n) => n, { name: 'm', uid: 'same' }))
    const second = await idsOf(
      (env) =>
        void env
          .fromData([1])
          .filter(() => true)
          .map((n) => n, { name: 'm', uid: 'same' }),
    )
    expect(second.get('m')).toBe(first.get('m'))
  })

  it('never change: golden values', async () => {
    const ids = await idsOf((env) => void env.fromSequence(1, 3, { name: 'n', uid: 'numbers' }).map((n) => n, { name: 'm' }))
    expect(ids.get('n')).toBe('f495ea209146e365e335958a761026ce')
    expect(ids.get('m')).toBe('9e0143d83ba3042a91d522ecd0954af2')
  })
})
