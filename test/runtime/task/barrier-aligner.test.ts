import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AlignmentMode, type AlignmentStep, BarrierAligner } from '../../../src/runtime/task/barrier-aligner.ts'

const names = (steps: readonly AlignmentStep[]) => steps.map((step) => step.do)

describe('exactly once', () => {
  test('takes a checkpoint once every channel has brought the barrier, and only then lets them go on', () => {
    const aligner = new BarrierAligner('EXACTLY_ONCE', 2)
    expect(aligner.barrier(0, 1, 100)).toEqual([{ do: 'block', channel: 0 }])
    expect(aligner.barrier(1, 1, 140)).toEqual([
      { do: 'block', channel: 1 },
      { do: 'take', checkpointId: 1, alignmentMs: 40 },
      { do: 'unblock', channels: [0, 1] },
    ])
  })

  test('gives an alignment up when a newer barrier overtakes it', () => {
    const aligner = new BarrierAligner('EXACTLY_ONCE', 2)
    aligner.barrier(0, 1, 0)
    expect(aligner.barrier(1, 2, 10)).toEqual([
      { do: 'giveUp', checkpointId: 1 },
      { do: 'unblock', channels: [0] },
      { do: 'block', channel: 1 },
    ])
    expect(names(aligner.barrier(0, 2, 20))).toEqual(['block', 'take', 'unblock'])
  })

  test('never blocks one channel for an older checkpoint than another', () => {
    const aligner = new BarrierAligner('EXACTLY_ONCE', 2)
    aligner.barrier(0, 2, 0)
    expect(aligner.barrier(1, 1, 10)).toEqual([])
    expect(names(aligner.barrier(1, 2, 20))).toEqual(['block', 'take', 'unblock'])
  })

  test('waits no longer for a channel that is closed', () => {
    const aligner = new BarrierAligner('EXACTLY_ONCE', 2)
    aligner.barrier(0, 1, 0)
    expect(names(aligner.close(1, 5))).toEqual(['take', 'unblock'])
    expect(names(aligner.barrier(0, 2, 6))).toEqual(['block', 'take', 'unblock'])
  })

  test('lets channels go on when the coordinator aborts, and ignores the barriers that still come', () => {
    const aligner = new BarrierAligner('EXACTLY_ONCE', 2)
    aligner.barrier(0, 4, 0)
    expect(aligner.abort(4)).toEqual([{ do: 'unblock', channels: [0] }])
    expect(aligner.barrier(1, 4, 0)).toEqual([])
    expect(names(aligner.barrier(0, 5, 0))).toEqual(['block'])
  })

  test('aborts that checkpoint and no other', () => {
    const aligner = new BarrierAligner('EXACTLY_ONCE', 2)
    aligner.barrier(0, 4, 0)
    expect(aligner.abort(5)).toEqual([])
    expect(names(aligner.barrier(1, 4, 0))).toEqual(['block', 'take', 'unblock'])
    expect(aligner.barrier(0, 5, 0)).toEqual([])
    expect(aligner.abort(3)).toEqual([])
  })
})

describe('a task without open channels', () => {
  test('takes a checkpoint when it is announced', () => {
    const aligner = new BarrierAligner('EXACTLY_ONCE', 1)
    aligner.close(0, 0)
    expect(aligner.announce(3)).toEqual([{ do: 'take', checkpointId: 3, alignmentMs: 0 }])
    expect(aligner.announce(3)).toEqual([])
  })

  test('takes those announced before its last channel closed, in order, but not what was taken or aborted', () => {
    const aligner = new BarrierAligner('EXACTLY_ONCE', 1)
    for (const id of [1, 3, 2, 4]) expect(aligner.announce(id)).toEqual([])
    aligner.barrier(0, 1, 0)
    aligner.abort(3)
    expect(aligner.close(0, 0)).toEqual([
      { do: 'take', checkpointId: 2, alignmentMs: 0 },
      { do: 'take', checkpointId: 4, alignmentMs: 0 },
    ])
  })
})

