/**
 * The process functions of random programs: state, typed and untyped, and timers. What they emit does not depend on how far
 * the watermark is when a row comes.
 */
import { type Collector, listState, mapState, t, valueState } from 'headrace'
import { fieldOf, type StepSpec } from './program-spec.ts'
import { bucketEnd, joined, keyFields } from './row-functions.ts'

type Step<Op extends StepSpec['op']> = Extract<StepSpec, { op: Op }>

export const joinFunction = ({ fields }: Step<'join'>) => ({
  state: { lefts: listState<any>(), rights: listState<any>() },
  processElement1(left: any, ctx: any, out: Collector<any>) {
    ctx.state.lefts.add(left)
    for (const right of ctx.state.rights.get()) out.collect(joined(left, right, fields))
  },
  processElement2(right: any, ctx: any, out: Collector<any>) {
    ctx.state.rights.add(right)
    for (const left of ctx.state.lefts.get()) out.collect(joined(left, right, fields))
  },
})

export const runningFunction = ({ key, typed }: Step<'running'>) => ({
  state: { seen: valueState<number>(typed ? t.int32 : undefined) },
  processElement(_row: any, ctx: any, out: Collector<any>) {
    const seen = (ctx.state.seen.value ?? 0) + 1
    ctx.state.seen.update(seen)
    out.collect({ ...keyFields(key, ctx.currentKey), seen })
  },
})

/** Counts rows by stretches of time, each of which ends with a timer; a timer that is deleted again gives nothing. */
export const timersFunction = ({ key, size, typed }: Step<'timers'>) => ({
  state: { counts: mapState<number, number>(typed ? t.int64 : undefined, typed ? t.int32 : undefined) },
  processElement(_row: any, ctx: any) {
    const end = bucketEnd(ctx.timestamp, size)
    const { counts } = ctx.state
    counts.put(end, (counts.get(end) ?? 0) + 1)
    ctx.timerService.registerEventTimeTimer(end)
    ctx.timerService.registerEventTimeTimer(end + 0.5)
    ctx.timerService.deleteEventTimeTimer(end + 0.5)
  },
  onTimer(at: number, ctx: any, out: Collector<any>) {
    out.collect({ ...keyFields(key, ctx.currentKey), at, counted: ctx.state.counts.get(at) })
    ctx.state.counts.remove(at)
  },
})

const endOfInput = 2 ** 60

export const tallyFunction = ({ key, field, typed }: Step<'tally'>) => ({
  state: { rows: valueState<number>(typed ? t.float64 : undefined), values: listState<number>(typed ? t.float64 : undefined) },
  processElement(row: any, ctx: any) {
    ctx.state.rows.update((ctx.state.rows.value ?? 0) + 1)
    if (ctx.state.rows.value % 3 === 1) ctx.state.values.clear()
    ctx.state.values.add(fieldOf(row, field))
    ctx.timerService.registerEventTimeTimer(endOfInput)
  },
  onTimer(_at: number, ctx: any, out: Collector<any>) {
    out.collect({ ...keyFields(key, ctx.currentKey), rows: ctx.state.rows.value, total: ctx.state.values.get().length })
    ctx.state.rows.clear()
  },
})

export const previousFunction = ({ key, field, typed }: Step<'previous'>) => ({
  state: { before: valueState<any>(typed ? t.row({ [field]: t.float64, note: t.nullable(t.string) }) : undefined) },
  processElement(row: any, ctx: any, out: Collector<any>) {
    const { before } = ctx.state
    out.collect({ ...keyFields(key, ctx.currentKey), now: row[field], before: before.value?.[field], note: before.value?.note })
    before.update({ [field]: row[field], note: row.w ?? null })
  },
})
