/**
 * What the coordinator knows of the slots that run its job, whether they live in this thread or in threads of their own.
 *
 * What always holds: for each slot `done` or `lost` is called exactly once, after everything that the slot had to say, and
 * nothing is called for it afterwards. No event is raised before deploy() has returned.
 */
import type { StreamError } from '../../base/core/stream-error.ts'
import type { FromSlot, JobDeployment, ToSlot } from '../../runtime/task/deployment.ts'
import type { SlotLocation } from './job-archive.ts'

export interface SlotEvents {
  /** The slot was found and is told what it runs; said by pools whose slots are in other processes. */
  deployed(slot: number, location: SlotLocation): void
  message(slot: number, message: FromSlot): void
  /** The slot as a whole failed, before or outside of its tasks (its program does not load, its plan is another one). */
  failed(slot: number, error: StreamError): void
  done(slot: number): void
  /** The slot's thread ended without a word. */
  lost(slot: number, cause: unknown): void
}

export interface DeployedSlots {
  send(slot: number, message: ToSlot): void
  /** Ends the slot at once, whatever it is doing; `done` follows. */
  kill(slot: number): void
}

export interface SlotPool {
  deploy(deployment: JobDeployment, events: SlotEvents): DeployedSlots
}
