/**
 * Windows of every kind, interrupted at a random point and gone on with in either form and at another parallelism: all that comes
 * out is what an operator gives that was never interrupted. The snapshot is read after the operator has gone on for a while.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { avg, count, max, min, sum } from '../../../src/program/function/aggregate.ts'
import { listState, mapState, reducingState, valueState } from '../../../src/program/function/state.ts'
import type { Evictor, Trigger, WindowAssigner } from '../../../src/program/function/window.ts'
import type { WindowApply, WindowDescriptor } from '../../../src/program/graph/operator-descriptor.ts'
import type { PaneWindowKernel } from '../../../src/runtime/operator/kernel/pane-window-kernel.ts'
import { maxWatermark } from '../../../src/runtime/operator/operator.ts'
import { interrupted, type Running, RunningWindows, type Step } from '../../support/restarted-windows.ts'
import { writtenBy } from '../checkpoint/written-checkpoint.ts'

const assigners: Record<string, WindowAssigner<any>> = {
  tumbling: { kind: 'tumbling', time: 'event', sizeMs: 10, offsetMs: 3 },
  sliding: { kind: 'sliding', time: 'event', sizeMs: 20, slideMs: 10, offsetMs: 0 },
  'sliding by panes': { kind: 'sliding', time: 'event', sizeMs: 15, slideMs: 10, offsetMs: 2 },
  'sliding with gaps': { kind: 'sliding', time: 'event', sizeMs: 6, slideMs: 10, offsetMs: 0 },
  session: { kind: 'session', time: 'event', gapMs: 6 },
  'session of dynamic gaps': { kind: 'session', time: 'event', gapMs: (row) => row.gap },
  'global at the end': { kind: 'global', fireAtEnd: true },
  global: { kind: 'global', fireAtEnd: false },
  'processing time': { kind: 'tumbling', time: 'processing', sizeMs: 10, offsetMs: 0 },
  'processing session': { kind: 'session', time: 'processing', gapMs: 7 },
}

/** Changes its accumulator in place. */
const inPlace: WindowApply = {
  kind: 'aggregate',
  fn: {
    createAccumulator: () => ({ n: 0, total: 0 }),
    add(row: any, acc: any) {
      acc.n++
      acc.total += row.v
      return acc
    },
    merge(a: any, b: any) {
      a.n += b.n
      a.total += b.total
      return a
    },
    getResult: (acc: any) => ({ ...acc }),
  },
}
/** A list in place, and objects used as maps. */
const objects: WindowApply = {
  kind: 'aggregate',
  fn: {
    createAccumulator: () => ({ ids: [], counts: {} }),
    add(row: any, acc: any) {
      acc.ids.push(row.id)
      acc.counts[`of ${row.v}`] = (acc.counts[`of ${row.v}`] ?? 0) + 1
      return acc
    },
    merge: (a: any, b: any) => ({
      ids: [...a.ids, ...b.ids],
      counts: Object.fromEntries(
        [...new Set([...Object.keys(a.counts), ...Object.keys(b.counts)])].map((name) => [
          name,
          (a.counts[name] ?? 0) + (b.counts[name] ?? 0),
        ]),
      ),
    }),
    getResult: (acc: any) => ({ ids: acc.ids.toSorted(), counts: Object.entries(acc.counts).sort() }),
  },
}
/** Numbers at first, and then no more. */
const changing: WindowApply = {
  kind: 'aggregate',
  fn: {
    createAccumulator: () => ({ total: 0, odd: 0 }) as any,
    add: (row: any, acc: any) => ({ total: acc.total + row.v, odd: row.v > 3 || acc.odd === 'yes' ? 'yes' : 0 }),
    merge: (a: any, b: any) => ({ total: a.total + b.total, odd: a.odd === 'yes' || b.odd === 'yes' ? 'yes' : 0 }),
    getResult: (acc: any) => acc,
  },
}
/** What it emits does not depend on which of a key's windows fires first: nobody says which of several timers of one time does. */
const stateful: WindowApply = {
  kind: 'process',
  process: {
    globalState: { fired: valueState<Record<string, number>>(), seen: mapState<string, number>() },
    windowState: { firings: reducingState<number>((a, b) => a + b), ids: listState<any>() },
    process(elements, ctx: any, out) {
      const window = `${ctx.window.start}`
      const fired = ctx.globalState.fired.value ?? {}
      ctx.globalState.fired.update({ ...fired, [window]: (fired[window] ?? 0) + 1 })
      const before = ctx.globalState.seen.get(window)
      ctx.globalState.seen.put(window, elements.length)
      ctx.windowState.firings.add(1)
      ctx.windowState.ids.add({ id: (elements[0] as any).id })
      out.collect({
        ...{ ids: elements.map((row: any) => row.id), key: ctx.key, window: ctx.window, at: ctx.currentWatermark },
        ...{ fired: ctx.globalState.fired.value[window], before },
        ...{ firings: ctx.windowState.firings.get(), firsts: ctx.windowState.ids.get() },
      })
    },
    clear(ctx: any) {
      ctx.globalState.seen.remove(`${ctx.window.start}`)
    },
  },
}
const applies: Record<string, WindowApply> = {
  aggregates: { kind: 'aggregates', aggregates: { n: count(), total: sum('v'), low: min('w'), high: max('w'), mean: avg('w') } },
  'in place': inPlace,
  number: {
    kind: 'aggregate',
    fn: { createAccumulator: () => 0, add: (row: any, acc: number) => acc + row.v, merge: (a, b) => a + b, getResult: (acc) => acc },
  },
  objects,
  changing,
  'aggregate and process': {
    ...(inPlace as Extract<WindowApply, { kind: 'aggregate' }>),
    process: ([result]: readonly any[], { key, window }: any, out: any) => out.collect({ key, window, result }),
  },
  reduce: { kind: 'reduce', fn: (a: any, b: any) => ({ ...a, v: a.v + b.v, id: Math.max(a.id, b.id) }) },
  'max by': { kind: 'rolling', op: 'maxBy', field: 'v', first: true },
  process: {
    kind: 'process',
    process: (elements, { key, window }, out) => out.collect({ key, window, ids: elements.map((row: any) => row.id) }),
  },
  stateful,
}
const triggers: Record<string, Trigger<any>> = {
  count: { kind: 'count', count: 2 },
  'purging count': { kind: 'purging', inner: { kind: 'count', count: 3 } },
  continuous: { kind: 'continuousEventTime', intervalMs: 7 },
  'continuous by the clock': { kind: 'continuousProcessingTime', intervalMs: 5 },
  delta: { kind: 'delta', threshold: 2, delta: (a, b) => Math.abs(a.v - b.v) },
  timeout: { kind: 'processingTimeout', inner: { kind: 'count', count: 4 }, timeoutMs: 6, resetOnNew: true, clearOnTimeout: false },
  custom: {
    kind: 'custom',
    state: { sums: reducingState<number>((a, b) => a + b) },
    canMerge: true,
    onElement(row, _timestamp, window, ctx: any) {
      ctx.state.sums.add(row.v)
      if (window.end < 1e9 && window.end - 1 > ctx.currentWatermark) ctx.registerEventTimeTimer(window.end - 1)
      return ctx.state.sums.get() % 3 === 0 ? 'fire' : 'continue'
    },
    onEventTime: () => 'fireAndPurge',
    onProcessingTime: () => 'continue',
    onMerge(window, ctx: any) {
      if (window.end - 1 > ctx.currentWatermark) ctx.registerEventTimeTimer(window.end - 1)
    },
    clear: (_window, ctx: any) => ctx.state.sums.clear(),
  },
}
const evictors: Record<string, Evictor<any>> = {
  count: { kind: 'count', count: 2, after: false },
  time: { kind: 'time', sizeMs: 4, after: true },
}

