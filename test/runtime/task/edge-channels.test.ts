import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { edgeChannels } from '../../../src/runtime/task/edge-channels.ts'

const text = (pairs: readonly (readonly [number, number])[]) => pairs.map(([from, to]) => `${from}>${to}`).join(' ')

describe('the channels of an edge', () => {
  it('are one to one when it is forward', () => {
    expect(text(edgeChannels('forward', 3, 3))).toBe('0>0 1>1 2>2')
  })

  it('cannot be forward between different parallelisms', () => {
    expect(() => edgeChannels('forward', 2, 3)).toThrow('a forward edge connects 2 producers with 3 consumers')
  })

  it.each(['hash', 'rebalance', 'shuffle', 'broadcast', 'global', 'custom'] as const)('connect all with all when it is %s', (kind) => {
    expect(text(edgeChannels(kind, 2, 3))).toBe('0>0 0>1 0>2 1>0 1>1 1>2')
  })

  it('fall into ranges as in Flink when it is rescale', () => {
    expect(text(edgeChannels('rescale', 2, 4))).toBe('0>0 0>1 1>2 1>3')
    expect(text(edgeChannels('rescale', 4, 2))).toBe('0>0 1>0 2>1 3>1')
    expect(text(edgeChannels('rescale', 2, 3))).toBe('0>0 0>1 1>2')
    expect(text(edgeChannels('rescale', 3, 2))).toBe('0>0 1>1 2>1')
  })

  it('give every subtask at least one channel, and rescale as few as there can be', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (producers, consumers) => {
        const pairs = edgeChannels('rescale', producers, consumers)
        expect(new Set(pairs.map(([from]) => from)).size).toBe(producers)
        expect(new Set(pairs.map(([, to]) => to)).size).toBe(consumers)
        expect(pairs).toHaveLength(Math.max(producers, consumers))
      }),
    )
  })
})
