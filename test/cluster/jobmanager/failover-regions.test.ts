import { describe, expect, it } from 'vitest'
import { failoverRegions } from '../../../src/cluster/jobmanager/failover-regions.ts'
import { jobGraphOf } from './plans.ts'

describe('failover regions', () => {
  it('are one where all vertices share slots', () => {
    const graph = jobGraphOf([
      { name: 'a', parallelism: 2 },
      { name: 'b', parallelism: 3 },
    ])
    expect(failoverRegions(graph)).toEqual([{ vertices: [0, 1], slots: [0, 1, 2], tasks: 5 }])
  })

  it('are apart where neither edges nor slots connect them', () => {
    const graph = jobGraphOf(
      [
        { name: 'a', parallelism: 2, group: 'one' },
        { name: 'b', parallelism: 1, group: 'two' },
        { name: 'c', parallelism: 2, group: 'one' },
      ],
      [{ from: 0, to: 2, kind: 'forward' }],
    )
    expect(failoverRegions(graph)).toEqual([
      { vertices: [0, 2], slots: [0, 1], tasks: 4 },
      { vertices: [1], slots: [2], tasks: 1 },
    ])
  })

  it('are joined by an edge between slot sharing groups', () => {
    const graph = jobGraphOf(
      [
        { name: 'a', parallelism: 1, group: 'one' },
        { name: 'b', parallelism: 1, group: 'two' },
        { name: 'c', parallelism: 1, group: 'three' },
      ],
      [{ from: 1, to: 2, kind: 'hash' }],
    )
    expect(failoverRegions(graph).map(({ vertices }) => vertices)).toEqual([[0], [1, 2]])
  })
})
