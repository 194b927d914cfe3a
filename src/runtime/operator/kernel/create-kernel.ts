/**
 * Which keyed operators have a fast form, and what a consumer can see of the rows sent to it.
 */
import { keyGroupRange } from '../../../base/columnar/key-hash.ts'
import type { KeySpec, OperatorDescriptor, WindowDescriptor } from '../../../program/graph/operator-descriptor.ts'
import type { OperatorContext } from '../operator.ts'
import { type Accumulator, builtInAccumulator, numericShape, userAccumulator } from './accumulator.ts'
import type { KeyedKernel } from './keyed-kernel.ts'
import { PaneWindowKernel } from './pane-window-kernel.ts'
import { RollingKernel } from './rolling-kernel.ts'
import { ProcessKernel } from './process-kernel.ts'
import type { GroupRange } from './table-group.ts'

/** undefined: only the plain operator can run it. */
export function createKernel(descriptor: OperatorDescriptor, keys: readonly (KeySpec | undefined)[], ctx: OperatorContext): KeyedKernel | undefined {
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
  if (assigner.kind !== 'tumbling' && assigner.kind !== 'sliding') return undefined
  if (assigner.time !== 'event') return undefined
  const accumulator = accumulatorOf(apply)
  if (accumulator === undefined) return undefined
  const slideMs = assigner.kind === 'sliding' ? assigner.slideMs : assigner.sizeMs
  // A sliding window merges panes; more panes than this and merging costs more than adding to each window.
  if (slideMs !== assigner.sizeMs && (!accumulator.canMerge || assigner.sizeMs / slideMs > 1000)) return undefined
  return new PaneWindowKernel(
    { sizeMs: assigner.sizeMs, slideMs, offsetMs: assigner.offsetMs, allowedLatenessMs, range, key, accumulator, framed: apply.kind === 'aggregates', lateTag: lateTag?.id },
    ctx,
  )
}

function accumulatorOf(apply: WindowDescriptor['apply']): Accumulator | undefined {
  if (apply.kind === 'aggregates') return builtInAccumulator(apply.aggregates)
  if (apply.kind !== 'aggregate' || apply.process !== undefined || apply.fn.open !== undefined || apply.fn.close !== undefined) return undefined
  const shape = numericShape(apply.fn.createAccumulator())
  return shape === undefined ? undefined : userAccumulator(apply.fn, shape)
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
