/**
 * The producer's end of a channel: puts frames into the open segment and publishes it. It never waits: without credit it
 * takes no rows and says so; events queue behind the rows before them and go out as soon as there is room. A frame that no
 * segment can hold (a record, a schema, an entry of a dictionary) goes in parts, one a segment.
 */
import { canWriteFixed, FixedWriter } from '../../base/columnar/fixed-writer.ts'
import { columnSizeBytes, segmentViews, writeColumn } from '../../base/columnar/write-column.ts'
import { formatMemorySize } from '../../base/core/memory-size.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { batchFrameBytes, type FrameRows, largeRowFrame, type OutgoingBatch, writeBatchFrame } from './batch-frame.ts'
import { EventQueue } from './event-queue.ts'
import { alignTo8, type ChannelEvent, frameHeaderBytes, frameKind } from './frame.ts'
import type { Ring } from './ring.ts'

interface SentSchema {
  readonly index: number
  /** Entries of each column's dictionary that the consumer has. */
  readonly entries: number[]
}

export interface ChannelWriterOptions {
  readonly onPublish: () => void
  readonly maxRecordBytes: number
  /** Names the producing operator in messages. */
  readonly operator: string
}

const utf8 = { kind: 'utf8' } as const
/** Rows that are measured however much they take. */
const fewRows = 16

export class ChannelWriter {
  readonly #ring: Ring
  readonly #options: ChannelWriterOptions
  readonly #sent = new Map<string, SentSchema>()
  readonly #events = new EventQueue()
  /** A frame too large for a segment, and how much of it is out. */
  #parts: { readonly bytes: Uint8Array; at: number } | undefined
  /** Bytes into the ring, or -1 while no segment is open. */
  #at = -1
  #end = 0
  #segmentStart = 0
  #published: number
  /** What a row took when rows were measured last; 0: not yet. */
  #bytesPerRow = 0
  /** Made for the arrays of the batches that came last, with timestamps and without. */
  readonly #fixed: { timed?: FixedWriter; untimed?: FixedWriter } = {}
  bytesOut = 0

  constructor(ring: Ring, options: ChannelWriterOptions) {
    this.#ring = ring
    this.#options = options
    this.#published = ring.published
  }

  /** True when something waits for credit, or stands in the open segment. */
  get hasUnsent(): boolean {
    return this.#parts !== undefined || this.#events.length > 0 || this.#at > this.#segmentStart
  }

  /** True when an event waits for credit: rows behind it, if any come, are not what it should wait for. */
  get hasWaitingEvents(): boolean {
    return this.#events.length > 0
  }

  get isConsumerIdle(): boolean {
    return this.#ring.released === this.#published
  }

