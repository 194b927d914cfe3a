/**
 * Runs jobs on this machine without a network, in one of two forms behind one interface: `inline`, in the calling thread with
 * the closures as they are, and `threads`, a thread a slot.
 *
 * Threads need code to travel, so they take a program: a module that each thread can import. A job of a script that is no
 * such module runs inline; `inlineReason` says so. See docs/design/local-execution.md.
 */

import { ownModule, ownVersion } from '../../base/bundle/own-module.ts'
import type { Clock } from '../../base/core/clock.ts'
import { configValue } from '../../base/core/config-options.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { Executor } from '../../program/api/executor.ts'
import { runSlot } from '../../runtime/task/run-slot.ts'
import type { RunSlot } from '../../runtime/task/slot.ts'
import { checkpointPlaceOf } from '../jobmanager/checkpoint-files.ts'
import { collectVertices } from '../jobmanager/held-rows.ts'
import { JobMaster } from '../jobmanager/job-master.ts'
import { localSources } from '../jobmanager/local-sources.ts'
import { defaultNetworkMemory, type NetworkMemory } from '../jobmanager/network-memory.ts'
import { loadRestore, withMaxParallelismOf } from '../jobmanager/restore-job.ts'
import { inlineSlots } from '../taskmanager/inline-slots.ts'
import { newJobId, nodeHost, printLine, processRandom, raiseInliningBudget, temporaryFolder } from '../taskmanager/node-host.ts'
import type { ProgramReference } from '../taskmanager/slot-lease.ts'
import { threadSlots } from '../taskmanager/thread-slots.ts'

export interface LocalExecutorOptions {
  readonly mode: 'inline' | 'threads'
  /** What task threads load; without it `threads` is `inline`. */
  readonly program?: ProgramReference
  /** How many slots the job will probably take: their threads start at once, beside the planning. */
  readonly expectedSlots?: number
  /** Heap of one thread (taskmanager.memory.task.heap.size), which must be known before the job is. */
  readonly heapSizeBytes?: number
  /** Absent: the console of this process. */
  readonly print?: (stream: 'stdout' | 'stderr', line: string) => void
  readonly clock?: Clock
  readonly fileSystem?: FileSystem
  /** Of inline slots; absent: after the process's own event loop. */
  readonly yieldTo?: (callback: () => void) => void
  /** What runs inline slots; absent: the engine. For those who look on. */
  readonly runSlot?: RunSlot
  /** Numbers from 0 to 1. */
  readonly random?: () => number
  readonly newJobId?: () => string
}

export interface LocalExecutor extends Executor {
  readonly mode: 'inline' | 'threads'
  /** Why `threads` became `inline`. */
  readonly inlineReason?: string
  /** Ends threads that wait for a job. An executor of which a job was asked, and has ended, holds none. */
  close(): Promise<void>
}

/** Locally nobody waits three minutes for a thread that does not stop. */
const localCancelTimeoutMs = 1000

export function localExecutor(options: LocalExecutorOptions): LocalExecutor {
  raiseInliningBudget()
  const { clock = nodeHost.clock, fileSystem = nodeHost.fileSystem, yieldTo = nodeHost.yieldTo, random = processRandom } = options
  const threads =
    options.mode === 'threads' && options.program !== undefined
      ? threadSlots({
          program: options.program,
          threadEntry: ownModule('task-thread'),
          heapSizeBytes: options.heapSizeBytes,
        })
      : undefined
  threads?.warmUp(options.expectedSlots ?? 0)
  const inline = { runSlot: options.runSlot ?? runSlot, clock, fileSystem, yieldTo }
  return {
    mode: threads === undefined ? 'inline' : 'threads',
    ...(options.mode === 'threads' && threads === undefined && { inlineReason: noProgram }),
    async submit({ streamGraph, jobGraph: planned, onCollect, earlier = [] }) {
      const jobId = (options.newJobId ?? newJobId)()
      const restored = await loadRestore({ jobGraph: planned, streamGraph }, fileSystem)
      const jobGraph = restored === undefined ? planned : withMaxParallelismOf(restored.metadata, planned)
      const coordinator = new JobMaster({
        jobId,
        jobGraph,
        collects: collectVertices(streamGraph, jobGraph),
        hostSources: localSources({ jobGraph, streamGraph, clock, fileSystem }),
        slotPool: threads?.forJob(earlier) ?? inlineSlots(inline, streamGraph),
        clock,
        fileSystem,
        onCollect,
        yieldTo,
        random,
        headrace: ownVersion(),
        place: checkpointPlaceOf(jobGraph.config, jobId, configValue(jobGraph.config, 'io.tmp.dirs')?.split(',')[0] ?? temporaryFolder()),
        ...(restored && { restored }),
        deploy: {
          networkMemory: networkMemoryOf(jobGraph.config),
          config: { 'execution.check-mutation': configValue(jobGraph.config, 'execution.check-mutation') ?? threads === undefined },
        },
        print: options.print ?? printLine,
        cancelTimeoutMs:
          jobGraph.config['task.cancellation.timeout'] === undefined
            ? localCancelTimeoutMs
            : configValue(jobGraph.config, 'task.cancellation.timeout'),
      })
      await coordinator.start()
      return coordinator
    },
    async close() {
      await threads?.close()
    },
  }
}

const noProgram =
  'Task threads load the program by themselves, and this one was not started by `headrace run`, so its jobs run in the calling thread.'

/** The table's limit is that of a TaskManager process, which has none of its own. */
function networkMemoryOf(config: Readonly<Record<string, unknown>>): NetworkMemory {
  return {
    segmentSizeBytes: configValue(config, 'taskmanager.memory.segment-size'),
    maxBytes:
      config['taskmanager.memory.network.max'] === undefined
        ? defaultNetworkMemory.maxBytes
        : configValue(config, 'taskmanager.memory.network.max'),
  }
}
