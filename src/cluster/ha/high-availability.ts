/**
 * What outlives a leader: who leads, the jobs that it took, their completed checkpoints, their ids and their results. ZooKeeper and
 * Kubernetes come behind this interface; memory-store.ts is for one JobManager process.
 *
 * What always holds: a role has at most one leader at a time, each under a session of its own; a write is made under the session of the
 * leader that it comes from, and refused with PEER_REFUSED once that one leads no more.
 */

/** The Dispatcher and the ResourceManager lead as one: they are one process. */
export type LeaderRole = 'jobmanager'

export interface Leader {
  /** `host:port` of its managers. */
  readonly address: string
  /** New with each election. */
  readonly sessionId: string
}

export interface Candidate {
  /** It leads from now on. */
  granted(sessionId: string): void
  /** It leads no more, and nothing that it writes from now on counts. */
  revoked(): void
}

export interface Election {
  /** Gives up office, or the candidacy. `revoked` is not called for it. */
  withdraw(): Promise<void>
}

/** Values by key, of one kind. Keys are job ids. */
export interface FencedStore<T> {
  put(sessionId: string, jobId: string, value: T): Promise<void>
  /** Nothing happens if it is not there. */
  remove(sessionId: string, jobId: string): Promise<void>
  all(): Promise<ReadonlyMap<string, T>>
}

/** Enough to begin a job again. */
export interface StoredJob {
  readonly jobName: string
  /** Its package and how it was planned, as the Dispatcher writes it. */
  readonly bytes: Uint8Array
}

export interface CompletedCheckpoint {
  readonly checkpointId: number
  /** Its folder. */
  readonly path: string
}

/** What became of a job that has ended, until everything of it is cleaned up. */
export interface JobResult {
  readonly state: 'FINISHED' | 'CANCELED' | 'FAILED'
  readonly isClean: boolean
}

export interface HighAvailability {
  stand(role: LeaderRole, address: string, candidate: Candidate): Election
  /** Who leads; undefined: nobody. Called now and with each change, until the returned function is. */
  watch(role: LeaderRole, listener: (leader: Leader | undefined) => void): () => void
  readonly jobs: FencedStore<StoredJob>
  /** The completed checkpoints of each job, oldest first. */
  readonly checkpoints: FencedStore<readonly CompletedCheckpoint[]>
  readonly results: FencedStore<JobResult>
  /** The next checkpoint id of a job, from 1: no id is given twice. */
  nextCheckpointId(sessionId: string, jobId: string): Promise<number>
  close(): Promise<void>
}
