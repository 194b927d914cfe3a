/**
 * Time and timers as triggers and window functions see them: those of the key and window that the operator points at.
 */
import type { Clock } from '../../../base/core/clock.ts'
import type { TimeDomain } from '../../../program/function/window.ts'
import type { InternalTimers } from '../../state/internal-timers.ts'
import type { TriggerScope } from './trigger.ts'
import type { WindowNamespace } from './window-namespace.ts'

export class WindowScope implements TriggerScope {
  key: unknown
  namespace: WindowNamespace = 0
  readonly #timers: InternalTimers<WindowNamespace>
  readonly #clock: Clock

  constructor(timers: InternalTimers<WindowNamespace>, clock: Clock) {
    this.#timers = timers
    this.#clock = clock
  }

  get currentWatermark(): number {
    return this.#timers.currentWatermark
  }

  get currentProcessingTime(): number {
    return this.#clock.now()
  }

  registerEventTimeTimer(timestamp: number): void {
    this.#timers.registerEventTimer(this.key, this.namespace, timestamp)
  }

  registerProcessingTimeTimer(timestamp: number): void {
    this.#timers.registerProcessingTimer(this.key, this.namespace, timestamp)
  }

  deleteEventTimeTimer(timestamp: number): void {
    this.#timers.deleteEventTimer(this.key, this.namespace, timestamp)
  }

  deleteProcessingTimeTimer(timestamp: number): void {
    this.#timers.deleteProcessingTimer(this.key, this.namespace, timestamp)
  }

  register(domain: TimeDomain, timestamp: number): void {
    if (domain === 'event') this.registerEventTimeTimer(timestamp)
    else this.registerProcessingTimeTimer(timestamp)
  }

  delete(domain: TimeDomain, timestamp: number): void {
    if (domain === 'event') this.deleteEventTimeTimer(timestamp)
    else this.deleteProcessingTimeTimer(timestamp)
  }
}
