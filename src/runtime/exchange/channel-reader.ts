/**
 * The consumer's end of a channel: reads frames in order and hands out batches as views over the ring. A batch stays
 * valid until `release` of the segment it came from, which happens when the next frame of a later segment is asked for.
 */
import type { ColumnBatch } from '../../base/columnar/column-batch.ts'
import type { Schema } from '../../base/columnar/data-type.ts'
import { openColumn, type ReadColumn } from '../../base/columnar/read-column.ts'
import { type SegmentViews, segmentViews } from '../../base/columnar/write-column.ts'
import { assert } from '../../base/core/stream-error.ts'
import { type ChannelEvent, frameHeaderBytes, frameKind, maxDictionaryColumns } from './frame.ts'
import type { Ring } from './ring.ts'

export type Received = { readonly kind: 'batch'; readonly batch: ColumnBatch } | ChannelEvent

interface KnownSchema {
  readonly schema: Schema
  readonly dictionaries: (string[] | undefined)[]
}

export class ChannelReader {
  readonly #ring: Ring
  readonly #onRelease: () => void
  readonly #schemas: KnownSchema[] = []
  #parts: { readonly memory: Uint8Array<ArrayBuffer> } | undefined
  #read: number
  /** Byte offset of the next frame, or -1 between segments. */
  #at = -1
  #end = 0

  constructor(ring: Ring, onRelease: () => void) {
    this.#ring = ring
    this.#onRelease = onRelease
    this.#read = ring.released
  }

  /** Whether a frame may be there, without reading it. */
  get hasData(): boolean {
    return this.#at >= 0 || this.#ring.published !== this.#read
  }

  /** The next batch or event; undefined when there is none now. Invalidates the batch before. */
  poll(): Received | undefined {
    for (;;) {
      if (this.#at < 0) {
        if (this.#ring.published === this.#read) return undefined
        this.#at = this.#ring.segmentOffset(this.#read)
        this.#end = this.#at + this.#ring.segmentSizeBytes
      }
      const at = this.#at
      const { views } = this.#ring
      const { i32, f64 } = views
      const kind = at < this.#end ? i32[at >> 2]! : frameKind.endOfSegment
      if (kind === frameKind.endOfSegment) {
        this.#release()
        continue
      }
      this.#at = at + i32[(at >> 2) + 1]!
      switch (kind) {
        case frameKind.batch:
          return { kind: 'batch', batch: this.#openBatch(views, at) }
        case frameKind.watermark:
          return { kind: 'watermark', timestamp: f64[(at >> 3) + 3]! }
        case frameKind.idle:
          return { kind: 'idle' }
        case frameKind.active:
          return { kind: 'active' }
        case frameKind.endOfData:
          return { kind: 'endOfData' }
        case frameKind.endOfPartition:
          return { kind: 'endOfPartition' }
        case frameKind.barrier:
          return { kind: 'barrier', checkpointId: f64[(at >> 3) + 3]! }
        case frameKind.schema:
          this.#learnSchema(views, at)
          break
        case frameKind.dictionary:
          this.#learnEntries(views, at)
          break
        case frameKind.part: {
          const batch = this.#joinPart(at)
          if (batch !== undefined) return { kind: 'batch', batch }
          break
        }
        default:
          assert(false, `frame of unknown kind ${kind} in a channel`)
      }
    }
  }

  #release(): void {
    this.#at = -1
    this.#read = (this.#read + 1) | 0
    this.#ring.release()
    this.#onRelease()
  }

  #learnSchema({ i32, buffer }: SegmentViews, at: number): void {
    const length = i32[(at >> 2) + 2]!
    const schema = JSON.parse(buffer.toString('utf8', at + frameHeaderBytes, at + frameHeaderBytes + length)) as Schema
    this.#schemas[i32[(at >> 2) + 3]!] = { schema, dictionaries: schema.fields.map(() => undefined) }
  }

  #learnEntries(views: SegmentViews, at: number): void {
    const { i32 } = views
    const word = at >> 2
    const known = this.#schemas[i32[word + 3]!]!
    const dictionary = (known.dictionaries[i32[word + 4]!] ??= [])
    assert(dictionary.length === i32[word + 5], 'dictionary entries out of order')
    const column = openColumn({ kind: 'utf8' }, views, at + frameHeaderBytes, i32[word + 2]!)
    for (const value of column.data as string[]) dictionary.push(value)
  }

  /** The batch, if this part was the last of one; a schema or entries that came in parts are learnt. */
  #joinPart(at: number): ColumnBatch | undefined {
    const { i32, u8 } = this.#ring.views
    const word = at >> 2
    const length = i32[word + 2]!
    this.#parts ??= { memory: new Uint8Array((i32[word + 3]! + 7) & ~7) }
    const { memory } = this.#parts
    memory.set(u8.subarray(at + frameHeaderBytes, at + frameHeaderBytes + length), i32[word + 5]!)
    if (i32[word + 4] !== 1) return undefined
    this.#parts = undefined
    const views = segmentViews(memory.buffer)
    const kind = views.i32[0]
    if (kind === frameKind.batch) return this.#openBatch(views, 0)
    if (kind === frameKind.schema) this.#learnSchema(views, 0)
    else this.#learnEntries(views, 0)
    return undefined
  }

  #openBatch(views: SegmentViews, at: number): ColumnBatch {
    const word = at >> 2
    const rowCount = views.i32[word + 2]!
    const known = this.#schemas[views.i32[word + 3]!]!
    const dictionaryBits = views.i32[word + 5]!
    let next = at + frameHeaderBytes
    let timestamps: ColumnBatch['timestamps'] = null
    if (views.i32[word + 4] === 1) {
      timestamps = { data: views.f64, offset: next >> 3 }
      next += rowCount * 8
    }
    const { fields } = known.schema
    const columns: ReadColumn[] = new Array(fields.length)
    for (let c = 0; c < fields.length; c++) {
      const coded = c < maxDictionaryColumns && ((dictionaryBits >> c) & 1) === 1
      const column = openColumn(coded ? { kind: 'int32' } : fields[c]!.type, views, next, rowCount)
      next = column.nextByteOffset
      if (coded) column.dictionary = known.dictionaries[c]!
      columns[c] = column
    }
    return { schema: known.schema, rowCount, columns, timestamps }
  }
}
