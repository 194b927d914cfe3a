/**
 * WindowedStream as a writer of plans, with keys or (windowAll) without. All that can be judged of a window is judged
 * here: what cannot merge does not meet sessions, and an aggregated row has no two fields of one name.
 */
import { formatDuration } from '../../base/core/duration.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { AggregateSpec } from '../function/aggregate.ts'
import type { AggregateFunction, ReduceFunction } from '../function/functions.ts'
import type { Evictor, ProcessWindowFunction, Trigger, WindowAssigner } from '../function/window.ts'
import type { WindowApply } from '../graph/operator-descriptor.ts'
import { countEvictor } from './evictors.ts'
import { type OperatorOptions, operatorOptionNames, type TypedOperatorOptions } from './operator-options.ts'
import { addOperator, type Internals } from './planner.ts'
import { checkFunction } from './refuse-async.ts'
import { addRolling, type RollingAggregate, withRolling } from './rolling.ts'
import type { AggregatedRow, AggregateSpecs } from './row-types.ts'
import type { SingleOutput, WindowedStream, WindowOptions } from './streams.ts'
import { checkCount, countTrigger, purging } from './triggers.ts'
import { checkAggregateFunction, checkProcess, checkSpecs, checkWindow, refuseProcess } from './window-checks.ts'
import { globalWindows } from './windows.ts'

type AnyProcess = ProcessWindowFunction<any, any, any, any, any>
type ProcessOrOptions = AnyProcess | TypedOperatorOptions<any> | undefined

export class PlannedWindows<T, K, R> extends withRolling(Object) implements WindowedStream<T, K, R> {
  readonly #stream: Internals
  readonly #assigner: WindowAssigner<any>
  readonly #options: WindowOptions<any>

  constructor(stream: Internals, assigner: WindowAssigner<any>, options: WindowOptions<any>) {
    super()
    this.#stream = stream
    this.#assigner = assigner
    this.#options = options
    for (const warning of checkWindow(assigner, options)) stream.planner.builder.warn(warning)
  }

  reduce(fn: ReduceFunction<T>, second?: ProcessOrOptions, third?: TypedOperatorOptions<any>): SingleOutput<any> {
    const { process, options } = processAndOptions(second, third)
    checkFunction('reduce', this.#name(options), fn, ['reduce'])
    return this.#add({ kind: 'reduce', fn, ...(process && { process }) }, options)
  }

  aggregate<const S extends AggregateSpecs<T>>(specs: S, options?: OperatorOptions): SingleOutput<AggregatedRow<T, R, S>>
  aggregate(fn: AggregateFunction<T, any, any>, second?: any, third?: any): SingleOutput<any>
  aggregate(
    first: AggregateFunction<T, any, any> | AggregateSpecs<T>,
    second?: ProcessOrOptions,
    third?: TypedOperatorOptions<any>,
  ): SingleOutput<any> {
    const { process, options } = processAndOptions(second, third)
    if (isAggregateFunction(first)) {
      checkAggregateFunction(this.#name(options), first, this.#assigner)
      return this.#add({ kind: 'aggregate', fn: first, ...(process && { process }) }, options)
    }
    const aggregates = first as Readonly<Record<string, AggregateSpec>>
    checkSpecs(this.#name(options), aggregates, this.#stream.key)
    if (process !== undefined) refuseProcess(this.#name(options))
    return this.#add({ kind: 'aggregates', aggregates }, options)
  }

  process(fn: AnyProcess, options: TypedOperatorOptions<any> = {}): SingleOutput<any> {
    return this.#add({ kind: 'process', process: fn }, options)
  }

  [addRolling](aggregate: RollingAggregate, options: OperatorOptions): SingleOutput<T> {
    return this.#add(aggregate, options)
  }

  #add(apply: WindowApply, options: TypedOperatorOptions<any>): SingleOutput<any> {
    if ('process' in apply && apply.process !== undefined) checkProcess(this.#name(options), apply.process, this.#assigner)
    const { planner, key } = this.#stream
    const { trigger, evictor, allowedLateness = 0, lateOutput } = this.#options
    const draft = addOperator(planner, {
      name: this.#name({}),
      operator: {
        kind: 'window',
        assigner: this.#assigner,
        ...(trigger !== undefined && { trigger }),
        ...(evictor !== undefined && { evictor }),
        allowedLatenessMs: allowedLateness,
        ...(lateOutput !== undefined && { lateTag: lateOutput }),
        apply,
      },
      streams: [this.#stream],
      keys: [key],
      options,
      ...(key === undefined && { parallelismLimit: { max: 1, reason: 'windows over all rows need one subtask' } }),
    })
    return planner.streams.output(planner, draft)
  }

  #name(options: OperatorOptions): string {
    return options.name ?? `Window(${assignerWords(this.#assigner)})`
  }
}

/** countWindow(n) purges; countWindow(size, slide) looks back over the last `size` rows. */
export function countWindow(
  method: string,
  size: number,
  slide?: number,
): { assigner: WindowAssigner<any>; options: { trigger: Trigger; evictor?: Evictor } } {
  checkCount(`The size of ${method}()`, size)
  if (slide === undefined) return { assigner: globalWindows(), options: { trigger: purging(countTrigger(size)) } }
  checkCount(`The slide of ${method}()`, slide)
  return { assigner: globalWindows(), options: { trigger: countTrigger(slide), evictor: countEvictor(size) } }
}

function processAndOptions(
  second: ProcessOrOptions,
  third: TypedOperatorOptions<any> = {},
): { process?: AnyProcess; options: TypedOperatorOptions<any> } {
  if (second === undefined) return { options: third }
  const isProcess = typeof second === 'function' || 'process' in second
  if (isProcess) return { process: second, options: third }
  const given = Object.keys(second).find((name) => !operatorOptionNames.some((known) => known === name))
  if (given === undefined) return { options: second as TypedOperatorOptions<any> }
  throw new StreamError('INVALID_ARGUMENT', `The second argument has a field '${given}', which is no option of an operator`, {
    hint: 'It is a window function, or an object with a method process, or options such as { uid: ... }.',
  })
}

const isAggregateFunction = (value: object): value is AggregateFunction<any, any, any> =>
  typeof (value as { createAccumulator?: unknown } | null)?.createAccumulator === 'function'

function assignerWords(assigner: WindowAssigner<any>): string {
  const clock = assigner.kind !== 'global' && assigner.time === 'processing' ? ', processing time' : ''
  switch (assigner.kind) {
    case 'tumbling':
      return `tumbling ${formatDuration(assigner.sizeMs)}${clock}`
    case 'sliding':
      return `sliding ${formatDuration(assigner.sizeMs)} every ${formatDuration(assigner.slideMs)}${clock}`
    case 'session':
      return `session ${typeof assigner.gapMs === 'number' ? formatDuration(assigner.gapMs) : 'with a gap of its own'}${clock}`
    case 'global':
      return 'global'
  }
}
