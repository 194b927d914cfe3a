/**
 * Writes records into files that are published by commits. With checkpointing each checkpoint finishes parts or persists them where
 * they are, and its commit publishes the finished ones; without, all is finished and published at the end of bounded input. Always
 * holds: what close() leaves behind is known to a snapshot.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { ResumePoint, SealedFile } from '../../base/filesystem/recoverable-file.ts'
import type { RuntimeContext } from '../function/runtime-context.ts'
import type { SinkWriteContext, SinkWriter } from '../function/sink.ts'
import { checkBucket } from './file-buckets.ts'
import { isDueAtCheckpoint, type RollingPolicy } from './file-rolling.ts'
import { OutputFile } from './output-file.ts'
import { type FileEncoder, OutputPart, type PartState } from './output-part.ts'
import { keepsParts, ownerOf, type PartWriter, partName, partWriter } from './part-names.ts'

/** A file to be published; plain data. */
export interface FileCommittable extends SealedFile {
  /** Job and attempt that finished it. */
  readonly sealedBy: string
}

/** What a writer is after a restart; plain data. */
export interface FileWriterState extends PartWriter {
  readonly nextPart: number
  readonly open: readonly PartState[]
  /** The one file of a sink was finished by the end of input; true or absent. */
  readonly ended?: boolean
}

/** Where and how a sink writes. */
export interface FileLayout<T> {
  /** `CSV out/towns.csv`, for messages. */
  readonly name: string
  /** A file, or a folder with / at its end. */
  readonly path: string
  readonly isFolder: boolean
  readonly prefix: string
  readonly suffix: string
  readonly rolling: RollingPolicy
  readonly bucketOf: ((record: T, ctx: SinkWriteContext) => string) | undefined
  createEncoder(ctx: RuntimeContext, path: string, state?: unknown): FileEncoder<T> | Promise<FileEncoder<T>>
}

export const sealerOf = ({ jobId, attemptNumber }: RuntimeContext): string => `${jobId}-${attemptNumber}`

export class FileSinkWriter<T> implements SinkWriter<T, FileCommittable, FileWriterState> {
  readonly #ctx: RuntimeContext
  readonly #layout: FileLayout<T>
  readonly #me: PartWriter
  readonly #open = new Map<string, OutputPart<T>>()
  /** The part of a sink without buckets. */
  #only: OutputPart<T> | undefined
  #nextPart = 0
  /** Finished and not yet given to prepareCommit. */
  #sealed: SealedFile[] = []
  /** Finished and in no snapshot yet, neither as that nor as unfinished. */
  #unknown: ResumePoint[] = []
  #ended = false
  /** By an earlier attempt, so that another file would replace what it published. */
  #wasEnded = false

  constructor(ctx: RuntimeContext, layout: FileLayout<T>) {
    this.#ctx = ctx
    this.#layout = layout
    this.#me = partWriter(ctx)
  }

