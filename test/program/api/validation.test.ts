import { describe, expect, it } from 'vitest'
import { t } from '../../../src/base/columnar/t.ts'
import { days, hours, milliseconds, minutes, seconds } from '../../../src/program/api/durations.ts'
import type { Environment } from '../../../src/program/api/environment.ts'
import { outputTag } from '../../../src/program/api/output-tag.ts'
import { boundedOutOfOrderness, customWatermarks, monotonousTimestamps, noWatermarks } from '../../../src/program/api/watermarks.ts'
import { tumbling } from '../../../src/program/api/windows.ts'
import { discardSink } from '../../../src/program/connector/discard-sink.ts'
import { valueState } from '../../../src/program/function/state.ts'
import { planOf } from '../graph/plan-support.ts'
import { thrownBy } from './thrown-by.ts'
import { connected, keyed, mergeless, newEnv, rows } from './validation-streams.ts'

describe('durations', () => {
  it('are milliseconds', () => {
    expect([milliseconds(5), seconds(2), minutes(1), hours(1), days(1)]).toEqual([5, 2000, 60_000, 3_600_000, 86_400_000])
    expect([seconds(0.57), seconds(1.1), hours(-8)]).toEqual([570, 1100, -28_800_000])
  })

  it('refuse what is no number', () => {
    for (const count of [Number.NaN, Number.POSITIVE_INFINITY, '5' as never, undefined as never]) {
      expect(thrownBy(() => seconds(count))).toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: `seconds(${String(count)}) is not a duration`,
      })
    }
  })
})

describe('watermark strategies', () => {
  it('become descriptors; monotonous is bounded by 0', () => {
    const at = (row: { n: number }) => row.n
    expect(boundedOutOfOrderness(minutes(1), at, { idleness: 5 })).toEqual({
      generator: { kind: 'bounded', outOfOrdernessMs: 60_000 },
      timestamp: at,
      idlenessMs: 5,
    })
    expect(monotonousTimestamps<{ n: number }>('n')).toEqual({ generator: { kind: 'bounded', outOfOrdernessMs: 0 }, timestamp: 'n' })
    expect(noWatermarks()).toEqual({ generator: { kind: 'none' } })
  })

  it('refuse bounds, idleness and functions that cannot be', () => {
    expect(thrownBy(() => boundedOutOfOrderness(-1)).message).toContain('The bound of boundedOutOfOrderness() is -1')
    expect(thrownBy(() => monotonousTimestamps(undefined, { idleness: 0 })).message).toContain(
      'The idleness of monotonousTimestamps() is 0',
    )
    expect(thrownBy(() => monotonousTimestamps((async () => 1) as never)).message).toContain(
      'The timestamp function of monotonousTimestamps() is async',
    )
    expect(thrownBy(() => customWatermarks({} as never)).message).toBe('customWatermarks() was given object')
  })
})

describe('functions', () => {
  const refused: [string, () => unknown][] = [
    ['map', () => rows().map(async (row) => row)],
    ['filter', () => rows().filter((async () => true) as never)],
    ['flatMap', () => rows().flatMap((async () => []) as never)],
    ['flatMap, a generator', () => rows().flatMap(async function* () {} as never)],
    ['reduce', () => keyed().reduce((async (a: unknown) => a) as never)],
    ['process', () => keyed().process((async () => undefined) as never)],
    ['processElement', () => keyed().process({ async processElement() {} })],
    ['onTimer', () => keyed().process({ processElement() {}, async onTimer() {} } as never)],
    ['rich map', () => rows().map({ async map() {} })],
    ['processElement2', () => connected().process({ processElement1() {}, async processElement2() {} })],
    ['co-map', () => connected().map((x) => x, (async () => 1) as never)],
    [
      'window reduce',
      () =>
        keyed()
          .window(tumbling(1))
          .reduce((async (a: unknown) => a) as never),
    ],
    [
      'window process',
      () =>
        keyed()
          .window(tumbling(1))
          .process(async () => undefined),
    ],
    [
      'aggregate add',
      () =>
        keyed()
          .window(tumbling(1))
          .aggregate({ ...mergeless, add: (async () => 1) as never }),
    ],
    ['key', () => rows().keyBy(async () => 1)],
    ['custom partitioner', () => rows().partitionCustom((async () => 1) as never, 'k')],
  ]
  for (const [what, call] of refused) {
    it(`are refused when async, with what may be async instead: ${what}`, () => {
      const error = thrownBy(call)
      expect(error).toMatchObject({ code: 'INVALID_PROGRAM', hint: expect.stringContaining('open and close may be async') })
      expect(error.message).toContain('async')
    })
  }

  it('name their operator in the message', () => {
    expect(thrownBy(() => rows().map(async (row) => row, { name: 'clean' })).message).toBe(
      "The function of map() in operator 'clean' is async",
    )
    expect(thrownBy(() => keyed().process({ async processElement() {} }, { name: 'sum' })).message).toBe(
      "processElement of process() in operator 'sum' is async",
    )
  })

  it('may have async open and close', () => {
    expect(rows().map({ async open() {}, map: (row) => row, async close() {} })).toBeDefined()
  })

  it('are refused when they are none', () => {
    for (const fn of [undefined, null, 5, {}, 'f']) {
      const error = thrownBy(() => rows().map(fn as never))
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', hint: 'It takes a function, or an object with a method map.' })
    }
    expect(thrownBy(() => connected().process((() => 1) as never)).message).toContain("process() in operator 'Co-Process'")
    expect(thrownBy(() => connected().process({ processElement1() {} } as never)).hint).toContain('processElement2')
    expect(
      thrownBy(() =>
        keyed()
          .window(tumbling(1))
          .aggregate({ ...mergeless, getResult: undefined as never }),
      ).message,
    ).toContain('no method getResult')
  })
})

