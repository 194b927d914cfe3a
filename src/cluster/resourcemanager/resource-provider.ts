/**
 * Who starts and ends TaskManager processes: nobody (standalone), this machine, or a cluster framework behind the same interface.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { WorkerSettings } from './slot-manager-events.ts'

export interface ProviderEvents {
  /** The worker's process ended, or never began. */
  lost(taskManagerId: string, reason: string): void
}

export interface ResourceProvider {
  /** What workers it can start; absent: none, they come by themselves. */
  readonly workers?: WorkerSettings
  /** Before anything else, once. */
  listen(events: ProviderEvents): void
  /** It shall register under this id. Never throws: what goes wrong is told as `lost`. */
  start(taskManagerId: string): void
  /** One that was started here; others are none of its business. */
  stop(taskManagerId: string): void
  /** Ends all that it started. */
  close(): Promise<void>
}

/** TaskManagers are started by whoever runs the cluster. */
export const standaloneProvider: ResourceProvider = {
  listen: () => undefined,
  start: () => undefined,
  stop: () => undefined,
  close: async () => undefined,
}

/** A process that was started: both ends of its life. */
export interface WorkerProcess {
  /** Resolves with a sentence when it has ended. */
  readonly ended: Promise<string>
  /** Asks it to end; whoever starts processes sees to it that it does. */
  stop(): void
}

/** TaskManager processes on this machine. */
export function localProcessProvider(
  workers: WorkerSettings,
  startProcess: (taskManagerId: string) => Promise<WorkerProcess>,
): ResourceProvider {
  const processes = new Map<string, WorkerProcess>()
  const stopped = new Set<string>()
  let events: ProviderEvents | undefined
  let isClosed = false
  const run = async (taskManagerId: string): Promise<void> => {
    let reason: string
    try {
      const started = await startProcess(taskManagerId)
      processes.set(taskManagerId, started)
      if (isClosed || stopped.has(taskManagerId)) started.stop()
      reason = await started.ended
    } catch (thrown) {
      reason = `it could not be started: ${StreamError.from(thrown, 'IO_FAILED').message}`
    }
    processes.delete(taskManagerId)
    stopped.delete(taskManagerId)
    events?.lost(taskManagerId, reason)
  }
  const running = new Set<Promise<void>>()
  return {
    workers,
    listen: (to) => void (events = to),
    start(taskManagerId) {
      const life = run(taskManagerId)
      running.add(life)
      void life.finally(() => running.delete(life))
    },
    stop(taskManagerId) {
      stopped.add(taskManagerId)
      processes.get(taskManagerId)?.stop()
    },
    async close() {
      isClosed = true
      for (const each of processes.values()) each.stop()
      await Promise.all(running)
    },
  }
}
