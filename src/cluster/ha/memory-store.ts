/**
 * HighAvailability in memory: for one JobManager process, and for tests with several candidates. What is written ends with it.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type {
  Candidate,
  CompletedCheckpoint,
  FencedStore,
  HighAvailability,
  JobResult,
  Leader,
  LeaderRole,
  StoredJob,
} from './high-availability.ts'

interface Standing {
  readonly address: string
  readonly candidate: Candidate
}

interface StandingLeader extends Leader {
  readonly standing: Standing
}

/** `newSessionId` never gives the same twice. `later` calls back soon, not now: nobody is granted office before stand() has returned. */
export function memoryStore(newSessionId: () => string, later: (callback: () => void) => void = queueMicrotask): HighAvailability {
  return new MemoryStore(newSessionId, later)
}

class MemoryStore implements HighAvailability {
  readonly jobs = this.#store<StoredJob>()
  readonly checkpoints = this.#store<readonly CompletedCheckpoint[]>()
  readonly results = this.#store<JobResult>()
  readonly #newSessionId: () => string
  readonly #later: (callback: () => void) => void
  readonly #standing: Standing[] = []
  readonly #watchers = new Set<(leader: Leader | undefined) => void>()
  readonly #ids = new Map<string, number>()
  #leader: StandingLeader | undefined

  constructor(newSessionId: () => string, later: (callback: () => void) => void) {
    this.#newSessionId = newSessionId
    this.#later = later
  }

  stand(_role: LeaderRole, address: string, candidate: Candidate): { withdraw(): Promise<void> } {
    const standing: Standing = { address, candidate }
    this.#standing.push(standing)
    this.#later(() => this.#elect())
    return {
      withdraw: async () => {
        const at = this.#standing.indexOf(standing)
        if (at < 0) return
        this.#standing.splice(at, 1)
        if (this.#leader?.standing === standing) this.#lead(undefined)
        this.#elect()
      },
    }
  }

  watch(_role: LeaderRole, listener: (leader: Leader | undefined) => void): () => void {
    this.#watchers.add(listener)
    listener(this.#told())
    return () => void this.#watchers.delete(listener)
  }

  async nextCheckpointId(sessionId: string, jobId: string): Promise<number> {
    this.#mustLead(sessionId)
    const id = (this.#ids.get(jobId) ?? 0) + 1
    this.#ids.set(jobId, id)
    return id
  }

  async close(): Promise<void> {
    this.#standing.length = 0
    const last = this.#leader
    this.#lead(undefined)
    last?.standing.candidate.revoked()
  }

  #elect(): void {
    const [standing] = this.#standing
    if (this.#leader !== undefined || standing === undefined) return
    const { address, candidate } = standing
    const sessionId = this.#newSessionId()
    this.#lead({ address, sessionId, standing })
    candidate.granted(sessionId)
  }

  #lead(leader: StandingLeader | undefined): void {
    this.#leader = leader
    for (const watcher of this.#watchers) watcher(this.#told())
  }

  #told(): Leader | undefined {
    return this.#leader && { address: this.#leader.address, sessionId: this.#leader.sessionId }
  }

  #mustLead(sessionId: string): void {
    if (this.#leader?.sessionId === sessionId) return
    throw new StreamError('PEER_REFUSED', 'What was to be written comes from a leader that leads no more', {
      hint: 'Another JobManager has taken over; this one gives up its jobs.',
    })
  }

  #store<T>(): FencedStore<T> {
    const values = new Map<string, T>()
    return {
      put: async (sessionId, jobId, value) => {
        this.#mustLead(sessionId)
        values.set(jobId, structuredClone(value))
      },
      remove: async (sessionId, jobId) => {
        this.#mustLead(sessionId)
        values.delete(jobId)
      },
      all: async () => structuredClone(values),
    }
  }
}
