/**
 * The types of the API. Lines under `@ts-expect-error` are wrong programs: `npm run types` fails if one of them compiles.
 */

import {
  avg,
  boundedOutOfOrderness,
  broadcastState,
  type Collector,
  collection,
  count,
  type DataStream,
  discardSink,
  type Environment,
  fileSource,
  getEnvironment,
  hours,
  jsonLines,
  jsonLinesSink,
  listState,
  max,
  minutes,
  monotonousTimestamps,
  noWatermarks,
  operatorListState,
  outputTag,
  type SingleOutput,
  type Sink,
  session,
  sum,
  t,
  tumbling,
  unionListState,
  valueState,
} from 'headrace'
import { describe, expect, expectTypeOf, it } from 'vitest'

interface Flight {
  readonly date: number
  readonly delay: number
  readonly distance: number | null
  readonly origin: string
  readonly destination: string
}

const flightsOf = (env: Environment) => env.fromData<Flight>([])
const sinkOf = <T>(): Sink<T> => discardSink<T>()

describe('the types of the API', () => {
  it('follow the program of the design from source to sink', () => {
    const main = (env: Environment, args: { input: string; output: string }) => {
      const flights = env.fromSource(fileSource({ path: args.input, format: jsonLines<Flight>() }), {
        name: 'flights',
        watermarks: boundedOutOfOrderness(minutes(1), (f) => f.date),
      })
      const delays = flights
        .filter((f) => f.delay > 0)
        .keyBy('origin')
        .window(tumbling(hours(1)), { allowedLateness: minutes(1) })
        .aggregate({ flights: count(), delay: avg('delay') })
      delays.sinkTo(jsonLinesSink({ path: args.output }), { uid: 'delays' })
      expectTypeOf(delays).toEqualTypeOf<
        SingleOutput<{ origin: string; windowStart: number; windowEnd: number; flights: number; delay: number }>
      >()
    }
    const env = getEnvironment()
    main(env, { input: 'flights.jsonl', output: 'delays.jsonl' })
    expect(env.hasPendingOperators).toBe(true)
  })

  it('check field names of keys, sums and timestamps', () => {
    const flights = flightsOf(getEnvironment())
    const keyed = flights.keyBy('origin')
    const windows = keyed.window(tumbling(1))
    expect(() => {
      // @ts-expect-error: no such field
      flights.keyBy('orign')
      // @ts-expect-error: one of them is no field
      flights.keyBy('origin', 'dest')
      // @ts-expect-error: a sum over a string
      keyed.sum('destination')
      // @ts-expect-error: no such field
      keyed.maxBy('dely')
      // @ts-expect-error: a sum over a string
      windows.sum('destination')
      // @ts-expect-error: a sum over a string
      windows.aggregate({ total: sum('destination') })
      // @ts-expect-error: no such field
      windows.aggregate({ flights: count(), delay: avg('dely') })
      // @ts-expect-error: no such field
      flights.assignTimestampsAndWatermarks(monotonousTimestamps('dat'))
      // @ts-expect-error: no such field
      flights.partitionCustom((_key, n) => n, 'orign')
      // @ts-expect-error: rolling aggregates need keys
      flights.sum('delay')
    }).toThrow('sum is not a function')
  })

  it('refuse a sink of other rows, and take one of fewer fields', () => {
    const flights = flightsOf(getEnvironment())
    // @ts-expect-error: the sink takes numbers
    flights.sinkTo(sinkOf<number>())
    // @ts-expect-error: the sink wants a field that the rows do not have
    flights.sinkTo(sinkOf<{ origin: string; gate: string }>())
    // @ts-expect-error: null is no number
    flights.sinkTo(sinkOf<{ distance: number }>())
    expect(flights.sinkTo(sinkOf<{ origin: string }>())).toBeDefined()
    expect(flights.sinkTo(sinkOf<unknown>())).toBeDefined()
    expect(flights.sinkTo(discardSink())).toBeDefined()
  })

  it('name the result of aggregates by the key: a field, several, a function, none', () => {
    const flights = flightsOf(getEnvironment())
    const specs = { n: count(), far: max('distance') }
    type Window = { windowStart: number; windowEnd: number; n: number; far: number | null }
    const assigner = tumbling(hours(1))
    expectTypeOf(flights.keyBy('origin', 'destination').window(assigner).aggregate(specs)).toEqualTypeOf<
      SingleOutput<{ origin: string; destination: string } extends infer K ? { [N in keyof (K & Window)]: (K & Window)[N] } : never>
    >()
    const byFunction = flights
      .keyBy((f) => f.origin.length)
      .window(assigner)
      .aggregate(specs)
    expectTypeOf(byFunction).toEqualTypeOf<
      SingleOutput<{ key: number; windowStart: number; windowEnd: number; n: number; far: number | null }>
    >()
    expectTypeOf(flights.windowAll(assigner).aggregate(specs)).toEqualTypeOf<SingleOutput<Window>>()
    expectTypeOf(flights.windowAll(assigner).aggregate({ miles: sum('distance') })).toEqualTypeOf<
      SingleOutput<{ windowStart: number; windowEnd: number; miles: number }>
    >()
    expect(byFunction).toBeDefined()
  })

  it('carry rows through map, flatMap, filter, union and side outputs', () => {
    const env = getEnvironment()
    const flights = flightsOf(env)
    const routes = flights.map((f) => ({ route: `${f.origin}-${f.destination}`, delay: f.delay }))
    expectTypeOf(routes).toEqualTypeOf<SingleOutput<{ route: string; delay: number }>>()
    expectTypeOf(routes.flatMap((r) => r.route.split('-'))).toEqualTypeOf<SingleOutput<string>>()
    expectTypeOf(routes.filter((r) => r.delay > 0)).toEqualTypeOf<SingleOutput<{ route: string; delay: number }>>()
    const tag = outputTag<Flight>('late')
    expectTypeOf(routes.getSideOutput(tag)).toEqualTypeOf<DataStream<Flight>>()
    expectTypeOf(routes.getSideOutput(outputTag('n', t.int32))).toEqualTypeOf<DataStream<number>>()
    // @ts-expect-error: declared as another type
    outputTag<Flight>('late', t.string)
    // @ts-expect-error: streams of other rows
    routes.union(flights)
    // @ts-expect-error: not a boolean
    routes.filter((r) => r.route)
    expect(routes.union(routes)).toBeDefined()
  })

  it('know keys and state in process functions', () => {
    const flights = flightsOf(getEnvironment())
    const stream = flights.keyBy('origin').process(
      {
        state: { total: valueState(t.float64), seen: listState<string>() },
        processElement(flight, ctx, out: Collector<{ origin: string; total: number }>) {
          expectTypeOf(flight).toEqualTypeOf<Flight>()
          expectTypeOf(ctx.currentKey).toEqualTypeOf<string>()
          expectTypeOf(ctx.state.total.value).toEqualTypeOf<number | null>()
          expectTypeOf(ctx.state.seen.get()).toEqualTypeOf<string[]>()
          // @ts-expect-error: the state holds numbers
          ctx.state.total.update('1')
          // @ts-expect-error: no such state
          ctx.state.totl
          out.collect({ origin: ctx.currentKey, total: flight.delay })
        },
        onTimer(_timestamp, ctx) {
          expectTypeOf(ctx.timeDomain).toEqualTypeOf<'event' | 'processing'>()
          ctx.state.total.clear()
        },
      },
      { uid: 'totals' },
    )
    expectTypeOf(stream).toEqualTypeOf<SingleOutput<{ origin: string; total: number }>>()
    expect(stream).toBeDefined()
  })

  it('know operator state in open, elements and timers', () => {
    const flights = flightsOf(getEnvironment())
    const stream = flights.process({
      operatorState: { buffer: operatorListState(t.float64), rules: broadcastState(t.utf8, t.boolean), all: unionListState<Flight>() },
      open(ctx) {
        expectTypeOf(ctx.isRestored).toEqualTypeOf<boolean>()
        expectTypeOf(ctx.operatorState.buffer.get()).toEqualTypeOf<number[]>()
      },
      processElement(flight, ctx, out: Collector<string>) {
        expectTypeOf(ctx.operatorState.rules.get('x')).toEqualTypeOf<boolean | undefined>()
        ctx.operatorState.all.add(flight)
        // @ts-expect-error: the list holds numbers
        ctx.operatorState.buffer.add('1')
        // @ts-expect-error: no such state
        ctx.operatorState.buffr
        // @ts-expect-error: it is no keyed state
        ctx.state.buffer
        out.collect(flight.origin)
      },
      notifyCheckpointComplete(id) {
        expectTypeOf(id).toEqualTypeOf<number>()
      },
    })
    expectTypeOf(stream).toEqualTypeOf<SingleOutput<string>>()
    expect(stream).toBeDefined()
  })

  it('know both sides of connected streams, and refuse keys of two types', () => {
    const env = getEnvironment()
    const flights = flightsOf(env)
    const airports = env.fromData<{ code: string; runways: number }>([])
    const joined = flights
      .connect(airports)
      .keyBy('origin', 'code')
      .process({
        state: { runways: valueState(t.int32) },
        processElement1(flight, ctx, out: Collector<[string, number]>) {
          out.collect([flight.destination, ctx.state.runways.value ?? 0])
        },
        processElement2(airport, ctx) {
          expectTypeOf(ctx.currentKey).toEqualTypeOf<string>()
          ctx.state.runways.update(airport.runways)
        },
      })
    expectTypeOf(joined).toEqualTypeOf<SingleOutput<[string, number]>>()
    // @ts-expect-error: a text and a number
    flights.connect(airports).keyBy('origin', 'runways')
    expectTypeOf(
      flights
        .keyBy('origin')
        .connect(airports.keyBy('code'))
        .map(
          (f) => f.origin,
          (a) => a.code,
        ),
    ).toEqualTypeOf<SingleOutput<string>>()
    expect(joined).toBeDefined()
  })

  it('infer the elements of windows, their own accumulators and gaps', () => {
    const windows = flightsOf(getEnvironment())
      .keyBy('origin')
      .window(session((flight) => flight.delay))
    const mean = windows.aggregate(
      {
        createAccumulator: () => ({ n: 0, sum: 0 }),
        add: (flight, acc) => ({ n: acc.n + 1, sum: acc.sum + flight.delay }),
        getResult: (acc) => acc.sum / acc.n,
        merge: (a, b) => ({ n: a.n + b.n, sum: a.sum + b.sum }),
      },
      (means, ctx, out: Collector<{ origin: string; mean: number }>) => {
        expectTypeOf(means).toEqualTypeOf<readonly number[]>()
        expectTypeOf(ctx.key).toEqualTypeOf<string>()
        out.collect({ origin: ctx.key, mean: means[0]! })
      },
    )
    expectTypeOf(mean).toEqualTypeOf<SingleOutput<{ origin: string; mean: number }>>()
    expectTypeOf(windows.reduce((a, b) => (a.delay > b.delay ? a : b))).toEqualTypeOf<SingleOutput<Flight>>()
    expectTypeOf(windows.process((rows, _ctx, out: Collector<number>) => out.collect(rows.length))).toEqualTypeOf<SingleOutput<number>>()
    expect(mean).toBeDefined()
  })

  it('leave room for functions over streams of many types, and for rows of unknown ones', () => {
    const byOrigin = <T extends { origin: string }>(stream: DataStream<T>) => stream.keyBy('origin')
    const env = getEnvironment()
    const longest = byOrigin(flightsOf(env)).maxBy('delay')
    expectTypeOf(longest).toEqualTypeOf<SingleOutput<Flight>>()
    const loose = env.fromData<Record<string, number>>([]).keyBy('a').sum('b')
    expectTypeOf(loose).toEqualTypeOf<SingleOutput<Record<string, number>>>()
    expect(env.fromData<any>([]).keyBy('a').sum('b')).toBeDefined()
  })

  it('take the row type of a source, and configuration keys with their values', async () => {
    const env = getEnvironment()
    expectTypeOf(env.fromSource(collection([{ a: 1 }]))).toEqualTypeOf<SingleOutput<{ a: number }>>()
    expectTypeOf(env.fromSequence(1, 2)).toEqualTypeOf<SingleOutput<number>>()
    expectTypeOf(env.fromSequence(1, 2).executeAndCollect).returns.resolves.toEqualTypeOf<number[]>()
    // @ts-expect-error: no such field of the source's rows
    env.fromSource(collection([{ a: 1 }]), { watermarks: monotonousTimestamps('b') })
    const rows = [{ k: 'x', at: 1, maybe: null as number | null, when: new Date() }]
    // @ts-expect-error: a text is no time
    env.fromSource(collection(rows), { watermarks: monotonousTimestamps('k') })
    // @ts-expect-error: a text is no time
    env.fromSource(collection(rows), { watermarks: boundedOutOfOrderness(minutes(1), 'k') })
    // @ts-expect-error: a text is no time
    env.fromSource(collection(rows), { watermarks: noWatermarks('k') })
    // @ts-expect-error: a text is no time
    env.fromData(rows).assignTimestampsAndWatermarks(monotonousTimestamps('k'))
    env.fromSource(collection(rows), { watermarks: monotonousTimestamps('at') })
    env.fromSource(collection(rows), { watermarks: boundedOutOfOrderness(minutes(1), 'maybe') })
    env.fromData(rows).assignTimestampsAndWatermarks(noWatermarks('at'))
    env.fromData<any>([]).assignTimestampsAndWatermarks(monotonousTimestamps('at'))
    env.fromData<Record<string, number>>([]).assignTimestampsAndWatermarks(monotonousTimestamps('at'))
    // @ts-expect-error: not a number
    expect(() => env.configure({ 'parallelism.default': true })).toThrow('is not a value it can have')
  })
})
