/**
 * Runs a TaskManager's slots in worker threads of its process, one thread a slot, with a program from the JobManager.
 */
import { pathToFileURL } from 'node:url'
import { ownModule } from '../../base/bundle/own-module.ts'
import { ProgramCache, type ProgramCacheOptions } from './program-cache.ts'
import type { SlotRunner } from './slot-runner.ts'
import { threadSlots } from './thread-slots.ts'

export interface ThreadSlotRunnerOptions extends ProgramCacheOptions {
  /** taskmanager.memory.task.heap.size: of one slot; absent: V8's own limit. */
  readonly heapSizeBytes?: number
  /** The thread's entry; absent: headrace's. */
  readonly threadEntry?: URL
}

export function threadSlotRunner(options: ThreadSlotRunnerOptions): SlotRunner {
  const cache = new ProgramCache(options)
  const { heapSizeBytes, threadEntry = ownModule('task-thread') } = options
  return {
    async prepare(program) {
      const { id, file, args, seed, config, earlier } = program
      const url = pathToFileURL(await cache.hold(program)).href
      const threads = threadSlots({ program: { url, file, args, seed, ...(config && { config }) }, threadEntry, heapSizeBytes })
      return {
        run: threads.forJob(earlier).run,
        async close() {
          await threads.close()
          await cache.release(id)
        },
      }
    },
  }
}