describe('at least once', () => {
  test('blocks nothing, and counts several checkpoints at a time', () => {
    const aligner = new BarrierAligner('AT_LEAST_ONCE', 2)
    expect(aligner.barrier(0, 1, 0)).toEqual([])
    expect(aligner.barrier(0, 2, 5)).toEqual([])
    expect(aligner.barrier(1, 1, 7)).toEqual([{ do: 'take', checkpointId: 1, alignmentMs: 7 }])
    expect(aligner.barrier(1, 2, 9)).toEqual([{ do: 'take', checkpointId: 2, alignmentMs: 4 }])
  })

  test('gives up what a newer one that is whole has overtaken', () => {
    const aligner = new BarrierAligner('AT_LEAST_ONCE', 2)
    aligner.barrier(0, 1, 0)
    aligner.barrier(0, 2, 0)
    expect(names(aligner.barrier(1, 2, 0))).toEqual(['giveUp', 'take'])
    expect(aligner.barrier(1, 1, 0)).toEqual([])
  })
})

test.each<AlignmentMode>(['EXACTLY_ONCE', 'AT_LEAST_ONCE'])(
  '%s: what is taken lies behind the barrier of every channel, rises, and nothing stays blocked',
  (mode) => {
    const channels = 3
    const arrival = fc.oneof(
      { weight: 8, arbitrary: fc.record({ what: fc.constant('next' as const), n: fc.nat(channels - 1) }) },
      {
        weight: 1,
        arbitrary: fc.record({ what: fc.constantFrom('abort' as const, 'announce' as const), n: fc.integer({ min: 1, max: 8 }) }),
      },
    )
    // What each channel carries: numbers are barriers (rising, not each on every channel), 'r' is a row.
    const content = fc.array(fc.constantFrom('r', 'b', 'skip'), { maxLength: 10 }).map((kinds) => {
      let checkpointId = 0
      return kinds.flatMap((kind): (number | 'r')[] => {
        if (kind === 'r') return ['r']
        checkpointId++
        return kind === 'b' ? [checkpointId] : []
      })
    })
    fc.assert(
      fc.property(
        fc.array(content, { minLength: channels, maxLength: channels }),
        fc.array(arrival, { maxLength: 80 }),
        (carried, arrivals) => {
          const aligner = new BarrierAligner(mode, channels)
          const position = carried.map(() => 0)
          const blocked = new Set<number>()
          const aborted = new Set<number>()
          let last = 0
          const apply = (steps: AlignmentStep[]) => {
            for (const step of steps) {
              if (step.do === 'block') blocked.add(step.channel)
              if (step.do === 'unblock') for (const channel of step.channels) expect(blocked.delete(channel)).toBe(true)
              if (step.do === 'giveUp') expect(step.checkpointId).toBeGreaterThan(last)
              if (step.do !== 'take') continue
              expect(step.checkpointId).toBeGreaterThan(last)
              expect(aborted.has(step.checkpointId)).toBe(false)
              last = step.checkpointId
              for (const [channel, elements] of carried.entries()) {
                const barrierAt = elements.indexOf(step.checkpointId)
                const isClosed = position[channel] === elements.length + 1
                if (mode === 'EXACTLY_ONCE')
                  expect(barrierAt === -1 ? isClosed : position[channel] === barrierAt + 1 || isClosed).toBe(true)
                else expect(isClosed || (barrierAt >= 0 && position[channel]! > barrierAt)).toBe(true)
              }
            }
          }
          const next = (channel: number) => {
            if (blocked.has(channel) || position[channel]! > carried[channel]!.length) return
            const element = carried[channel]![position[channel]!++]
            if (element === undefined) apply(aligner.close(channel, 0))
            else if (element !== 'r') apply(aligner.barrier(channel, element, 0))
          }
          for (const { what, n } of arrivals) {
            if (what === 'next') next(n)
            else if (what === 'announce') apply(aligner.announce(n))
            else {
              aborted.add(n)
              apply(aligner.abort(n))
            }
            expect(mode === 'EXACTLY_ONCE' ? blocked.size < channels : blocked.size === 0).toBe(true)
          }
          // Every channel gets to its end, whatever the others carried.
          for (let round = 0; round < 40; round++) for (let channel = 0; channel < channels; channel++) next(channel)
          expect(position).toEqual(carried.map((elements) => elements.length + 1))
        },
      ),
      { numRuns: 2000 },
    )
  },
)
