/**
 * The producer's end of a channel: puts frames into the open segment and publishes it. It never waits: without credit it
 * takes no rows and says so; events queue behind the rows before them and go out as soon as there is room.
 */
import type { Schema } from '../../base/columnar/data-type.ts'
import type { StringDictionary } from '../../base/columnar/dictionary.ts'
import { type ColumnSource, columnSizeBytes, writeColumn } from '../../base/columnar/write-column.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import { alignTo8, type ChannelEvent, frameHeaderBytes, frameKind } from './frame.ts'
import type { Ring } from './ring.ts'

/** A staged batch as the scatter hands it to channels. */
export interface OutgoingBatch {
  readonly schema: Schema
  /** A dictionary-coded column holds its ids here, as int32. */
  readonly columns: readonly ColumnSource[]
  readonly dictionaries: readonly (StringDictionary | undefined)[]
  /** undefined when no row has one. */
  readonly timestamps: Float64Array | undefined
}

interface SentSchema {
  readonly index: number
  /** Entries of each column's dictionary that the consumer has. */
  readonly entries: number[]
}

/** Rows that a batch is cut to when it does not fit are halved down to one; one row too large goes in parts. */
export class ChannelWriter {
  readonly #ring: Ring
  readonly #onPublish: () => void
  readonly #maxRecordBytes: number
  readonly #sent = new Map<string, SentSchema>()
  readonly #events: ChannelEvent[] = []
  #parts: { readonly bytes: Uint8Array; at: number } | undefined
  /** Bytes into the ring, or -1 while no segment is open. */
  #at = -1
  #end = 0
  #segmentStart = 0
  #published = 0
  bytesOut = 0

  constructor(ring: Ring, onPublish: () => void, maxRecordBytes: number) {
    this.#ring = ring
    this.#onPublish = onPublish
    this.#maxRecordBytes = maxRecordBytes
  }

  /** True when something waits for credit, or stands in the open segment. */
  get hasUnsent(): boolean {
    return this.#parts !== undefined || this.#events.length > 0 || this.#at > this.#segmentStart
  }

  get isConsumerIdle(): boolean {
    return this.#ring.released === this.#published
  }

