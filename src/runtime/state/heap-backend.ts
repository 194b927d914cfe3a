/** State and timers of a keyed operator as objects on the heap, which hold any key and any value. */
import type { StateDeclaration } from '../../program/function/state.ts'
import { HeapKeyedState, type HeapKeyedStateOptions } from './heap-keyed-state.ts'
import { InternalTimers } from './internal-timers.ts'
import type { FireTurn, KeyedBackend } from './keyed-backend.ts'
import type { RestoredState, StateSnapshot } from './snapshot.ts'

export class HeapBackend implements KeyedBackend {
  readonly state: HeapKeyedState
  readonly timers: InternalTimers
  currentKey: unknown
  readonly #options: HeapKeyedStateOptions

  constructor(options: HeapKeyedStateOptions, requestProcessingTimer: (atMs: number) => void) {
    this.#options = options
    this.state = new HeapKeyedState(options)
    this.timers = new InternalTimers(requestProcessingTimer)
  }

  get numEventTimers(): number {
    return this.timers.numEventTimers
  }

  get numProcessingTimers(): number {
    return this.timers.numProcessingTimers
  }

  declare<H>(name: string, declaration: StateDeclaration<H>): H {
    return this.state.declare(name, declaration)
  }

  enter(key: unknown): void {
    this.state.setCurrentKey(key)
    this.currentKey = key
  }

  leave(): void {
    this.state.leaveKey()
  }

  registerEventTimer(time: number): void {
    this.timers.registerEventTimer(this.currentKey, undefined, time)
  }

  registerProcessingTimer(time: number): void {
    this.timers.registerProcessingTimer(this.currentKey, undefined, time)
  }

  deleteEventTimer(time: number): void {
    this.timers.deleteEventTimer(this.currentKey, undefined, time)
  }

  deleteProcessingTimer(time: number): void {
    this.timers.deleteProcessingTimer(this.currentKey, undefined, time)
  }

  advanceWatermark(watermark: number, fire: FireTurn, shouldStop: () => boolean): boolean {
    return this.timers.advanceWatermark(watermark, (key, _namespace, time, domain) => this.#fire(key, time, domain, fire), shouldStop)
  }

  fireProcessingTimers(nowMs: number, fire: FireTurn, shouldStop: () => boolean): boolean {
    return this.timers.fireProcessingTimers(nowMs, (key, _namespace, time, domain) => this.#fire(key, time, domain, fire), shouldStop)
  }

  get isSaving(): boolean {
    return this.state.isSaving || this.timers.isSaving
  }

  snapshot(): readonly StateSnapshot[] {
    return [...this.state.snapshot(), this.timers.snapshot(this.#options.maxParallelism)]
  }

  async restore({ tables, watermark }: RestoredState): Promise<void> {
    for (const table of tables) if (this.state.has(table.name)) await this.state.restore(table)
    await this.timers.restore(
      tables.find(({ name }) => name === '_timers'),
      watermark,
    )
  }

  #fire(key: unknown, time: number, domain: 'event' | 'processing', fire: FireTurn): void {
    this.enter(key)
    fire(time, domain)
  }
}
