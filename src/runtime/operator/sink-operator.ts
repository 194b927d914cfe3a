/**
 * The end of a stream: drives a sink's writer, and its committer where it has one. A write may be async; while one is under way
 * `pending` is its promise, which the task awaits, and rows that still come (the rest of a unit of work) queue behind it in order.
 *
 * Two states go into snapshots: `_writer`, what the writer keeps, and `_committables`, what no commit has confirmed yet with the
 * checkpoint that prepared it. Commits follow notifyCheckpointComplete only, and so do those of the end; without checkpointing
 * the end of input commits. What is restored was complete, so it is committed before anything else happens.
 */
import { assert, StreamError } from '../../base/core/stream-error.ts'
import type { Sink, SinkWriter } from '../../program/function/sink.ts'
import type { CheckpointStart, RestoredState, StateSnapshot } from '../state/snapshot.ts'
import { CommitQueue } from './commit-queue.ts'
import { minWatermark, type OperatorContext, type StreamOperator } from './operator.ts'
import { restoredRows, splitState } from './operator-state.ts'
import { isPromise, runtimeOf, userFailure } from './user-function.ts'

/** Of the one commit of a job without checkpoints. */
const onlyCommit = 1

interface RestoredSink {
  readonly checkpointId: number
  readonly states: readonly unknown[]
  readonly committables: readonly unknown[]
}