  /** True when events or a large record wait for credit: they go before any further row. */
  get isBlocked(): boolean {
    return (this.#parts !== undefined || this.#events.length > 0) && !this.drain()
  }

  /** Takes up to `count` of the rows order[from..]; answers how many. Fewer means: no credit now. */
  write(batch: OutgoingBatch, order: Int32Array | null, from: number, count: number): number {
    let done = 0
    while (done < count) {
      if (!this.drain()) return done
      const rows = this.#writeSome(batch, order, from + done, count - done)
      if (rows > 0) {
        done += rows
        continue
      }
      if (this.#at > this.#segmentStart) {
        this.flush()
        continue
      }
      if (rows === 0) return done
      this.#writeLarge(batch, order, from + done)
      done++
    }
    return done
  }

  event(event: ChannelEvent): void {
    const last = this.#events.at(-1)
    if (event.kind === 'watermark' && last?.kind === 'watermark') this.#events.pop()
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
    this.#onPublish()
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
    i32[word] = event.kind === 'endOfData' ? frameKind.endOfData : frameKind[event.kind]
    i32[word + 1] = frameHeaderBytes
    f64[(this.#at >> 3) + 3] = event.kind === 'watermark' ? event.timestamp : event.kind === 'barrier' ? event.checkpointId : 0
    this.#at += frameHeaderBytes
  }

  /** Rows written; 0: no credit, or not one row fits into what is left; -1: not one fits into an empty segment. */
  #writeSome(batch: OutgoingBatch, order: Int32Array | null, from: number, count: number): number {
    if (!this.#open(frameHeaderBytes)) return 0
    const sent = this.#announce(batch)
    if (sent === undefined) return this.#at === this.#segmentStart ? -1 : 0
    const room = this.#end - this.#at
    for (let rows = Math.min(count, this.#rowsThatFit(batch, room, order, from, count)); rows >= 1; rows = rows >> 1) {
      const end = this.#writeBatch(batch, sent, order, from, rows, this.#at, this.#end)
      if (end < 0) continue
      this.#at = end
      return rows
    }
    return this.#at === this.#segmentStart ? -1 : 0
  }

  /** A guess from above for fixed-width columns: exact there, so that no time is lost halving. */
  #rowsThatFit(batch: OutgoingBatch, room: number, order: Int32Array | null, from: number, count: number): number {
    let bytes = frameHeaderBytes + (batch.timestamps === undefined ? 0 : count * 8)
    for (const column of batch.columns) bytes += columnSizeBytes(column, order, from, count)
    return bytes <= room ? count : Math.max(1, Math.floor((count * room) / bytes))
  }

  #writeBatch(batch: OutgoingBatch, sent: SentSchema, order: Int32Array | null, from: number, rows: number, start: number, limit: number): number {
    const { views } = this.#ring
    let at = start + frameHeaderBytes
    if (batch.timestamps !== undefined) {
      if (at + rows * 8 > limit) return -1
      gather(batch.timestamps, order, from, rows, views.f64, at >> 3)
      at += rows * 8
    }
    const target = limit === views.limit ? views : { ...views, limit }
    let dictionaryBits = 0
    for (let c = 0; c < batch.columns.length; c++) {
      at = writeColumn(batch.columns[c]!, order, from, rows, target, at)
      if (at < 0) return -1
      if (batch.dictionaries[c] !== undefined) dictionaryBits |= 1 << c
    }
    const word = start >> 2
    views.i32[word] = frameKind.batch
    views.i32[word + 1] = at - start
    views.i32[word + 2] = rows
    views.i32[word + 3] = sent.index
    views.i32[word + 4] = batch.timestamps === undefined ? 0 : 1
    views.i32[word + 5] = dictionaryBits
    return at
  }

  /** Sends the schema and new dictionary entries ahead of the batch; undefined: they do not fit into what is left. */
  #announce(batch: OutgoingBatch): SentSchema | undefined {
    let sent = this.#sent.get(batch.schema.id)
    if (sent === undefined) {
      const json = Buffer.from(JSON.stringify(batch.schema))
      const bytes = alignTo8(frameHeaderBytes + json.length)
      if (this.#end - this.#at < bytes) return this.#tooLarge(bytes, 'schema')
      sent = { index: this.#sent.size, entries: batch.columns.map(() => 0) }
      this.#sent.set(batch.schema.id, sent)
      this.#header(frameKind.schema, bytes, json.length, sent.index, 0, 0)
      this.#ring.views.u8.set(json, this.#at + frameHeaderBytes)
      this.#at += bytes
    }
    for (let c = 0; c < batch.columns.length; c++) {
      const dictionary = batch.dictionaries[c]
      if (dictionary === undefined) continue
      while (sent.entries[c]! < dictionary.size) if (!this.#sendEntries(dictionary, sent, c)) return undefined
    }
    return sent
  }

  #sendEntries(dictionary: StringDictionary, sent: SentSchema, column: number): boolean {
    const from = sent.entries[column]!
    const values = { type: { kind: 'utf8' }, nullable: false, values: dictionary.values, nulls: null } as const
    for (let entries = dictionary.size - from; entries >= 1; entries = entries >> 1) {
      const end = writeColumn(values, null, from, entries, { ...this.#ring.views, limit: this.#end }, this.#at + frameHeaderBytes)
      if (end < 0) continue
      this.#header(frameKind.dictionary, end - this.#at, entries, sent.index, column, from)
      this.#at = end
      sent.entries[column] = from + entries
      return true
    }
    if (this.#at === this.#segmentStart) this.#tooLarge(this.#end - this.#at, 'string of a dictionary')
    return false
  }

  #tooLarge(bytes: number, what: string): undefined {
    if (bytes <= this.#ring.segmentSizeBytes && this.#at > this.#segmentStart) return undefined
    throw new StreamError('RECORD_TOO_LARGE', `A ${what} does not fit into a segment of ${this.#ring.segmentSizeBytes} bytes`, {
      hint: 'Raise taskmanager.memory.segment-size.',
    })
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

  /** Writes one row that no segment can hold into memory of its own, from where it goes out in parts. */
  #writeLarge(batch: OutgoingBatch, order: Int32Array | null, from: number): void {
    const sent = this.#sent.get(batch.schema.id)!
    let bytes = frameHeaderBytes + 8
    for (const column of batch.columns) bytes += alignTo8(columnSizeBytes(column, order, from, 1))
    if (bytes > this.#maxRecordBytes) {
      throw new StreamError('RECORD_TOO_LARGE', `A record of about ${bytes} bytes is larger than the limit of ${this.#maxRecordBytes}`, {
        hint: 'Raise execution.max-record-size, or split the record.',
      })
    }
    const memory = new ArrayBuffer(alignTo8(bytes))
    const views = { u8: new Uint8Array(memory), i32: new Int32Array(memory), f64: new Float64Array(memory), buffer: Buffer.from(memory), limit: memory.byteLength }
    let at = frameHeaderBytes
    if (batch.timestamps !== undefined) {
      gather(batch.timestamps, order, from, 1, views.f64, at >> 3)
      at += 8
    }
    let dictionaryBits = 0
    for (let c = 0; c < batch.columns.length; c++) {
      at = writeColumn(batch.columns[c]!, order, from, 1, views, at)
      if (at < 0) throw new StreamError('INTERNAL', 'headrace bug: a large record outgrew its measured size')
      if (batch.dictionaries[c] !== undefined) dictionaryBits |= 1 << c
    }
    views.i32.set([frameKind.batch, at, 1, sent.index, batch.timestamps === undefined ? 0 : 1, dictionaryBits])
    this.#parts = { bytes: views.u8.subarray(0, at), at: 0 }
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

/** target[to..] = values[order[from..]], or a plain copy without an order. */
export function gather(values: Float64Array, order: Int32Array | null, from: number, count: number, target: Float64Array, to: number): void {
  if (order === null) target.set(values.subarray(from, from + count), to)
  else for (let i = 0; i < count; i++) target[to + i] = values[order[from + i]!]!
}
