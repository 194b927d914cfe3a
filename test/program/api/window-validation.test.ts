import { describe, expect, it } from 'vitest'
import { t } from '../../../src/base/columnar/t.ts'
import { days, hours } from '../../../src/program/api/durations.ts'
import { countEvictor, deltaEvictor, timeEvictor } from '../../../src/program/api/evictors.ts'
import { outputTag } from '../../../src/program/api/output-tag.ts'
import {
  canMerge,
  continuousEventTimeTrigger,
  continuousProcessingTimeTrigger,
  countTrigger,
  customTrigger,
  deltaTrigger,
  endOfStreamTrigger,
  eventTimeTrigger,
  neverTrigger,
  processingTimeoutTrigger,
  processingTimeTrigger,
  purging,
} from '../../../src/program/api/triggers.ts'
import { globalWindows, session, sliding, tumbling } from '../../../src/program/api/windows.ts'
import { count, sum } from '../../../src/program/function/aggregate.ts'
import { valueState } from '../../../src/program/function/state.ts'
import { planOf } from '../graph/plan-support.ts'
import { thrownBy } from './thrown-by.ts'
import { custom, keyed, mergeless, rows } from './validation-streams.ts'

describe('window assigners', () => {
  it('become descriptors in ms, in event time unless told otherwise', () => {
    expect(tumbling(hours(1))).toEqual({ kind: 'tumbling', time: 'event', sizeMs: 3_600_000, offsetMs: 0 })
    expect(tumbling(days(1), { offset: hours(-8), time: 'processing' })).toEqual({
      kind: 'tumbling',
      time: 'processing',
      sizeMs: 86_400_000,
      offsetMs: -28_800_000,
    })
    expect(sliding(10, 5, { offset: 4 })).toEqual({ kind: 'sliding', time: 'event', sizeMs: 10, slideMs: 5, offsetMs: 4 })
    expect(session(7)).toEqual({ kind: 'session', time: 'event', gapMs: 7 })
    expect([globalWindows(), globalWindows({ fireAtEnd: true })]).toEqual([
      { kind: 'global', fireAtEnd: false },
      { kind: 'global', fireAtEnd: true },
    ])
  })

  it('refuse sizes, slides, gaps and offsets that make no windows', () => {
    const refused: [() => unknown, string][] = [
      [() => tumbling(0), 'The size of tumbling() is 0'],
      [() => tumbling(-5), 'The size of tumbling() is -5'],
      [() => tumbling(1.5), 'The size of tumbling() is 1.5'],
      [() => tumbling(Number.NaN), 'The size of tumbling() is NaN'],
      [() => tumbling('1 h' as never), 'The size of tumbling() is 1 h'],
      [() => tumbling(10, { offset: 10 }), 'tumbling() has an offset of 10 ms, not shorter than its size of 10 ms'],
      [() => tumbling(10, { offset: -10 }), 'tumbling() has an offset of -10 ms'],
      [() => tumbling(10, { time: 'evnt' as never }), "tumbling() has time 'evnt'"],
      [() => sliding(10, 0), 'The slide of sliding() is 0'],
      [() => sliding(10, 5, { offset: 5 }), 'sliding() has an offset of 5 ms, not shorter than its slide of 5 ms'],
      [() => session(0), 'The gap of session() is 0'],
      [() => session((async () => 5) as never), 'The gap function of session() is async'],
      [() => keyed().countWindow(0), 'The size of countWindow() has a count of 0'],
      [() => keyed().countWindow(5, 1.5), 'The slide of countWindow() has a count of 1.5'],
      [() => keyed().window(undefined as never), 'window() was given undefined, which is no window assigner'],
      [() => keyed().window(tumbling(1), { allowedLateness: -1 }), 'allowedLateness is -1'],
    ]
    for (const [call, message] of refused) expect(thrownBy(call).message).toContain(message)
    expect(sliding(5, 10)).toMatchObject({ sizeMs: 5, slideMs: 10 })
  })
})

