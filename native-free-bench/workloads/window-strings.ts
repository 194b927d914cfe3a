/** Rows of six fields, two of them strings, keyed by one: sum and count per user and second. */
import { count, generator, monotonousTimestamps, seconds, sum, t, tumbling } from 'headrace'
import { keyOf, timeOf, valueOf } from './records.ts'
import { expectedPanes, type WindowResult, windowRows, windowTally } from './window.ts'
import type { Workload, WorkloadOptions } from './workload.ts'

interface Visit {
  user: string
  page: string
  ts: number
  session: number
  value: number
  count: number
}

const visitType = t.row({ user: t.string, page: t.string, ts: t.timestamp, session: t.int64, value: t.float64, count: t.int32 })
const pages = Array.from({ length: 1000 }, (_, page) => `/shop/page/${page}`)

function visits({ records, keys, schema }: WorkloadOptions) {
  const users = Array.from({ length: keys }, (_, user) => `user-${user}`)
  const visit = (i: number): Visit => ({
    user: users[keyOf(i, keys)]!,
    page: pages[i % 1000]!,
    ts: timeOf(i),
    session: Math.floor(i / 16),
    value: valueOf(i),
    count: i & 7,
  })
  return generator(visit, { count: records, type: schema === 'declared' ? visitType : undefined })
}

const sumAndCount = {
  createAccumulator: (): WindowResult => ({ sum: 0, count: 0 }),
  add(row: Visit, into: WindowResult): WindowResult {
    into.sum += row.value
    into.count++
    return into
  },
  getResult: (result: WindowResult): WindowResult => result,
}

export const windowStrings: Workload<WindowResult> = {
  name: 'window-pojo-strings',
  forms: ['kernel', 'function'],
  recordsPerSecond: 20e6,
  build(env, options) {
    const windows = env
      .fromSource(visits(options), { name: 'visits', watermarks: monotonousTimestamps('ts') })
      .keyBy('user')
      .window(tumbling(seconds(1)))
    return options.form === 'kernel' ? windows.aggregate({ sum: sum('value'), count: count() }) : windows.aggregate(sumAndCount)
  },
  tally: windowTally,
  expected: (options) => expectedPanes(options, 1),
  expectedRows: (options) => windowRows(options, 1),
  peer: ({ keys }) => ['window-pojo-strings', `keys=${keys}`],
}
