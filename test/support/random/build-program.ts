/**
 * Builds a random program with the public API alone, so that the same text runs inline and in task threads.
 */
import {
  boundedOutOfOrderness,
  type Collector,
  type DataStream,
  type Environment,
  outputTag,
  type ProcessContext,
  type SingleOutput,
  type Type,
  t,
} from 'headrace'
import { addSource } from './add-source.ts'
import { applied, assignerOf } from './apply-windows.ts'
import { joinFunction, previousFunction, runningFunction, tallyFunction, timersFunction } from './process-functions.ts'
import { fieldOf, type KeyBy, type Placed, type ProgramSpec, type StepSpec } from './program-spec.ts'
import { coMapOf, copiesOf, filterOf, joinKeyOf, keyOf, mapOf, rollingReduceOf } from './row-functions.ts'

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

function addKeyedStep(input: DataStream<any>, step: Extract<StepSpec, { key: KeyBy | null }>, options: Placed): DataStream<any> {
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
