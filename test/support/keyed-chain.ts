/**
 * A keyed operator as the head of a chain, over real channels, generated (with its kernel) or interpreted (plain): the same
 * rows can be given to both and what comes out be compared. Batches are those of one or more producers, each with its own
 * schema and dictionaries.
 */
import type { Type } from '../../src/base/columnar/data-type.ts'
import { schemaOf } from '../../src/base/columnar/schema.ts'
import type { KeySpec, OperatorDescriptor } from '../../src/program/graph/operator-descriptor.ts'
import { Chain } from '../../src/runtime/chain/chain.ts'
import { type ChainNode, ChainOutput } from '../../src/runtime/chain/chain-node.ts'
import type { ChainRuntime } from '../../src/runtime/chain/compile-chain.ts'
import { createOperator } from '../../src/runtime/operator/create-operator.ts'
import { createKernel } from '../../src/runtime/operator/kernel/create-kernel.ts'
import type { KeyedKernel } from '../../src/runtime/operator/kernel/keyed-kernel.ts'
import type { StreamOperator } from '../../src/runtime/operator/operator.ts'
import { userFailure } from '../../src/runtime/operator/user-function.ts'
import { Channel, partitionOver } from '../runtime/exchange/channels.ts'
import { type TestContextOptions, testContext } from './test-context.ts'

export interface Emitted {
  readonly row: any
  readonly timestamp: number
}

export interface KeyedChainOptions {
  readonly generated: boolean
  /** Rows that go out before firing has to stop and go on in another step. */
  readonly rowsPerStep?: number
  readonly type?: Type<any>
  readonly producers?: number
  /** Side outputs whose rows are wanted, beside a window's late rows. */
  readonly sideTags?: readonly string[]
  /** The chain hands what it emits on to nobody, as with a sink that discards. */
  readonly discards?: boolean
  /** Which subtask it is, and its clock. */
  readonly context?: TestContextOptions
}

const never = new Promise<void>(() => undefined)

/** Takes what comes out; pending, as a sink that writes, while it has no room. */
class Collector implements StreamOperator {
  readonly emitted: Emitted[] = []
  count = 0
  room = 0
  pending: Promise<void> | undefined

  processElement(row: unknown, timestamp: number): void {
    this.emitted.push({ row, timestamp })
    if (--this.room <= 0) this.pending = never
  }

  advanceWatermark(): boolean {
    return true
  }
}

export class KeyedChain {
  readonly numLateRecordsDropped = { value: 0 }
  readonly side: Record<string, Emitted[]> = {}
  readonly operator: StreamOperator
  readonly kernel: KeyedKernel | undefined
  readonly chain: Chain
  readonly collector = new Collector()
  /** Times at which the operator asked to be called. */
  readonly requested: number[] = []
  steps = 0
  readonly #runtime: ChainRuntime
  readonly #producers: { readonly channel: Channel; readonly partition: ReturnType<typeof partitionOver> }[]
  readonly #rowsPerStep: number

