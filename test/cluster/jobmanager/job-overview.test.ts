import { expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/core/clock.ts'
import { overviewOf } from '../../../src/cluster/jobmanager/job-overview.ts'
import { JobRecord } from '../../../src/cluster/jobmanager/job-record.ts'
import { jobGraphOf } from './plans.ts'

it('counts tasks by state, and has an end only when the job has', () => {
  const clock = new ManualClock(10)
  const record = new JobRecord('j1', jobGraphOf([{ name: 'source', parallelism: 3 }]), clock)
  clock.advance(5)
  record.scheduled([0])
  record.deployed(0, [0])
  record.jobIs('RUNNING')
  const line = () => overviewOf(record.archive({ counters: {}, restarts: 0, checkpoints: undefined as never }))
  expect(line()).toEqual({
    jobId: 'j1',
    jobName: 'by hand',
    state: 'RUNNING',
    startedMs: 10,
    changedMs: 15,
    tasks: { DEPLOYING: 1, SCHEDULED: 2 },
  })
  clock.advance(5)
  record.jobIs('FINISHED')
  expect(line()).toMatchObject({ state: 'FINISHED', endedMs: 20, changedMs: 20 })
})
