import { describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { ExceptionHistory } from '../../../src/cluster/jobmanager/exception-history.ts'

describe('the history of exceptions', () => {
  it('says when what failed, where, and which restart followed', () => {
    const history = new ExceptionHistory()
    const inTask = new StreamError('USER_FUNCTION_FAILED', 'boom', { place: { job: 'j', operator: 'map', subtask: 1 } })
    const lost = new StreamError('TASK_LOST', 'gone', { place: { job: 'j' } })
    history.failed(inTask, 1000, 1)
    history.failed(lost, 2000)
    expect(history.reports).toEqual([
      { timestampMs: 1000, error: inTask, task: { operator: 'map', subtask: 1 }, restart: 1 },
      { timestampMs: 2000, error: lost },
    ])
  })

  it('keeps the newest 16, oldest first, and does not change what it has given', () => {
    const history = new ExceptionHistory()
    history.failed(new StreamError('TASK_LOST', 'gone'), 0, 1)
    const early = history.reports
    for (let n = 1; n <= 40; n++) history.failed(new StreamError('TASK_LOST', 'gone'), n, n + 1)
    expect(history.reports.map(({ timestampMs }) => timestampMs)).toEqual(Array.from({ length: 16 }, (_, n) => 25 + n))
    expect(early.length).toBe(1)
  })
})
