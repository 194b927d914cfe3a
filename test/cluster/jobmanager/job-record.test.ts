import { expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { JobRecord } from '../../../src/cluster/jobmanager/job-record.ts'
import { jobGraphOf } from './plans.ts'

const plan = jobGraphOf([
  { name: 'source', parallelism: 2 },
  { name: 'map', parallelism: 2 },
])
const location = { taskManagerId: 'a:1-x', host: 'a' }
const nothing = {
  counters: {},
  restarts: 0,
  checkpoints: {
    counts: { restored: 0, total: 0, inProgress: 0, completed: 0, failed: 0 },
    history: [],
    summary: { durationMs: [], sizeBytes: [] },
  },
}
const error = (message: string) => new StreamError('USER_FUNCTION_FAILED', message)

function recorded() {
  const clock = new ManualClock(1000)
  const record = new JobRecord('j1', plan, clock)
  record.jobIs('CREATED')
  record.scheduled([0, 1])
  record.jobIs('RUNNING')
  return { clock, record, archive: () => record.archive(nothing) }
}
const stateOf = (archive: ReturnType<JobRecord['archive']>) =>
  archive.vertices.map((subtasks) => subtasks.map(({ current }) => current.state))

it('knows which tasks a slot runs: those that are deployed, and where', () => {
  const { record, archive } = recorded()
  record.deployed(1, [0], location)
  expect(stateOf(archive())).toEqual([
    ['SCHEDULED', 'DEPLOYING'],
    ['SCHEDULED', 'SCHEDULED'],
  ])
  expect(archive().vertices[0]![1]!.current.location).toEqual(location)
})

it('says of a failure which task it was, where it ran, and that the rest of its slot ended with it', () => {
  const { record, archive, clock } = recorded()
  record.deployed(1, [0, 1], location)
  clock.advance(5)
  record.heard({ say: 'failed', vertex: 1, subtask: 1, error: error('no field x').toWire() })
  record.jobFailed(error('no field x'), 1)
  record.slotEnded(1)
  expect(archive().failures).toMatchObject([
    { timestampMs: 1005, taskName: 'map (2/2)', location, restart: 1, error: { message: 'no field x' } },
  ])
  expect(stateOf(archive())).toEqual([
    ['SCHEDULED', 'CANCELED'],
    ['SCHEDULED', 'FAILED'],
  ])
})

it('takes all tasks of a lost slot for failed, and a failure of the job itself for that of no task', () => {
  const { record, archive } = recorded()
  record.deployed(0, [0, 1], location)
  record.slotFailed(0, error('lost'))
  record.jobFailed(error('lost'), 1)
  record.jobFailed(error('of an enumerator'))
  expect(stateOf(archive())[0]![0]).toBe('FAILED')
  expect(archive().failures.map(({ taskName, location: at }) => [taskName, at?.host])).toEqual([
    ['source (1/2)', 'a'],
    [undefined, undefined],
  ])
})

it('keeps the newest sixteen failures, and says why a job that has failed has', () => {
  const { record, archive } = recorded()
  for (let n = 0; n < 20; n++) record.jobFailed(error(`failure ${n}`), n + 1)
  expect([archive().failures.length, archive().failures[0]!.error.message, archive().failure]).toEqual([16, 'failure 4', undefined])
  record.jobIs('FAILING')
  expect(archive()).toMatchObject({ state: 'FAILING', failure: { message: 'failure 19' } })
})
