/**
 * Windows of every kind, each with every way of applying them; triggers, evictors, late rows.
 */
import { countEvictor } from '../../src/program/api/evictors.ts'
import { outputTag } from '../../src/program/api/output-tag.ts'
import type { DataStream } from '../../src/program/api/streams.ts'
import { countTrigger, purging } from '../../src/program/api/triggers.ts'
import { customWatermarks } from '../../src/program/api/watermarks.ts'
import { globalWindows, session, sliding, tumbling } from '../../src/program/api/windows.ts'
import { avg, count, max, min, sum } from '../../src/program/function/aggregate.ts'
import type { Collector } from '../../src/program/function/functions.ts'
import { valueState } from '../../src/program/function/state.ts'
import { mean } from './mean.ts'
import type { Stage, TortureProgram } from './stage.ts'
import type { Row } from './torture-source.ts'

type Build = TortureProgram['build']

/** Sorted ids of a window, with its bounds and how often windows of its key have fired. */
const contents = (stage: Stage) => ({
  globalState: { fired: valueState<number>() },
  process(rows: readonly Row[], ctx: any, out: Collector<any>) {
    stage.hurt()
    const fired = (ctx.globalState.fired.value ?? 0) + 1
    ctx.globalState.fired.update(fired)
    out.collect({ key: ctx.key, from: ctx.window.start, to: ctx.window.end, fired, ids: rows.map(({ id }) => id).sort((a, b) => a - b) })
  },
})

const assigners = {
  tumbling: () => tumbling(100),
  sliding: () => sliding(120, 40),
  session: () => session(25),
  'dynamic session': () => session((row: Row) => 15 + (row.id % 3) * 10),
  global: () => globalWindows({ fireAtEnd: true }),
}

const applications: Readonly<Record<string, (windows: any, stage: Stage) => DataStream<any>>> = {
  aggregates: (windows) => windows.aggregate({ n: count(), total: sum('v'), low: min('v'), high: max('v'), mean: avg('v') }),
  'a user aggregate': (windows) => windows.aggregate(mean),
  'a user aggregate and process': (windows, stage) =>
    windows.aggregate(mean, (results: readonly any[], ctx: any, out: Collector<any>) =>
      out.collect({ ...results[0], key: stage.hurt(ctx.key) }),
    ),
  reduce: (windows) =>
    windows.reduce((a: Row, b: Row) => ({ ...b, v: a.v + b.v, id: Math.max(a.id, b.id), ts: Math.max(a.ts, b.ts), w: '' })),
  process: (windows, stage) => windows.process(contents(stage)),
}

const everyKind: Readonly<Record<string, Build>> = Object.fromEntries(
  Object.entries(assigners).flatMap(([window, assigner]) =>
    Object.entries(applications).map(([applied, apply]) => [
      `${window} windows, ${applied}`,
      (s: Stage) => apply(s.rows().keyBy('key').window(assigner()), s),
    ]),
  ),
)

const late = outputTag<Row>('late')

/** A watermark after each row, so that what is late follows from the rows alone. */
const punctuated = (bound: number) =>
  customWatermarks<Row>(
    () => {
      let latest = Number.NEGATIVE_INFINITY
      return {
        onEvent(_row, timestamp, output) {
          latest = Math.max(latest, timestamp)
          output.emitWatermark(latest - bound - 1)
        },
      }
    },
    (row) => row.ts,
  )

function lateWindows(assigner: () => any, allowedLateness: number): TortureProgram {
  return {
    parallelism: 1,
    rows: 200,
    build(s) {
      const rows = s.rows({ splits: 1, watermarks: punctuated(10) })
      const fired = rows.keyBy('key').window(assigner(), { allowedLateness, lateOutput: late }).process(contents(s))
      return [fired, fired.getSideOutput(late)]
    },
  }
}

export const windowPrograms: Readonly<Record<string, Build | TortureProgram>> = {
  ...everyKind,
  'count windows': (s) => s.rows().keyBy('key').countWindow(7).sum('v'),
  'sliding count windows': (s) => s.rows().keyBy('key').countWindow(6, 2).process(contents(s)),
  'a trigger that purges': (s) =>
    s
      .rows()
      .keyBy('key')
      .window(globalWindows(), { trigger: purging(countTrigger(5)) })
      .aggregate({ n: count(), total: sum('v') }),
  'an evictor': (s) =>
    s
      .rows()
      .keyBy('key')
      .window(globalWindows(), { trigger: countTrigger(3), evictor: countEvictor(4) })
      .process(contents(s)),
  'windows over all': (s) =>
    s
      .rows()
      .windowAll(tumbling(200))
      .aggregate({ n: count(), total: sum('v') }),
  'late rows of tumbling windows': lateWindows(() => tumbling(50), 0),
  'allowed lateness of tumbling windows': lateWindows(() => tumbling(50), 12),
  'allowed lateness of sliding windows': lateWindows(() => sliding(60, 20), 12),
  'allowed lateness of sessions': lateWindows(() => session(12), 8),
}
