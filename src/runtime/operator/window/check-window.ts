/**
 * What a window operator refuses: combinations that could only fail later, and records that it cannot place in time.
 */
import { assert, StreamError } from '../../../base/core/stream-error.ts'
import type { RuntimeContext } from '../../../program/function/runtime-context.ts'
import type { StateDeclarations } from '../../../program/function/state.ts'
import type { TimeWindow } from '../../../program/function/window.ts'
import type { WindowDescriptor } from '../../../program/graph/operator-descriptor.ts'
import type { TriggerRunner } from './trigger.ts'
import { processOf } from './window-function.ts'

/** Session windows merge, so all that they hold has to. */
export function checkWindow(ctx: RuntimeContext, descriptor: WindowDescriptor, trigger: TriggerRunner): void {
  assert(descriptor.allowedLatenessMs >= 0, `allowed lateness of ${descriptor.allowedLatenessMs} ms`)
  if (descriptor.assigner.kind !== 'session') return
  const refuse = (message: string, hint: string): never => {
    throw new StreamError('INVALID_PROGRAM', `Window operator ${ctx.operatorName}: ${message}`, {
      hint,
      place: { operator: ctx.operatorName },
    })
  }
  const { apply, evictor } = descriptor
  if (!trigger.canMerge)
    refuse(
      'its trigger cannot merge session windows',
      'Delta and processing-timeout triggers cannot; a custom trigger needs canMerge: true and onMerge.',
    )
  if (apply.kind === 'aggregate' && apply.fn.merge === undefined && evictor === undefined)
    refuse('its aggregate function cannot merge session windows', 'Add merge(a, b) to the function.')
  const process = processOf(apply)
  const windowState = typeof process === 'object' ? Object.keys(process.windowState ?? {}) : []
  if (windowState.length > 0)
    refuse(`windowState (${windowState.join(', ')}) with session windows, which merge`, 'Use globalState, which belongs to the key.')
  const unmergeable = descriptor.trigger?.kind === 'custom' ? unmergeableStates(descriptor.trigger.state ?? {}) : []
  if (unmergeable.length > 0)
    refuse(
      `its trigger keeps value or map state (${unmergeable.join(', ')}), which cannot be merged`,
      'Use reducing, aggregating or list state.',
    )
}

const unmergeableStates = (state: StateDeclarations): string[] =>
  Object.keys(state).filter((name) => state[name]!.kind === 'value' || state[name]!.kind === 'map')

export function withoutTimestamp(ctx: RuntimeContext): StreamError {
  return new StreamError(
    'INVALID_PROGRAM',
    `Event-time window operator ${ctx.operatorName} was given a record without a timestamp: its stream has no watermark strategy`,
    {
      hint: 'Give the source a watermark strategy, as in env.fromSource(source, { watermarks: boundedOutOfOrderness(minutes(1), (row) => row.time) }), or use processing-time windows.',
      place: { job: ctx.jobName, operator: ctx.operatorName, subtask: ctx.subtaskIndex },
    },
  )
}

export function endedByMerging(window: TimeWindow): StreamError {
  return new StreamError(
    'INVALID_PROGRAM',
    `an element was merged into a processing-time session that has already ended, at ${new Date(window.end).toISOString()}`,
    {
      hint: 'The gap of a processing-time session has to be longer than 1 ms, for every element.',
    },
  )
}
