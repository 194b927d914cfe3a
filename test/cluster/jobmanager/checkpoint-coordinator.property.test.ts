/**
 * The coordinator against random orders of everything that can happen to it, with a small model of the tasks around it.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import {
  CheckpointCoordinator,
  type CheckpointDecision,
  type CheckpointEvent,
} from '../../../src/cluster/jobmanager/checkpoint-coordinator.ts'
import type { CheckpointSettings } from '../../../src/cluster/jobmanager/checkpoint-settings.ts'
import { pendingMoves } from '../../../src/cluster/jobmanager/pending-checkpoint.ts'

const tasks = ['a/0', 'a/1', 'b/0']
const timeoutMs = 500
const disk = new StreamError('NO_SPACE', 'the disk is full')

const settingsArbitrary: fc.Arbitrary<CheckpointSettings> = fc.record({
  intervalMs: fc.constantFrom(undefined, 50, 200),
  mode: fc.constant('EXACTLY_ONCE' as const),
  timeoutMs: fc.constant(timeoutMs),
  minPauseMs: fc.constantFrom(0, 70),
  maxConcurrent: fc.constantFrom(1, 2, 3),
  tolerableFailures: fc.constantFrom(0, 3),
  numRetained: fc.constantFrom(1, 2),
  retention: fc.constantFrom('NO_EXTERNALIZED_CHECKPOINTS', 'RETAIN_ON_CANCELLATION', 'DELETE_ON_CANCELLATION'),
  afterTasksFinish: fc.boolean(),
})

type Step = {
  readonly kind: 'ack' | 'decline' | 'store' | 'fail' | 'time' | 'run' | 'await' | 'finish' | 'savepoint' | 'stop' | 'manual' | 'late'
  readonly n: number
}

const stepArbitrary: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom<Step['kind'][]>(
    ...(['ack', 'ack', 'ack', 'ack', 'ack', 'store', 'store', 'time', 'time', 'time', 'run', 'run', 'late', 'late'] as const),
    ...(['decline', 'fail', 'await', 'finish', 'savepoint', 'stop', 'manual'] as const),
  ),
  n: fc.nat(1000),
})

class Model {
  readonly coordinator: CheckpointCoordinator
  nowMs = 0
  #requests = 0
  readonly answered = new Set<number>()
  readonly phase = new Map<string, 'starting' | 'running' | 'awaiting' | 'finished'>(tasks.map((task) => [task, 'starting']))
  /** By id: who must still acknowledge, what became of it. */
  readonly checkpoints = new Map<
    number,
    { kind: string; commits: boolean; due: Set<string>; ended: Set<string>; state: string; atMs: number }
  >()
  readonly deleted = new Set<number>()
  readonly removedLate: string[] = []
  /** Tasks that passed a barrier after their end, by checkpoint. */
  readonly completed: number[] = []
  failed = false

  readonly settings: CheckpointSettings

  constructor(settings: CheckpointSettings) {
    this.settings = settings
    this.coordinator = new CheckpointCoordinator({ settings, tasks })
  }

  apply(event: CheckpointEvent): void {
    if (event.on === 'requested') this.#requests++
    for (const decision of this.coordinator.apply(event, this.nowMs)) this.#check(decision)
    const own = [...this.checkpoints.values()].filter(
      ({ kind, state }) => kind === 'checkpoint' && (state === 'collecting' || state === 'storing'),
    )
    expect(own.length).toBeLessThanOrEqual(this.settings.maxConcurrent)
    expect(this.coordinator.wakeAtMs ?? Number.POSITIVE_INFINITY).toBeGreaterThan(this.nowMs)
  }

  get requests(): number {
    return this.#requests
  }

  #check(decision: CheckpointDecision): void {
    if (decision.do === 'failJob') return void (this.failed = true)
    if (decision.do === 'reject') return void this.#answer(decision.request)
    if (decision.do === 'removeLate') return void this.removedLate.push(`${decision.checkpointId}`)
    if (decision.do === 'delete') return this.#delete(decision.checkpointId)
    const { pending } = decision
    const id = pending.checkpointId
    if (decision.do === 'trigger') {
      expect(id).toBeGreaterThan(Math.max(0, ...this.checkpoints.keys()))
      expect([...this.phase.values()]).not.toContain('starting')
      const due = new Set(tasks.filter((task) => this.phase.get(task) !== 'finished'))
      this.checkpoints.set(id, {
        kind: pending.asked.kind,
        commits: pending.commits,
        due,
        ended: new Set(),
        state: 'collecting',
        atMs: this.nowMs,
      })
      return
    }
    const known = this.checkpoints.get(id)!
    const to = { store: 'storing', complete: 'completed', abort: 'aborted' }[decision.do]
    expect(pendingMoves[known.state as keyof typeof pendingMoves]).toContain(to)
    known.state = to
    if (decision.do === 'store') {
      for (const task of known.due) expect(this.phase.get(task)).toBe('finished')
      expect([...pending.snapshots.keys()].sort()).toEqual(tasks)
    }
    if (decision.do === 'complete') this.completed.push(id)
    if (decision.do !== 'store' && pending.asked.request !== undefined) this.#answer(pending.asked.request)
  }

  #answer(request: number): void {
    expect(this.answered).not.toContain(request)
    this.answered.add(request)
  }

  #delete(id: number): void {
    expect(this.checkpoints.get(id)).toMatchObject({ kind: 'checkpoint', state: 'completed' })
    expect(this.deleted).not.toContain(id)
    this.deleted.add(id)
  }

  step({ kind, n }: Step): void {
    const pick = <T>(from: readonly T[]): T | undefined => from[n % Math.max(1, from.length)]
    const inState = (...states: string[]) => [...this.checkpoints].filter(([, { state }]) => states.includes(state))
    const alive = tasks.filter((task) => this.phase.get(task) !== 'starting' && this.phase.get(task) !== 'finished')
    switch (kind) {
      case 'ack':
      case 'late': {
        const open = inState(kind === 'ack' ? 'collecting' : 'aborted').flatMap(([id, { due }]) => [...due].map((task) => ({ id, task })))
        const one = pick(open.filter(({ task }) => alive.includes(task)))
        if (one === undefined) return
        const checkpoint = this.checkpoints.get(one.id)!
        checkpoint.due.delete(one.task)
        const ended = this.phase.get(one.task) === 'awaiting'
        if (ended) checkpoint.ended.add(one.task)
        const before = this.removedLate.length
        this.apply({ on: 'acknowledged', task: one.task, checkpointId: one.id, snapshot: { finished: ended, operators: [] } })
        if (kind === 'late') expect(this.removedLate.slice(before)).toEqual([`${one.id}`])
        return
      }
      case 'decline': {
        const one = pick(inState('collecting', 'aborted', 'completed'))
        const task = one && pick([...one[1].due].filter((each) => alive.includes(each)))
        if (task === undefined) return
        one![1].due.delete(task)
        return this.apply({ on: 'declined', task, checkpointId: one![0], error: disk })
      }
      case 'store': {
        const one = pick(inState('storing', 'aborted'))
        if (one === undefined) return
        return this.apply(n % 7 === 0 ? { on: 'storeFailed', checkpointId: one[0], error: disk } : { on: 'stored', checkpointId: one[0] })
      }
      case 'time':
        this.nowMs += n % 120
        return this.apply({ on: 'timePassed' })
      case 'run': {
        const task = pick(tasks.filter((each) => this.phase.get(each) === 'starting'))
        if (task === undefined) return
        this.phase.set(task, 'running')
        for (const { due, state } of this.checkpoints.values()) if (state === 'aborted') due.delete(task)
        return this.apply({ on: 'taskRunning', task })
      }
      case 'await': {
        const task = pick(tasks.filter((each) => this.phase.get(each) === 'running'))
        if (task === undefined) return
        this.phase.set(task, 'awaiting')
        return this.apply({ on: 'taskAwaits', task })
      }
      case 'finish': {
        const may = (task: string) =>
          this.completed.some((id) => this.checkpoints.get(id)!.commits && this.checkpoints.get(id)!.ended.has(task))
        const task = pick(tasks.filter((each) => this.phase.get(each) === 'awaiting' && may(each)))
        if (task === undefined) return
        this.phase.set(task, 'finished')
        return this.apply({ on: 'taskFinished', task })
      }
      case 'fail': {
        const failing = n % 2 === 0 ? tasks : [pick(tasks)!]
        for (const task of failing) this.phase.set(task, 'starting')
        for (const { ended } of this.checkpoints.values()) for (const task of failing) ended.delete(task)
        return this.apply({ on: 'tasksFailed', tasks: failing, error: disk })
      }
      case 'savepoint':
      case 'stop':
      case 'manual':
        return this.apply({
          on: 'requested',
          asked: {
            kind: kind === 'manual' ? 'checkpoint' : 'savepoint',
            request: this.#requests,
            ...(kind === 'stop' && { stop: n % 2 === 0 ? 'drain' : 'suspend' }),
          },
        })
    }
  }
}

