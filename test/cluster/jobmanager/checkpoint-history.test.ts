import { expect, it } from 'vitest'
import { CheckpointHistory } from '../../../src/cluster/jobmanager/checkpoint-history.ts'

const durations = { alignmentMs: 0, prepareMs: 0, syncMs: 0, asyncMs: 0, sizeBytes: 0 }

it('says the longest of each duration over the tasks, and counts the preparation as time without input', () => {
  const history = new CheckpointHistory(10)
  history.triggered(3, 'checkpoint', '/chk-3', 1000)
  history.acknowledged(3, { ...durations, alignmentMs: 4, prepareMs: 1, syncMs: 2, asyncMs: 70 })
  history.acknowledged(3, { ...durations, alignmentMs: 9, syncMs: 1, asyncMs: 30 })
  expect(history.completed(3, 500, 1100)).toMatchObject({ alignmentMs: 9, syncMs: 3, asyncMs: 70, durationMs: 100, sizeBytes: 500 })
})

it('remembers the newest, and how long those under way have taken', () => {
  const history = new CheckpointHistory(2)
  for (const id of [1, 2, 3]) history.triggered(id, 'checkpoint', `/chk-${id}`, id * 100)
  expect(history.completed(1, 0, 400)).toBeUndefined()
  expect(history.reports(400).map(({ checkpointId, durationMs }) => [checkpointId, durationMs])).toEqual([
    [2, 200],
    [3, 100],
  ])
})
