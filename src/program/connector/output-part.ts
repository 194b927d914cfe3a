/**
 * One file of a sink while records are written to it: its bytes, its encoder, and what a snapshot must say of it.
 */
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { ResumePoint, SealedFile } from '../../base/filesystem/recoverable-file.ts'
import { OutputFile } from './output-file.ts'

/** Turns records into the contents of one file. `write` may wait for `file`, which is backpressure. */
export interface FileEncoder<T> {
  write(element: T, file: OutputFile): void | Promise<void>
  /** Before the file is published: a footer, rows still held. */
  finish?(file: OutputFile): void | Promise<void>
  /** Before a snapshot that has this file unfinished: rows still held are written. Returns what another encoder needs to go on; plain data. */
  persist?(file: OutputFile): unknown
}

/** A part in a snapshot; plain data. */
export interface PartState {
  readonly bucket: string
  readonly point: ResumePoint
  readonly createdMs: number
  readonly writtenMs: number
  /** What the encoder's persist returned. */
  readonly encoder?: unknown
}

export class OutputPart<T> {
  readonly file: OutputFile
  readonly encoder: FileEncoder<T>
  readonly bucket: string
  readonly createdMs: number
  writtenMs: number
  /** A snapshot has it, so it must stay where it is. */
  isKnown: boolean
  #persisted: PartState | undefined

  constructor(file: OutputFile, encoder: FileEncoder<T>, state: Omit<PartState, 'point'>, isKnown: boolean) {
    this.file = file
    this.encoder = encoder
    this.bucket = state.bucket
    this.createdMs = state.createdMs
    this.writtenMs = state.writtenMs
    this.isKnown = isKnown
  }

  /** The part as a snapshot names it. */
  static async resume<T>(fileSystem: FileSystem, state: PartState, encoder: FileEncoder<T>): Promise<OutputPart<T>> {
    return new OutputPart(await OutputFile.resume(fileSystem, state.point), encoder, state, true)
  }

  write(element: T): void | Promise<void> {
    return this.encoder.write(element, this.file)
  }

  async seal(): Promise<SealedFile> {
    await this.encoder.finish?.(this.file)
    return this.file.seal()
  }

  async persist(nowMs: number): Promise<void> {
    const before = this.#persisted?.point.sizeBytes
    const encoder = await this.encoder.persist?.(this.file)
    const point = await this.file.persist()
    // Nobody looks at the clock for each row: a part that has grown was written to just now.
    if (point.sizeBytes !== before) this.writtenMs = nowMs
    const { bucket, createdMs, writtenMs } = this
    this.#persisted = { bucket, point, createdMs, writtenMs, ...(encoder !== undefined && { encoder }) }
  }

  /** As it was persisted last. */
  snapshot(): PartState | undefined {
    this.isKnown = true
    return this.#persisted
  }
}
