/**
 * From a trigger as it is described to one that runs, with its states declared.
 */

import { StreamError } from '../../../base/core/stream-error.ts'
import type { StateDeclaration } from '../../../program/function/state.ts'
import type { CustomTrigger, Trigger, WindowAssigner } from '../../../program/function/window.ts'
import { countTrigger, deltaTrigger, processingTimeoutTrigger, purgingTrigger } from './count-triggers.ts'
import {
  continuousEventTimeTrigger,
  continuousProcessingTimeTrigger,
  endOfStreamTrigger,
  eventTimeTrigger,
  processingTimeTrigger,
} from './time-triggers.ts'
import { neverTrigger, type TriggerRunner, type TriggerSetting } from './trigger.ts'

/** What fires windows when no trigger was set; one that is set replaces it. */
export function defaultTrigger(assigner: WindowAssigner<any>): Trigger<any> {
  if (assigner.kind === 'global') return { kind: assigner.fireAtEnd ? 'endOfStream' : 'never' }
  return { kind: assigner.time === 'event' ? 'eventTime' : 'processingTime' }
}

export function createTrigger(trigger: Trigger<any>, setting: TriggerSetting): TriggerRunner {
  switch (trigger.kind) {
    case 'eventTime':
      return eventTimeTrigger(setting)
    case 'processingTime':
      return processingTimeTrigger(setting)
    case 'never':
      return neverTrigger
    case 'endOfStream':
      return endOfStreamTrigger(setting)
    case 'count':
      return countTrigger(setting, trigger.count)
    case 'continuousEventTime':
      return continuousEventTimeTrigger(setting, trigger.intervalMs)
    case 'continuousProcessingTime':
      return continuousProcessingTimeTrigger(setting, trigger.intervalMs)
    case 'delta':
      return deltaTrigger(setting, trigger.threshold, trigger.delta)
    case 'purging':
      return purgingTrigger(createTrigger(trigger.inner, within(setting, 'purging')))
    case 'processingTimeout':
      return processingTimeoutTrigger(setting, createTrigger(trigger.inner, within(setting, 'timeout')), trigger)
    case 'custom':
      return customTrigger(trigger, setting)
  }
}

/** The same setting with state names of its own, for a trigger within another. */
const within = (setting: TriggerSetting, name: string): TriggerSetting => ({
  ...setting,
  declare: (state, declaration, ofUser) => setting.declare(`${name}.${state}`, declaration, ofUser),
})

function customTrigger(trigger: CustomTrigger<any, any>, { scope, declare }: TriggerSetting): TriggerRunner {
  const canMerge = trigger.canMerge === true
  const declared = Object.entries((trigger.state ?? {}) as Record<string, StateDeclaration>)
  const state = Object.fromEntries(declared.map(([name, declaration]) => [name, declare(`own.${name}`, declaration, true)]))
  const ctx = {
    get currentWatermark() {
      return scope.currentWatermark
    },
    get currentProcessingTime() {
      return scope.currentProcessingTime
    },
    state,
    registerEventTimeTimer: (time: number) => scope.registerEventTimeTimer(time),
    registerProcessingTimeTimer: (time: number) => scope.registerProcessingTimeTimer(time),
    deleteEventTimeTimer: (time: number) => scope.deleteEventTimeTimer(time),
    deleteProcessingTimeTimer: (time: number) => scope.deleteProcessingTimeTimer(time),
  }
  return {
    canMerge: canMerge && trigger.onMerge !== undefined,
    onElement: (row, timestamp, window) => checked(trigger.onElement(row, timestamp, window, ctx)),
    onEventTime: (time, window) => checked(trigger.onEventTime(time, window, ctx)),
    onProcessingTime: (time, window) => checked(trigger.onProcessingTime(time, window, ctx)),
    beforeMerge: () => {},
    onMerge: (window) => trigger.onMerge!(window, ctx),
    clear: (window) => trigger.clear(window, ctx),
  }
}

const results: ReadonlySet<unknown> = new Set(['continue', 'fire', 'purge', 'fireAndPurge'])

function checked<R>(result: R): R {
  if (results.has(result)) return result
  throw new StreamError('USER_FUNCTION_FAILED', `a custom trigger answered ${String(result)}`, {
    hint: "It has to return 'continue', 'fire', 'purge' or 'fireAndPurge' (a promise is not waited for).",
  })
}
