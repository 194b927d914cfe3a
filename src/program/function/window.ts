/**
 * Windows as descriptors: assigners, triggers, evictors and what a window function is given. Times are ms; a window is
 * [start, end) and its maxTimestamp is end - 1. Global windows are [MIN, MAX].
 */
import type { Collector, OutputTag } from './functions.ts'
import type { RuntimeContext } from './runtime-context.ts'
import type { StateDeclarations, StateHandles } from './state.ts'

/** Which clock a window or timer goes by. */
export type TimeDomain = 'event' | 'processing'

export interface TimeWindow {
  readonly start: number
  readonly end: number
}

export type WindowAssigner<T = unknown> =
  | { readonly kind: 'tumbling'; readonly time: TimeDomain; readonly sizeMs: number; readonly offsetMs: number }
  | { readonly kind: 'sliding'; readonly time: TimeDomain; readonly sizeMs: number; readonly slideMs: number; readonly offsetMs: number }
  | { readonly kind: 'session'; readonly time: TimeDomain; readonly gapMs: number | ((element: T) => number) }
  | { readonly kind: 'global'; readonly fireAtEnd: boolean }

export type TriggerResult = 'continue' | 'fire' | 'purge' | 'fireAndPurge'

export interface TriggerContext<S extends StateDeclarations = Record<never, never>> {
  readonly currentWatermark: number
  readonly currentProcessingTime: number
  /** Kept per key and window. */
  readonly state: StateHandles<S>
  registerEventTimeTimer(timestamp: number): void
  registerProcessingTimeTimer(timestamp: number): void
  deleteEventTimeTimer(timestamp: number): void
  deleteProcessingTimeTimer(timestamp: number): void
}

export interface CustomTrigger<T, S extends StateDeclarations = Record<never, never>> {
  readonly kind: 'custom'
  readonly state?: S
  /** Whether it can serve merging (session) windows; needs onMerge. */
  readonly canMerge?: boolean
  onElement(element: T, timestamp: number, window: TimeWindow, ctx: TriggerContext<S>): TriggerResult
  onEventTime(timestamp: number, window: TimeWindow, ctx: TriggerContext<S>): TriggerResult
  onProcessingTime(timestamp: number, window: TimeWindow, ctx: TriggerContext<S>): TriggerResult
  onMerge?(window: TimeWindow, ctx: TriggerContext<S>): void
  clear(window: TimeWindow, ctx: TriggerContext<S>): void
}

export type Trigger<T = unknown> =
  | { readonly kind: 'eventTime' | 'processingTime' | 'never' | 'endOfStream' }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'continuousEventTime' | 'continuousProcessingTime'; readonly intervalMs: number }
  | { readonly kind: 'delta'; readonly threshold: number; readonly delta: (oldPoint: T, newPoint: T) => number }
  | { readonly kind: 'purging'; readonly inner: Trigger<T> }
  | {
      readonly kind: 'processingTimeout'
      readonly inner: Trigger<T>
      readonly timeoutMs: number
      readonly resetOnNew: boolean
      readonly clearOnTimeout: boolean
    }
  | CustomTrigger<T, StateDeclarations>

export type Evictor<T = unknown> =
  | { readonly kind: 'count'; readonly count: number; readonly after: boolean }
  | { readonly kind: 'time'; readonly sizeMs: number; readonly after: boolean }
  | { readonly kind: 'delta'; readonly threshold: number; readonly delta: (element: T, last: T) => number; readonly after: boolean }

export interface WindowContext<
  S extends StateDeclarations = Record<never, never>,
  K = unknown,
  W extends StateDeclarations = Record<never, never>,
> {
  readonly key: K
  readonly window: TimeWindow
  readonly currentWatermark: number
  readonly currentProcessingTime: number
  /** Per key and window; refused with merging windows. */
  readonly windowState: StateHandles<W>
  /** Per key. */
  readonly globalState: StateHandles<S>
  readonly runtime: RuntimeContext
  output<X>(tag: OutputTag<X>, value: X): void
}

export interface ProcessWindowFunctionObject<
  I,
  O,
  K = unknown,
  S extends StateDeclarations = Record<never, never>,
  W extends StateDeclarations = Record<never, never>,
> {
  readonly globalState?: S
  readonly windowState?: W
  open?(ctx: RuntimeContext): void | Promise<void>
  process(elements: readonly I[], ctx: WindowContext<S, K, W>, out: Collector<O>): void
  /** When the window's state is cleaned up. */
  clear?(ctx: WindowContext<S, K, W>): void
  close?(): void | Promise<void>
}
/** With an aggregate or reduce before it, `elements` holds the one result. */
export type ProcessWindowFunction<
  I,
  O,
  K = unknown,
  S extends StateDeclarations = Record<never, never>,
  W extends StateDeclarations = Record<never, never>,
> = ((elements: readonly I[], ctx: WindowContext<S, K, W>, out: Collector<O>) => void) | ProcessWindowFunctionObject<I, O, K, S, W>
