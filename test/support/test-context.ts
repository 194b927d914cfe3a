/**
 * A RuntimeContext made of real alternatives: a clock moved by hand, files in memory, and lists of what was said.
 */
import { type Clock, ManualClock } from '../../src/base/core/clock.ts'
import type { FileSystem } from '../../src/base/filesystem/file-system.ts'
import { MemoryFileSystem } from '../../src/base/filesystem/memory-file-system.ts'
import type { RuntimeContext } from '../../src/program/function/runtime-context.ts'

export interface TestContext extends RuntimeContext {
  readonly counters: Record<string, number>
  readonly printed: { readonly stream: 'stdout' | 'stderr'; readonly line: string }[]
  readonly sent: { readonly channel: string; readonly rows: readonly unknown[] }[]
}

export interface TestContextOptions {
  readonly clock?: Clock
  readonly fileSystem?: FileSystem
  readonly subtaskIndex?: number
  readonly parallelism?: number
  readonly attemptNumber?: number
  readonly checkpointing?: boolean
  readonly restoredCheckpointId?: number
  readonly jobId?: string
  readonly operatorId?: string
}

export function testContext(options: TestContextOptions = {}): TestContext {
  const counters: Record<string, number> = {}
  const printed: TestContext['printed'] = []
  const sent: TestContext['sent'] = []
  return {
    jobId: options.jobId ?? 'job-1',
    jobName: 'test job',
    operatorName: 'operator under test',
    operatorUid: undefined,
    operatorId: options.operatorId ?? 'operator-1',
    subtaskIndex: options.subtaskIndex ?? 0,
    parallelism: options.parallelism ?? 1,
    maxParallelism: 128,
    attemptNumber: options.attemptNumber ?? 0,
    checkpointing: options.checkpointing ?? false,
    restoredCheckpointId: options.restoredCheckpointId,
    clock: options.clock ?? new ManualClock(),
    fileSystem: options.fileSystem ?? new MemoryFileSystem(),
    addToCounter: (name, delta) => void (counters[name] = (counters[name] ?? 0) + delta),
    printLine: (stream, line) => void printed.push({ stream, line }),
    sendToClient: (channel, rows) => void sent.push({ channel, rows }),
    counters,
    printed,
    sent,
  }
}
