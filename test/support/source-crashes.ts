/**
 * Reads a source under a random schedule, with checkpoints, crashes and restores at other parallelisms, by the engine's
 * protocol: mails between enumerator and readers come in order but late; the enumerator's snapshot and the start of a checkpoint
 * leave in one turn; a reader holds back mails behind that start until its barrier; what a reader emitted before its barrier is
 * kept, what it emitted behind the last complete checkpoint is lost in a crash. Everything follows from the seed but the moments
 * at which reads of files come back.
 */
import { ManualClock } from '../../src/base/core/clock.ts'
import type { FileSystem } from '../../src/base/filesystem/file-system.ts'
import type { Source, SourceReader, SplitEnumerator } from '../../src/program/function/source.ts'
import { RecordingOutput, recordsOf } from './source-harness.ts'
import { stored } from './stored.ts'
import { testContext } from './test-context.ts'

export interface CrashOptions {
  readonly seed: number
  /** Parallelism of the first attempt, the second, ...: as many crashes as there are more of them. */
  readonly parallelisms: readonly number[]
  readonly fileSystem?: FileSystem
  /** Of a source without an end: how many records are there to read. */
  readonly records?: number
}

/** Records by split, in the order in which they were emitted over all attempts. */
export type RecordsBySplit = Map<string, unknown[]>

export interface ReadRecords {
  readonly read: RecordsBySplit
  /** Parallelism of the attempt that began without a snapshot, and so cut the splits. */
  readonly begunWith: number
}

type ToReader =
  | { readonly mail: 'splits'; readonly splits: readonly unknown[] }
  | { readonly mail: 'noMore' }
  | { readonly mail: 'checkpoint' }

interface Snapshot {
  readonly enumerator: unknown
  readonly splits: readonly unknown[]
}

interface Subtask {
  readonly reader: SourceReader<unknown, unknown>
  readonly output: RecordingOutput
  readonly inbox: ToReader[]
  readonly outbox: (() => void)[]
  ended: boolean
  /** It has heard of the checkpoint and has not taken its barrier. */
  barrierDue: boolean
  /** What it held at its barrier, and how much it had emitted. */
  taken: { readonly splits: readonly unknown[]; readonly units: number } | undefined
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A small generator of numbers from 0 to below `limit` (mulberry32). */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed >>> 0
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

/** What was read exactly once, if the source keeps its word. */
export async function readWithCrashes(source: Source<any, any, any>, options: CrashOptions): Promise<ReadRecords> {
  const random = randomFrom(options.seed)
  const read: RecordsBySplit = new Map()
  let snapshot: Snapshot | undefined
  let begunWith = 0
  for (const [i, parallelism] of options.parallelisms.entries()) {
    if (snapshot === undefined) begunWith = parallelism
    const attempt = new Attempt(source, { ...options, parallelism, random, snapshot, read })
    await attempt.start()
    const over = await attempt.run(i < options.parallelisms.length - 1 ? random(120) : Number.POSITIVE_INFINITY)
    snapshot = attempt.completed ?? snapshot
    await attempt.close()
    if (over) break
  }
  return { read, begunWith }
}

interface AttemptOptions extends Omit<CrashOptions, 'parallelisms' | 'seed'> {
  readonly parallelism: number
  readonly random: (limit: number) => number
  readonly snapshot: Snapshot | undefined
  readonly read: RecordsBySplit
}

class Attempt {
  readonly #options: AttemptOptions
  readonly #clock = new ManualClock()
  readonly #subtasks: Subtask[] = []
  readonly #registered = new Set<number>()
  readonly #enumerator: SplitEnumerator<unknown>
  #enumeratorState: unknown
  #checkpointing = false
  #failure: unknown
  #closed = false
  completed: Snapshot | undefined

  constructor(source: Source<any, any, any>, options: AttemptOptions) {
    this.#options = options
    const { parallelism, fileSystem, snapshot, random } = options
    this.#enumerator = source.createEnumerator(
      {
        parallelism,
        fileSystem: testContext({ fileSystem }).fileSystem,
        clock: this.#clock,
        registeredReaders: () => [...this.#registered].sort((a, b) => a - b),
        assignSplits: (subtask, splits) => this.#mail(subtask, { mail: 'splits', splits: structuredClone(splits) }),
        signalNoMoreSplits: (subtask) => this.#mail(subtask, { mail: 'noMore' }),
        callAsync: (work, handler, periodMs) => void this.#callAsync(work, handler, periodMs),
        sendEventToReader: () => {
          throw new Error('no source here sends events')
        },
      },
      snapshot === undefined ? undefined : stored([snapshot.enumerator])[0],
    )
    for (let subtask = 0; subtask < parallelism; subtask++) this.#subtasks.push(this.#subtask(source, subtask))
    for (const split of snapshot === undefined ? [] : stored(snapshot.splits))
      this.#subtasks[random(parallelism)]!.reader.addSplits([split])
  }

  async start(): Promise<void> {
    await this.#enumerator.start()
    for (const [subtask, { reader, outbox }] of this.#subtasks.entries()) {
      outbox.push(() => {
        this.#registered.add(subtask)
        this.#enumerator.addReader(subtask)
      })
      await reader.start()
    }
  }

