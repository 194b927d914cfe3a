import { expect, it } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { CheckpointHistory } from '../../../src/cluster/jobmanager/checkpoint-history.ts'
import { jobGraphOf } from './plans.ts'

const durations = { alignmentMs: 0, prepareMs: 0, syncMs: 0, asyncMs: 0, sizeBytes: 0 }
const { vertices } = jobGraphOf([
  { name: 'source', parallelism: 2 },
  { name: 'sink', parallelism: 1 },
])
const [first, second] = [
  { vertex: 0, subtask: 0 },
  { vertex: 0, subtask: 1 },
]
const checkpoint = (id: number) => ({ kind: 'checkpoint', path: `/chk-${id}` }) as const

it('says the longest of each duration over the tasks, and counts the preparation as time without input', () => {
  const history = new CheckpointHistory(10, vertices)
  history.triggered(3, checkpoint(3), 1000)
  history.acknowledged(3, first, { ...durations, alignmentMs: 4, prepareMs: 1, syncMs: 2, asyncMs: 70 }, 1050)
  history.acknowledged(3, second, { ...durations, alignmentMs: 9, syncMs: 1, asyncMs: 30 }, 1060)
  expect(history.completed(3, 500, 1100)).toMatchObject({ alignmentMs: 9, syncMs: 3, asyncMs: 70, durationMs: 100, sizeBytes: 500 })
})

it('remembers the newest, and how long those under way have taken', () => {
  const history = new CheckpointHistory(2, vertices)
  for (const id of [1, 2, 3]) history.triggered(id, checkpoint(id), id * 100)
  expect(history.completed(1, 0, 400)).toBeUndefined()
  expect(history.reports(400).map(({ checkpointId, durationMs }) => [checkpointId, durationMs])).toEqual([
    [2, 200],
    [3, 100],
  ])
})

it('tells what each subtask said and when', () => {
  const history = new CheckpointHistory(10, vertices)
  history.triggered(3, checkpoint(3), 1000)
  history.acknowledged(3, second, { ...durations, sizeBytes: 7 }, 1050)
  expect(history.archive().history).toMatchObject([
    {
      ...{ checkpointId: 3, status: 'inProgress', stops: false, discarded: false },
      tasks: [
        { vertex: 0, parallelism: 2, acknowledged: [{ subtask: 1, acknowledgedMs: 1050, sizeBytes: 7 }] },
        { vertex: 1, parallelism: 1, acknowledged: [] },
      ],
    },
  ])
})

it('counts all, also those that it does not remember, and keeps the latest of each kind', () => {
  const history = new CheckpointHistory(2, vertices)
  const error = new StreamError('CHECKPOINT_FAILED', 'too slow')
  for (const id of [1, 2, 3, 4]) {
    history.triggered(id, id === 2 ? { kind: 'savepoint', path: '/sp', stops: true } : checkpoint(id), id * 100)
    if (id === 3) history.failed(id, error, id * 100 + 30)
    else if (id < 4) history.completed(id, id, id * 100 + id)
  }
  history.discarded(1)
  history.restored({ checkpointId: 1, kind: 'checkpoint', directory: '/chk-1' }, 900)
  const { counts, latestCompleted, latestSavepoint, latestFailed, restored, summary } = history.archive()
  expect(counts).toEqual({ restored: 1, total: 4, inProgress: 1, completed: 2, failed: 1 })
  expect(summary).toEqual({ durationMs: [1, 2], sizeBytes: [1, 2] })
  expect(latestCompleted).toMatchObject({ checkpointId: 1, endedMs: 101 })
  expect(latestSavepoint).toMatchObject({ checkpointId: 2, stops: true })
  expect(latestFailed).toMatchObject({ checkpointId: 3, error: { code: 'CHECKPOINT_FAILED', message: 'too slow' } })
  expect(restored).toEqual({ checkpointId: 1, kind: 'checkpoint', path: '/chk-1', restoredMs: 900 })
})

it('knows of a checkpoint that its files are gone', () => {
  const history = new CheckpointHistory(2, vertices)
  history.triggered(1, checkpoint(1), 0)
  history.completed(1, 5, 10)
  history.discarded(1)
  const { history: all, latestCompleted } = history.archive()
  expect([all[0]!.discarded, latestCompleted?.discarded]).toEqual([true, true])
})
