import { describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { ExecutionGraph } from '../../../src/cluster/jobmanager/execution-graph.ts'
import { executionMoves, executionWay, isFinal } from '../../../src/cluster/jobmanager/execution-moves.ts'
import { executionStates } from '../../../src/cluster/rpc/job-archive.ts'
import type { TaskMetrics } from '../../../src/runtime/task/deployment.ts'
import { jobGraphOf } from './plans.ts'

const plan = jobGraphOf([
  { name: 'source', parallelism: 2 },
  { name: 'map', parallelism: 1 },
])
const first = { vertex: 0, subtask: 0 }
const second = { vertex: 0, subtask: 1 }
const error = new StreamError('USER_FUNCTION_FAILED', 'no field x').toWire()
const location = { taskManagerId: 'a:1-x', host: 'a' }

function running(): ExecutionGraph {
  const graph = new ExecutionGraph(plan, 0)
  graph.scheduled([0, 1], 1)
  graph.deployed([first, second, { vertex: 1, subtask: 0 }], location, 2)
  for (const task of [first, second, { vertex: 1, subtask: 0 }]) {
    graph.taskIs(task, 'initializing', 3)
    graph.taskIs(task, 'running', 4)
  }
  return graph
}

const metricsOf = (recordsIn: number, ms: number): TaskMetrics => ({
  ...{ ...first, recordsIn, recordsOut: 2 * recordsIn, watermark: 0, lateRecordsDropped: 0, counters: {} },
  ...{ busyMs: 0.25 * ms, idleMs: 0.5 * ms, backPressuredMs: 0.25 * ms },
})

describe('the execution graph', () => {
  it('tells when each subtask came into each state, and where it runs', () => {
    const [subtask] = running().archive()[0]!
    expect(subtask).toEqual({
      subtask: 0,
      earlier: [],
      current: {
        ...{ attempt: 0, state: 'RUNNING', location },
        timestamps: { CREATED: 0, SCHEDULED: 1, DEPLOYING: 2, INITIALIZING: 3, RUNNING: 4 },
      },
    })
  })

  it('lets a task that says where it is have been everywhere before', () => {
    const graph = new ExecutionGraph(plan, 0)
    graph.scheduled([0], 1)
    graph.taskIs(first, 'running', 5)
    expect(graph.archive()[0]![0]!.current.timestamps).toEqual({ CREATED: 0, SCHEDULED: 1, DEPLOYING: 5, INITIALIZING: 5, RUNNING: 5 })
  })

  it('keeps the attempts that failed, with their errors, and starts another', () => {
    const graph = running()
    graph.failed([first], error, 10)
    graph.cancelling([second], 11)
    graph.taskIs(second, 'canceled', 12)
    graph.scheduled([0], 20)
    const [failed, cancelled] = graph.archive()[0]!
    expect(failed).toMatchObject({
      current: { attempt: 1, state: 'SCHEDULED' },
      earlier: [{ attempt: 0, state: 'FAILED', failure: error }],
    })
    expect(cancelled!.earlier[0]!.timestamps).toMatchObject({ CANCELING: 11, CANCELED: 12 })
  })

  it('keeps sixteen of many attempts', () => {
    const graph = running()
    for (let n = 0; n < 20; n++) {
      graph.failed([first, second], error, n)
      graph.scheduled([0], n)
    }
    const { current, earlier } = graph.archive()[0]![0]!
    expect([current.attempt, earlier.length, earlier[0]!.attempt]).toEqual([20, 16, 4])
  })

  it('takes what happened while a task was being cancelled for its cancellation', () => {
    const graph = running()
    graph.cancelling([first, second, { vertex: 1, subtask: 0 }], 10)
    graph.taskIs(first, 'finished', 11)
    graph.failed([second], error, 11)
    graph.slotEnded([{ vertex: 1, subtask: 0 }], 11)
    expect(graph.archive().flatMap((vertex) => vertex.map(({ current }) => current.state))).toEqual(['CANCELED', 'CANCELED', 'CANCELED'])
  })

  it('lets the dead rest', () => {
    const graph = running()
    graph.taskIs(first, 'finished', 10)
    graph.cancelling([first], 11)
    graph.failed([first], error, 12)
    graph.slotEnded([first], 13)
    graph.taskIs(first, 'running', 14)
    expect(graph.archive()[0]![0]!.current).toMatchObject({ state: 'FINISHED', timestamps: { FINISHED: 10 } })
  })

  it('cancels at once what has no slot yet', () => {
    const graph = new ExecutionGraph(plan, 0)
    graph.scheduled([0, 1], 1)
    graph.cancelling([first], 2)
    expect(graph.archive()[0]![0]!.current.state).toBe('CANCELED')
  })

  it('computes rates over some seconds, and none once the task has ended', () => {
    const graph = running()
    for (let ms = 0; ms <= 10_000; ms += 250) graph.report([metricsOf(ms < 5_000 ? 0 : ms - 5_000, ms)], ms)
    expect(graph.archive()[0]![0]!.current.rates).toEqual({
      recordsIn: 1000,
      recordsOut: 2000,
      busyMs: 250,
      idleMs: 500,
      backPressuredMs: 250,
    })
    graph.taskIs(first, 'finished', 10_001)
    const { rates, metrics } = graph.archive()[0]![0]!.current
    expect([rates, metrics?.recordsIn]).toEqual([undefined, 5_000])
  })

  it('tells when the job came into which state', () => {
    const graph = new ExecutionGraph(plan, 5)
    graph.jobIs('CREATED', 6)
    graph.jobIs('RUNNING', 7)
    graph.jobIs('RUNNING', 8)
    expect([graph.state, graph.timestamps]).toEqual(['RUNNING', { INITIALIZING: 5, CREATED: 6, RUNNING: 7 }])
  })
})

describe('the table of moves', () => {
  it('lets every state that is not final fail, and come to an end', () => {
    for (const state of executionStates) {
      if (isFinal(state)) continue
      expect(executionMoves[state]).toContain('FAILED')
      const reachable = new Set([state])
      for (const each of reachable) for (const next of executionMoves[each]) reachable.add(next)
      expect(reachable).toContain('CANCELED')
    }
  })

  it('has the way of a task that goes well', () => {
    executionWay.slice(1).forEach((to, i) => {
      expect(executionMoves[executionWay[i]!]).toContain(to)
    })
  })
})