describe('the checkpoint coordinator, whatever the order of events', () => {
  it('keeps its promises', () => {
    fc.assert(
      fc.property(settingsArbitrary, fc.array(stepArbitrary, { maxLength: 120, size: 'max' }), (settings, steps) => {
        const model = new Model({ ...settings, maxConcurrent: settings.minPauseMs > 0 ? 1 : settings.maxConcurrent })
        for (const step of steps) model.step(step)
        const newest = model.completed.filter((id) => model.checkpoints.get(id)!.kind === 'checkpoint').slice(-settings.numRetained)
        for (const id of newest) expect(model.deleted).not.toContain(id)
        for (const id of model.completed) if (model.checkpoints.get(id)!.kind === 'savepoint') expect(model.deleted).not.toContain(id)
        // Nothing stays pending: what is under way now is over a timeout later.
        const before = [...model.checkpoints.keys()]
        model.nowMs += timeoutMs
        model.apply({ on: 'timePassed' })
        for (const id of before) expect(['completed', 'aborted']).toContain(model.checkpoints.get(id)!.state)
        // And all that was asked for has an answer in the end.
        model.apply({ on: 'jobEnded', status: 'CANCELED' })
        expect(model.answered.size).toBe(model.requests)
        const kept = model.completed.filter((id) => model.checkpoints.get(id)!.kind === 'checkpoint' && !model.deleted.has(id))
        expect(kept.length).toBeLessThanOrEqual(settings.retention === 'RETAIN_ON_CANCELLATION' ? settings.numRetained : 0)
      }),
      { numRuns: 400 },
    )
  })

  it('lets every task finish when the world is kind again', () => {
    fc.assert(
      fc.property(settingsArbitrary, fc.array(stepArbitrary, { maxLength: 60 }), (settings, steps) => {
        const model = new Model({ ...settings, tolerableFailures: 1000 })
        for (const step of steps) if (step.kind !== 'stop') model.step(step)
        for (let n = 0; n < 3; n++) model.step({ kind: 'run', n })
        for (let n = 0; n < 3; n++) model.step({ kind: 'await', n })
        for (let round = 0; round < 200 && [...model.phase.values()].some((phase) => phase !== 'finished'); round++) {
          for (let n = 0; n < 9; n++) model.step({ kind: 'ack', n: 0 })
          for (const [checkpointId, { state }] of model.checkpoints) if (state === 'storing') model.apply({ on: 'stored', checkpointId })
          model.step({ kind: 'finish', n: round })
          model.step({ kind: 'time', n: 119 })
        }
        expect([...model.phase.values()]).toEqual(['finished', 'finished', 'finished'])
      }),
      { numRuns: 200 },
    )
  })
})
