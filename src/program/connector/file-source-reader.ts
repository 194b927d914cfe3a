/**
 * Reads one split after another. Each has an output, and so a watermark, of its own, which it gives up when it ends. After a
 * restore a reader may have several splits that had been begun: all of them hold time back until they are read.
 */
import type { PollResult, ReaderOutput, SourceReader, SourceReaderContext } from '../function/source.ts'
import { Availability } from './availability.ts'
import type { FileFormat, FileSplit, SplitReader } from './file-format.ts'

interface OpenSplit<T> {
  readonly split: FileSplit
  readonly reader: SplitReader<T>
  output: ReaderOutput<T> | undefined
}

export class FileSourceReader<T> implements SourceReader<T, FileSplit> {
  readonly #ctx: SourceReaderContext
  readonly #format: FileFormat<T>
  readonly #available = new Availability()
  readonly #queue: FileSplit[] = []
  #current: OpenSplit<T> | undefined
  #filling: Promise<void> | undefined
  /** Restored splits that had been begun, before the first poll. */
  readonly #begun: FileSplit[] = []
  #started = false
  #asked = false
  #noMore = false
  #closed = false

  constructor(ctx: SourceReaderContext, format: FileFormat<T>) {
    this.#ctx = ctx
    this.#format = format
  }

  start(): void {
    this.#started = true
    if (this.#queue.length === 0) this.#ask()
  }

  pollNext(output: ReaderOutput<T>): PollResult {
    this.#available.check()
    for (const { id } of this.#begun.splice(0)) output.forSplit(id)
    if (this.#filling !== undefined) return 'nothing'
    this.#current ??= this.#openNext()
    const current = this.#current
    if (current === undefined) return this.#noMore ? 'end' : 'nothing'
    const polled = current.reader.poll(output.wantedRows)
    if (polled === 'again') return 'more'
    if (polled === 'pending') {
      this.#filling = this.#fill(current.reader)
      return 'nothing'
    }
    if (polled === 'end') {
      this.#finish(current, output)
      return 'more'
    }
    current.output ??= output.forSplit(current.split.id)
    current.output.emit(polled.unit, polled.position)
    return 'more'
  }

  async isAvailable(): Promise<void> {
    const ready = this.#filling === undefined && (this.#current !== undefined || this.#queue.length > 0 || this.#noMore)
    if (!ready) await this.#available.wait()
  }

  addSplits(splits: readonly FileSplit[]): void {
    this.#asked = false
    for (const { position, ...rest } of splits) {
      const split = withPosition(rest, position)
      this.#queue.push(split)
      if (!this.#started && split.position !== undefined) this.#begun.push(split)
    }
    this.#available.open()
  }

  notifyNoMoreSplits(): void {
    this.#noMore = true
    this.#available.open()
  }

  snapshotState(): readonly FileSplit[] {
    const current = this.#current
    return [...(current === undefined ? [] : [withPosition(current.split, current.reader.position())]), ...this.#queue]
  }

  async close(): Promise<void> {
    this.#closed = true
    const current = this.#current
    this.#current = undefined
    // A fill under way may just be opening the file: what it opens must be closed too.
    await this.#filling
    await current?.reader.close()
  }

  #openNext(): OpenSplit<T> | undefined {
    const split = this.#queue.shift()
    return split === undefined ? undefined : { split, reader: this.#format.open(split, this.#ctx), output: undefined }
  }

  /** Never rejects: a failure comes out of isAvailable() and the next pollNext(). */
  async #fill(reader: SplitReader<T>): Promise<void> {
    try {
      await reader.fill()
    } catch (error) {
      if (!this.#closed) this.#available.fail(error)
    }
    this.#filling = undefined
    this.#available.open()
  }

  #finish({ split, reader }: OpenSplit<T>, output: ReaderOutput<T>): void {
    this.#current = undefined
    output.releaseSplit(split.id)
    reader.close().catch((error: unknown) => this.#available.fail(error))
    if (this.#queue.length === 0 && !this.#noMore) this.#ask()
  }

  #ask(): void {
    if (this.#asked) return
    this.#asked = true
    this.#ctx.sendSplitRequest()
  }
}

/** A field that was left out comes back from a snapshot as null. */
const withPosition = (split: FileSplit, position: unknown): FileSplit =>
  position === undefined || position === null ? split : { ...split, position }
