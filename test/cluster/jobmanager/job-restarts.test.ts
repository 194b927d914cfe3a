/**
 * Restarts as JobState decides them: regions 0 (slots 0 and 1) and 1 (slot 2), fixed delay of 100 ms.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { jobMoves } from '../../../src/cluster/jobmanager/execution-moves.ts'
import { type JobDecision, type JobEvent, JobState } from '../../../src/cluster/jobmanager/job-state.ts'
import { RestartStrategy } from '../../../src/cluster/jobmanager/restart-strategy.ts'

const boom = new StreamError('USER_FUNCTION_FAILED', 'boom')
const later = new StreamError('TASK_LOST', 'later')
const wrong = new StreamError('INVALID_PROGRAM', 'wrong')

const words = (decision: JobDecision): string => {
  const { do: what } = decision
  if (what === 'end') return decision.status === 'FAILED' ? `FAILED ${decision.error.message}` : decision.status
  if (what === 'giveUp') return `giveUp of ${decision.error.message}`
  if (what === 'restart') return `restart ${decision.regions.join('+')} at ${decision.atMs} of ${decision.error.message}`
  if ('regions' in decision) return `${what} ${decision.regions.join('+')}`
  if ('slots' in decision) return `${what} ${decision.slots.join('+')}`
  return what === 'startRestartTimer' ? `${what} ${decision.atMs}` : what
}

function begin(options: { failover?: 'region' | 'full'; attempts?: number } = {}) {
  const state = new JobState({
    regions: [
      { slots: [0, 1], tasks: 2 },
      { slots: [2], tasks: 1 },
    ],
    restarts: new RestartStrategy({ type: 'fixed-delay', attempts: options.attempts ?? 3, delayMs: 100 }, () => 0.5),
    failover: options.failover ?? 'region',
  })
  let last: JobDecision[] = []
  const at = (nowMs: number, ...events: JobEvent[]): string => {
    last = events.flatMap((event) => [...state.apply(event, nowMs)])
    return last.map(words).join(', ')
  }
  /** Answers the last decision that wants an answer. */
  const answer = (nowMs: number): string => {
    const event = last.map(answerTo).find((each) => each !== undefined)
    return event === undefined ? 'nothing to answer' : at(nowMs, event)
  }
  const cause = (): unknown => last.map((decision) => 'error' in decision && decision.error)[0]
  at(0, { on: 'deployed' })
  return { state, at, answer, cause }
}

function answerTo(decision: JobDecision): JobEvent | undefined {
  if (decision.do === 'closeEnumerators') return { on: 'enumeratorsClosed', round: decision.round }
  if (decision.do === 'startRestartTimer') return { on: 'restartDue', restart: decision.restart }
  return decision.do === 'redeploy' ? { on: 'redeployed', restart: decision.restart } : undefined
}

const failed = (region?: number, error = boom): JobEvent => ({ on: 'failed', error, ...(region !== undefined && { region }) })
const done = (slot: number): JobEvent => ({ on: 'slotDone', slot })

