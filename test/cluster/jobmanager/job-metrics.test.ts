import { describe, expect, it } from 'vitest'
import { JobMetrics } from '../../../src/cluster/jobmanager/job-metrics.ts'
import { maxWatermark, minWatermark } from '../../../src/runtime/operator/operator.ts'
import type { TaskMetrics } from '../../../src/runtime/task/deployment.ts'
import { jobGraphOf } from './plans.ts'

const graph = jobGraphOf(
  [
    { name: 'read', parallelism: 2 },
    { name: 'sum', parallelism: 1 },
  ],
  [{ from: 0, to: 1, kind: 'hash' }],
)
const task = (vertex: number, subtask: number, more: Partial<TaskMetrics>): TaskMetrics => ({
  vertex,
  subtask,
  recordsIn: 0,
  recordsOut: 0,
  watermark: minWatermark,
  lateRecordsDropped: 0,
  busyMs: 0,
  idleMs: 0,
  backPressuredMs: 0,
  counters: {},
  ...more,
})

describe('the metrics of a job', () => {
  it('count the records of sources only, and their rate since the last report', () => {
    const metrics = new JobMetrics(graph)
    metrics.update([task(0, 0, { recordsIn: 100 }), task(0, 1, { recordsIn: 50 }), task(1, 0, { recordsIn: 150 })])
    expect(metrics.progress(1000)).toMatchObject({ recordsIn: 150, recordsPerSecond: 150, elapsedMs: 1000 })
    metrics.update([task(0, 0, { recordsIn: 200 })])
    expect(metrics.progress(1500)).toMatchObject({ recordsIn: 250, recordsPerSecond: 200 })
  })

  it('have the lowest watermark of the sources, and none while one has none', () => {
    const metrics = new JobMetrics(graph)
    expect(metrics.progress(1).watermark).toBeNull()
    metrics.update([task(0, 0, { watermark: 7 }), task(0, 1, {}), task(1, 0, { watermark: 1 })])
    expect(metrics.progress(2).watermark).toBeNull()
    metrics.update([task(0, 1, { watermark: 9 })])
    expect(metrics.progress(3).watermark).toBe(7)
  })

  it('are not held back by a source that has finished', () => {
    const metrics = new JobMetrics(graph)
    metrics.update([task(0, 0, { watermark: 7 }), task(0, 1, { watermark: 9 })])
    metrics.taskFinished(0, 0)
    expect(metrics.progress(1).watermark).toBe(9)
    metrics.taskFinished(0, 1)
    expect(metrics.progress(2).watermark).toBeNull()
  })

  it('have no watermark when the last one has passed', () => {
    const metrics = new JobMetrics(graph)
    metrics.update([task(0, 0, { watermark: maxWatermark })])
    expect(metrics.progress(1).watermark).toBeNull()
  })

  it('sum user counters over subtasks, whatever their names', () => {
    const metrics = new JobMetrics(graph)
    metrics.update([task(0, 0, { counters: { bad: 1, constructor: 2 } }), task(0, 1, { counters: { bad: 2 } })])
    expect(metrics.counters()).toEqual({ bad: 3, constructor: 2 })
  })

  it('give one line for each operator that is counted by itself, else for its chain', () => {
    const metrics = new JobMetrics(graph)
    const counts = { recordsIn: 3, recordsOut: 2, lateRecordsDropped: 1 }
    metrics.update([
      task(0, 0, { operators: [{ nodeId: 1, ...counts }] }),
      task(0, 1, { operators: [{ nodeId: 1, ...counts }] }),
      task(1, 0, { recordsIn: 4, recordsOut: 1 }),
    ])
    expect(metrics.operators()).toEqual([
      { name: 'read', recordsIn: 6, recordsOut: 4, lateRecordsDropped: 2 },
      { name: 'sum', recordsIn: 4, recordsOut: 1, lateRecordsDropped: 0 },
    ])
  })
})
