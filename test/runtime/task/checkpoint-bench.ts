/**
 * A job's slots, stepped by hand, with a coordinator by hand: it begins checkpoints, hears acknowledgements, completes or aborts.
 * State goes through real files in memory, and a second bench may go on from them.
 */
import { ManualClock } from '../../../src/base/core/clock.ts'
import type { Config } from '../../../src/base/core/config-options.ts'
import { MemoryFileSystem } from '../../../src/base/filesystem/memory-file-system.ts'
import { deployJob } from '../../../src/cluster/jobmanager/deploy-job.ts'
import type { NetworkMemory } from '../../../src/cluster/jobmanager/network-memory.ts'
import type { Environment } from '../../../src/program/api/environment.ts'
import type { PollResult, ReaderOutput, Source, SourceReader, SourceReaderContext } from '../../../src/program/function/source.ts'
import type { JobGraph } from '../../../src/program/graph/job-graph.ts'
import type { CheckpointMetadata, SubtaskSnapshot } from '../../../src/runtime/checkpoint/checkpoint-metadata.ts'
import type { CheckpointStart } from '../../../src/runtime/state/snapshot.ts'
import type { FromSlot, SlotDeployment, ToSlot } from '../../../src/runtime/task/deployment.ts'
import { runSlot } from '../../../src/runtime/task/run-slot.ts'
import type { RunningSlot } from '../../../src/runtime/task/slot.ts'
import { wireSlots } from '../../../src/runtime/task/wire-slots.ts'
import { planOf } from '../../program/graph/plan-support.ts'

export interface Split {
  readonly id: string
  /** Rows are { id, i } for i from here to `to`, exclusive. */
  readonly from: number
  readonly to: number
}

/**
 * Rows of splits, `unit` at a time, as far as `allowed` says; ends behind the last split when it was told that there are no more.
 * Each reader remembers what it was told.
 */
export class SplitSource implements Source<{ id: string; i: number }, Split, null> {
  readonly name = 'splits'
  readonly boundedness = 'bounded'
  readonly told: string[] = []
  readonly wakes = new Map<number, () => void>()
  unit = 10
  /** Of each subtask: rows that it may still emit. */
  allowed: number[] = []

  createEnumerator(): any {
    return undefined
  }

  allow(subtask: number, rows: number): void {
    this.allowed[subtask] = (this.allowed[subtask] ?? 0) + rows
    this.wakes.get(subtask)?.()
  }

  createReader(ctx: SourceReaderContext): SourceReader<{ id: string; i: number }, Split> {
    const { subtaskIndex: subtask } = ctx
    let splits: { id: string; from: number; to: number }[] = []
    let isLast = false
    let available = Promise.withResolvers<void>()
    const wake = () => available.resolve()
    this.wakes.set(subtask, wake)
    const pollNext = (output: ReaderOutput<{ id: string; i: number }>): PollResult => {
      const split = splits[0]
      if (split === undefined && isLast) return 'end'
      const rows = Math.min(this.unit, this.allowed[subtask] ?? 0, split === undefined ? 0 : split.to - split.from)
      if (split === undefined || (rows === 0 && split.to > split.from)) {
        available = Promise.withResolvers<void>()
        return 'nothing'
      }
      for (let i = 0; i < rows; i++) output.collect({ id: split.id, i: split.from + i }, split.from + i)
      this.allowed[subtask]! -= rows
      split.from += rows
      if (split.from === split.to) splits.shift()
      return 'more'
    }
    return {
      start: () => void this.told.push(`${subtask} start`),
      pollNext,
      isAvailable: () => available.promise,
      addSplits: (added) => {
        this.told.push(`${subtask} add ${added.map(({ id, from }) => `${id}@${from}`).join()}`)
        splits = [...splits, ...added.map((split) => ({ ...split }))]
        wake()
      },
      notifyNoMoreSplits: () => {
        isLast = true
        wake()
      },
      snapshotState: () => splits,
      notifyCheckpointComplete: (id) => void this.told.push(`${subtask} complete ${id}`),
      close: () => undefined,
    }
  }
}

export interface CheckpointBenchOptions {
  readonly config?: Config
  readonly network?: NetworkMemory
  readonly mode?: 'EXACTLY_ONCE' | 'AT_LEAST_ONCE'
  readonly checkpointing?: boolean
  readonly restore?: CheckpointMetadata
  readonly fileSystem?: MemoryFileSystem
  /** What each look at the clock takes. */
  readonly tickMs?: number
}

export const startOf = (checkpointId: number): CheckpointStart => ({
  checkpointId,
  timestampMs: 0,
  kind: 'checkpoint',
  directory: `/chk-${checkpointId}`,
})

const soon = () => new Promise<void>((resolve) => setImmediate(resolve))

type Said<K extends FromSlot['say']> = Extract<FromSlot, { say: K }>

/** Each look at it takes a while: turns are short, and who works in slices yields between them. */
class TickingClock extends ManualClock {
  tickMs = 0
  #ticked = 0

  override elapsed(): number {
    this.#ticked += this.tickMs
    return super.elapsed() + this.#ticked
  }
}

export class CheckpointBench {
  readonly clock = new TickingClock(1_000)
  readonly fileSystem: MemoryFileSystem
  readonly said: FromSlot[] = []
  readonly slots: RunningSlot[] = []
  readonly deployments: SlotDeployment[] = []
  jobGraph!: JobGraph
  /** The slots' callbacks, each to be called in a turn of its own; a test may choose the order. */
  readonly queue: (() => void)[] = []
  readonly #handlers: ((message: ToSlot) => void)[] = []

  private constructor(fileSystem: MemoryFileSystem) {
    this.fileSystem = fileSystem
  }

