/**
 * Keyed state of every kind, declared and not; timers of both domains; operator state of every scope.
 */
import { t } from '../../src/base/columnar/t.ts'
import type { DataStream } from '../../src/program/api/streams.ts'
import { globalWindows } from '../../src/program/api/windows.ts'
import { count } from '../../src/program/function/aggregate.ts'
import type { Collector } from '../../src/program/function/functions.ts'
import { broadcastState, operatorListState, unionListState } from '../../src/program/function/operator-state.ts'
import {
  aggregatingState,
  listState,
  mapState,
  reducingState,
  type StateDeclarations,
  type StateHandles,
  valueState,
} from '../../src/program/function/state.ts'
import { mean } from './mean.ts'
import type { Stage, TortureProgram } from './stage.ts'
import type { Row } from './torture-source.ts'

type Build = TortureProgram['build']

/** Changes the state of a key for each of its rows, and gives what it then holds. */
const stateful =
  <S extends StateDeclarations>(
    state: S,
    change: (handles: StateHandles<S>, row: Row) => void,
    held: (handles: StateHandles<S>) => unknown,
  ): Build =>
  (s) =>
    s
      .rows()
      .keyBy('key')
      .process({
        state,
        open: s.open,
        processElement(row, ctx, out: Collector<any>) {
          s.hurt()
          change(ctx.state, row)
          out.collect({ key: row.key, id: row.id, held: held(ctx.state) })
        },
      })

const kinds: Readonly<Record<string, Build>> = {
  'value state': stateful(
    { total: valueState(t.float64) },
    ({ total }, row) => total.update((total.value ?? 0) + row.v),
    ({ total }) => total.value,
  ),
  'untyped value state': stateful(
    { last: valueState<{ n: number; row: Row }>() },
    ({ last }, row) => last.update(row.v % 13 === 0 ? null : { n: (last.value?.n ?? 0) + 1, row }),
    ({ last }) => last.value,
  ),
  'value state of rows': stateful(
    { last: valueState(t.row({ n: t.int32, w: t.string })) },
    ({ last }, row) => last.update({ n: (last.value?.n ?? 0) + 1, w: row.w }),
    ({ last }) => last.value,
  ),
  'list state': stateful(
    { last: listState(t.float64) },
    ({ last }, row) => last.update([...last.get().slice(-4), row.v]),
    ({ last }) => last.get(),
  ),
  'untyped list state': stateful(
    { last: listState<Row>() },
    ({ last }, row) => (last.get().length > 5 ? last.clear() : last.add(row)),
    ({ last }) => last.get().map(({ id }) => id),
  ),
  'map state': stateful(
    { words: mapState(t.string, t.float64) },
    ({ words }, row) => (row.v % 11 === 0 ? words.remove(row.w) : words.put(row.w, (words.get(row.w) ?? 0) + 1)),
    ({ words }) => [...words.entries()].sort(),
  ),
  'untyped map state': stateful(
    { words: mapState<string, { n: number }>() },
    ({ words }, row) => (row.v % 29 === 0 ? words.clear() : words.put(row.w, { n: (words.get(row.w)?.n ?? 0) + 1 })),
    ({ words }) => [...words.keys()].sort().map((word) => [word, words.get(word)]),
  ),
  'reducing state': stateful(
    { total: reducingState((a: number, b: number) => a + b, t.float64) },
    ({ total }, row) => total.add(row.v),
    ({ total }) => total.get(),
  ),
  'aggregating state': stateful(
    { held: aggregatingState(mean) },
    ({ held }, row) => held.add(row),
    ({ held }) => held.get(),
  ),
  'several states at once': stateful(
    { n: valueState(t.float64), words: mapState<string, number>(), last: listState(t.string) },
    ({ n, words, last }, row) => {
      n.update((n.value ?? 0) + 1)
      words.put(row.w, row.v)
      if (row.v > 90) last.clear()
      else last.add(row.w)
    },
    ({ n, words, last }) => [n.value, words.get('cat'), last.get().length],
  ),
}

