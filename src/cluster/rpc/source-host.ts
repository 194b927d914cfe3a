/**
 * The enumerators of a job as its JobMaster sees them, whether they live beside it or in the job's own process.
 *
 * What always holds: calls take effect in their order; what an enumerator says before it answers snapshotAll() is heard before the
 * answer, and what it says later, after it; so whoever hands out the checkpoint's start within `then` has every split on the right side of it.
 * Nothing of vertices that were closed is heard after close() has resolved.
 */
import type { StreamError } from '../../base/core/stream-error.ts'
import type { ToSlot } from '../../runtime/task/deployment.ts'

/** What an enumerator says to a reader. */
export type ToReader = ToSlot & { readonly vertex: number; readonly subtask: number }

export interface SourceEvents {
  toReader(message: ToReader): void
  /** An enumerator failed; or all of them at once, when their process is gone. */
  failed(error: StreamError): void
}

/** By vertex; undefined where an enumerator keeps nothing. */
export type SourceSnapshots = ReadonlyMap<number, unknown>

export interface SourceHost {
  /** New enumerators for the sources among these vertices, in place of those of an earlier attempt; they start with start(). */
  make(vertices: readonly number[], restored: ReadonlyMap<number, unknown> | undefined): void
  start(vertices: readonly number[]): void
  registerReader(vertex: number, subtask: number): void
  requestSplit(vertex: number, subtask: number): void
  readerEvent(vertex: number, subtask: number, event: unknown): void
  /** Copies of the state of all enumerators, or the error for which the checkpoint must be declined. `then` is called once, perhaps at once. */
  snapshotAll(checkpointId: number, then: (answer: SourceSnapshots | StreamError) => void): void
  notifyCheckpointComplete(checkpointId: number): void
  /** Resolves when the enumerators of these vertices are closed, at once where there are none; never rejects. */
  close(vertices: readonly number[]): Promise<void>
}

/** Makes the host of one job, which reports to `events`. */
export type HostSources = (events: SourceEvents) => SourceHost