  /** Without a record too: a path that cannot be written is found at once, and an empty result is a file. */
  async begin(): Promise<void> {
    if (this.#layout.bucketOf === undefined && this.#only === undefined && !this.#wasEnded) await this.#begin('')
  }

  /**
   * Goes on with the file of a sink of one file. Parts of a folder end where the snapshot saw them: as many subtasks as there are now
   * may have written them.
   */
  async restore(states: readonly FileWriterState[]): Promise<void> {
    this.#wasEnded = !this.#layout.isFolder && states.some(({ ended }) => ended === true)
    for (const part of states.flatMap(({ open }) => open)) {
      const isOurs = !this.#layout.isFolder && part.point.path === this.#layout.path
      if (isOurs) {
        const encoder = await this.#layout.createEncoder(this.#ctx, part.point.path, part.encoder)
        this.#add(await OutputPart.resume(this.#ctx.fileSystem, part, encoder))
      } else {
        const file = await OutputFile.resume(this.#ctx.fileSystem, part.point)
        this.#sealed.push(await file.seal())
      }
    }
  }

  write(element: T, ctx: SinkWriteContext): void | Promise<void> {
    const bucket = this.#layout.bucketOf?.(element, ctx)
    const part = bucket === undefined ? this.#only : this.#open.get(bucket)
    if (part !== undefined && part.file.size < this.#layout.rolling.sizeBytes) return part.write(element)
    return this.#writeToNew(element, bucket ?? '', part)
  }

  async flush(endOfInput: boolean): Promise<void> {
    if (endOfInput) this.#ended = true
    for (const part of this.#open.values()) await part.file.flush()
  }

  async prepareCommit(): Promise<readonly FileCommittable[]> {
    const { isFolder, rolling } = this.#layout
    const nowMs = this.#ctx.clock.now()
    for (const part of [...this.#open.values()]) {
      if (this.#ended || (isFolder && rolling.onCheckpoint)) await this.#seal(part)
      else {
        await part.persist(nowMs)
        if (isFolder && isDueAtCheckpoint(rolling, part, nowMs)) await this.#seal(part)
      }
    }
    const sealedBy = sealerOf(this.#ctx)
    return this.#sealed.splice(0).map((sealed) => ({ ...sealed, sealedBy }))
  }

  snapshotState(): readonly FileWriterState[] {
    this.#unknown = []
    if (this.#ended || this.#wasEnded)
      return this.#layout.isFolder ? [] : [{ ...this.#me, nextPart: this.#nextPart, open: [], ended: true }]
    const open = [...this.#open.values()].map((part) => part.snapshot()).filter((part) => part !== undefined)
    return [{ ...this.#me, nextPart: this.#nextPart, open }]
  }

  async close(): Promise<void> {
    const parts = [...this.#open.values()]
    this.#open.clear()
    const results = await Promise.allSettled([
      ...parts.map((part) => part.file.abandon(part.isKnown)),
      ...this.#unknown.splice(0).map((point) => this.#ctx.fileSystem.discardRecoverable(point)),
    ])
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  async #writeToNew(element: T, bucket: string, full: OutputPart<T> | undefined): Promise<void> {
    if (full !== undefined) await this.#seal(full)
    const part = await this.#begin(bucket)
    await part.write(element)
  }

  async #begin(bucket: string): Promise<OutputPart<T>> {
    const { path: base, isFolder, prefix, suffix, bucketOf, name } = this.#layout
    const { fileSystem, clock } = this.#ctx
    const keeps = keepsParts(this.#ctx)
    if (bucketOf !== undefined) checkBucket(name, bucket)
    if (this.#wasEnded) throw endedBefore(name, base)
    const n = this.#nextPart
    const folder = bucket === '' ? base : `${base}${bucket}/`
    const path = isFolder ? `${folder}${prefix}-${partName(this.#me, n, keeps)}${suffix}` : base
    const encoder = await this.#layout.createEncoder(this.#ctx, path)
    // Counted only now: a number that was given away stands for a file that exists.
    const file = await OutputFile.create(fileSystem, path, ownerOf(this.#me, n, keeps))
    this.#nextPart = n + 1
    const nowMs = clock.now()
    return this.#add(new OutputPart(file, encoder, { bucket, createdMs: nowMs, writtenMs: nowMs }, false))
  }

  #add(part: OutputPart<T>): OutputPart<T> {
    this.#open.set(part.bucket, part)
    if (this.#layout.bucketOf === undefined) this.#only = part
    return part
  }

  async #seal(part: OutputPart<T>): Promise<void> {
    const sealed = await part.seal()
    this.#open.delete(part.bucket)
    if (this.#only === part) this.#only = undefined
    this.#sealed.push(sealed)
    if (!part.isKnown) this.#unknown.push(sealed)
  }
}

function endedBefore(name: string, path: string): StreamError {
  return new StreamError(
    'INVALID_ARGUMENT',
    `${name}: a record came for ${path}, which the end of input had finished before the snapshot was taken`,
    {
      hint: 'Choose another path, or a folder of parts (path/), for what follows.',
      place: { file: path },
    },
  )
}
