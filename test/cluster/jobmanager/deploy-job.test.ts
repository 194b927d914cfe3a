import { describe, expect, it } from 'vitest'
import { deployJob, slotsOf } from '../../../src/cluster/jobmanager/deploy-job.ts'
import { jobGraphOf } from './plans.ts'

const graph = jobGraphOf(
  [
    { name: 'read', parallelism: 2 },
    { name: 'count', parallelism: 3 },
    { name: 'write', parallelism: 1, group: 'io' },
  ],
  [
    { from: 0, to: 1, kind: 'hash' },
    { from: 1, to: 2, kind: 'rebalance' },
  ],
)

describe('a job on slots', () => {
  it('takes as many slots as the widest vertex of each sharing group', () => {
    expect(slotsOf(graph)).toBe(4)
    expect(slotsOf(jobGraphOf([]))).toBe(0)
  })

  it('puts subtask i of every vertex of a group into slot i, and groups into slots of their own', () => {
    const tasks = deployJob(graph, { jobId: 'j' }).map((slot) => slot.tasks.map(({ vertex, subtask }) => `${vertex}/${subtask}`).join(' '))
    expect(tasks).toEqual(['0/0 1/0', '0/1 1/1', '1/2', '2/0'])
  })

  it('tells each slot the channels that begin or end in it, with one ring for both ends', () => {
    const slots = deployJob(graph, { jobId: 'j' })
    expect(
      slots[2]!.channels.map(
        (channel) => `${channel.edge}: ${channel.fromSubtask}>${channel.toSubtask} slot ${channel.fromSlot}>${channel.toSlot}`,
      ),
    ).toEqual(['0: 0>2 slot 0>2', '0: 1>2 slot 1>2', '1: 2>0 slot 2>3'])
    expect(slots[0]!.channels).toHaveLength(5)
    expect(slots[2]!.channels[0]!.ring).toBe(slots[0]!.channels.find((channel) => channel.toSlot === 2)!.ring)
    const rings = new Set(slots.flatMap((slot) => slot.channels.map((channel) => channel.ring)))
    expect(rings.size).toBe(9)
  })

  it('keeps a forward edge within its slot', () => {
    const forward = jobGraphOf(
      [
        { name: 'a', parallelism: 3 },
        { name: 'b', parallelism: 3 },
      ],
      [{ from: 0, to: 1, kind: 'forward' }],
    )
    const channels = deployJob(forward, { jobId: 'j' }).flatMap((slot) => slot.channels)
    expect(channels).toHaveLength(3)
    expect(channels.every((channel) => channel.fromSlot === channel.toSlot)).toBe(true)
  })

  it('has one sleeper flag a slot, shared by all', () => {
    const slots = deployJob(graph, { jobId: 'j' })
    expect(slots[0]!.sleepers.byteLength).toBe(16)
    expect(new Set(slots.map((slot) => slot.sleepers)).size).toBe(1)
  })

  it('adds its own configuration to that of the plan', () => {
    const [slot] = deployJob(graph, { jobId: 'j', attempt: 2, config: { extra: 1 } })
    expect(slot).toMatchObject({ jobId: 'j', attempt: 2, slot: 0, config: { 'pipeline.name': 'by hand', extra: 1 } })
  })
})
