/** Sum and count per key and event-time window: tumbling 1 s, sliding 10 s / 1 s, sessions with a gap of 20 ms. */
import { count, milliseconds, monotonousTimestamps, seconds, session, sliding, sum, tumbling } from 'headrace'
import { keyOf, timedValues, timeOf, valueOf } from './records.ts'
import { rowTally } from './tallies.ts'
import type { Workload, WorkloadOptions } from './workload.ts'

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

function expectedSessions({ records, keys }: WorkloadOptions) {
  const tally = windowTally()
  const sessions = new Map<number, WindowResult & { last: number }>()
  for (let i = 0; i < records; i++) {
    const key = keyOf(i, keys)
    const known = sessions.get(key)
    // A record exactly a gap later still belongs to the session.
    if (known !== undefined && timeOf(i) - known.last <= gapMs) {
      sumAndCount.add({ v: valueOf(i) }, known)
      known.last = timeOf(i)
    } else {
      if (known !== undefined) tally.add(known)
      sessions.set(key, { sum: valueOf(i), count: 1, last: timeOf(i) })
    }
  }
  for (const row of sessions.values()) tally.add(row)
  return tally.totals()
}

/** A key in a second is a row in each window over it that has none of that key yet. */
export function windowRows({ records, keys }: WorkloadOptions, sizeSeconds: number): number {
  const last = new Int32Array(keys).fill(-sizeSeconds)
  let rows = 0
  for (let i = 0; i < records; i++) {
    const key = keyOf(i, keys)
    const second = Math.floor(timeOf(i) / 1000)
    rows += Math.min(sizeSeconds, second - last[key]!)
    last[key] = second
  }
  return rows
}

function sessionRows({ records, keys }: WorkloadOptions): number {
  const last = new Int32Array(keys).fill(-gapMs - 1)
  let rows = 0
  for (let i = 0; i < records; i++) {
    const key = keyOf(i, keys)
    const time = timeOf(i)
    if (time - last[key]! > gapMs) rows++
    last[key] = time
  }
  return rows
}

export const windowTumbling = windowWorkload('window-tumbling', 'tumbling', 60e6)
export const windowSliding = windowWorkload('window-sliding', 'sliding', 20e6)
export const windowSession = windowWorkload('window-session', 'session', 6e6)
