/**
 * Builds a random program with the public API alone, so that the same text runs inline and in task threads.
 */
import {
  type AggregateFunction,
  avg,
  boundedOutOfOrderness,
  type Collector,
  collection,
  count,
  customWatermarks,
  type DataStream,
  type Environment,
  generator,
  globalWindows,
  listState,
  mapState,
  max,
  min,
  noWatermarks,
  outputTag,
  type ProcessContext,
  type SingleOutput,
  session,
  sliding,
  sum,
  type Type,
  t,
  tumbling,
  valueState,
  type WatermarkStrategy,
  type WindowAssigner,
} from 'headrace'
import {
  type ApplySpec,
  type Extra,
  fieldOf,
  type KeyBy,
  type ProgramSpec,
  type SourceSpec,
  type StepSpec,
  type WindowsSpec,
} from './program-spec.ts'
import { randomSource } from './random-source.ts'
import {
  bucketEnd,
  coMapOf,
  copiesOf,
  filterOf,
  gapOf,
  joined,
  joinKeyOf,
  keyFields,
  keyOf,
  mapOf,
  reduceOf,
  rollingReduceOf,
  sorted,
} from './row-functions.ts'
import { rowOf, rowsOf } from './source-rows.ts'

type Step<Op extends StepSpec['op']> = Extract<StepSpec, { op: Op }>
type Streams = readonly DataStream<any>[]

/** Runs the program; the rows of each sink. */
export async function runSpec(env: Environment, spec: ProgramSpec): Promise<unknown[][]> {
  const { config } = spec
  env
    .configure({
      'execution.codegen': config.codegen,
      'taskmanager.memory.segment-size': config.segmentKb * 1024,
      'pipeline.operator-chaining.enabled': config.chaining,
    })
    .setBufferTimeout(config.bufferTimeout)
    .setMaxParallelism(config.maxParallelism)
  const streams: DataStream<any>[] = []
  for (const step of spec.streams) streams.push(step.op === 'source' ? addSource(env, step) : addStep(streams, step))
  const collected = spec.sinks.map((sink) => streams[sink]!.collectAsync())
  const client = await env.executeAsync()
  const rows = await Promise.all(collected.map((sink) => Array.fromAsync(sink)))
  await client.result
  return rows
}

function addSource(env: Environment, spec: SourceSpec): DataStream<any> {
  const type = spec.declared ? typeOfRows(spec) : undefined
  const source =
    spec.kind === 'collection'
      ? collection(rowsOf(spec), { type })
      : spec.kind === 'generator'
        ? generator((i) => rowOf(spec, i), { count: spec.rows, type })
        : { ...randomSource(spec), ...(type && { type }) }
  return env.fromSource<any>(source, { parallelism: spec.parallelism, watermarks: strategyOf(spec) })
}

