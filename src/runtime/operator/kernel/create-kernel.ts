/**
 * Which keyed operators have a fast form, and what a consumer can see of the rows sent to it.
 */
import { keyGroupRange } from '../../../base/columnar/key-hash.ts'
import type { AggregateFunction } from '../../../program/function/functions.ts'
import type { KeySpec, OperatorDescriptor, WindowDescriptor } from '../../../program/graph/operator-descriptor.ts'
import { cloneValue, ownRow } from '../../state/clone-value.ts'
import type { OperatorContext } from '../operator.ts'
import { declaredAccumulator, numericShape } from '../window/accumulator-columns.ts'
import { foldOf } from '../window/window-contents.ts'
import { WindowOperator } from '../window/window-operator.ts'
import { type Accumulator, builtInAccumulator, userAccumulator } from './accumulator.ts'
import { GlobalWindowKernel } from './global-window-kernel.ts'
import type { KeyedKernel } from './keyed-kernel.ts'
import { objectAccumulator } from './object-accumulator.ts'
import { keptAsCopy, keptByLength } from './object-column.ts'
import { paneMsOf } from './pane-store.ts'
import { PaneWindowKernel } from './pane-window-kernel.ts'
import { ProcessKernel } from './process-kernel.ts'
import { RollingKernel } from './rolling-kernel.ts'
import { SessionWindowKernel } from './session-window-kernel.ts'
import type { GroupRange } from './table-group.ts'
import { isPlainProcess, windowEmitter } from './window-emitter.ts'
import type { WindowKernelOptions } from './window-kernel-options.ts'

const maxPanes = 1000

/** undefined: only the plain operator can run it. */
export function createKernel(
  descriptor: OperatorDescriptor,
  keys: readonly (KeySpec | undefined)[],
  ctx: OperatorContext,
): KeyedKernel | undefined {
  const key = keys[0]
  if (key === undefined) return undefined
  const { start, end } = keyGroupRange(ctx.subtaskIndex, ctx.parallelism, ctx.maxParallelism)
  const range: GroupRange = { first: start, count: end - start, maxParallelism: ctx.maxParallelism }
  if (descriptor.kind === 'process') return new ProcessKernel(ctx, descriptor.fn, range)
  if (descriptor.kind === 'window') return windowKernel(descriptor, key, range, ctx)
  if (descriptor.kind === 'reduce') return new RollingKernel({ range, key, combine: { kind: 'reduce', fn: descriptor.fn } }, ctx)
  if (descriptor.kind === 'rolling') {
    const { op, field, first } = descriptor
    return new RollingKernel({ range, key, combine: { kind: 'aggregate', aggregate: { op, field, first } } }, ctx)
  }
  return undefined
}

function windowKernel(descriptor: WindowDescriptor, key: KeySpec, range: GroupRange, ctx: OperatorContext): KeyedKernel | undefined {
  const { assigner, trigger, evictor, apply, allowedLatenessMs, lateTag } = descriptor
  if (trigger !== undefined || evictor !== undefined) return undefined
  const plain = (): WindowOperator => new WindowOperator(ctx, descriptor, key)
  if (assigner.kind === 'global') return assigner.fireAtEnd ? globalWindowKernel(apply, key, range, ctx, plain) : undefined
  if (assigner.time !== 'event') return undefined
  if (!isPlainProcess(apply) || hasLifeCycle(apply)) return undefined
  const accumulator = accumulatorOf(apply, allowedLatenessMs === 0, ctx)
  if (accumulator === undefined) return undefined
  const options = (): WindowKernelOptions => ({
    ...{ range, key, accumulator, plain, allowedLatenessMs, lateTag: lateTag?.id },
    framed: apply.kind === 'aggregates',
    emitter: windowEmitter(apply, key, ctx),
  })
  if (assigner.kind === 'session') {
    const { gapMs } = assigner
    if (typeof gapMs === 'function' || !accumulator.canMerge) return undefined
    return new SessionWindowKernel({ ...options(), gapMs }, ctx)
  }
  const { sizeMs, offsetMs } = assigner
  const slideMs = assigner.kind === 'sliding' ? assigner.slideMs : sizeMs
  // A window merges its panes; with more panes than this, merging costs more than adding to each window.
  const panes = sizeMs / paneMsOf(sizeMs, slideMs)
  if (panes > 1 && (!accumulator.canMerge || panes > maxPanes)) return undefined
  return new PaneWindowKernel({ ...options(), sizeMs, slideMs, offsetMs }, ctx)
}

function globalWindowKernel(
  apply: WindowDescriptor['apply'],
  key: KeySpec,
  range: GroupRange,
  ctx: OperatorContext,
  plain: () => WindowOperator,
): KeyedKernel | undefined {
  if (!isPlainProcess(apply) || hasLifeCycle(apply)) return undefined
  const accumulator = accumulatorOf(apply, true, ctx)
  if (accumulator === undefined) return undefined
  return new GlobalWindowKernel(
    { range, key, accumulator, framed: apply.kind === 'aggregates', emitter: windowEmitter(apply, key, ctx), plain },
    ctx,
  )
}

const hasLifeCycle = (apply: WindowDescriptor['apply']): boolean =>
  (apply.kind === 'aggregate' || apply.kind === 'reduce') &&
  typeof apply.fn === 'object' &&
  (apply.fn.open !== undefined || apply.fn.close !== undefined)

/** `firesOnce`: what a window held is of no use once it has fired. */
function accumulatorOf(apply: WindowDescriptor['apply'], firesOnce: boolean, ctx: OperatorContext): Accumulator | undefined {
  if (apply.kind === 'aggregates') return builtInAccumulator(apply.aggregates)
  if (apply.kind === 'aggregate' && (firesOnce || apply.process === undefined)) {
    const shape = numericShape(apply.fn.createAccumulator())
    if (shape !== undefined) return userAccumulator(apply.fn, shape, ctx)
  }
  if (!firesOnce) return undefined
  const fold = foldOf(ctx, apply)
  if (fold === undefined) return objectAccumulator(elementsOf, keptByLength)
  const keeping = keptAsCopy((value) => cloneValue(value, `The accumulator of operator ${ctx.operatorName}`))
  return objectAccumulator(fold, keeping, declaredAccumulator(apply))
}

/** For process functions: a window's rows. */
const elementsOf: AggregateFunction<any, any, any> = {
  createAccumulator: () => [],
  add(row, rows: unknown[]) {
    rows.push(ownRow(row))
    return rows
  },
  getResult: (rows) => rows,
}

/** The fields that an operator, fast or plain, can see of its input; undefined: all of them. */
export function fieldsVisibleTo(descriptor: OperatorDescriptor, key: KeySpec | undefined): readonly string[] | undefined {
  if (descriptor.kind !== 'window' || descriptor.apply.kind !== 'aggregates' || key?.kind === 'function') return undefined
  const { trigger, evictor, lateTag, assigner, apply } = descriptor
  if (trigger !== undefined || evictor !== undefined || lateTag !== undefined) return undefined
  if (assigner.kind === 'session' && typeof assigner.gapMs === 'function') return undefined
  const fields = new Set(key === undefined ? [] : key.kind === 'field' ? [key.field] : key.fields)
  for (const spec of Object.values(apply.aggregates)) if (spec.kind !== 'count') fields.add(spec.field)
  return [...fields]
}
