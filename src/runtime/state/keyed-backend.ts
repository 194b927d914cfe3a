/**
 * State and timers of one keyed operator as its turns use them: a key is entered, its state is read and written and its
 * timers are set, and the key is left. Two forms behave alike: objects on the heap (HeapBackend) and typed tables
 * (TypedBackend).
 */
import type { StateDeclaration } from '../../program/function/state.ts'
import type { TimeDomain } from '../../program/function/window.ts'
import type { RestoredState, StateSnapshot } from './snapshot.ts'

/** Called with the timer's key entered; whoever is called leaves it. */
export type FireTurn = (time: number, domain: TimeDomain) => void

export interface KeyedBackend {
  /** The key that was entered last. */
  readonly currentKey: unknown
  readonly numEventTimers: number
  readonly numProcessingTimers: number
  /** All states are declared before the first key is entered. */
  declare<H>(name: string, declaration: StateDeclaration<H>): H
  enter(key: unknown): void
  /** Until the next key is entered, touching state is an error. */
  leave(): void
  registerEventTimer(time: number): void
  registerProcessingTimer(time: number): void
  deleteEventTimer(time: number): void
  deleteProcessingTimer(time: number): void
  /** Fires what is due, in order of time. False: `shouldStop` said so, and the same call goes on where this one stopped. */
  advanceWatermark(watermark: number, fire: FireTurn, shouldStop: () => boolean): boolean
  fireProcessingTimers(nowMs: number, fire: FireTurn, shouldStop: () => boolean): boolean
  /** Whether a snapshot is in flight. */
  readonly isSaving: boolean
  /** State and timers as they are now; costs nothing that grows with them. */
  snapshot(): readonly StateSnapshot[]
  /** Takes over what is declared here, whichever form wrote it. Before the first key is entered. */
  restore(restored: RestoredState): Promise<void>
}