  /** Until all is read (true), or a crash after so many steps. */
  async run(steps: number): Promise<boolean> {
    for (let step = 0, idle = 0; step < steps; step++) {
      if (this.#failure !== undefined) throw this.#failure
      if (this.#isOver()) {
        this.#commit(this.#subtasks.map(({ output }) => output.units.length))
        return true
      }
      idle = this.#step() ? 0 : idle + 1
      if (idle > 20_000) throw new Error(`no reader has anything to do for ever: ${this.#describe()}`)
      if (idle % 8 === 7) {
        this.#clock.advance(this.#options.random(500))
        await settled()
      }
    }
    return false
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { reader } of this.#subtasks) await reader.close()
    await this.#enumerator.close()
  }

  #subtask(source: Source<any, any, any>, subtask: number): Subtask {
    const outbox: (() => void)[] = []
    const { fileSystem, parallelism } = this.#options
    const reader = source.createReader({
      ...testContext({ clock: this.#clock, fileSystem, subtaskIndex: subtask, parallelism }),
      sendSplitRequest: () => void outbox.push(() => this.#enumerator.handleSplitRequest(subtask)),
      sendEventToEnumerator: (event) => void outbox.push(() => this.#enumerator.handleReaderEvent?.(subtask, event)),
    })
    return { reader, output: new RecordingOutput(), inbox: [], outbox, ended: false, barrierDue: false, taken: undefined }
  }

  #mail(subtask: number, mail: ToReader): void {
    if (!this.#registered.has(subtask)) throw new Error(`the enumerator wrote to reader ${subtask}, which has not registered`)
    this.#subtasks[subtask]!.inbox.push(mail)
  }

  async #callAsync<R>(work: () => Promise<R>, handler: (result: R) => void, periodMs: number | undefined): Promise<void> {
    try {
      const result = await work()
      for (let late = this.#options.random(6); late > 0; late--) await settled()
      if (this.#closed) return
      handler(result)
    } catch (error) {
      this.#failure ??= error
    }
    if (periodMs !== undefined) this.#clock.setTimer(periodMs, () => void this.#callAsync(work, handler, periodMs))
  }

  /** Whether anything happened. */
  #step(): boolean {
    const { random, parallelism } = this.#options
    const subtask = this.#subtasks[random(parallelism)]!
    switch (random(5)) {
      case 0: {
        const say = subtask.outbox.shift()
        say?.()
        return say !== undefined
      }
      case 1:
        return this.#deliver(subtask)
      case 2:
        return subtask.barrierDue && this.#takeBarrier(subtask)
      case 3:
        return random(4) === 0 && this.#startCheckpoint()
      default:
        return this.#poll(subtask)
    }
  }

  #poll(subtask: Subtask): boolean {
    if (subtask.ended) return false
    subtask.output.wantedRows = 1 + this.#options.random(5_000)
    const said = subtask.reader.pollNext(subtask.output)
    subtask.ended = said === 'end'
    return said !== 'nothing'
  }

  #deliver(subtask: Subtask): boolean {
    if (subtask.barrierDue) return false
    const mail = subtask.inbox.shift()
    if (mail === undefined) return false
    if (mail.mail === 'splits') subtask.reader.addSplits(mail.splits)
    else if (mail.mail === 'noMore') subtask.reader.notifyNoMoreSplits()
    else subtask.barrierDue = true
    return true
  }

  #startCheckpoint(): boolean {
    if (this.#checkpointing || this.#registered.size < this.#options.parallelism) return false
    this.#checkpointing = true
    this.#enumeratorState = structuredClone(this.#enumerator.snapshotState(1))
    for (const { inbox } of this.#subtasks) inbox.push({ mail: 'checkpoint' })
    return true
  }

  #takeBarrier(subtask: Subtask): boolean {
    subtask.barrierDue = false
    subtask.taken = { splits: structuredClone(subtask.reader.snapshotState(1)), units: subtask.output.units.length }
    const taken = this.#subtasks.map((each) => each.taken)
    if (!taken.every((each) => each !== undefined)) return true
    this.completed = { enumerator: this.#enumeratorState, splits: taken.flatMap(({ splits }) => splits) }
    this.#commit(taken.map(({ units }) => units))
    for (const each of this.#subtasks) each.taken = undefined
    this.#checkpointing = false
    return true
  }

  /** The first units of each reader can no longer be lost. */
  #commit(units: readonly number[]): void {
    for (const [i, { output }] of this.#subtasks.entries()) {
      const kept = this.#kept[i] ?? 0
      for (const { unit, splitId } of output.units.slice(kept, units[i])) {
        const of = this.#options.read.get(splitId ?? '') ?? []
        of.push(...recordsOf(unit))
        this.#options.read.set(splitId ?? '', of)
      }
      this.#kept[i] = units[i]!
    }
  }
  readonly #kept: number[] = []

  #isOver(): boolean {
    const { records, read } = this.#options
    if (records === undefined) return this.#subtasks.every(({ ended }) => ended)
    let count = 0
    for (const list of read.values()) count += list.length
    return count >= records
  }

  #describe(): string {
    return this.#subtasks
      .map(({ inbox, outbox, ended, barrierDue }) => JSON.stringify({ inbox, outbox: outbox.length, ended, barrierDue }))
      .join()
  }
}
