/**
 * What is refused of a window before any record flows, each with the reason and the way out.
 */
import { checkOptionNames } from '../../base/core/check-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { AggregateSpec } from '../function/aggregate.ts'
import type { AggregateFunction } from '../function/functions.ts'
import type { ProcessWindowFunction, WindowAssigner } from '../function/window.ts'
import type { KeySpec } from '../graph/operator-descriptor.ts'
import { checkTag } from './check-tag.ts'
import { checkDuration } from './durations.ts'
import { checkFunction, refuseAsync } from './refuse-async.ts'
import type { WindowOptions } from './streams.ts'
import { canMerge } from './triggers.ts'

const assignerKinds = ['tumbling', 'sliding', 'session', 'global']
const specKinds = ['count', 'sum', 'min', 'max', 'avg']

/** Throws what cannot be; gives warnings of what has no effect. */
export function checkWindow(assigner: WindowAssigner<any>, options: WindowOptions<any>): string[] {
  if (!assignerKinds.includes(assigner?.kind)) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `window() was given ${assigner === null ? 'null' : typeof assigner}, which is no window assigner`,
      {
        hint: 'Pass tumbling(size), sliding(size, slide), session(gap) or globalWindows().',
      },
    )
  }
  checkOptionNames('window()', options, ['trigger', 'evictor', 'allowedLateness', 'lateOutput'])
  const { trigger, allowedLateness, lateOutput } = options
  if (lateOutput !== undefined) checkTag('lateOutput is', lateOutput)
  if (allowedLateness !== undefined) checkDuration('allowedLateness', allowedLateness, 0)
  if (assigner.kind === 'session' && trigger !== undefined && !canMerge(trigger)) {
    throw new StreamError('INVALID_PROGRAM', `Session windows have a trigger of kind '${trigger.kind}', which cannot merge`, {
      hint: 'Sessions merge as records arrive. Use a trigger that can merge (event time, processing time, count, continuous, or a custom one with canMerge and onMerge).',
    })
  }
  const eventTime = assigner.kind !== 'global' && assigner.time === 'event'
  if (eventTime) return []
  const idle = [(allowedLateness ?? 0) > 0 && 'allowedLateness', lateOutput !== undefined && 'lateOutput'].filter((name) => name !== false)
  const windows = assigner.kind === 'global' ? 'global windows' : 'processing-time windows'
  return idle.map((name) => `${name} has no effect on ${windows}: only in event time can a record be late.`)
}

export function checkAggregateFunction(operator: string, fn: AggregateFunction<any, any, any>, assigner: WindowAssigner<any>): void {
  for (const method of ['createAccumulator', 'add', 'getResult'] as const) {
    if (typeof fn[method] !== 'function') {
      throw new StreamError('INVALID_ARGUMENT', `The aggregate function of operator '${operator}' has no method ${method}`, {
        hint: 'It needs createAccumulator, add and getResult.',
        place: { operator },
      })
    }
  }
  for (const method of ['createAccumulator', 'add', 'getResult', 'merge'] as const) {
    refuseAsync(`${method} of the aggregate function in operator '${operator}'`, fn[method])
  }
  if (assigner.kind === 'session' && fn.merge === undefined) {
    throw new StreamError(
      'INVALID_PROGRAM',
      `The aggregate function of operator '${operator}' has no method merge, which session windows need`,
      {
        hint: 'Sessions merge as records arrive: add merge(a, b), which makes one accumulator of two.',
        place: { operator },
      },
    )
  }
}

export function checkProcess(operator: string, fn: ProcessWindowFunction<any, any, any, any, any>, assigner: WindowAssigner<any>): void {
  checkFunction('process', operator, fn, ['process', 'clear'])
  const windowState = typeof fn === 'object' ? Object.keys(fn.windowState ?? {}) : []
  if (assigner.kind !== 'session' || windowState.length === 0) return
  throw new StreamError('INVALID_PROGRAM', `Operator '${operator}' keeps windowState ('${windowState[0]}') in session windows`, {
    hint: 'Sessions merge, and state of single windows cannot: use globalState, which is kept per key.',
    place: { operator },
  })
}

/** The fields of an aggregated row are the key, windowStart, windowEnd and the specs: all different. */
export function checkSpecs(operator: string, specs: Readonly<Record<string, AggregateSpec>>, key: KeySpec | undefined): void {
  const names = typeof specs === 'object' && specs !== null ? Object.keys(specs) : []
  const wrong = names.find((name) => !specKinds.includes(specs[name]?.kind as string))
  if (names.length === 0 || wrong !== undefined) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `aggregate() in operator '${operator}' ${wrong === undefined ? 'names no aggregates' : `has '${wrong}', which is no aggregate`}`,
      {
        hint: "Pass at least one of count(), sum(field), min(field), max(field), avg(field) by name: aggregate({ delay: avg('delay') }).",
        place: { operator },
      },
    )
  }
  const taken = ['windowStart', 'windowEnd', ...keyFields(key)]
  const clash = taken.find((field) => Object.hasOwn(specs, field)) ?? taken.find((field, index) => taken.indexOf(field) !== index)
  if (clash === undefined) return
  throw new StreamError('INVALID_PROGRAM', `The aggregated row of operator '${operator}' would have two fields called '${clash}'`, {
    hint: Object.hasOwn(specs, clash) ? 'Give the aggregate another name.' : 'Rename the key field with map() before keyBy().',
    place: { operator },
  })
}

function keyFields(key: KeySpec | undefined): readonly string[] {
  if (key === undefined) return []
  return key.kind === 'field' ? [key.field] : key.kind === 'fields' ? key.fields : ['key']
}

/** Built-in aggregates make the row themselves. */
export function refuseProcess(operator: string): never {
  throw new StreamError(
    'INVALID_ARGUMENT',
    `aggregate() in operator '${operator}' has built-in aggregates and a process function, which would not be called`,
    {
      hint: 'The row has the key and the window already: go on with map. A process function goes with reduce or an aggregate function of your own.',
      place: { operator },
    },
  )
}
