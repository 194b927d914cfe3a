/**
 * Drives a source as the engine does: one enumerator, a reader for each subtask, all in this thread, and an output
 * that records what is emitted. A snapshot is cloned, as it would be on its way to another process.
 */
import { type Clock, ManualClock } from '../../src/base/core/clock.ts'
import type { FileSystem } from '../../src/base/filesystem/file-system.ts'
import { MemoryFileSystem } from '../../src/base/filesystem/memory-file-system.ts'
import type { PollResult, ReaderOutput, Source, SourceReader, SourceUnit, SplitEnumerator } from '../../src/program/function/source.ts'
import { type TestContext, testContext } from './test-context.ts'

export interface EmittedUnit {
  readonly unit: SourceUnit<unknown>
  readonly position: string | undefined
  readonly splitId: string | undefined
}

/** The records of a unit, one by one. */
export function recordsOf(unit: SourceUnit<unknown>): unknown[] {
  if (unit.kind === 'rows') return [...unit.rows]
  if (unit.kind === 'range') return Array.from({ length: unit.count }, (_, i) => unit.generate(unit.from + i * unit.step))
  return Array.from({ length: unit.rowCount }, (_, row) => {
    const record: Record<string, unknown> = {}
    for (const { name, values, kind, dictionary } of unit.columns) {
      const value = values[row]
      record[name] =
        value === null
          ? null
          : dictionary !== undefined
            ? dictionary[value as number]
            : kind === 'boolean' || values instanceof Uint8Array
              ? Boolean(value)
              : value
    }
    return record
  })
}

export class RecordingOutput implements ReaderOutput<unknown> {
  /** What readers are told of it. */
  wantedRows = Number.POSITIVE_INFINITY
  readonly units: EmittedUnit[] = []
  /** Splits that have, or had, an output of their own. */
  readonly made: string[] = []
  readonly released: string[] = []
  readonly watermarks: number[] = []
  idle = 0

  get records(): unknown[] {
    return this.units.flatMap(({ unit }) => recordsOf(unit))
  }

  collect(record: unknown): void {
    this.emit({ kind: 'rows', rows: [record] })
  }

  emit(unit: SourceUnit<unknown>, position?: string, splitId?: string): void {
    this.units.push({ unit, position, splitId })
  }

  forSplit(splitId: string): ReaderOutput<unknown> {
    if (!this.made.includes(splitId)) this.made.push(splitId)
    return {
      wantedRows: this.wantedRows,
      collect: (record) => this.emit({ kind: 'rows', rows: [record] }, undefined, splitId),
      emit: (unit, position) => this.emit(unit, position, splitId),
      forSplit: (id) => this.forSplit(id),
      releaseSplit: (id) => this.releaseSplit(id),
      markIdle: () => void this.idle++,
      emitWatermark: (timestamp) => void this.watermarks.push(timestamp),
    }
  }

  releaseSplit(splitId: string): void {
    this.released.push(splitId)
  }

  markIdle(): void {
    this.idle++
  }

  emitWatermark(timestamp: number): void {
    this.watermarks.push(timestamp)
  }
}

export interface SourceSnapshot {
  readonly enumerator: unknown
  readonly splits: readonly (readonly unknown[])[]
}

export interface SourceHarnessOptions {
  readonly parallelism?: number
  readonly fileSystem?: FileSystem
  readonly clock?: Clock
  readonly restored?: SourceSnapshot
}

export class SourceHarness {
  readonly outputs: RecordingOutput[] = []
  readonly contexts: TestContext[] = []
  readonly readers: SourceReader<unknown, unknown>[] = []
  readonly assigned: { readonly subtask: number; readonly split: unknown }[] = []
  readonly enumerator: SplitEnumerator<unknown>
  readonly #parallelism: number
  readonly #failed = Promise.withResolvers<never>()
  #failure: unknown