describe('a job that fails', () => {
  it('restarts the region that failed, and no other', () => {
    const { state, at, answer } = begin()
    expect(at(10, failed(0))).toBe('restart 0 at 110 of boom, cancelSlots 0+1, startCancelTimer')
    expect(state.status).toBe('RESTARTING')
    expect(at(20, done(0))).toBe('')
    expect(at(30, done(1))).toBe('closeEnumerators 0')
    expect(answer(40)).toBe('startRestartTimer 110')
    expect(answer(110)).toBe('redeploy 0')
    expect(answer(120)).toBe('')
    expect(state.status).toBe('RUNNING')
  })

  it('restarts all of it where the strategy is full, or the failure is of no region', () => {
    expect(begin({ failover: 'full' }).at(10, failed(1))).toContain('restart 0+1')
    expect(begin().at(10, failed())).toContain('restart 0+1 at 110 of boom, cancelSlots 0+1+2')
  })

  it('restarts all of it once the savepoint that stops it is complete, regions that have ended by it too', () => {
    const { state, at, answer } = begin()
    at(10, { on: 'stopped' }, { on: 'taskFinished', region: 1 }, done(2))
    expect(state.affectedBy(0)).toEqual([0, 1])
    expect(at(20, failed(0))).toBe('restart 0+1 at 120 of boom, cancelSlots 0+1, startCancelTimer')
    at(30, done(0), done(1))
    answer(40)
    expect(answer(120)).toBe('redeploy 0+1')
    answer(130)
    expect(at(140, failed(0))).toContain('restart 0 at')
  })

  it('takes failures of what is being cancelled for consequences', () => {
    const { at } = begin({ attempts: 1 })
    at(10, failed(0))
    expect(at(20, failed(0, later), { on: 'slotLost', slot: 0, error: later })).toBe('')
    expect(at(30, done(1))).toBe('closeEnumerators 0')
  })

  it('lets another region that fails meanwhile join, as the same restart', () => {
    const { state, at, answer } = begin({ attempts: 1 })
    at(10, failed(0))
    at(20, done(0), done(1))
    expect(at(50, { on: 'slotLost', slot: 2, error: later })).toBe('restart 1 at 110 of later, closeEnumerators 0+1')
    expect(answer(60)).toBe('startRestartTimer 110')
    expect(answer(110)).toBe('redeploy 0+1')
    expect(answer(120)).toBe('')
    expect(state.status).toBe('RUNNING')
  })

  it('fails for good when the strategy says so, with the failure of that moment', () => {
    const { at, answer } = begin({ attempts: 1 })
    at(10, failed(1))
    at(20, done(2))
    answer(30)
    answer(110)
    answer(111)
    expect(at(200, failed(1, later))).toBe('giveUp of later, cancelSlots 0+1+2, startCancelTimer')
    at(210, done(0), done(1), done(2))
    expect(answer(220)).toBe('FAILED later')
  })

  it('says why the strategy gave up, behind what the error itself advises', () => {
    const { at, answer, cause } = begin({ attempts: 0 })
    const disk = new StreamError('IO_FAILED', 'no disk', { hint: 'Buy one.', place: { operator: 'files' } })
    at(10, failed(0, disk))
    at(20, done(0), done(1), done(2))
    expect(answer(30)).toBe('FAILED no disk')
    expect(cause()).toMatchObject({
      ...{ code: 'IO_FAILED', message: 'no disk', place: { operator: 'files' }, stack: disk.stack },
      hint: 'Buy one.\nNot restarted: no restarts so far, and restart-strategy.fixed-delay.attempts is 0.',
    })
  })

  it('is not run again after an error that would come again', () => {
    expect(begin().at(10, failed(0, wrong))).toBe('giveUp of wrong, cancelSlots 0+1+2, startCancelTimer')
    expect(begin().at(10, { ...failed(0), fatal: true } as JobEvent)).toBe('giveUp of boom, cancelSlots 0+1+2, startCancelTimer')
  })

  it('kills only what it restarts when that does not stop in time', () => {
    const { at } = begin()
    at(10, failed(0))
    expect(at(500, { on: 'cancelTimeout' })).toBe('killSlots 0+1')
  })

  it('can be cancelled at every moment of a restart', () => {
    const steps = [10, 20, 30, 110, 120]
    for (let moment = 0; moment < steps.length; moment++) {
      const { state, at, answer } = begin()
      at(10, failed(0))
      if (moment > 0) at(20, done(0), done(1))
      for (let n = 1; n < moment; n++) answer(steps[n]!)
      const cancelled = at(130, { on: 'cancel' })
      const live = cancelled.match(/cancelSlots (\S+?),/)![1]!
      at(140, ...live.split('+').map((slot) => done(Number(slot))))
      expect(answer(150)).toBe('CANCELED')
      expect(state.ended).toBe(true)
    }
  })

  it('tries again when what it goes on from cannot be read, as a failure of its own', () => {
    const { at, answer } = begin({ attempts: 2 })
    at(10, failed(1))
    at(20, done(2))
    answer(30)
    expect(answer(110)).toBe('redeploy 1')
    const disk = new StreamError('IO_FAILED', 'no disk')
    expect(at(120, { on: 'redeployFailed', restart: 1, error: disk })).toBe('restart 1 at 220 of no disk, closeEnumerators 1')
    answer(130)
    expect(answer(220)).toBe('redeploy 1')
    expect(at(230, { on: 'redeployFailed', restart: 2, error: disk })).toContain('cancelSlots 0+1')
  })

  it('heeds no answer to a question that it asked before another region joined', () => {
    const { at } = begin()
    at(10, failed(0))
    at(20, done(0), done(1))
    at(30, { on: 'enumeratorsClosed', round: 1 })
    at(40, failed(1))
    expect(at(110, { on: 'restartDue', restart: 1 })).toBe('')
    expect(at(120, done(2))).toBe('closeEnumerators 0+1')
  })

  it('ends once, after a legal way, whatever happens in whatever order', () => {
    const event = fc.oneof(
      fc.constantFrom<JobEvent>({ on: 'cancel' }, { on: 'cancelTimeout' }),
      fc.constantFrom<JobEvent>(failed(0), failed(1), failed(), failed(1, wrong)),
      fc.nat(2).map((slot): JobEvent => done(slot)),
      fc.nat(2).map((slot): JobEvent => ({ on: 'slotLost', slot, error: later })),
      fc.constant('answer' as const),
      fc.constant('answer' as const),
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.boolean(), (events, full) => {
        const regions = [
          { slots: [0, 1], tasks: 2 },
          { slots: [2], tasks: 1 },
        ]
        const restarts = new RestartStrategy({ type: 'fixed-delay', attempts: 4, delayMs: 10 }, () => 0.5)
        const state = new JobState({ regions, restarts, failover: full ? 'full' : 'region' })
        const live = new Set([0, 1, 2])
        let questions: JobEvent[] = []
        let ends = 0
        const apply = (each: JobEvent): void => {
          if ((each.on === 'slotDone' || each.on === 'slotLost') && !live.delete(each.slot)) return
          const before = state.status
          const decisions = state.apply(each, 0)
          for (const decision of decisions) {
            if (decision.do === 'redeploy')
              for (const region of decision.regions) for (const slot of regions[region]!.slots) expect(live).not.toContain(slot)
            if (decision.do === 'end') ends++
          }
          if (each.on === 'redeployed' && before === 'RESTARTING' && state.status === 'RUNNING')
            for (const slot of [0, 1, 2]) live.add(slot)
          questions.push(...decisions.flatMap((decision) => answerTo(decision) ?? []))
          if (state.status !== before) expect(jobMoves[before]).toContain(state.status)
        }
        apply({ on: 'deployed' })
        for (const each of events) {
          if (each !== 'answer') apply(each)
          else if (questions.length > 0) apply(questions.shift()!)
        }
        apply({ on: 'cancel' })
        for (let n = 0; n < 20 && !state.ended; n++) {
          for (const slot of [0, 1, 2]) apply(done(slot))
          const open = questions
          questions = []
          for (const question of open) apply(question)
        }
        expect(state.ended).toBe(true)
        expect(ends).toBe(1)
      }),
    )
  })
})