describe('state and timers', () => {
  const withState = { state: { last: valueState(t.int32) }, processElement() {} }
  const withTimer = { processElement() {}, onTimer() {} }

  it('are refused on a stream without keys', () => {
    expect(thrownBy(() => rows().process(withState))).toMatchObject({
      code: 'INVALID_PROGRAM',
      message: "Operator 'Process' uses keyed state on a stream without keys",
      hint: expect.stringContaining('keyBy'),
    })
    expect(thrownBy(() => rows().process(withTimer)).message).toContain('timers (onTimer)')
    const both = { state: withState.state, processElement1() {}, processElement2() {} }
    expect(thrownBy(() => connected().process(both)).message).toContain('keyed state')
    expect(
      thrownBy(() =>
        keyed()
          .map((row) => row)
          .process(withState),
      ).message,
    ).toContain('keyed state')
  })

  it('are refused when only one of two connected streams has keys', () => {
    const env = newEnv()
    const one = env.fromData([{ k: 'a' }])
    const both = { state: { last: valueState(t.int32) }, processElement1() {}, processElement2() {} }
    expect(thrownBy(() => one.keyBy('k').connect(one).process(both)).message).toContain('without keys')
    expect(one.keyBy('k').connect(one.keyBy('k')).process(both)).toBeDefined()
    expect(one.connect(one).keyBy('k', 'k').process(both)).toBeDefined()
  })
})

describe('keys', () => {
  it('are fields or one function', () => {
    expect(thrownBy(() => rows().keyBy('k', 'k' as never)).message).toBe("The key names the field 'k' twice")
    expect(thrownBy(() => rows().keyBy(5 as never)).message).toBe('A key of number')
    expect(thrownBy(() => (rows().keyBy as () => unknown)()).message).toBe('A key of nothing')
  })
})