export class SinkOperator implements StreamOperator {
  readonly #ctx: OperatorContext
  readonly #sink: Sink<any, any, any>
  #writer: SinkWriter<any, any, any> | undefined
  #commits: CommitQueue | undefined
  #restored: RestoredSink | undefined
  #watermark = minWatermark
  #ended = false
  #pending: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(ctx: OperatorContext, sink: Sink<any, any, any>) {
    this.#ctx = ctx
    this.#sink = sink
  }

  get pending(): Promise<void> | undefined {
    return this.#pending
  }

  get currentWatermark(): number {
    return this.#watermark
  }

  async restoreState(restored: RestoredState): Promise<void> {
    this.#watermark = restored.watermark
    const values = async (name: string) => (await restoredRows(restored, name)).map(({ value }) => value)
    this.#restored = {
      checkpointId: restored.checkpointId,
      states: await values('_writer'),
      committables: await values('_committables'),
    }
  }

  async open(): Promise<void> {
    const runtime = runtimeOf(this.#ctx)
    const { states = [], committables = [], checkpointId = 0 } = this.#restored ?? {}
    this.#restored = undefined
    if (this.#sink.createCommitter !== undefined)
      await this.#call('createCommitter', async () => {
        this.#commits = new CommitQueue(this.#ctx, await this.#sink.createCommitter!(runtime))
      })
    if (committables.length > 0) {
      if (this.#commits === undefined) throw this.#lacks('createCommitter', 'the snapshot has committables of it')
      this.#commits.add(checkpointId, committables)
      await this.#commits.commitUpTo(checkpointId)
    }
    if (states.length > 0 && this.#sink.restoreWriter === undefined)
      throw this.#lacks('restoreWriter', 'the snapshot has states of its writers')
    const what = states.length > 0 ? 'restoreWriter' : 'createWriter'
    await this.#call(what, async () => {
      this.#writer = await (states.length > 0 ? this.#sink.restoreWriter!(runtime, states) : this.#sink.createWriter(runtime))
    })
    if (this.#writer?.prepareCommit !== undefined && this.#commits === undefined)
      throw this.#lacks('createCommitter', 'its writer has prepareCommit')
    if (this.#writer?.snapshotState !== undefined && this.#sink.restoreWriter === undefined)
      throw this.#lacks('restoreWriter', 'its writer has snapshotState')
  }

  processElement(row: unknown, timestamp: number): void {
    const ctx = { timestamp: Number.isNaN(timestamp) ? null : timestamp, currentWatermark: this.#watermark }
    this.#inOrder('write', (writer) => writer.write(row, ctx))
  }

  advanceWatermark(watermark: number): boolean {
    // Of a restored source that lags behind what was told before: event time does not go back.
    if (watermark < this.#watermark) return true
    this.#watermark = watermark
    this.#inOrder('writeWatermark', (writer) => writer.writeWatermark?.(watermark))
    return true
  }

  async prepareSnapshot({ checkpointId }: CheckpointStart): Promise<void> {
    // After the end the writer has flushed for the last time.
    if (!this.#ended) await this.#flush(false)
    await this.#prepareCommit(checkpointId)
  }

  snapshotState({ checkpointId }: CheckpointStart): readonly StateSnapshot[] {
    const writer = this.#opened()
    const snapshots: StateSnapshot[] = []
    if (writer.snapshotState !== undefined) {
      try {
        snapshots.push(splitState('_writer', writer.snapshotState(checkpointId)))
      } catch (thrown) {
        throw userFailure(this.#ctx, 'snapshotState', thrown)
      }
    }
    if (this.#commits !== undefined) {
      const { uncommitted } = this.#commits
      const committables = uncommitted.map(({ committable }) => committable)
      snapshots.push(splitState('_committables', committables, { checkpointId: uncommitted.map((entry) => entry.checkpointId) }))
    }
    return snapshots
  }

  notifyCheckpointComplete(checkpointId: number): void | Promise<void> {
    return this.#commits?.commitUpTo(checkpointId)
  }

  async endInput(): Promise<void> {
    this.#ended = true
    await this.#flush(true)
    if (this.#ctx.checkpointing) return
    await this.#prepareCommit(onlyCommit)
    await this.#commits?.commitUpTo(onlyCommit)
  }

  async close(): Promise<void> {
    const writer = this.#writer
    const commits = this.#commits
    this.#writer = undefined
    this.#commits = undefined
    // What still runs would write into what close takes away; its failure has been reported to whoever awaited it.
    await this.#pending?.catch(() => undefined)
    try {
      await commits?.close()
    } finally {
      if (writer !== undefined) await this.#call('close', () => writer.close())
    }
  }

  async #flush(endOfInput: boolean): Promise<void> {
    this.#inOrder('flush', (writer) => writer.flush(endOfInput))
    await this.#pending
    this.#throwFailure()
  }

  async #prepareCommit(checkpointId: number): Promise<void> {
    const writer = this.#opened()
    if (writer.prepareCommit === undefined) return
    await this.#call('prepareCommit', async () => {
      this.#commits?.add(checkpointId, await writer.prepareCommit!(checkpointId))
    })
  }

  #inOrder(what: string, run: (writer: SinkWriter<any>) => void | Promise<void>): void {
    this.#throwFailure()
    const writer = this.#opened()
    if (this.#pending !== undefined) {
      this.#wait(this.#pending.then(() => this.#call(what, () => run(writer))))
      return
    }
    let result: void | Promise<void>
    try {
      result = run(writer)
    } catch (thrown) {
      throw userFailure(this.#ctx, what, thrown)
    }
    if (isPromise(result)) this.#wait(this.#call(what, () => result))
  }

  #wait(work: Promise<void>): void {
    const pending: Promise<void> = work.then(() => {
      if (this.#pending === pending) this.#pending = undefined
    })
    this.#pending = pending
    // Kept, so that the next call fails too if nobody awaited `pending`.
    pending.catch((error: unknown) => {
      this.#failure ??= { error }
    })
  }

  #opened(): SinkWriter<any, any, any> {
    assert(this.#writer !== undefined, `sink operator ${this.#ctx.operatorName} is open while it is used`)
    return this.#writer
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async #call(what: string, run: () => void | Promise<void>): Promise<void> {
    try {
      await run()
    } catch (thrown) {
      throw userFailure(this.#ctx, what, thrown)
    }
  }

  #lacks(method: string, why: string): StreamError {
    const { jobName, operatorName, subtaskIndex } = this.#ctx
    return new StreamError('INVALID_PROGRAM', `the sink of operator ${operatorName} has no ${method}, but ${why}`, {
      hint: `Give the sink a ${method}: see Sink.`,
      place: { job: jobName, operator: operatorName, subtask: subtaskIndex },
    })
  }
}