  static async of(program: (env: Environment) => void, options: CheckpointBenchOptions = {}): Promise<CheckpointBench> {
    const bench = new CheckpointBench(options.fileSystem ?? new MemoryFileSystem())
    bench.clock.tickMs = options.tickMs ?? 0
    const { streamGraph, jobGraph } = await planOf(program, options.config)
    bench.jobGraph = jobGraph
    const { checkpointing = true, mode = 'EXACTLY_ONCE', restore } = options
    const { plan, slots } = deployJob(jobGraph, {
      jobId: 'job',
      ...(options.network && { networkMemory: options.network }),
      ...(options.config && { config: options.config }),
      ...(checkpointing && { checkpointing: { mode } }),
      ...(restore && { restore }),
    })
    const { deployments } = wireSlots({ plan, slots })
    for (const deployment of deployments) {
      bench.deployments.push(deployment)
      const host = {
        clock: bench.clock,
        fileSystem: bench.fileSystem,
        control: {
          send: (message: FromSlot) => void bench.said.push(structuredClone(message)),
          onMessage: (handler: (message: ToSlot) => void) => void bench.#handlers.push(handler),
        },
        wakePeer: (slot: number) => bench.slots[slot]!.wake(),
        yieldTo: (callback: () => void) => void bench.queue.push(callback),
      }
      bench.slots.push(runSlot(deployment, streamGraph, host))
    }
    for (let i = 0; i < 50 && bench.states('running').length < bench.tasks; i++) await soon()
    return bench
  }

  get tasks(): number {
    return this.deployments.reduce((sum, { tasks }) => sum + tasks.length, 0)
  }

  send(message: ToSlot, slot?: number): void {
    for (const [s, handler] of this.#handlers.entries()) if (slot === undefined || s === slot) handler(structuredClone(message))
  }

  split(vertex: number, subtask: number, ...splits: Split[]): this {
    this.send({ do: 'assignSplits', vertex, subtask, splits }, this.slotOf(vertex, subtask))
    return this
  }

  noMore(vertex: number, subtask: number): this {
    this.send({ do: 'noMoreSplits', vertex, subtask }, this.slotOf(vertex, subtask))
    return this
  }

  slotOf(vertex: number, subtask: number): number {
    return this.deployments.findIndex(({ tasks }) => tasks.some((task) => task.vertex === vertex && task.subtask === subtask))
  }

  start(checkpointId: number, more: Partial<CheckpointStart> = {}): this {
    this.send({ do: 'startCheckpoint', checkpoint: { ...startOf(checkpointId), ...more } })
    return this
  }

  complete(checkpointId: number): this {
    this.send({ do: 'checkpointComplete', checkpointId })
    return this
  }

  abort(checkpointId: number): this {
    this.send({ do: 'checkpointAborted', checkpointId })
    return this
  }

  /** Takes turns until none is asked for, some turns of the event loop long. */
  async rest(most = 200_000): Promise<this> {
    for (let i = 0, quiet = 0; i < most && quiet < 12; i++) {
      const turn = this.queue.shift()
      if (turn === undefined) {
        quiet++
        await soon()
      } else {
        quiet = 0
        turn()
      }
    }
    if (this.queue.length > 0) throw new Error('the slots never rest')
    return this
  }

  saidOf<K extends FromSlot['say']>(say: K): Said<K>[] {
    return this.said.filter((message): message is Said<K> => message.say === say)
  }

  states(state: string): string[] {
    return this.saidOf('taskState').flatMap((message) => (message.state === state ? [`${message.vertex}/${message.subtask}`] : []))
  }

  acknowledged(checkpointId: number): string[] {
    return this.saidOf('checkpointAcknowledged')
      .filter((message) => message.checkpointId === checkpointId)
      .map(({ vertex, subtask }) => `${vertex}/${subtask}`)
      .sort()
  }

  snapshot(vertex: number, subtask: number, checkpointId: number): SubtaskSnapshot {
    return this.saidOf('checkpointAcknowledged').find(
      (message) => message.vertex === vertex && message.subtask === subtask && message.checkpointId === checkpointId,
    )!.snapshot
  }

  get failures(): string[] {
    return this.saidOf('failed').map(({ error }) => `${error.code} ${error.message}`)
  }

  /** What a coordinator would write of a checkpoint that all have acknowledged; `last` gives those of finished tasks. */
  metadata(checkpointId: number, last: CheckpointMetadata | undefined = undefined): CheckpointMetadata {
    const operators = this.jobGraph.vertices.flatMap((vertex) =>
      vertex.operators.map(({ operatorId, uid, name, kind }) => ({
        ...{ operatorId, name, kind, parallelism: vertex.parallelism, maxParallelism: vertex.maxParallelism },
        ...(uid !== undefined && { uid }),
        subtasks: Array.from({ length: vertex.parallelism }, (_, subtask) => {
          const found = this.saidOf('checkpointAcknowledged').find(
            (message) => message.vertex === vertex.id && message.subtask === subtask && message.checkpointId === checkpointId,
          )?.snapshot
          if (found === undefined) return last!.operators.find((operator) => operator.operatorId === operatorId)!.subtasks[subtask]!
          const { watermark, states, schemas } = found.operators.find((operator) => operator.operatorId === operatorId)!
          return { finished: found.finished, watermark, states, ...(schemas && { schemas }) }
        }),
      })),
    )
    return {
      format: 'headrace-checkpoint',
      version: 1,
      headrace: '0',
      kind: 'checkpoint',
      checkpointId,
      jobId: 'job',
      jobName: 'job',
      triggeredMs: 0,
      completedMs: 0,
      directory: `/chk-${checkpointId}`,
      operators,
    }
  }
}
