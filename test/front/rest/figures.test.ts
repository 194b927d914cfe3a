/** Figures as Java reads them. */
import { describe, expect, it } from 'vitest'
import { aggregatedList, metricList, metricText } from '../../../src/front/rest/metric-values.ts'
import { distributionOf, summaryOf } from '../../../src/front/rest/number-summary.ts'
import { planInfo } from '../../../src/front/rest/plan-info.ts'
import { stateDurations, vertexSpan, vertexState } from '../../../src/front/rest/states-of.ts'
import { jobGraphOf } from '../../cluster/jobmanager/plans.ts'

describe('percentiles', () => {
  it('of nothing are the text NaN, and of fractions whole numbers', () => {
    expect(summaryOf([])).toEqual({ min: 0, max: 0, avg: 0, p50: 'NaN', p90: 'NaN', p95: 'NaN', p99: 'NaN', p999: 'NaN' })
    expect(summaryOf([1.2, 3.7])).toMatchObject({ min: 1, max: 4, avg: 2, p50: 2.5 })
  })

  it('lie between the values as commons-math estimates them', () => {
    const values = Array.from({ length: 10 }, (_, i) => 10 * (10 - i))
    expect(summaryOf(values)).toMatchObject({ min: 10, max: 100, avg: 55, p50: 55, p90: 99, p95: 100, p999: 100 })
    expect(distributionOf(values)).toEqual({ min: 10, max: 100, avg: 55, sum: 550, median: 55, p25: 27, p75: 82, p95: 100 })
  })
})

describe('a metric', () => {
  it('is a text, whole numbers beyond those of JavaScript included', () => {
    expect([0.25, 7, -(2 ** 63), 2 ** 63, Number.NaN].map(metricText)).toEqual([
      '0.25',
      '7',
      '-9223372036854775808',
      '9223372036854775807',
      'NaN',
    ])
  })

  it('that is not asked for is named, and one that is not there left out', () => {
    const metrics = new Map([
      ['a', 1],
      ['b', 2],
    ])
    expect(metricList(metrics, undefined)).toEqual([{ id: 'a' }, { id: 'b' }])
    expect(metricList(metrics, ['b', 'c'])).toEqual([{ id: 'b', value: '2' }])
  })

  it('of several is put together as it is asked', () => {
    const all = [new Map([['a', 1]]), new Map([['a', 3]]), new Map([['b', 9]])]
    expect(aggregatedList(all, undefined)).toEqual([{ id: 'a' }, { id: 'b' }])
    expect(aggregatedList(all, ['a', 'z'])).toEqual([{ id: 'a', min: 1, max: 3, sum: 4, avg: 2, skew: 50 }])
    expect(aggregatedList(all, ['b'], ['max'])).toEqual([{ id: 'b', max: 9 }])
  })
})

const execution = (state: string, timestamps: object) => ({ attempt: 0, state, timestamps }) as never

describe('states', () => {
  it('of a vertex are the worst of its tasks, and RUNNING where some have finished', () => {
    const of = (...states: string[]) => vertexState(states.map((state) => execution(state, {})))
    expect([
      of('RUNNING', 'FAILED'),
      of('FINISHED', 'CREATED'),
      of('FINISHED', 'FINISHED'),
      of('SCHEDULED'),
      of('RUNNING', 'INITIALIZING'),
    ]).toEqual(['FAILED', 'RUNNING', 'FINISHED', 'CREATED', 'INITIALIZING'])
  })

  it('last until the next, the end, or now', () => {
    const timestamps = { CREATED: 1, SCHEDULED: 2, DEPLOYING: 4, INITIALIZING: 8, RUNNING: 16 }
    expect(stateDurations(execution('RUNNING', timestamps), 100)).toMatchObject({
      CREATED: 1,
      SCHEDULED: 2,
      DEPLOYING: 4,
      INITIALIZING: 8,
      RUNNING: 84,
      CANCELING: -1,
    })
    expect(stateDurations(execution('FINISHED', { ...timestamps, FINISHED: 20 }), 100)).toMatchObject({ RUNNING: 4 })
  })

  it('make a span from the first deployment to the last end', () => {
    const [first, second] = [execution('FINISHED', { DEPLOYING: 5, FINISHED: 9 }), execution('FINISHED', { DEPLOYING: 3, FINISHED: 11 })]
    expect(vertexSpan([first, second], 50)).toEqual({ 'start-time': 3, 'end-time': 11, duration: 8 })
    expect(vertexSpan([first, execution('RUNNING', { DEPLOYING: 7 })], 50)).toEqual({ 'start-time': 5, 'end-time': -1, duration: 45 })
    expect(vertexSpan([execution('CREATED', { CREATED: 1 })], 50)).toEqual({ 'start-time': -1, 'end-time': -1, duration: -1 })
  })
})

it('a plan is HTML, in which names are only names', () => {
  const graph = jobGraphOf([{ name: '<img src=x onerror="x()">&', parallelism: 1 }])
  const { nodes } = planInfo('j1', graph) as { nodes: { description: string }[] }
  expect(nodes[0]!.description).toBe('&lt;img src=x onerror=&quot;x()&quot;&gt;&amp;<br/>')
})