const mergeableTriggers = new Set(['count', 'purging count', 'continuous', 'custom'])

const descriptor = fc
  .record({
    assigner: fc.constantFrom(...Object.keys(assigners)),
    apply: fc.constantFrom(...Object.keys(applies)),
    trigger: fc.option(fc.constantFrom(...Object.keys(triggers)), { freq: 2, nil: undefined }),
    evictor: fc.option(fc.constantFrom(...Object.keys(evictors)), { freq: 3, nil: undefined }),
    allowedLatenessMs: fc.constantFrom<number>(0, 0, 5, 30),
    late: fc.boolean(),
  })
  .filter(({ assigner, apply, trigger }) => {
    if (assigner === 'global' && trigger === undefined) return false
    return !assigner.includes('session') || ((trigger === undefined || mergeableTriggers.has(trigger)) && apply !== 'stateful')
  })

type Names = typeof descriptor extends fc.Arbitrary<infer N> ? N : never

const describedBy = ({ assigner, apply, trigger, evictor, allowedLatenessMs, late }: Names): WindowDescriptor => ({
  ...{ kind: 'window', assigner: assigners[assigner]!, apply: applies[apply]!, allowedLatenessMs },
  ...(trigger !== undefined && { trigger: triggers[trigger]! }),
  ...(evictor !== undefined && { evictor: evictors[evictor]! }),
  ...(late && { lateTag: { id: 'late' } }),
})

