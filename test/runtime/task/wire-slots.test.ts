import { describe, expect, it } from 'vitest'
import { deployJob } from '../../../src/cluster/jobmanager/deploy-job.ts'
import type { SlotDeployment } from '../../../src/runtime/task/deployment.ts'
import { wireSlots } from '../../../src/runtime/task/wire-slots.ts'
import { jobGraphOf } from '../../cluster/jobmanager/plans.ts'

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

const { plan, slots } = deployJob(graph, { jobId: 'j' })

const texts = (slot: SlotDeployment): string[] =>
  slot.channels.map((channel) => `${channel.edge}: ${channel.fromSubtask}>${channel.toSubtask} slot ${channel.fromSlot}>${channel.toSlot}`)

describe('the channels of slots', () => {
  it('are told to each slot in which they begin or end, with one ring for both ends', () => {
    const { deployments, remote } = wireSlots({ plan, slots })
    expect(texts(deployments[2]!)).toEqual(['0: 0>2 slot 0>2', '0: 1>2 slot 1>2', '1: 2>0 slot 2>3'])
    expect(deployments[0]!.channels).toHaveLength(5)
    expect(deployments[2]!.channels[0]!.ring).toBe(deployments[0]!.channels.find((channel) => channel.toSlot === 2)!.ring)
    expect(new Set(deployments.flatMap((slot) => slot.channels.map((channel) => channel.ring))).size).toBe(9)
    expect(remote).toEqual([])
  })

  it('stay within a slot when the edge is forward', () => {
    const forward = jobGraphOf(
      [
        { name: 'a', parallelism: 3 },
        { name: 'b', parallelism: 3 },
      ],
      [{ from: 0, to: 1, kind: 'forward' }],
    )
    const channels = wireSlots(deployJob(forward, { jobId: 'j' })).deployments.flatMap((slot) => slot.channels)
    expect(channels).toHaveLength(3)
    expect(channels.every((channel) => channel.fromSlot === channel.toSlot)).toBe(true)
  })

  it('have one sleeper flag a slot and one for who carries them to other machines, shared by all', () => {
    const { deployments, sleepers } = wireSlots({ plan, slots })
    expect(sleepers.byteLength).toBe(4 * 5)
    expect(new Set(deployments.map((slot) => slot.sleepers))).toEqual(new Set([sleepers]))
  })

  it('end at the carrier where the other end is on another machine, with a ring of their own', () => {
    const here = wireSlots({ plan, slots: slots.slice(0, 2) })
    const there = wireSlots({ plan, slots: slots.slice(2) })
    expect(texts(here.deployments[0]!)).toEqual([
      '0: 0>0 slot 0>0',
      '0: 0>1 slot 0>1',
      '0: 0>2 slot 0>4',
      '0: 1>0 slot 1>0',
      '1: 0>0 slot 0>4',
    ])
    const ends = ({ remote }: typeof here) =>
      remote.map(({ channel, remote: end }) => `${channel.edge}: ${channel.fromSubtask}>${channel.toSubtask} ${end}`)
    expect(ends(here)).toEqual(['0: 0>2 to', '0: 1>2 to', '1: 0>0 to', '1: 1>0 to'])
    expect(ends(there)).toEqual(ends(here).map((text) => text.replace('to', 'from')))
    expect(here.remote[0]!.ring).toBe(here.deployments[0]!.channels[2]!.ring)
    expect(here.remote[0]!.ring).not.toBe(there.remote[0]!.ring)
  })

  it('of vertices that are not deployed do not exist', () => {
    const region = deployJob(graph, { jobId: 'j', vertices: [0, 1] })
    expect(new Set(wireSlots(region).deployments.flatMap((slot) => slot.channels.map(({ edge }) => edge)))).toEqual(new Set([0]))
  })
})