  constructor(descriptor: OperatorDescriptor, key: KeySpec, options: KeyedChainOptions) {
    const output = new ChainOutput()
    const ctx = {
      ...testContext(options.context),
      operatorName: 'keyed',
      output,
      numLateRecordsDropped: this.numLateRecordsDropped,
      requestProcessingTimer: (atMs: number) => void this.requested.push(atMs),
    }
    this.#rowsPerStep = options.rowsPerStep ?? Number.POSITIVE_INFINITY
    this.kernel = options.generated ? createKernel(descriptor, [key], ctx) : undefined
    this.operator = this.kernel ?? createOperator(descriptor, ctx, [key])
    const sink = { kind: 'sink', sink: { discards: options.discards === true } } as unknown as OperatorDescriptor
    const collecting: ChainNode = {
      index: 1,
      name: 'collector',
      descriptor: sink,
      operator: this.collector,
      kernel: undefined,
      fn: undefined,
      ctx,
      output: new ChainOutput(),
      outputs: [],
    }
    const tags = [
      ...(options.sideTags ?? []),
      ...(descriptor.kind === 'window' && descriptor.lateTag !== undefined ? [descriptor.lateTag.id] : []),
    ]
    const late = tags.map((tag, t): ChainNode => {
      const operator: StreamOperator = {
        processElement: (row, timestamp) => void (this.side[tag] ??= []).push({ row, timestamp }),
        advanceWatermark: () => true,
      }
      return {
        ...collecting,
        index: 2 + t,
        operator,
        descriptor: { kind: 'sink', sink: {} } as unknown as OperatorDescriptor,
        output: new ChainOutput(),
      }
    })
    const outputs = [
      { tag: undefined, rows: 0, children: [collecting], partitions: [] },
      ...tags.map((tag, t) => ({ tag, rows: 0, children: [late[t]!], partitions: [] })),
    ]
    const head: ChainNode = {
      index: 0,
      name: 'keyed',
      descriptor,
      operator: this.operator,
      kernel: this.kernel,
      fn: undefined,
      ctx,
      output,
      outputs,
    }
    output.waiters = [this.collector]
    this.#runtime = {
      chainId: `keyed ${count++}`,
      nodes: [head, collecting, ...late],
      partitions: [],
      headKeys: [key],
      interrupted: false,
      fail: (thrown) => {
        throw userFailure(ctx, descriptor.kind, thrown)
      },
    }
    this.chain = new Chain(this.#runtime, options.generated)
    const schema = options.type === undefined ? null : schemaOf(options.type)
    this.#producers = Array.from({ length: options.producers ?? 1 }, () => {
      const channel = new Channel({ segmentSizeBytes: 1 << 17, segments: 2 })
      return { channel, partition: partitionOver([channel], { schema }) }
    })
  }

  get emitted(): Emitted[] {
    return this.collector.emitted
  }

  /** The rows that came out since the last call. */
  take(): any[] {
    return this.collector.emitted.splice(0).map(({ row }) => row)
  }

  /** Sends rows through a producer's channel and runs all batches that come of them. A timestamp of NaN is none. */
  rows(rows: readonly Emitted[], producer = 0): this {
    const { channel, partition } = this.#producers[producer]!
    for (const { row, timestamp } of rows) {
      partition.emit(row, timestamp)
      if (!partition.isFull) continue
      partition.scatter()
      this.#receive(channel)
    }
    while (!partition.scatter() || partition.hasUnsent) {
      partition.flush()
      this.#receive(channel)
    }
    this.#receive(channel)
    return this
  }

  #receive(channel: Channel): void {
    for (let received = channel.reader.poll(); received !== undefined; received = channel.reader.poll()) {
      if (received.kind !== 'batch') continue
      const { batch } = received
      const unit = {
        form: 'batch',
        batch,
        rowCount: batch.rowCount,
        cursor: 0,
        input: 0,
        watermarks: undefined,
        position: 'row 1',
      } as const
      while (unit.cursor < batch.rowCount) {
        this.#makeRoom()
        this.chain.run(unit)
      }
    }
  }

  watermark(watermark: number): this {
    this.chain.offerWatermark(watermark)
    do this.#makeRoom()
    while (!this.chain.advance())
    return this
  }

  processingTime(nowMs: number): this {
    do this.#makeRoom()
    while (!this.chain.fireProcessingTimers(nowMs))
    return this
  }

  #makeRoom(): void {
    this.steps++
    this.#runtime.interrupted = false
    this.collector.room = this.#rowsPerStep
    this.collector.pending = undefined
  }
}

let count = 0

export const at = (timestamp: number, row: unknown): Emitted => ({ row, timestamp })
export const untimed = (rows: readonly unknown[]): Emitted[] => rows.map((row) => ({ row, timestamp: Number.NaN }))