const keys = [
  fc.integer({ min: 0, max: 6 }),
  fc.constantFrom(0.5, 1.5, 2 ** 40),
  fc.constantFrom('a', 'b', 'a longer key than the others'),
  fc.boolean(),
]
const element = (key: fc.Arbitrary<unknown>) =>
  fc.record({ k: key, v: fc.integer({ min: 0, max: 5 }), gap: fc.integer({ min: 1, max: 12 }), behind: fc.integer({ min: 0, max: 25 }) })
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.oneof(...keys).chain(() => fc.oneof(...keys.map((key) => fc.array(element(key), { minLength: 1, maxLength: 6 })))),
  },
  { weight: 3, arbitrary: fc.constant('watermark' as const) },
  { weight: 1, arbitrary: fc.constant('clock' as const) },
)
const input = fc.array(fc.tuple(step, fc.integer({ min: 0, max: 9 })), { maxLength: 16 }).map((parts): Step[] => {
  let now = 0
  let id = 0
  const steps = parts.map(([part, advance]): Step => {
    now += advance
    if (part === 'watermark') return { watermark: now - 8 }
    if (part === 'clock') return { timeMs: now }
    return { rows: part.map(({ k, v, gap, behind }) => ({ row: { k, v, w: v === 5 ? null : v, gap, id: id++ }, timestamp: now - behind })) }
  })
  return [...steps, { watermark: now + 4 }, { timeMs: now + 30 }, { watermark: maxWatermark }]
})

const running: fc.Arbitrary<Running> = fc.record({ parallelism: fc.constantFrom(1, 1, 2, 3), generated: fc.boolean() })

describe('a window operator that goes on from its snapshot', () => {
  test('gives what one gives that was never interrupted, in either form and at any parallelism', async () => {
    await fc.assert(
      fc.asyncProperty(
        descriptor,
        input,
        running,
        running,
        fc.nat({ max: 14 }),
        fc.nat({ max: 4 }),
        async (names, steps, before, after, at, further) => {
          const { expected, found } = await interrupted(describedBy(names), steps, {
            before,
            after,
            at: Math.min(at, steps.length),
            further,
          })
          expect(found).toEqual(expected)
        },
      ),
      { numRuns: 300 },
    )
  }, 120_000)

  const kinds = Object.keys(assigners).flatMap((assigner) => Object.keys(applies).map((apply) => ({ assigner, apply })))
  const possible = kinds.filter(({ assigner, apply }) => assigner !== 'global' && (!assigner.includes('session') || apply !== 'stateful'))
  test.for(possible)('$assigner windows, $apply', async ({ assigner, apply }) => {
    const lateness = fc.constantFrom<number>(0, 7)
    await fc.assert(
      fc.asyncProperty(input, running, running, fc.nat({ max: 14 }), lateness, async (steps, before, after, at, allowedLatenessMs) => {
        const windows = describedBy({ ...{ assigner, apply, allowedLatenessMs, late: true }, trigger: undefined, evictor: undefined })
        const { expected, found } = await interrupted(windows, steps, { before, after, at: Math.min(at, steps.length), further: 2 })
        expect(found).toEqual(expected)
      }),
      { numRuns: 12 },
    )
  })

  test.for([
    ['tumbling', true, true],
    ['sliding', true, true],
    ['session', true, true],
    ['global at the end', true, true],
    ['tumbling', false, true],
    ['session', false, true],
    ['sliding', false, false],
  ] as const)('%s windows, written by a kernel: %s, stay fast: %s', async ([assigner, generated, fast]) => {
    const windows: WindowDescriptor = { kind: 'window', assigner: assigners[assigner]!, apply: applies.aggregates!, allowedLatenessMs: 5 }
    const first = new RunningWindows(windows, { parallelism: 1, generated })
    first.step({ rows: [1, 2, 3].map((k) => ({ row: { k, v: k, w: k, gap: 1, id: k }, timestamp: k * 4 })) })
    first.step({ watermark: 6 })
    const fileSystem = new MemoryFileSystem()
    const metadata = await writtenBy(fileSystem, first.snapshot(), { watermarks: first.watermarks })
    const second = await new RunningWindows(windows, { parallelism: 1, generated: true }).restore(metadata, fileSystem)
    expect(second.watermarks).toEqual([6])
    expect((second.chains[0]!.kernel as PaneWindowKernel).plain === undefined).toBe(fast)
  })
})