describe('operators', () => {
  it('refuse settings that make no sense, at the line that makes them', () => {
    const refused: [() => unknown, string][] = [
      [
        () =>
          rows()
            .map((row) => row)
            .setParallelism(0),
        "Operator 'Map' is given parallelism 0",
      ],
      [() => rows().map((row) => row, { parallelism: 1.5 }), "Operator 'Map' is given parallelism 1.5"],
      [
        () =>
          rows()
            .map((row) => row)
            .setMaxParallelism(40_000),
        "Operator 'Map' is given max parallelism 40000",
      ],
      [
        () =>
          rows()
            .map((row) => row)
            .setBufferTimeout(-2),
        "Operator 'Map' is given a buffer timeout of -2",
      ],
      [
        () =>
          rows()
            .map((row) => row)
            .uid(' '),
        "Operator 'Map' is given an empty uid",
      ],
      [() => rows().map((row) => row, { chaining: 'no' as never }), "Operator 'Map' is given chaining 'no'"],
      [() => newEnv().setParallelism(Number.NaN), 'The environment is given parallelism NaN'],
      [() => newEnv().setBufferTimeout(0.5), 'The environment is given a buffer timeout of 0.5'],
      [() => newEnv().setAutoWatermarkInterval(-1), 'Option pipeline.auto-watermark-interval: -1 is not a value it can have'],
      [() => rows().union(5 as never), 'union() was given number, which is not a stream'],
      [() => rows().connect(rows()), 'connect() was given a stream of another environment'],
    ]
    for (const [call, message] of refused.slice(0, -1)) expect(thrownBy(call).message).toContain(message)
    expect(thrownBy(refused.at(-1)![0]).message).toContain(refused.at(-1)![1])
  })

  it('take settings as options and by setters alike', async () => {
    const options = { name: 'm', uid: 'u', description: 'd', parallelism: 3, maxParallelism: 64, slotSharingGroup: 'g', bufferTimeout: 5 }
    const { streamGraph } = await planOf((env) => {
      const source = env.fromSequence(1, 2)
      source.map((n) => n, { ...options, chaining: 'head', returns: t.int32 })
      source
        .map((n) => n)
        .name('m')
        .uid('v')
        .setDescription('d')
        .setParallelism(3)
        .setMaxParallelism(64)
        .slotSharingGroup('g')
        .startNewChain()
        .setBufferTimeout(5)
        .returns(t.int32)
    })
    const [, first, second] = streamGraph.nodes.map(({ operator: _, id: __, uid: ___, ...settings }) => settings)
    expect(second).toEqual(first)
    expect(first).toMatchObject({
      name: 'm',
      description: 'd',
      parallelism: 3,
      maxParallelism: 64,
      slotSharingGroup: 'g',
      chaining: 'head',
      bufferTimeoutMs: 5,
      outputType: t.int32,
    })
  })

  const refusedPlans: [string, (env: Environment) => void, string][] = [
    [
      'a side output of two types',
      (env) => {
        const rows = env.fromData([1]).process((n, _ctx, out: { collect(n: number): void }) => out.collect(n), { name: 'split' })
        for (const tag of [outputTag('odd'), outputTag('odd', t.string), outputTag('odd', t.int32)])
          rows.getSideOutput<unknown>(tag).print()
      },
      "Operator 'split' has a side output 'odd' of two types, t.utf8 and t.int32",
    ],
    [
      'late rows of another type than they are read as',
      (env) => {
        const windows = env
          .fromData([{ n: 1 }])
          .windowAll(tumbling(5), { lateOutput: outputTag<{ n: number }>('late', t.row({ n: t.float64 })) })
          .sum('n')
        windows.getSideOutput(outputTag('late', t.row({ n: t.int32 }))).print()
      },
      "Operator 'Window(tumbling 5 ms)' has a side output 'late' of two types, t.struct({ n: t.float64 }) and t.struct({ n: t.int32 })",
    ],
    [
      'two of one uid',
      (env) => void env.fromSequence(1, 2, { uid: 'x', name: 'n' }).map((n) => n, { uid: 'x' }),
      "Operator 'Map' has the uid 'x', which operator 'n' has already",
    ],
    [
      'forward between different parallelism',
      (env) =>
        void env
          .fromSequence(1, 2, { name: 'n' })
          .forward()
          .map((n) => n, { parallelism: 2 }),
      "Operator 'Map' reads 'n' by forward(), but their parallelism differs (1 and 2)",
    ],
    [
      'parallelism above max parallelism',
      (env) => void env.fromSequence(1, 2).map((n) => n, { parallelism: 65, maxParallelism: 64 }),
      "Operator 'Map' has parallelism 65, more than its max parallelism of 64",
    ],
    [
      'parallelism of a sink that has one writer',
      (env) => void env.fromSequence(1, 2).sinkTo({ ...discardSink(), name: 'file', maxParallelism: 1 }, { parallelism: 2 }),
      "Operator 'Sink: file' has parallelism 2: sink 'file' cannot run in parallel",
    ],
    [
      'no uid where they are required',
      (env) =>
        void env
          .configure({ 'pipeline.auto-generate-uids': false })
          .fromSequence(1, 2, { uid: 'n' })
          .map((n) => n),
      "Operator 'Map' has no uid, and pipeline.auto-generate-uids is false",
    ],
  ]
  for (const [what, program, message] of refusedPlans) {
    it(`are refused when the job is planned: ${what}`, async () => {
      await expect(planOf(program)).rejects.toMatchObject({ code: 'INVALID_PROGRAM', message, hint: expect.any(String) })
    })
  }
})