function strategyOf({ time, bound }: SourceSpec): WatermarkStrategy<any> | undefined {
  switch (time) {
    case 'function':
      return boundedOutOfOrderness(bound, (row: any) => row.ts)
    case 'field':
      return boundedOutOfOrderness<any>(bound, 'ts')
    case 'record':
      return boundedOutOfOrderness(bound)
    case 'end':
      return noWatermarks((row: any) => row.ts)
    case 'none':
      return undefined
    case 'punctuated':
      return customWatermarks<any>(
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
  }
}

const extraTypes: Readonly<Record<Extra, Type<any>>> = {
  f: t.float64,
  n: t.nullable(t.int32),
  g: t.nullable(t.float64),
  m: t.float64,
  b: t.boolean,
  t: t.string,
  x: t.any,
  o: t.struct({ a: t.int32, c: t.struct({ d: t.string, e: t.nullable(t.int32) }) }),
  l: t.list(t.nullable(t.int32)),
  big: t.bigint,
  d: t.date,
  blob: t.string,
  many: t.any,
  'it\'s "q"': t.int64,
}

function typeOfRows({ extras }: SourceSpec): Type<any> {
  const own = Object.fromEntries(extras.map((extra) => [extra, extraTypes[extra]]))
  return t.row({ id: t.int32, ts: t.timestamp, v: t.int32, k: t.int32, w: t.string, ...own })
}

function addStep(streams: Streams, step: StepSpec): DataStream<any> {
  const options = { parallelism: step.parallelism, chaining: step.chaining }
  switch (step.op) {
    case 'map':
      return streams[step.in]!.map(mapOf(step), { ...options, ...(step.what === 'declared' && { returns: declaredType(step.field) }) })
    case 'filter':
      return streams[step.in]!.filter(filterOf(step), options)
    case 'flatMap':
      return streams[step.in]!.flatMap(flatMapOf(step), options)
    case 'split':
      return streams[step.in]!.process(splitOf(step), options)
    case 'side':
      return (streams[step.of] as SingleOutput<any>).getSideOutput(rest)
    case 'union': {
      const [first, ...others] = step.ins.map((input) => streams[input]!)
      return first!.union(...others)
    }
    case 'route':
      return routed(streams[step.in]!, step).map((row) => row, options)
    case 'coMap':
      return streams[step.ins[0]]!.connect(streams[step.ins[1]]!).map(coMapOf(0, step.fields[0]), coMapOf(1, step.fields[1]), options)
    case 'join':
      return join(streams, step).process(joinFunction(step), options)
    case 'retime':
      return streams[step.in]!.assignTimestampsAndWatermarks(
        boundedOutOfOrderness(step.bound, (row: any) => row.ts),
        options,
      )
    default:
      return addKeyedStep(streams[step.in]!, step, options)
  }
}

type Options = { readonly parallelism: number; readonly chaining: 'always' | 'head' | 'never' }

function addKeyedStep(input: DataStream<any>, step: Extract<StepSpec, { key: KeyBy | null }>, options: Options): DataStream<any> {
  if (step.op === 'window' && step.key === null)
    return applied(input.windowAll(assignerOf(step.windows)), step, { ...options, parallelism: 1 })
  const keyed = keyedBy(input, step.key!)
  switch (step.op) {
    case 'rolling':
      return step.kind === 'minBy' || step.kind === 'maxBy'
        ? keyed[step.kind](step.field, { ...options, first: step.first })
        : keyed[step.kind](step.field, options)
    case 'reduce':
      return keyed.reduce(rollingReduceOf(step.field), options)
    case 'running':
      return keyed.process(runningFunction(step), options)
    case 'timers':
      return keyed.process(timersFunction(step), options)
    case 'tally':
      return keyed.process(tallyFunction(step), options)
    case 'previous':
      return keyed.process(previousFunction(step), options)
    case 'window':
      return applied(keyed.window(assignerOf(step.windows)), step, options)
    case 'countWindow':
      return keyed
        .countWindow(step.size, step.slide ?? undefined)
        .process(
          (rows: readonly any[], _ctx, out: Collector<any>) => out.collect({ values: rows.map((row) => fieldOf(row, step.field)) }),
          options,
        )
  }
}

const keyedBy = (stream: DataStream<any>, key: KeyBy) =>
  key.by === 'field'
    ? stream.keyBy(key.field)
    : key.by === 'fields'
      ? stream.keyBy(key.fields[0]!, key.fields[1]!, ...key.fields.slice(2))
      : stream.keyBy(keyOf(key))

const declaredType = (field: string): Type<any> =>
  t.row({ [field]: t.float64, half: t.float64, name: t.string, none: t.nullable(t.float64) })

const rest = outputTag<any>('rest')

const splitOf = ({ field, mod }: Step<'split'>) => {
  const stays = filterOf({ field, mod })
  return (row: any, ctx: ProcessContext, out: Collector<any>) => {
    if (stays(row)) out.collect(row)
    else ctx.output(rest, row)
  }
}

function flatMapOf(step: Step<'flatMap'>): (row: any, out: Collector<any>) => Iterable<any> | void {
  switch (step.how) {
    case 'array':
      return (row) => copiesOf(step, row)
    case 'collect':
      return (row, out) => {
        for (const copy of copiesOf(step, row)) out.collect(copy)
      }
    case 'generator':
      return function* (row) {
        yield* copiesOf(step, row)
      }
  }
}

function routed(stream: DataStream<any>, { how, field }: Step<'route'>): DataStream<any> {
  if (how === 'custom')
    return stream.partitionCustom(
      (key: string, targets) => key.length % targets,
      (row: any) => String(fieldOf(row, field)),
    )
  return stream[how]()
}

const join = (streams: Streams, { ins, fields, mod }: Step<'join'>) =>
  streams[ins[0]]!.connect(streams[ins[1]]!).keyBy(joinKeyOf(fields[0], mod), joinKeyOf(fields[1], mod))

/** Every pair of a key, whichever row came first. */
const joinFunction = ({ fields }: Step<'join'>) => ({
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

const runningFunction = ({ key, typed }: Step<'running'>) => ({
  state: { seen: valueState<number>(typed ? t.int32 : undefined) },
  processElement(_row: any, ctx: any, out: Collector<any>) {
    const seen = (ctx.state.seen.value ?? 0) + 1
    ctx.state.seen.update(seen)
    out.collect({ ...keyFields(key, ctx.currentKey), seen })
  },
})

/** Counts rows by stretches of time, each of which ends with a timer; a timer that is deleted again gives nothing. */
const timersFunction = ({ key, size, typed }: Step<'timers'>) => ({
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

const tallyFunction = ({ key, field, typed }: Step<'tally'>) => ({
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

const previousFunction = ({ key, field, typed }: Step<'previous'>) => ({
  state: { before: valueState<any>(typed ? t.row({ [field]: t.float64, note: t.nullable(t.string) }) : undefined) },
  processElement(row: any, ctx: any, out: Collector<any>) {
    const { before } = ctx.state
    out.collect({ ...keyFields(key, ctx.currentKey), now: row[field], before: before.value?.[field], note: before.value?.note })
    before.update({ [field]: row[field], note: row.w ?? null })
  },
})

function assignerOf(windows: WindowsSpec): WindowAssigner<any> {
  switch (windows.kind) {
    case 'tumbling':
      return tumbling(windows.size, { offset: windows.offset })
    case 'sliding':
      return sliding(windows.size, windows.slide, { offset: windows.offset })
    case 'session':
      return session(windows.gap)
    case 'dynamicSession':
      return session((row: any) => gapOf(row, windows.field))
    case 'global':
      return globalWindows({ fireAtEnd: true })
  }
}

const built = { count: () => count(), sum, min, max, avg } as const

function applied(windowed: any, step: Step<'window'>, options: Options): DataStream<any> {
  const { apply } = step
  const framed = (elements: readonly any[], ctx: any, out: Collector<any>) =>
    out.collect({
      ...keyFields(step.key, ctx.key),
      windowStart: ctx.window.start,
      windowEnd: ctx.window.end,
      ...contentsOf(apply, elements),
    })
  switch (apply.kind) {
    case 'aggregates':
      return windowed.aggregate(Object.fromEntries(apply.specs.map(({ name, kind, field }) => [name, built[kind](field)])), options)
    case 'user':
      return windowed.aggregate(userAggregate(apply), options)
    case 'reduce':
      return apply.process ? windowed.reduce(reduceOf(apply.field), framed, options) : windowed.reduce(reduceOf(apply.field), options)
    case 'process':
      return windowed.process(apply.numbered ? numbered(framed) : framed, options)
    case 'rolling':
      return apply.op === 'minBy' || apply.op === 'maxBy'
        ? windowed[apply.op](apply.field, { ...options, first: apply.first })
        : windowed[apply.op](apply.field, options)
    case 'minBy':
    case 'maxBy':
      return windowed[apply.kind](apply.field, options)
  }
}

function contentsOf(apply: ApplySpec, elements: readonly any[]): Record<string, unknown> {
  if (apply.kind !== 'process') return { reduced: elements[0], alone: elements.length }
  const values = elements.map((row) => fieldOf(row, apply.field))
  return { values: apply.inOrder ? values : sorted(values) }
}

/** Adds how many windows of the key have fired. */
const numbered = (framed: (elements: readonly any[], ctx: any, out: Collector<any>) => void) => ({
  globalState: { fired: valueState<number>() },
  process(elements: readonly any[], ctx: any, out: Collector<any>) {
    const fired = (ctx.globalState.fired.value ?? 0) + 1
    ctx.globalState.fired.update(fired)
    framed(elements, ctx, { collect: (row) => out.collect({ ...row, fired }) })
  },
})

function userAggregate({ accumulator, field }: Extract<ApplySpec, { kind: 'user' }>): AggregateFunction<any, any, any> {
  const value = (row: any): number => fieldOf(row, field)
  switch (accumulator) {
    case 'number':
      return {
        createAccumulator: () => 0,
        add: (row, total) => total + value(row),
        getResult: (total) => ({ total }),
        merge: (a, b) => a + b,
      }
    case 'object':
      return {
        createAccumulator: () => ({ n: 0, low: Number.POSITIVE_INFINITY }),
        add: (row, held) => ({ n: held.n + 1, low: Math.min(held.low, value(row)) }),
        getResult: ({ n, low }) => ({ n, low, none: n % 2 === 0 ? null : n }),
        merge: (a, b) => ({ n: a.n + b.n, low: Math.min(a.low, b.low) }),
      }
    case 'list':
      return {
        createAccumulator: (): number[] => [],
        add: (row, values) => [...values, value(row)],
        getResult: (values) => ({ values: sorted(values) }),
        merge: (a, b) => [...a, ...b],
      }
  }
}
