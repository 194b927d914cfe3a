import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { jobMoves } from '../../../src/cluster/jobmanager/execution-moves.ts'
import { type JobDecision, type JobEvent, JobState } from '../../../src/cluster/jobmanager/job-state.ts'
import { RestartStrategy } from '../../../src/cluster/jobmanager/restart-strategy.ts'

const boom = new StreamError('USER_FUNCTION_FAILED', 'boom')
const later = new StreamError('TASK_LOST', 'later')
const stateOf = (slots: number, tasks: number): JobState =>
  new JobState({
    regions: [{ slots: Array.from({ length: slots }, (_, slot) => slot), tasks }],
    restarts: new RestartStrategy({ type: 'none' }, () => 0.5),
    failover: 'region',
  })
const run = (slots: number, tasks: number, ...events: JobEvent[]) => {
  const state = stateOf(slots, tasks)
  const decisions = events.map((event) => state.apply(event, 0).map(words).join(', '))
  return { state, decisions }
}
const words = (decision: JobDecision): string => {
  if (decision.do === 'end') return decision.status === 'FAILED' ? `FAILED ${decision.error.message}` : decision.status
  return 'slots' in decision ? `${decision.do} ${decision.slots.join('+')}` : decision.do
}

describe('the state of a job', () => {
  it('is FINISHED when all tasks have finished, all slots ended and the enumerators are closed', () => {
    const { state, decisions } = run(
      2,
      2,
      { on: 'deployed' },
      { on: 'taskFinished', region: 0 },
      { on: 'slotDone', slot: 0 },
      { on: 'taskFinished', region: 0 },
      { on: 'slotDone', slot: 1 },
      { on: 'enumeratorsClosed', round: 1 },
    )
    expect(decisions).toEqual(['', '', '', '', 'closeEnumerators', 'FINISHED'])
    expect(state.status).toBe('FINISHED')
  })

  it('is FAILING after a failure, cancels the other slots and reports the first cause only', () => {
    const { decisions } = run(
      2,
      2,
      { on: 'deployed' },
      { on: 'failed', error: boom },
      { on: 'failed', error: later },
      { on: 'slotDone', slot: 0 },
      { on: 'slotDone', slot: 1 },
      { on: 'enumeratorsClosed', round: 1 },
    )
    expect(decisions).toEqual(['', 'giveUp, cancelSlots 0+1, startCancelTimer', '', '', 'closeEnumerators', 'FAILED boom'])
  })

  it('does not cancel a slot that is lost', () => {
    const { decisions } = run(3, 3, { on: 'deployed' }, { on: 'slotLost', slot: 1, error: later })
    expect(decisions).toEqual(['', 'giveUp, cancelSlots 0+2, startCancelTimer'])
  })

  it('ends at once when its only slot is lost', () => {
    const { decisions } = run(1, 1, { on: 'deployed' }, { on: 'slotLost', slot: 0, error: later }, { on: 'enumeratorsClosed', round: 1 })
    expect(decisions).toEqual(['', 'giveUp, closeEnumerators', 'FAILED later'])
  })

  it('kills the slots that have not ended when the time to cancel is over', () => {
    const { decisions } = run(
      2,
      2,
      { on: 'deployed' },
      { on: 'cancel' },
      { on: 'slotDone', slot: 0 },
      { on: 'cancelTimeout' },
      { on: 'slotDone', slot: 1 },
      { on: 'enumeratorsClosed', round: 1 },
    )
    expect(decisions).toEqual(['', 'cancelSlots 0+1, startCancelTimer', '', 'killSlots 1', 'closeEnumerators', 'CANCELED'])
  })

  it('stays CANCELLING when a task fails of being cancelled, and FAILING when a client cancels a failing job', () => {
    expect(run(1, 1, { on: 'deployed' }, { on: 'cancel' }, { on: 'failed', error: boom }).state.status).toBe('CANCELLING')
    expect(run(1, 1, { on: 'deployed' }, { on: 'failed', error: boom }, { on: 'cancel' }).state.status).toBe('FAILING')
  })

  it('fails when an enumerator cannot be closed after all went well', () => {
    const { decisions } = run(
      1,
      1,
      { on: 'deployed' },
      { on: 'taskFinished', region: 0 },
      { on: 'slotDone', slot: 0 },
      { on: 'failed', error: boom },
      { on: 'enumeratorsClosed', round: 1 },
    )
    expect(decisions.at(-1)).toBe('FAILED boom')
  })

  it('never takes slots that ended without a word of their tasks for success', () => {
    const { state, decisions } = run(
      1,
      2,
      { on: 'deployed' },
      { on: 'taskFinished', region: 0 },
      { on: 'slotDone', slot: 0 },
      { on: 'enumeratorsClosed', round: 1 },
    )
    expect(state.status).toBe('FAILED')
    expect(decisions.at(-1)).toContain('1 tasks said neither that they finished nor that they failed')
  })

  it('moves only as its table allows, ends once and reports the first cause, whatever the order of events', () => {
    const event = fc.oneof(
      fc.constant<JobEvent>({ on: 'deployed' }),
      fc.constant<JobEvent>({ on: 'taskFinished', region: 0 }),
      fc.constant<JobEvent>({ on: 'cancel' }),
      fc.constant<JobEvent>({ on: 'cancelTimeout' }),
      fc.nat(3).map((n): JobEvent => ({ on: 'failed', error: new StreamError('INTERNAL', `error ${n}`) })),
      fc.nat(2).map((slot): JobEvent => ({ on: 'slotDone', slot })),
      fc.nat(2).map((slot): JobEvent => ({ on: 'slotLost', slot, error: later })),
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const state = stateOf(3, 3)
        let ends = 0
        let givenUp = 0
        let closing = false
        let first: StreamError | undefined
        const apply = (each: JobEvent): void => {
          const before = state.status
          const decisions = state.apply(each, 0)
          const after = state.status
          if (after !== before) expect(jobMoves[before]).toContain(after)
          if (after === 'FAILING' && before !== 'FAILING' && 'error' in each) first = each.error
          for (const decision of decisions) {
            if (decision.do === 'closeEnumerators') closing = true
            if (decision.do === 'end') ends++
            if (decision.do === 'giveUp') givenUp++
            if (decision.do === 'end' && decision.status === 'FAILED' && first !== undefined) expect(decision.error).toBe(first)
          }
        }
        apply({ on: 'deployed' })
        for (const each of events) apply(each)
        for (const slot of [0, 1, 2]) apply({ on: 'slotDone', slot })
        expect(closing).toBe(true)
        apply({ on: 'enumeratorsClosed', round: 1 })
        expect(state.ended).toBe(true)
        expect(ends).toBe(1)
        expect(givenUp).toBe(state.status === 'FAILED' ? 1 : 0)
        expect(state.apply({ on: 'cancel' }, 0)).toEqual([])
      }),
    )
  })
})
