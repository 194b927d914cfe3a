/**
 * A Dispatcher with real job processes over slots that are threads of this process: all of a cluster but the network.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { ownModule } from '../../../src/base/bundle/own-module.ts'
import type { Clock } from '../../../src/base/core/clock.ts'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { systemClock } from '../../../src/base/core/system-clock.ts'
import { LocalFileSystem } from '../../../src/base/filesystem/local-file-system.ts'
import { ArchiveStore } from '../../../src/cluster/dispatcher/archive-store.ts'
import type { SlotsForJob } from '../../../src/cluster/dispatcher/cluster-job.ts'
import { Dispatcher } from '../../../src/cluster/dispatcher/dispatcher.ts'
import { jobProcesses } from '../../../src/cluster/dispatcher/fork-job-process.ts'
import { PackageStore } from '../../../src/cluster/dispatcher/package-store.ts'
import { newJobId } from '../../../src/cluster/taskmanager/node-host.ts'
import { threadSlots } from '../../../src/cluster/taskmanager/thread-slots.ts'

export interface ThreadCluster {
  readonly dispatcher: Dispatcher
  readonly folder: string
  readonly lines: string[]
  readonly packages: PackageStore
  readonly problems: string[]
  /** job-process.main-timeout goes by, for every process that is there. */
  passMainTime(): void
  close(): void
}

/** What main may take, on a clock of its own: it passes when passMainTime() is called. */
const mainTimeoutMs = 77_777

export function clusterOfThreads(options: { readonly heapMb?: number } = {}): ThreadCluster {
  const limits = new Set<() => void>()
  const clock: Clock = {
    now: () => systemClock.now(),
    elapsed: () => systemClock.elapsed(),
    setTimer(delayMs, callback) {
      if (delayMs !== mainTimeoutMs) return systemClock.setTimer(delayMs, callback)
      limits.add(callback)
      return { cancel: () => void limits.delete(callback) }
    },
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'headrace-dispatcher-'))
  const fileSystem = new LocalFileSystem()
  const packages = new PackageStore({ fileSystem, folder: path.join(folder, 'packages'), maxBytes: 1_000_000 })
  const lines: string[] = []
  const problems: string[] = []
  const archives = new ArchiveStore({
    fileSystem,
    folder: path.join(folder, 'archive'),
    most: 10,
    onProblem: (error) => void problems.push(error.message),
  })
  const slotsFor: SlotsForJob = ({ program: { id, file, args, seed, config, earlier } }) => {
    // Threads import files: a TaskManager gives what it fetched an ending too.
    const bundle = path.join(folder, `${id}.mjs`)
    const copied = packages
      .read(id)
      .then((bytes) => fileSystem.create(bundle).then((writer) => writer.write(bytes).then(() => writer.close())))
    const slots = threadSlots({
      program: { url: pathToFileURL(bundle).href, file, args, seed, ...(config && { config }) },
      threadEntry: ownModule('task-thread'),
    })
    // A thread that finds no bundle says so.
    copied.catch(() => undefined)
    return { pool: slots.forJob(earlier), close: () => void slots.close() }
  }
  const processes = jobProcesses({
    entry: new URL('../../../src/cluster/dispatcher/job-process-entry.ts', import.meta.url),
    heapSizeBytes: (options.heapMb ?? 256) * 1024 * 1024,
  })
  const dispatcher = new Dispatcher({
    environment: {
      clock,
      fileSystem,
      random: () => 0.5,
      yieldTo: setImmediate,
      headrace: 'test',
      temporaryFolder: folder,
      print: (_jobId, _stream, line) => void lines.push(line),
      slotsFor,
    },
    packages,
    archives,
    config: { 'task.cancellation.timeout': 500 },
    mainTimeoutMs,
    newJobId,
    newSeed: () => ({ timeMs: 1_700_000_000_000, random: 7 }),
    startProcess: (file) => processes.start(file, (_stream, line) => void lines.push(line)),
    onWarning: (text) => void problems.push(text),
    log: () => undefined,
  })
  return {
    ...{ dispatcher, folder, lines, packages, problems },
    passMainTime() {
      for (const passed of [...limits]) {
        limits.delete(passed)
        passed()
      }
    },
    close() {
      processes.close()
      dispatcher.close(new StreamError('CANCELLED', 'the test is over'))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A program as it is submitted. */
export const program = (text: string, args: readonly string[] = [], config = {}) => ({
  bytes: new TextEncoder().encode(text),
  file: 'program.ts',
  args,
  config,
})

/** Polls until the job is in one of these states. */
export async function stateOf(dispatcher: Dispatcher, jobId: string, states: readonly string[]): Promise<string> {
  for (;;) {
    const { state } = await dispatcher.job(jobId)
    if (states.includes(state)) return state
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