  /** Takes up to `count` of the rows order[from..]; answers how many. Fewer means: no credit now. */
  write(batch: OutgoingBatch, order: Int32Array | null, from: number, count: number): number {
    let done = 0
    while (done < count) {
      if (!this.drain() || !this.#open(frameHeaderBytes)) return done
      const isFresh = this.#at === this.#segmentStart
      const sent = this.#announce(batch)
      if (sent !== undefined) {
        const rows = this.#writeRows(batch, sent, order, from + done, count - done)
        done += rows
        if (rows > 0) continue
        if (isFresh && this.#at === this.#segmentStart) {
          this.#writeLarge(batch, sent, { order, from: from + done, count: 1 })
          done++
          continue
        }
      }
      // What does not fit into the rest of this segment goes into the next; what fits into none is in parts by now.
      if (this.#parts === undefined) this.flush()
    }
    this.drain()
    return done
  }

  event(event: ChannelEvent): void {
    this.#events.push(event)
    this.drain()
  }

  /** Sends what waits, as far as credit goes; true when nothing waits any more. */
  drain(): boolean {
    while (this.#parts !== undefined) if (!this.#writePart(this.#parts)) return false
    while (this.#events.length > 0) {
      if (!this.#open(frameHeaderBytes)) return false
      this.#writeEvent(this.#events.shift()!)
    }
    return true
  }

  /** Publishes the open segment, if anything is in it. */
  flush(): void {
    if (this.#at <= this.#segmentStart) return
    this.bytesOut += this.#at - this.#segmentStart
    if (this.#at < this.#end) this.#ring.views.i32[this.#at >> 2] = frameKind.endOfSegment
    this.#at = -1
    this.#published = (this.#published + 1) | 0
    this.#ring.publish()
    this.#options.onPublish()
  }

  /** Makes room for so many bytes in an open segment, taking a new one if needed; false without credit. */
  #open(bytes: number): boolean {
    if (this.#at >= 0) {
      if (this.#end - this.#at >= bytes) return true
      this.flush()
    }
    const ring = this.#ring
    if (((this.#published - ring.released) | 0) >= ring.segments) return false
    this.#segmentStart = this.#at = ring.segmentOffset(this.#published)
    this.#end = this.#at + ring.segmentSizeBytes
    return true
  }

  #writeEvent(event: ChannelEvent): void {
    const { i32, f64 } = this.#ring.views
    const word = this.#at >> 2
    i32[word] = frameKind[event.kind]
    i32[word + 1] = frameHeaderBytes
    f64[(this.#at >> 3) + 3] = event.kind === 'watermark' ? event.timestamp : event.kind === 'barrier' ? event.checkpointId : 0
    this.#at += frameHeaderBytes
  }

  /** Rows written: as many as the open segment has room for. */
  #writeRows(batch: OutgoingBatch, sent: SentSchema, order: Int32Array | null, from: number, count: number): number {
    const fixed = this.#fixedWriter(batch, order)
    for (let rows = this.#rowsThatFit(batch, { order, from, count }); rows >= 1; rows >>= 1) {
      const end = writeBatchFrame(batch, sent.index, { order, from, count: rows }, this.#ring.views, this.#at, this.#end, fixed)
      if (end < 0) continue
      this.#at = end
      return rows
    }
    return 0
  }

  /** Rows without an order are copied in one go already. */
  #fixedWriter({ columns, timestamps }: OutgoingBatch, order: Int32Array | null): FixedWriter | undefined {
    if (order === null || !canWriteFixed(columns)) return undefined
    const kind = timestamps === undefined ? 'untimed' : 'timed'
    const from = { columns, timestamps, rows: order }
    const writer = this.#fixed[kind]
    if (writer?.isFor(from) === true) return writer
    this.#fixed[kind] = new FixedWriter(from, this.#ring.views)
    return this.#fixed[kind]
  }

  /** How many rows to try; exact for fixed-width columns, so that no time is lost halving. */
  #rowsThatFit(batch: OutgoingBatch, { order, from, count }: FrameRows): number {
    const room = this.#end - this.#at
    // Measuring values that have to be serialised costs as much as writing them: no more of them than may fit.
    const likely = this.#bytesPerRow === 0 ? count : Math.ceil((2 * room) / this.#bytesPerRow)
    const measured = Math.min(count, Math.max(fewRows, likely))
    const bytes = batchFrameBytes(batch, { order, from, count: measured })
    this.#bytesPerRow = bytes / measured
    return bytes <= room ? measured : Math.max(1, Math.floor((measured * room) / bytes))
  }

  /** Sends the schema and new dictionary entries ahead of the batch; undefined: they need another segment first. */
  #announce(batch: OutgoingBatch): SentSchema | undefined {
    let sent = this.#sent.get(batch.schema.id)
    if (sent === undefined) {
      const index = this.#sent.size
      if (!this.#sendSchema(batch, index)) return undefined
      sent = { index, entries: batch.columns.map(() => 0) }
      this.#sent.set(batch.schema.id, sent)
    }
    for (let c = 0; c < batch.columns.length; c++) {
      const dictionary = batch.dictionaries[c]
      if (dictionary === undefined) continue
      while (sent.entries[c]! < dictionary.size) {
        if (this.#parts !== undefined || !this.#sendEntries(dictionary.values, sent, c)) return undefined
      }
    }
    return this.#parts === undefined ? sent : undefined
  }

  /** True: it is sent, or on its way in parts. */
  #sendSchema(batch: OutgoingBatch, index: number): boolean {
    const json = Buffer.from(JSON.stringify(batch.schema))
    const bytes = alignTo8(frameHeaderBytes + json.length)
    if (this.#end - this.#at < bytes) {
      if (this.#at > this.#segmentStart) return false
      const views = segmentViews(new ArrayBuffer(bytes))
      views.i32.set([frameKind.schema, bytes, json.length, index])
      views.u8.set(json, frameHeaderBytes)
      this.#parts = { bytes: views.u8, at: 0 }
      return true
    }
    this.#header(frameKind.schema, bytes, json.length, index, 0, 0)
    this.#ring.views.u8.set(json, this.#at + frameHeaderBytes)
    this.#at += bytes
    return true
  }

  /** Some entries, as many as fit; false: not even one does. */
  #sendEntries(values: readonly string[], sent: SentSchema, column: number): boolean {
    const from = sent.entries[column]!
    const source = { type: utf8, nullable: false, values, nulls: null } as const
    for (let entries = values.length - from; entries >= 1; entries >>= 1) {
      const end = writeColumn(source, null, from, entries, { ...this.#ring.views, limit: this.#end }, this.#at + frameHeaderBytes)
      if (end < 0) continue
      this.#header(frameKind.dictionary, end - this.#at, entries, sent.index, column, from)
      this.#at = end
      sent.entries[column] = from + entries
      return true
    }
    if (this.#at > this.#segmentStart) return false
    const views = segmentViews(new ArrayBuffer(alignTo8(frameHeaderBytes + columnSizeBytes(source, null, from, 1))))
    const end = writeColumn(source, null, from, 1, views, frameHeaderBytes)
    views.i32.set([frameKind.dictionary, end, 1, sent.index, column, from])
    this.#parts = { bytes: views.u8.subarray(0, end), at: 0 }
    sent.entries[column] = from + 1
    return true
  }

  #header(kind: number, bytes: number, a: number, b: number, c: number, d: number): void {
    const { i32 } = this.#ring.views
    const word = this.#at >> 2
    i32[word] = kind
    i32[word + 1] = bytes
    i32[word + 2] = a
    i32[word + 3] = b
    i32[word + 4] = c
    i32[word + 5] = d
  }

  #writeLarge(batch: OutgoingBatch, sent: SentSchema, row: FrameRows): void {
    const { maxRecordBytes, operator } = this.#options
    const bytes = batchFrameBytes(batch, row)
    if (bytes > maxRecordBytes) {
      throw new StreamError(
        'RECORD_TOO_LARGE',
        `Operator '${operator}' emitted a record of about ${formatMemorySize(bytes)}, and execution.max-record-size allows ${formatMemorySize(maxRecordBytes)}`,
        { hint: 'Raise execution.max-record-size, or split the record.', place: { operator, option: 'execution.max-record-size' } },
      )
    }
    this.#parts = { bytes: largeRowFrame(batch, sent.index, row, bytes), at: 0 }
  }

  #writePart(parts: { readonly bytes: Uint8Array; at: number }): boolean {
    if (!this.#open(frameHeaderBytes + 8)) return false
    const length = Math.min(parts.bytes.length - parts.at, this.#end - this.#at - frameHeaderBytes)
    const bytes = alignTo8(frameHeaderBytes + length)
    const last = parts.at + length === parts.bytes.length
    this.#header(frameKind.part, bytes, length, parts.bytes.length, last ? 1 : 0, parts.at)
    this.#ring.views.u8.set(parts.bytes.subarray(parts.at, parts.at + length), this.#at + frameHeaderBytes)
    this.#at += bytes
    parts.at += length
    if (last) this.#parts = undefined
    return true
  }
}
