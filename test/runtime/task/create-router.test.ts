import { describe, expect, test } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import type { Partitioning } from '../../../src/program/graph/operator-descriptor.ts'
import { createRouter } from '../../../src/runtime/task/create-router.ts'
import { Channel, deliver, partitionOver } from '../exchange/channels.ts'

const custom = (partition: (key: any, targets: number) => number): Partitioning => ({ kind: 'custom', partition, key: (row: any) => row.i })

function spread(partitioning: Partitioning, targets: number, subtask = 0): any[][] {
  const channels = Array.from({ length: targets }, () => new Channel())
  const partition = partitionOver(channels, { router: createRouter(partitioning, targets, 128, subtask) })
  for (let i = 0; i < 60; i++) partition.emit({ i }, 0)
  deliver(partition, channels)
  return channels.map((channel) => channel.rows)
}

describe('a router', () => {
  test.each(['forward', 'rebalance', 'rescale', 'shuffle', 'broadcast', 'global'] as const)(
    'of kind %s gives one consumer everything',
    (kind) => {
      expect(spread({ kind }, 1)[0]).toHaveLength(60)
    },
  )

  test('spreads as it was told', () => {
    expect(spread({ kind: 'global' }, 3).map((part) => part.length)).toEqual([60, 0, 0])
    expect(spread({ kind: 'broadcast' }, 3).map((part) => part.length)).toEqual([60, 60, 60])
    expect(spread({ kind: 'rebalance' }, 3).map((part) => part.length)).toEqual([20, 20, 20])
    expect(spread({ kind: 'shuffle' }, 3).flat()).toHaveLength(60)
    expect(
      spread(
        custom((key) => key % 2),
        3,
      ).map((part) => part.length),
    ).toEqual([30, 30, 0])
    expect(spread({ kind: 'hash', key: { kind: 'field', field: 'i' } }, 3).flat()).toHaveLength(60)
  })

  test('begins with another consumer in each producer, so that few rows do not all meet', () => {
    const firsts = [0, 1, 2].map((subtask) => {
      const channels = [new Channel(), new Channel(), new Channel()]
      const partition = partitionOver(channels, { router: createRouter({ kind: 'rebalance' }, 3, 128, subtask) })
      partition.emit({ i: 0 }, 0)
      deliver(partition, channels)
      return channels.findIndex((channel) => channel.rows.length > 0)
    })
    expect(firsts.sort()).toEqual([0, 1, 2])
  })

  test.each([-1, 3, 0.5, Number.NaN, undefined as unknown as number])(
    'refuses %s of a custom partitioner with three consumers',
    (target) => {
      try {
        spread(
          custom(() => target),
          3,
        )
        expect.unreachable()
      } catch (thrown) {
        const error = thrown as StreamError
        expect(error).toBeInstanceOf(StreamError)
        expect(error.code).toBe('USER_FUNCTION_FAILED')
        expect(error.message).toContain(`returned ${target}`)
        expect(error.hint).toContain('0 to 2')
        expect(error.place.operator).toBe('source')
      }
    },
  )
})