describe('triggers and evictors', () => {
  it('become descriptors', () => {
    expect(purging(countTrigger(3))).toEqual({ kind: 'purging', inner: { kind: 'count', count: 3 } })
    expect(processingTimeoutTrigger(eventTimeTrigger(), 5)).toEqual({
      kind: 'processingTimeout',
      inner: { kind: 'eventTime' },
      timeoutMs: 5,
      resetOnNew: false,
      clearOnTimeout: true,
    })
    expect([countEvictor(3), timeEvictor(5, { after: true })]).toEqual([
      { kind: 'count', count: 3, after: false },
      { kind: 'time', sizeMs: 5, after: true },
    ])
    expect(customTrigger(custom)).toMatchObject({ kind: 'custom', onElement: custom.onElement })
  })

  it('refuse arguments that make no sense', () => {
    const refused: [() => unknown, string][] = [
      [() => countTrigger(0), 'countTrigger() has a count of 0'],
      [() => continuousEventTimeTrigger(0), 'The interval of continuousEventTimeTrigger() is 0'],
      [() => continuousProcessingTimeTrigger(-1), 'The interval of continuousProcessingTimeTrigger() is -1'],
      [() => deltaTrigger(Number.NaN, () => 1), 'deltaTrigger() has a threshold of NaN'],
      [() => processingTimeoutTrigger(eventTimeTrigger(), 0), 'The timeout of processingTimeoutTrigger() is 0'],
      [() => customTrigger({ ...custom, clear: undefined as never }), 'customTrigger() has no method clear'],
      [() => customTrigger({ ...custom, onElement: (async () => 'fire') as never }), 'onElement of customTrigger() is async'],
      [() => customTrigger({ ...custom, canMerge: true }), 'says canMerge but has no method onMerge'],
      [() => countEvictor(-1), 'countEvictor() has a count of -1'],
      [() => timeEvictor(0), 'The size of timeEvictor() is 0'],
      [() => deltaEvictor(1, (async () => 1) as never), 'The function of deltaEvictor() is async'],
      [() => outputTag(''), 'outputTag("") has no id'],
    ]
    for (const [call, message] of refused) expect(thrownBy(call).message).toContain(message)
  })

  it('say which of them can serve sessions', () => {
    const mergeable = customTrigger({ ...custom, canMerge: true, onMerge: () => undefined })
    const can = [
      eventTimeTrigger(),
      processingTimeTrigger(),
      countTrigger(1),
      continuousEventTimeTrigger(1),
      purging(countTrigger(1)),
      mergeable,
    ]
    const cannot = [
      deltaTrigger(1, () => 1),
      neverTrigger(),
      endOfStreamTrigger(),
      processingTimeoutTrigger(countTrigger(1), 1),
      purging(neverTrigger()),
      customTrigger(custom),
    ]
    for (const trigger of can) {
      expect(canMerge(trigger)).toBe(true)
      keyed().window(session(5), { trigger })
    }
    for (const trigger of cannot) {
      expect(canMerge(trigger)).toBe(false)
      expect(thrownBy(() => keyed().window(session(5), { trigger }))).toMatchObject({
        code: 'INVALID_PROGRAM',
        hint: expect.stringContaining('can merge'),
      })
      keyed().window(tumbling(5), { trigger })
    }
  })
})

