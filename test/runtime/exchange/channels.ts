/**
 * Real channels in one thread: rings with a writer and a reader each, and what a consumer took out of them.
 */
import { rowReader, timestampAt } from '../../../src/base/columnar/column-batch.ts'
import type { Schema } from '../../../src/base/columnar/data-type.ts'
import { ChannelReader } from '../../../src/runtime/exchange/channel-reader.ts'
import { ChannelWriter } from '../../../src/runtime/exchange/channel-writer.ts'
import type { ChannelEvent } from '../../../src/runtime/exchange/frame.ts'
import { ResultPartition, type ResultPartitionOptions } from '../../../src/runtime/exchange/result-partition.ts'
import { createRing, Ring } from '../../../src/runtime/exchange/ring.ts'
import { singleRouter } from '../../../src/runtime/exchange/row-router.ts'

export interface ChannelOptions {
  readonly segmentSizeBytes?: number
  readonly segments?: number
  readonly maxRecordBytes?: number
  /** Serial number of the first segment. */
  readonly firstSerial?: number
}

export type Taken = { readonly row: unknown; readonly timestamp: number | null } | ChannelEvent

export class Channel {
  readonly memory: SharedArrayBuffer
  readonly ring: Ring
  readonly writer: ChannelWriter
  readonly reader: ChannelReader
  /** Rows and events in their order. */
  readonly taken: Taken[] = []
  /** Of each batch. */
  readonly schemas: Schema[] = []
  publications = 0
  releases = 0

  constructor(options: ChannelOptions = {}) {
    const { segmentSizeBytes = 1024, segments = 2, maxRecordBytes = 1 << 20, firstSerial = 0 } = options
    this.memory = createRing({ segmentSizeBytes, segments })
    const words = new Int32Array(this.memory)
    words[0] = firstSerial
    words[16] = firstSerial
    this.ring = new Ring(this.memory)
    this.writer = new ChannelWriter(this.ring, { onPublish: () => void this.publications++, maxRecordBytes, operator: 'source' })
    this.reader = new ChannelReader(new Ring(this.memory), () => void this.releases++)
  }

  /** One batch or event, if there is one; false: nothing now. */
  take(): boolean {
    const received = this.reader.poll()
    if (received === undefined) return false
    if (received.kind === 'batch') {
      const read = rowReader(received.batch)
      this.schemas.push(received.batch.schema)
      for (let i = 0; i < received.batch.rowCount; i++) this.taken.push({ row: read(i), timestamp: timestampAt(received.batch, i) })
    } else this.taken.push(received)
    return true
  }

  takeAll(): this {
    while (this.take());
    return this
  }

  get rows(): unknown[] {
    return this.taken.flatMap((taken) => ('row' in taken ? [taken.row] : []))
  }
}

/** A partition with one channel unless told otherwise. */
export function partitionOver(channels: readonly Channel[], options: Partial<ResultPartitionOptions> = {}): ResultPartition {
  return new ResultPartition({
    schema: null,
    channels: channels.map(({ writer }) => writer),
    router: singleRouter,
    maxOverdraftBytes: 1 << 24,
    operator: 'source',
    ...options,
  })
}

/** Gets all that was emitted to the consumers, which take so many things (batches, events) at a time when there is no credit. */
export function deliver(partition: ResultPartition, channels: readonly Channel[], takes = Number.POSITIVE_INFINITY): void {
  const moved = () => channels.reduce((sum, { ring, taken }) => sum + ring.published + ring.released + taken.length, 0)
  for (;;) {
    const before = moved()
    partition.scatter()
    partition.flush()
    for (const channel of channels) for (let i = 0; i < takes && channel.take(); i++);
    if (moved() !== before) continue
    if (partition.isDrained && !partition.hasUnsent) return
    throw new Error('the partition cannot be drained')
  }
}
