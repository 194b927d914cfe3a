import { describe, expect, it } from 'vitest'
import { deployJob } from '../../../src/cluster/jobmanager/deploy-job.ts'
import { slotsOf } from '../../../src/runtime/task/slot-sharing.ts'
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
    const tasks = deployJob(graph, { jobId: 'j' }).slots.map((slot) =>
      slot.tasks.map(({ vertex, subtask }) => `${vertex}/${subtask}`).join(' '),
    )
    expect(tasks).toEqual(['0/0 1/0', '0/1 1/1', '1/2', '2/0'])
  })

  it('leaves out the slots in which none of the vertices asked for runs', () => {
    const { plan, slots } = deployJob(graph, { jobId: 'j', vertices: [0, 1] })
    expect(plan.vertices).toEqual([0, 1])
    expect(slots.map(({ slot }) => slot)).toEqual([0, 1, 2])
  })

  it('adds its own configuration to that of the plan', () => {
    const { plan } = deployJob(graph, { jobId: 'j', attempt: 2, config: { extra: 1 } })
    expect(plan).toMatchObject({ jobId: 'j', attempt: 2, config: { 'pipeline.name': 'by hand', extra: 1 } })
  })
})
