/**
 * What a trigger is to the window operator. A trigger is one object for all keys and windows: the operator points the
 * current key and window before each call, and whatever a trigger remembers lies in states that are kept per key and window.
 * When windows merge, the operator lets each trigger drop the timers of the old windows, merges the states, then calls onMerge.
 */
import type { StateDeclaration } from '../../../program/function/state.ts'
import type { TimeDomain, TimeWindow, TriggerResult } from '../../../program/function/window.ts'

/** Time and timers of the current key and window. */
export interface TriggerScope {
  readonly currentWatermark: number
  readonly currentProcessingTime: number
  registerEventTimeTimer(timestamp: number): void
  registerProcessingTimeTimer(timestamp: number): void
  deleteEventTimeTimer(timestamp: number): void
  deleteProcessingTimeTimer(timestamp: number): void
}

export interface TriggerRunner {
  readonly canMerge: boolean
  onElement(row: unknown, timestamp: number, window: TimeWindow): TriggerResult
  onEventTime(time: number, window: TimeWindow): TriggerResult
  onProcessingTime(time: number, window: TimeWindow): TriggerResult
  /** `window` is about to become part of another: its timers go, its states are still needed. */
  beforeMerge(window: TimeWindow): void
  /** `window` is the merged one and holds the merged states. */
  onMerge(window: TimeWindow): void
  clear(window: TimeWindow): void
}

/** What a trigger is made with. */
export interface TriggerSetting {
  readonly scope: TriggerScope
  /** The clock that ends the windows it serves. */
  readonly time: TimeDomain
  /** Declares a state of each key and window; names are unique within the trigger. `ofUser`: its values are copied in and out. */
  declare(name: string, declaration: StateDeclaration, ofUser?: boolean): unknown
}

export const fires = (result: TriggerResult): boolean => result === 'fire' || result === 'fireAndPurge'
export const purges = (result: TriggerResult): boolean => result === 'purge' || result === 'fireAndPurge'

const proceed = (): TriggerResult => 'continue'
const nothing = (): void => {}

/** A trigger that never fires: the base that the others are written over. */
export const neverTrigger: TriggerRunner = {
  canMerge: true,
  onElement: proceed,
  onEventTime: proceed,
  onProcessingTime: proceed,
  beforeMerge: nothing,
  onMerge: nothing,
  clear: nothing,
}
