/**
 * A keyed operator that is interrupted: one or more subtasks run it in either form, their snapshots are taken, and others, in any
 * form and number, go on from these. What comes out can be compared step by step with an operator that was never interrupted.
 */
import { hashKey, keyGroupOf, subtaskOfKeyGroup } from '../../src/base/columnar/key-hash.ts'
import { ManualClock } from '../../src/base/core/clock.ts'
import { MemoryFileSystem } from '../../src/base/filesystem/memory-file-system.ts'
import type { KeySpec, OperatorDescriptor } from '../../src/program/graph/operator-descriptor.ts'
import type { CheckpointMetadata } from '../../src/runtime/checkpoint/checkpoint-metadata.ts'
import { restoredState } from '../../src/runtime/checkpoint/restored-state.ts'
import type { StateSnapshot } from '../../src/runtime/state/snapshot.ts'
import { operatorId, writtenBy } from '../runtime/checkpoint/written-checkpoint.ts'
import { type Emitted, KeyedChain } from './keyed-chain.ts'

export type Step = { readonly rows: readonly Emitted[] } | { readonly watermark: number } | { readonly timeMs: number }

/** How an operator is run. */
export interface Running {
  readonly parallelism: number
  readonly generated: boolean
}

const maxParallelism = 128
const checkpoint = { checkpointId: 1, timestampMs: 0, kind: 'checkpoint', directory: '' } as const
export const byK: KeySpec = { kind: 'field', field: 'k' }

export class RunningWindows {
  readonly chains: readonly KeyedChain[]
  readonly #clocks: readonly ManualClock[]
  readonly #parallelism: number

  constructor(descriptor: OperatorDescriptor, { parallelism, generated }: Running, nowMs = 0) {
    this.#parallelism = parallelism
    this.#clocks = Array.from({ length: parallelism }, () => new ManualClock(nowMs))
    this.chains = this.#clocks.map(
      (clock, subtaskIndex) => new KeyedChain(descriptor, byK, { generated, context: { clock, subtaskIndex, parallelism } }),
    )
  }

  /** Everything that comes out of one step, in no order, and the late rows that were dropped so far. */
  step(step: Step): readonly string[] {
    const { chains } = this
    if ('rows' in step) {
      for (const [subtask, chain] of chains.entries()) {
        const own = step.rows.filter(({ row }) => this.#subtaskOf(row.k) === subtask)
        if (own.length > 0) chain.rows(own)
      }
    } else if ('watermark' in step) for (const chain of chains) chain.watermark(step.watermark)
    else for (const [i, chain] of chains.entries()) this.#setTime(chain, this.#clocks[i]!, step.timeMs)
    return this.#take()
  }

  #subtaskOf(key: unknown): number {
    return subtaskOfKeyGroup(keyGroupOf(hashKey(key), maxParallelism), this.#parallelism, maxParallelism)
  }

  /** As the task's timers do: the operator is called at the times that it asked for. */
  #setTime(chain: KeyedChain, clock: ManualClock, timeMs: number): void {
    const { requested } = chain
    for (;;) {
      const next = Math.min(...requested)
      if (next > timeMs) break
      const later = requested.filter((atMs) => atMs !== next)
      requested.splice(0, requested.length, ...later)
      if (next > clock.now()) clock.advance(next - clock.now())
      chain.processingTime(clock.now())
    }
    if (timeMs > clock.now()) clock.advance(timeMs - clock.now())
  }

  #take(): readonly string[] {
    return this.chains
      .flatMap((chain) => {
        const side = Object.entries(chain.side).flatMap(([tag, rows]) => rows.splice(0).map((row) => ['late', tag, row]))
        const dropped = chain.numLateRecordsDropped.value
        chain.numLateRecordsDropped.value = 0
        const late = Array.from({ length: dropped }, () => ['dropped'])
        return [...chain.emitted.splice(0).map(({ row, timestamp }) => ['row', timestamp, row]), ...side, ...late]
      })
      .map((one) => JSON.stringify(one))
      .sort()
  }

  /** By subtask. */
  snapshot(): readonly (readonly StateSnapshot[])[] {
    return this.chains.map(({ operator }) => operator.snapshotState!(checkpoint))
  }

  get watermarks(): readonly number[] {
    return this.chains.map(({ operator }) => operator.currentWatermark!)
  }

  async restore(metadata: CheckpointMetadata, fileSystem: MemoryFileSystem): Promise<this> {
    for (const [subtask, { operator }] of this.chains.entries()) {
      const place = { subtask, parallelism: this.#parallelism, maxParallelism }
      await operator.restoreState!(restoredState(metadata, operatorId, place, fileSystem)!)
    }
    return this
  }
}

export interface Interruption {
  readonly before: Running
  readonly after: Running
  /** Steps ahead of the snapshot. */
  readonly at: number
  /** Steps that the interrupted operator still does before its snapshot is read. */
  readonly further: number
}

/** By step: what an uninterrupted operator gives, and what an interrupted one does. */
export async function interrupted(
  descriptor: OperatorDescriptor,
  steps: readonly Step[],
  { before, after, at, further }: Interruption,
): Promise<{ readonly expected: unknown[]; readonly found: unknown[] }> {
  const uninterrupted = new RunningWindows(descriptor, { parallelism: 1, generated: false })
  const expected = steps.map((step) => uninterrupted.step(step))
  const first = new RunningWindows(descriptor, before)
  const found: unknown[] = steps.slice(0, at).map((step) => first.step(step))
  const { watermarks } = first
  const snapshots = first.snapshot()
  const meanwhile = steps.slice(at, at + further).map((step) => first.step(step))
  const fileSystem = new MemoryFileSystem()
  const metadata = await writtenBy(fileSystem, snapshots, { watermarks })
  const nowMs = steps.slice(0, at).reduce((now, step) => ('timeMs' in step ? step.timeMs : now), 0)
  const second = await new RunningWindows(descriptor, after, nowMs).restore(metadata, fileSystem)
  found.push(...steps.slice(at).map((step) => second.step(step)))
  // What the snapshot was read beside was not disturbed by it, and goes on without it.
  const rest = steps.slice(at + further).map((step) => first.step(step))
  expected.push(...expected.slice(at))
  found.push(...meanwhile, ...rest)
  return { expected, found }
}