describe('windows', () => {
  it('refuse in sessions what cannot merge: an aggregate without merge, window state', () => {
    expect(thrownBy(() => keyed().window(session(5)).aggregate(mergeless, { name: 'n' }))).toMatchObject({
      code: 'INVALID_PROGRAM',
      message: "The aggregate function of operator 'n' has no method merge, which session windows need",
    })
    const fn = { windowState: { seen: valueState(t.int32) }, process() {} }
    expect(thrownBy(() => keyed().window(session(5)).process(fn)).message).toContain("keeps windowState ('seen') in session windows")
    expect(keyed().window(tumbling(5)).process(fn)).toBeDefined()
    expect(keyed().window(tumbling(5)).aggregate(mergeless)).toBeDefined()
    expect(
      keyed()
        .window(session(5))
        .aggregate({ ...mergeless, merge: (a: number, b: number) => a + b }),
    ).toBeDefined()
  })

  it('refuse aggregated rows with two fields of one name', () => {
    const clash = (call: () => unknown, name: string) =>
      expect(thrownBy(call)).toMatchObject({ code: 'INVALID_PROGRAM', message: expect.stringContaining(`two fields called '${name}'`) })
    clash(() => keyed().window(tumbling(1)).aggregate({ k: count() }), 'k')
    clash(
      () =>
        rows()
          .keyBy('k', 'm')
          .window(tumbling(1))
          .aggregate({ m: sum('n') }),
      'm',
    )
    clash(
      () =>
        rows()
          .keyBy((row) => row.k)
          .window(tumbling(1))
          .aggregate({ key: count() }),
      'key',
    )
    clash(() => rows().windowAll(tumbling(1)).aggregate({ windowStart: count() }), 'windowStart')
    clash(
      () =>
        rows()
          .map((row) => ({ windowEnd: row.n }))
          .keyBy('windowEnd')
          .window(tumbling(1))
          .aggregate({ n: count() }),
      'windowEnd',
    )
    expect(rows().windowAll(tumbling(1)).aggregate({ key: count() })).toBeDefined()
  })

  it('refuse aggregates that are none', () => {
    expect(thrownBy(() => keyed().window(tumbling(1)).aggregate({})).message).toContain('names no aggregates')
    expect(
      thrownBy(() =>
        keyed()
          .window(tumbling(1))
          .aggregate({ total: 5 as never }),
      ).message,
    ).toContain("has 'total', which is no aggregate")
  })

  it('take a process function or options as second argument, and refuse what is neither', () => {
    expect(
      thrownBy(() =>
        keyed()
          .window(tumbling(1))
          .reduce((a) => a, { procss() {} } as never),
      ).message,
    ).toContain("a field 'procss'")
    expect(
      keyed()
        .window(tumbling(1))
        .reduce((a) => a, { process() {} }, { uid: 'x' }),
    ).toBeDefined()
  })

  it('over all rows run in one subtask', async () => {
    const { jobGraph } = await planOf(
      (env) =>
        void env
          .setParallelism(3)
          .fromSequence(1, 9)
          .map((n) => ({ n }))
          .countWindowAll(3)
          .sum('n'),
    )
    expect(jobGraph.vertices.map((vertex) => vertex.parallelism)).toEqual([3, 1])
    const failing = planOf(
      (env) =>
        void env
          .fromData([{ n: 1 }])
          .countWindowAll(3)
          .sum('n', { parallelism: 2, name: 'w' }),
    )
    await expect(failing).rejects.toMatchObject({ message: "Operator 'w' has parallelism 2: windows over all rows need one subtask" })
  })

  it('warn of lateness where no record can be late', async () => {
    const { jobGraph } = await planOf((env) => {
      env
        .fromData([{ n: 1 }])
        .windowAll(tumbling(5, { time: 'processing' }), { allowedLateness: 5, lateOutput: outputTag('late') })
        .sum('n')
    })
    expect(jobGraph.warnings!.slice(0, 2)).toEqual([
      'allowedLateness has no effect on processing-time windows: only in event time can a record be late.',
      'lateOutput has no effect on processing-time windows: only in event time can a record be late.',
    ])
  })

  it('over counts are global windows: purging, or with an evictor', async () => {
    const { streamGraph } = await planOf((env) => {
      const stream = env.fromData([{ k: 'a', n: 1 }]).keyBy('k')
      stream.countWindow(5).sum('n')
      stream.countWindow(5, 2).sum('n')
    })
    const windows = streamGraph.nodes.flatMap(({ operator }) => (operator.kind === 'window' ? [operator] : []))
    expect(windows.map(({ assigner, trigger, evictor }) => [assigner.kind, trigger, evictor])).toEqual([
      ['global', { kind: 'purging', inner: { kind: 'count', count: 5 } }, undefined],
      ['global', { kind: 'count', count: 2 }, { kind: 'count', count: 5, after: false }],
    ])
  })
})