  constructor(source: Source<any, any, any>, options: SourceHarnessOptions = {}) {
    this.#parallelism = options.parallelism ?? 1
    // Whoever waits sees the failure; before that nobody may.
    this.#failed.promise.catch(() => {})
    const clock = options.clock ?? new ManualClock()
    const fileSystem = options.fileSystem ?? new MemoryFileSystem()
    const run = async <R>(work: () => Promise<R>, handler: (result: R) => void, periodMs?: number): Promise<void> => {
      try {
        handler(await work())
        if (periodMs !== undefined) clock.setTimer(periodMs, () => void run(work, handler, periodMs))
      } catch (error) {
        this.#failure ??= error
        this.#failed.reject(error)
      }
    }
    this.enumerator = source.createEnumerator(
      {
        parallelism: this.#parallelism,
        fileSystem,
        clock,
        registeredReaders: () => this.readers.map((_, subtask) => subtask),
        assignSplits: (subtask, splits) => {
          for (const split of splits) this.assigned.push({ subtask, split })
          this.readers[subtask]?.addSplits(structuredClone(splits))
        },
        signalNoMoreSplits: (subtask) => this.readers[subtask]?.notifyNoMoreSplits(),
        callAsync: (work, handler, periodMs) => void run(work, handler, periodMs),
        sendEventToReader: (subtask, event) => this.readers[subtask]?.handleEnumeratorEvent?.(event),
      },
      options.restored?.enumerator,
    )
    for (let subtask = 0; subtask < this.#parallelism; subtask++) {
      const context = testContext({ clock, fileSystem, subtaskIndex: subtask, parallelism: this.#parallelism })
      this.contexts.push(context)
      this.outputs.push(new RecordingOutput())
      const reader = source.createReader({
        ...context,
        sendSplitRequest: () => queueMicrotask(() => this.enumerator.handleSplitRequest(subtask)),
        sendEventToEnumerator: (event) => this.enumerator.handleReaderEvent?.(subtask, event),
      })
      this.readers.push(reader)
    }
    const restoredSplits = options.restored?.splits.flat() ?? []
    restoredSplits.forEach((split, i) => void this.readers[i % this.#parallelism]?.addSplits([split]))
  }

  async start(): Promise<this> {
    await this.enumerator.start()
    for (const [subtask, reader] of this.readers.entries()) {
      this.enumerator.addReader(subtask)
      await reader.start()
    }
    await this.settle()
    return this
  }

  poll(subtask = 0): PollResult {
    const reader = this.readers[subtask]
    const output = this.outputs[subtask]
    if (reader === undefined || output === undefined) throw new Error(`no subtask ${subtask}`)
    return reader.pollNext(output)
  }

  /** Polls all readers in turn until each has ended; a failure of reader or enumerator rejects. */
  async drain(): Promise<this> {
    const running = new Set(this.readers.keys())
    while (running.size > 0) {
      let progressed = false
      for (const subtask of running) {
        const said = this.poll(subtask)
        if (said === 'end') running.delete(subtask)
        if (said !== 'nothing') progressed = true
      }
      if (!progressed) await this.available([...running])
    }
    return this
  }

  /** Polls one reader until `done` holds or it has nothing for now. */
  async pollUntil(done: () => boolean, subtask = 0): Promise<void> {
    while (!done()) {
      const said = this.poll(subtask)
      if (said === 'end') return
      if (said === 'nothing') await this.available([subtask])
    }
  }

  async available(subtasks: readonly number[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    await Promise.race([this.#failed.promise, ...subtasks.map((subtask) => this.readers[subtask]?.isAvailable())])
  }

  /** Lets what is under way in promises and callbacks happen. */
  async settle(): Promise<void> {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
    if (this.#failure !== undefined) throw this.#failure
  }

  snapshot(): SourceSnapshot {
    return structuredClone({ enumerator: this.enumerator.snapshotState(1), splits: this.readers.map((reader) => reader.snapshotState(1)) })
  }

  async close(): Promise<void> {
    for (const reader of this.readers) await reader.close()
    await this.enumerator.close()
  }

  get records(): unknown[] {
    return this.outputs.flatMap((output) => output.records)
  }
}

/** Reads a bounded source to its end and returns what came out, subtask by subtask. */
export async function readAll(source: Source<any, any, any>, options: SourceHarnessOptions = {}): Promise<SourceHarness> {
  const harness = await new SourceHarness(source, options).start()
  try {
    return await harness.drain()
  } finally {
    await harness.close()
  }
}
