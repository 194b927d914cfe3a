import { describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import {
  CheckpointCoordinator,
  type CheckpointCoordinatorOptions,
  type CheckpointDecision,
  type CheckpointEvent,
} from '../../../src/cluster/jobmanager/checkpoint-coordinator.ts'
import { type CheckpointSettings, checkpointSettingsOf } from '../../../src/cluster/jobmanager/checkpoint-settings.ts'
import type { SubtaskSnapshot } from '../../../src/runtime/checkpoint/checkpoint-metadata.ts'

const snapshot: SubtaskSnapshot = { finished: false, operators: [] }
const finished: SubtaskSnapshot = { finished: true, operators: [] }
const disk = new StreamError('NO_SPACE', 'the disk is full')
const boom = new StreamError('USER_FUNCTION_FAILED', 'boom')
const ack = (checkpointId: number, task: string, held = snapshot): CheckpointEvent => ({
  on: 'acknowledged',
  task,
  checkpointId,
  snapshot: held,
})
const stored = (checkpointId: number): CheckpointEvent => ({ on: 'stored', checkpointId })
const savepoint = (request: number, stop?: 'drain' | 'suspend'): CheckpointEvent => ({
  on: 'requested',
  asked: { kind: 'savepoint', request, ...(stop && { stop }) },
})

const words = (decision: CheckpointDecision): string => {
  if ('pending' in decision) return `${decision.do} ${decision.pending.checkpointId}`
  if (decision.do === 'reject') return `reject request ${decision.request}`
  return decision.do === 'failJob' ? 'failJob' : `${decision.do} ${decision.checkpointId}`
}

/** A coordinator of the tasks a/0 and a/1, which run from 0 ms on, with an interval of 100 ms. */
function begin(settings: Partial<CheckpointSettings> = {}, options: Partial<CheckpointCoordinatorOptions> = {}) {
  const coordinator = new CheckpointCoordinator({
    settings: { ...checkpointSettingsOf({ 'execution.checkpointing.interval': 100 }), timeoutMs: 1000, ...settings },
    tasks: ['a/0', 'a/1'],
    ...options,
  })
  const decided: CheckpointDecision[] = []
  const at = (nowMs: number, ...events: CheckpointEvent[]): string => {
    const decisions = events.flatMap((event) => coordinator.apply(event, nowMs))
    decided.push(...decisions)
    return decisions.map(words).join(', ')
  }
  const pass = (nowMs: number): string => at(nowMs, { on: 'timePassed' })
  at(0, { on: 'taskRunning', task: 'a/0' }, { on: 'taskRunning', task: 'a/1' })
  return { coordinator, at, pass, decided }
}

describe('periodic checkpoints', () => {
  it('begin an interval after all tasks run, complete when all have acknowledged and the metadata is stored', () => {
    const { coordinator, at, pass } = begin()
    expect(coordinator.wakeAtMs).toBe(100)
    expect(pass(99)).toBe('')
    expect(pass(100)).toBe('trigger 1')
    expect(at(110, ack(1, 'a/0'))).toBe('')
    expect(at(120, ack(1, 'a/1'))).toBe('store 1')
    expect(at(130, stored(1))).toBe('complete 1')
    expect(pass(200)).toBe('trigger 2')
    expect(at(210, ack(2, 'a/0'), ack(2, 'a/1'), stored(2))).toBe('store 2, complete 2, delete 1')
  })

  it('do not begin while a task is starting, nor without an interval', () => {
    const { at, pass } = begin()
    expect(at(50, { on: 'tasksFailed', tasks: ['a/1'], error: boom })).toBe('')
    expect(pass(500)).toBe('')
    expect(at(600, { on: 'taskRunning', task: 'a/1' })).toBe('')
    expect(pass(700)).toBe('trigger 1')
    expect(begin({ intervalMs: undefined }).coordinator.wakeAtMs).toBeUndefined()
  })

  it('wait for the one before them, then begin at once', () => {
    const { at, pass } = begin()
    pass(100)
    expect(pass(250)).toBe('')
    expect(at(260, ack(1, 'a/0'), ack(1, 'a/1'), stored(1))).toBe('store 1, complete 1, trigger 2')
  })

  it('leave a pause after the end of the one before, also of a failed one', () => {
    const { at, pass, coordinator } = begin({ minPauseMs: 80, tolerableFailures: 5 })
    pass(100)
    at(190, ack(1, 'a/0'), ack(1, 'a/1'), stored(1))
    expect(coordinator.wakeAtMs).toBe(270)
    expect(pass(269)).toBe('')
    expect(pass(270)).toBe('trigger 2')
    at(360, { on: 'declined', checkpointId: 2, error: disk })
    expect(pass(439)).toBe('')
    expect(pass(440)).toBe('trigger 3')
  })

  it('overlap where that is allowed; a newer one that completes first gives up the older', () => {
    const { at, pass } = begin({ maxConcurrent: 2 })
    pass(100)
    expect(pass(200)).toBe('trigger 2')
    expect(pass(300)).toBe('')
    expect(at(310, ack(2, 'a/0'), ack(2, 'a/1'), stored(2))).toBe('store 2, complete 2, abort 1, trigger 3')
    expect(at(320, ack(1, 'a/0'))).toBe('removeLate 1')
  })

  it('a pause implies that they do not overlap', () => {
    const config = { 'execution.checkpointing.min-pause': 5, 'execution.checkpointing.max-concurrent-checkpoints': 4 }
    expect(checkpointSettingsOf(config).maxConcurrent).toBe(1)
  })

  it('keep as many as are to be retained', () => {
    const { at, pass } = begin({ numRetained: 2 })
    const ends = [1, 2, 3].map((n) => {
      pass(n * 100)
      return at(n * 100 + 1, ack(n, 'a/0'), ack(n, 'a/1'), stored(n))
    })
    expect(ends).toEqual(['store 1, complete 1', 'store 2, complete 2', 'store 3, complete 3, delete 1'])
  })

  it('delete a claimed snapshot as if it had been their own, after the first of them is durable', () => {
    const { at, pass } = begin({}, { firstId: 8, claimed: 7 })
    expect(pass(100)).toBe('trigger 8')
    expect(at(110, ack(8, 'a/0'), ack(8, 'a/1'))).toBe('store 8')
    expect(at(120, stored(8))).toBe('complete 8, delete 7')
  })
})

describe('a checkpoint that fails', () => {
  it('by timeout is given up, and fails the job where none is tolerated', () => {
    const { pass, decided, coordinator } = begin()
    pass(100)
    expect(coordinator.wakeAtMs).toBe(1100)
    expect(pass(1100)).toContain('abort 1, failJob')
    expect(decided.find((each) => each.do === 'failJob')).toMatchObject({ error: { code: 'CHECKPOINT_FAILED', retry: 'backoff' } })
  })

  it('counts until one completes', () => {
    const { at, pass } = begin({ tolerableFailures: 1 })
    pass(100)
    expect(at(110, { on: 'declined', task: 'a/0', checkpointId: 1, error: disk })).toBe('abort 1')
    pass(200)
    expect(at(210, ack(2, 'a/0'), ack(2, 'a/1'), { on: 'storeFailed', checkpointId: 2, error: disk })).toBe('store 2, abort 2, failJob')
    pass(300)
    expect(at(310, { on: 'declined', checkpointId: 3, error: disk })).toBe('abort 3')
    pass(400)
    at(410, ack(4, 'a/0'), ack(4, 'a/1'), stored(4))
    pass(500)
    expect(at(510, { on: 'declined', checkpointId: 5, error: disk })).toBe('abort 5')
  })

  it('does not count where a task or enumerator was not ready, or where a task failed', () => {
    const { at, pass } = begin()
    pass(100)
    expect(at(110, { on: 'declined', checkpointId: 1, error: new StreamError('CHECKPOINT_DECLINED', 'not yet') })).toBe('abort 1')
    pass(200)
    expect(at(210, { on: 'tasksFailed', tasks: ['a/0', 'a/1'], error: boom })).toBe('abort 2')
  })

  it('has the files of late acknowledgements removed', () => {
    const { at, pass } = begin({ tolerableFailures: 9 })
    pass(100)
    at(110, ack(1, 'a/0'))
    at(1100, { on: 'timePassed' })
    expect(at(1150, ack(1, 'a/1'))).toBe('removeLate 1')
    expect(at(1160, ack(1, 'a/1'))).toBe('')
  })

  it('is forgotten behind a hundred others, so that memory does not grow with what fails', () => {
    const { at, pass, decided } = begin({ tolerableFailures: 999 })
    for (let ms = 100; ms <= 150_000; ms += 500) pass(ms)
    const givenUp = decided.flatMap((decision) => (decision.do === 'abort' ? [decision.pending.checkpointId] : []))
    expect(givenUp.length).toBeGreaterThan(100)
    expect(at(150_000, ack(givenUp.at(-101)!, 'a/0'))).toBe('')
    expect(at(150_000, ack(givenUp.at(-100)!, 'a/0'))).toBe(`removeLate ${givenUp.at(-100)}`)
  })

  it('is not completed by a store that ends too late', () => {
    const { at, pass } = begin({ tolerableFailures: 9 })
    pass(100)
    at(200, ack(1, 'a/0'), ack(1, 'a/1'))
    pass(1100)
    expect(at(1110, stored(1))).not.toContain('complete')
  })
})

describe('savepoints', () => {
  it('begin at once beside checkpoints, are not subsumed and not deleted', () => {
    const { at, pass } = begin()
    pass(100)
    expect(at(101, savepoint(7))).toBe('trigger 2')
    expect(at(110, ack(1, 'a/0'), ack(1, 'a/1'), stored(1))).toBe('store 1, complete 1')
    expect(at(205, ack(2, 'a/0'), ack(2, 'a/1'), stored(2))).toBe('store 2, complete 2, trigger 3')
    expect(at(210, ack(3, 'a/0'), ack(3, 'a/1'), stored(3))).toBe('store 3, complete 3, delete 1')
    expect(at(220, { on: 'jobEnded', status: 'CANCELED' })).toBe('delete 3')
  })

  it('pass the pause and count no failures', () => {
    const { at } = begin({ minPauseMs: 5000 })
    expect(at(10, savepoint(1))).toBe('trigger 1')
    expect(at(20, { on: 'declined', checkpointId: 1, error: disk })).toBe('abort 1')
    expect(at(30, savepoint(2))).toBe('trigger 2')
  })

  it('commit nothing, unless they stop the job', () => {
    const { at, decided } = begin()
    at(10, savepoint(1), savepoint(2, 'suspend'))
    const commits = decided.map((each) => each.do === 'trigger' && each.pending.commits)
    expect(commits).toEqual([false, true])
  })

  it('are refused while tasks are starting, and once the job is being stopped', () => {
    const { at, pass } = begin()
    at(10, { on: 'tasksFailed', tasks: ['a/0'], error: boom })
    expect(at(20, savepoint(1))).toBe('reject request 1')
    at(30, { on: 'taskRunning', task: 'a/0' })
    expect(at(40, savepoint(2, 'drain'), savepoint(3))).toBe('trigger 1, reject request 3')
    expect(pass(500)).toBe('')
    expect(at(510, { on: 'declined', checkpointId: 1, error: disk })).toContain('abort 1')
    expect(at(520, savepoint(4))).toContain('trigger')
  })

  it('are refused when the job has ended', () => {
    const { at } = begin()
    at(10, { on: 'jobEnded', status: 'CANCELED' })
    expect(at(20, savepoint(1))).toBe('reject request 1')
  })

  it('that stop the job are followed by no checkpoint', () => {
    const { at, pass } = begin()
    at(10, savepoint(1, 'drain'))
    expect(at(20, ack(1, 'a/0', finished), ack(1, 'a/1', finished), stored(1))).toBe('store 1, complete 1')
    expect(pass(500)).toBe('')
    expect(at(510, { on: 'taskFinished', task: 'a/0' }, { on: 'taskFinished', task: 'a/1' })).toBe('')
  })
})

describe('at the end', () => {
  it('a task that waits gets its last checkpoint at once', () => {
    const { at } = begin({ minPauseMs: 5000 })
    expect(at(10, { on: 'taskAwaits', task: 'a/0' })).toBe('trigger 1')
    expect(at(20, { on: 'taskAwaits', task: 'a/1' })).toBe('')
    expect(at(30, ack(1, 'a/0', finished), ack(1, 'a/1'), stored(1))).toBe('store 1, complete 1, trigger 2')
  })

  it('a last checkpoint that fails is tried again after a second', () => {
    const { at, pass, coordinator } = begin({ tolerableFailures: 9, intervalMs: 60_000 })
    at(10, { on: 'taskAwaits', task: 'a/0' })
    expect(at(20, { on: 'declined', checkpointId: 1, error: disk })).toBe('abort 1')
    expect(coordinator.wakeAtMs).toBe(1020)
    expect(pass(1020)).toBe('trigger 2')
  })

  it('a finished task needs no acknowledgement, and its last snapshot stands for it', () => {
    const { at, pass, decided } = begin()
    at(10, { on: 'taskAwaits', task: 'a/0' })
    at(20, ack(1, 'a/0', finished), ack(1, 'a/1'), stored(1), { on: 'taskFinished', task: 'a/0' })
    pass(120)
    expect(at(130, ack(2, 'a/1'))).toBe('store 2')
    const last = decided.at(-1)!
    expect(last.do === 'store' && [...last.pending.snapshots].sort()).toEqual([
      ['a/0', finished],
      ['a/1', snapshot],
    ])
    expect(last.do === 'store' && [...last.pending.carried]).toEqual(['a/0'])
  })

  it('a task that finishes under a checkpoint is waited for no more', () => {
    const { at, pass } = begin({ maxConcurrent: 2 })
    at(10, { on: 'taskAwaits', task: 'a/0' })
    pass(100)
    at(110, ack(1, 'a/0', finished), ack(1, 'a/1'), stored(1))
    expect(at(120, ack(2, 'a/1'), { on: 'taskFinished', task: 'a/0' })).toBe('store 2')
  })

  it('checkpoints end with the first task where they shall not go on, but for the last ones', () => {
    const { at, pass } = begin({ afterTasksFinish: false })
    at(10, { on: 'taskAwaits', task: 'a/0' })
    at(20, ack(1, 'a/0', finished), ack(1, 'a/1'), stored(1), { on: 'taskFinished', task: 'a/0' })
    expect(pass(500)).toBe('')
    expect(at(510, { on: 'taskAwaits', task: 'a/1' })).toBe('trigger 2')
  })

  it('union state of tasks of which some have finished cannot be in a checkpoint', () => {
    const union: SubtaskSnapshot = {
      finished: false,
      operators: [{ operatorId: 'o', watermark: null, states: [{ name: 'u', scope: 'union', form: 'list', files: [] }] }],
    }
    const { at } = begin({ tolerableFailures: 0 })
    at(10, { on: 'taskAwaits', task: 'a/0' })
    expect(at(20, ack(1, 'a/0', { ...union, finished: true }), ack(1, 'a/1', union))).toBe('abort 1')
  })

  it('checkpoints stay or go as retention says', () => {
    const end = (retention: CheckpointSettings['retention'], status: 'FINISHED' | 'CANCELED' | 'FAILED') => {
      const { at, pass } = begin({ retention })
      pass(100)
      at(110, ack(1, 'a/0'), ack(1, 'a/1'), stored(1))
      return at(120, { on: 'jobEnded', status }) === 'delete 1' ? 'deleted' : 'kept'
    }
    expect(end('NO_EXTERNALIZED_CHECKPOINTS', 'CANCELED')).toBe('deleted')
    expect(end('NO_EXTERNALIZED_CHECKPOINTS', 'FAILED')).toBe('deleted')
    expect(end('RETAIN_ON_CANCELLATION', 'CANCELED')).toBe('kept')
    expect(end('RETAIN_ON_CANCELLATION', 'FAILED')).toBe('kept')
    expect(end('RETAIN_ON_CANCELLATION', 'FINISHED')).toBe('deleted')
    expect(end('DELETE_ON_CANCELLATION', 'CANCELED')).toBe('deleted')
    expect(end('DELETE_ON_CANCELLATION', 'FAILED')).toBe('kept')
  })
})
