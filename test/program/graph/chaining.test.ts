import { describe, expect, it } from 'vitest'
import { outputTag } from '../../../src/program/api/output-tag.ts'
import { discardSink } from '../../../src/program/connector/discard-sink.ts'
import { chainsOf, edgesOf } from './plan-support.ts'

const one = (n: number) => n + 1
const p2 = { 'parallelism.default': 2 }

describe('chaining', () => {
  it('joins operators of equal parallelism along forward edges, with branches in brackets', async () => {
    const names = await chainsOf((env) => {
      const numbers = env.fromSequence(1, 9, { name: 'n' }).map(one)
      numbers.filter(() => true).sinkTo(discardSink(), { name: 'a' })
      numbers.sinkTo(discardSink(), { name: 'b' })
    }, p2)
    expect(names).toEqual(['n -> Map -> (Filter -> a, b)'])
  })

  it('stops where the parallelism changes, which becomes a rebalance without a word', async () => {
    const program = (env: Parameters<Parameters<typeof chainsOf>[0]>[0]) => {
      env.fromSequence(1, 9, { name: 'n' }).map(one).setParallelism(4).sinkTo(discardSink(), { name: 'out' })
    }
    expect(await chainsOf(program, p2)).toEqual(['n', 'Map', 'out'])
    expect(await edgesOf(program, p2)).toEqual(['0 rebalance 1', '1 rebalance 2'])
  })

  it('stops at every partitioning but forward, also at parallelism 1', async () => {
    for (const method of ['rebalance', 'rescale', 'shuffle', 'broadcast', 'global'] as const) {
      const program = (env: Parameters<Parameters<typeof chainsOf>[0]>[0]) => {
        env.fromSequence(1, 9, { name: 'n' })[method]().map(one)
      }
      expect(await chainsOf(program)).toEqual(['n', 'Map'])
      expect(await edgesOf(program)).toEqual([`0 ${method} 1`])
    }
    expect(await chainsOf((env) => void env.fromSequence(1, 9, { name: 'n' }).forward().map(one))).toEqual(['n -> Map'])
    expect(
      await chainsOf(
        (env) =>
          void env
            .fromSequence(1, 9, { name: 'n' })
            .keyBy((n) => n % 3)
            .reduce((a, b) => a + b),
      ),
    ).toEqual(['n', 'Keyed Reduce'])
  })

  it('never joins a reader of a union to its producers, nor a union with itself', async () => {
    const names = await chainsOf((env) => {
      const a = env.fromSequence(1, 9, { name: 'a' })
      a.union(env.fromSequence(1, 9, { name: 'b' })).map(one)
      a.union(a).filter(() => true)
    })
    expect(names).toEqual(['a', 'b', 'Map', 'Filter'])
  })

  it('never joins an operator of two inputs to its producers', async () => {
    const names = await chainsOf((env) => {
      env
        .fromSequence(1, 9, { name: 'a' })
        .connect(env.fromSequence(1, 9, { name: 'b' }))
        .map(one, one)
        .map(one)
    })
    expect(names).toEqual(['a', 'b', 'Co-Map -> Map'])
  })

  it('stops between slot sharing groups, which are inherited from the inputs', async () => {
    const program = (env: Parameters<Parameters<typeof chainsOf>[0]>[0]) => {
      env
        .fromSequence(1, 9, { name: 'n' })
        .map(one)
        .slotSharingGroup('heavy')
        .filter(() => true)
        .map(one, { slotSharingGroup: 'default' })
    }
    expect(await chainsOf(program)).toEqual(['n', 'Map -> Filter', 'Map'])
  })

  it('obeys startNewChain, disableChaining and the environment', async () => {
    const program = (how: (s: any) => any) => (env: Parameters<Parameters<typeof chainsOf>[0]>[0]) => {
      how(env.fromSequence(1, 9, { name: 'n' }).map(one)).filter(() => true)
    }
    expect(await chainsOf(program((s) => s.startNewChain()))).toEqual(['n', 'Map -> Filter'])
    expect(await chainsOf(program((s) => s.disableChaining()))).toEqual(['n', 'Map', 'Filter'])
    expect(
      await chainsOf(
        program((s) => s),
        { 'pipeline.operator-chaining.enabled': false },
      ),
    ).toEqual(['n', 'Map', 'Filter'])
    expect(
      await chainsOf((env) => {
        env.disableOperatorChaining().fromSequence(1, 9, { name: 'n' }).map(one, { chaining: 'head' })
      }),
    ).toEqual(['n', 'Map'])
  })

  it('joins readers of a side output too', async () => {
    const names = await chainsOf((env) => {
      const tag = outputTag<number>('odd')
      const split = env.fromSequence(1, 9, { name: 'n' }).process<number>((n, ctx, out) => (n % 2 ? ctx.output(tag, n) : out.collect(n)))
      split.getSideOutput(tag).map(one)
    })
    expect(names).toEqual(['n -> Process -> Map'])
  })

  it('runs a source and a sink that cannot be parallel in one subtask', async () => {
    const sink = { ...discardSink<number>(), name: 'one file', maxParallelism: 1 }
    const program = (env: Parameters<Parameters<typeof chainsOf>[0]>[0]) => {
      env.fromData([1, 2], { name: 'n' }).map(one).sinkTo(sink)
    }
    expect(await edgesOf(program, p2)).toEqual(['0 rebalance 1', '1 rebalance 2'])
  })

  it('lets windows over all rows join a producer of parallelism 1', async () => {
    const program = (env: Parameters<Parameters<typeof chainsOf>[0]>[0]) => {
      env
        .fromData([{ n: 1 }], { name: 'n' })
        .countWindowAll(3)
        .sum('n')
    }
    expect(await chainsOf(program, p2)).toEqual(['n -> Window(global)'])
  })
})