const timers =
  (waiting: any): Build =>
  (s) =>
    s
      .rows()
      .keyBy('key')
      .process({
        state: { waiting },
        processElement(row, ctx: any) {
          const at = row.ts + 60 - (row.ts % 60)
          ctx.state.waiting.put(row.id, at)
          ctx.timerService.registerEventTimeTimer(at)
          // One more, which is taken back.
          ctx.timerService.registerEventTimeTimer(at + 1)
          ctx.timerService.deleteEventTimeTimer(at + 1)
        },
        onTimer(at, ctx: any, out: Collector<any>) {
          s.hurt()
          const entries: [number, number][] = [...ctx.state.waiting.entries()]
          const due = entries.filter(([, its]) => its === at).map(([id]) => id)
          for (const id of due) ctx.state.waiting.remove(id)
          out.collect({ at, key: ctx.currentKey, ids: due.sort((a, b) => a - b) })
        },
      })

/** Which rows a timer takes is chance; that each is taken once is not. */
const processingTimers: Build = (s) =>
  s
    .rows()
    .keyBy('key')
    .process({
      state: { waiting: listState(t.float64) },
      processElement(row, ctx) {
        ctx.state.waiting.add(row.id)
        ctx.timerService.registerProcessingTimeTimer(ctx.timerService.currentProcessingTime + (row.id % 9))
        // What no timer has taken goes out with the end of time.
        ctx.timerService.registerEventTimeTimer(1e12)
      },
      onTimer(_at, ctx, out: Collector<any>) {
        s.hurt()
        for (const id of ctx.state.waiting.get()) out.collect({ id })
        ctx.state.waiting.clear()
      },
    })

/**
 * An element waits in the state of the subtask until two more have come; at the end of all rows, of which a second input tells every subtask,
 * nothing waits any more.
 */
const handsOn =
  (waiting: any): Build =>
  (s): DataStream<any> => {
    const rows = s.rows()
    const end = rows.windowAll(globalWindows({ fireAtEnd: true })).aggregate({ n: count() })
    return rows
      .rebalance()
      .connect(end.broadcast())
      .process({
        operatorState: { waiting, ended: broadcastState(t.string, t.boolean) } as any,
        open(ctx: any) {
          s.open()
          // Everyone gets all of a union: one keeps it.
          if (waiting.scope === 'union' && ctx.isRestored && ctx.subtaskIndex > 0) ctx.operatorState.waiting.clear()
        },
        processElement1(row: Row, ctx: any, out: Collector<any>) {
          s.hurt()
          ctx.operatorState.waiting.add(row.id)
          if (ctx.operatorState.waiting.get().length >= 3 || ctx.operatorState.ended.contains('yes')) handOn(ctx, out)
        },
        processElement2(_end, ctx: any, out: Collector<any>) {
          ctx.operatorState.ended.put('yes', true)
          handOn(ctx, out)
        },
      })
  }

function handOn({ operatorState: { waiting } }: any, out: Collector<any>): void {
  for (const id of waiting.get()) out.collect({ id })
  waiting.clear()
}

/** Each subtask has seen every rule once, whatever happened. */
const rules: Build = (s: Stage) =>
  s
    .rows()
    .connect(s.rows({ splits: 1, rowOf: (_split, i) => ({ id: i, key: i % 5, ts: 1_000 + i * 10, v: i, w: 'rule' }) }).broadcast())
    .process({
      operatorState: { rules: broadcastState(t.float64, t.float64) },
      processElement1: (row, _ctx, out: Collector<any>) => out.collect({ id: row.id }),
      processElement2(rule, ctx) {
        s.hurt()
        const held = ctx.operatorState.rules
        held.put(rule.key, (held.get(rule.key) ?? 0) + 1)
        const seen = [...held.values()].reduce((a, b) => a + b, 0)
        if (seen !== rule.id + 1) s.broken(`a subtask has seen ${seen} rules of ${rule.id + 1}`)
      },
    })

export const statePrograms: Readonly<Record<string, Build | TortureProgram>> = {
  ...kinds,
  'event timers': timers(mapState(t.float64, t.float64)),
  'event timers beside untyped state': timers(mapState<number, number>()),
  'processing timers': processingTimers,
  'list operator state': handsOn(operatorListState(t.float64)),
  'untyped list operator state': handsOn(operatorListState<number>()),
  'union operator state': handsOn(unionListState<number>()),
  'broadcast state': rules,
}
