/** Sum and count per key and event-time window: tumbling 1 s, sliding 10 s / 1 s, sessions with a gap of 20 ms. */
import { count, milliseconds, monotonousTimestamps, seconds, session, sliding, sum, tumbling } from 'headrace'
import { keyOf, timedValues, timeOf, valueOf } from './records.ts'
import { rowTally } from './tallies.ts'
import { exactly, type RowCount, type Totals, type Workload, type WorkloadOptions } from './workload.ts'

export interface WindowResult {
  sum: number
  count: number
}

export const sumAndCount = {
  createAccumulator: (): WindowResult => ({ sum: 0, count: 0 }),
  add(row: { readonly v: number }, into: WindowResult): WindowResult {
    into.sum += row.v
    into.count++
    return into
  },
  getResult: (result: WindowResult): WindowResult => result,
  merge: (a: WindowResult, b: WindowResult): WindowResult => ({ sum: a.sum + b.sum, count: a.count + b.count }),
}

// Both forms give sum and count; only these are compared, as the peer gives no more.
export const windowTally = () =>
  rowTally<WindowResult>(
    (row) => ({ sum: row.sum, count: row.count }),
    (row) => [row.sum, row.count],
  )

const gapMs = 20

const assigners = {
  tumbling: () => tumbling(seconds(1)),
  sliding: () => sliding(seconds(10), seconds(1)),
  session: () => session(milliseconds(gapMs)),
}

/** In seconds, which is also the slide. */
const sizes = { tumbling: 1, sliding: 10, session: 0 }

function windowWorkload(name: string, assigner: keyof typeof assigners, recordsPerSecond: number): Workload<WindowResult> {
  return {
    name,
    forms: ['kernel', 'function'],
    recordsPerSecond,
    build(env, options) {
      const windows = env
        .fromSource(timedValues(options), { name: 'records', watermarks: monotonousTimestamps('ts') })
        .keyBy('key')
        .window(assigners[assigner]())
      return options.form === 'kernel' ? windows.aggregate({ sum: sum('v'), count: count() }) : windows.aggregate(sumAndCount)
    },
    tally: windowTally,
    expected: assigner === 'session' ? expectedSessions : (options) => expectedPanes(options, sizes[assigner]),
    expectedRows: (options) => (assigner === 'session' ? sessionRows(options) : windowRows(options, sizes[assigner])),
    peer: ({ keys }) => ['window', `keys=${keys}`, `win=${assigner}`],
  }
}

/** Windows of so many seconds that start every second, those before the first record included. */
export function expectedPanes({ records, keys }: WorkloadOptions, sizeSeconds: number) {
  const tally = windowTally()
  const open: Map<number, WindowResult>[] = Array.from({ length: sizeSeconds }, () => new Map())
  const close = () => {
    for (const row of open.shift()!.values()) tally.add(row)
    open.push(new Map())
  }
  let second = 0
  for (let i = 0; i < records; i++) {
    for (; Math.floor(timeOf(i) / 1000) > second; second++) close()
    const key = keyOf(i, keys)
    for (const window of open) {
      const row = window.get(key) ?? sumAndCount.createAccumulator()
      window.set(key, sumAndCount.add({ v: valueOf(i) }, row))
    }
  }
  for (let i = 0; i < sizeSeconds; i++) close()
  return tally.totals()
}

/** Each record is in one session; where one ends is not sure to a ms (sessionRows). */
function expectedSessions({ records }: WorkloadOptions): Totals {
  let sum = 0
  for (let i = 0; i < records; i++) sum += valueOf(i)
  return { sum, count: records }
}

/** A key in a second is a row in each window over it that has none of that key yet. */
export function windowRows({ records, keys }: WorkloadOptions, sizeSeconds: number): RowCount {
  const last = new Int32Array(keys).fill(-sizeSeconds)
  let rows = 0
  for (let i = 0; i < records; i++) {
    const key = keyOf(i, keys)
    const second = Math.floor(timeOf(i) / 1000)
    rows += Math.min(sizeSeconds, second - last[key]!)
    last[key] = second
  }
  return exactly(rows)
}

/**
 * A record exactly a gap after the last one touches its session and joins it, unless the watermark, which may pass as soon as
 * another record of that ms is there, has closed it already.
 */
function sessionRows({ records, keys }: WorkloadOptions): RowCount {
  const last = new Int32Array(keys).fill(-gapMs - 1)
  let apart = 0
  let touching = 0
  for (let i = 0; i < records; i++) {
    const key = keyOf(i, keys)
    const silence = timeOf(i) - last[key]!
    if (silence > gapMs) apart++
    else if (silence === gapMs) touching++
    last[key] = timeOf(i)
  }
  return { atLeast: apart, atMost: apart + touching }
}

export const windowTumbling = windowWorkload('window-tumbling', 'tumbling', 60e6)
export const windowSliding = windowWorkload('window-sliding', 'sliding', 20e6)
export const windowSession = windowWorkload('window-session', 'session', 6e6)
