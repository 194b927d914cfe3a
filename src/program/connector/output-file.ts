/**
 * One output file on its way: bytes go to a recoverable file, which shows nothing until it is committed. Writes are
 * buffered; while one buffer is written the next fills, and only when both are full does the caller wait.
 */
import { Buffer } from 'node:buffer'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { RecoverableFile, ResumePoint, SealedFile } from '../../base/filesystem/recoverable-file.ts'

const bufferChars = 1 << 16

export class OutputFile {
  readonly path: string
  readonly #file: RecoverableFile
  #text = ''
  #chunks: Uint8Array[] = []
  #bufferedSize = 0
  #acceptedSize: number
  #writing: Promise<void> | undefined
  #failure: { readonly reason: unknown } | undefined
  #isOpen = true

  private constructor(path: string, file: RecoverableFile, sizeBytes: number) {
    this.path = path
    this.#file = file
    this.#acceptedSize = sizeBytes
  }

  /** `owner` tells in-progress files of several jobs and attempts apart. */
  static async create(fileSystem: FileSystem, path: string, owner: string): Promise<OutputFile> {
    return new OutputFile(path, await fileSystem.createRecoverable(path, owner), 0)
  }

  static async resume(fileSystem: FileSystem, point: ResumePoint): Promise<OutputFile> {
    return new OutputFile(point.path, await fileSystem.resumeRecoverable(point), point.sizeBytes)
  }

  /** About: text not yet encoded counts a byte a character. */
  get size(): number {
    return this.#acceptedSize + this.#bufferedSize
  }

  writeText(text: string): void | Promise<void> {
    this.#text += text
    this.#bufferedSize += text.length
    if (this.#bufferedSize >= bufferChars) return this.#drain()
  }

  writeBytes(bytes: Uint8Array): void | Promise<void> {
    this.#textToChunk()
    this.#chunks.push(bytes)
    this.#bufferedSize += bytes.length
    if (this.#bufferedSize >= bufferChars) return this.#drain()
  }

  /** All that was written has reached the file system. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined || this.#bufferedSize > 0) {
      if (this.#writing === undefined) this.#startWriting()
      await this.#writing
    }
    this.#check()
  }

  /** Where a later attempt can go on. */
  async persist(): Promise<ResumePoint> {
    await this.flush()
    return this.#file.persist()
  }

  /** Makes it durable; it is not written any more. */
  async seal(): Promise<SealedFile> {
    await this.flush()
    const sealed = await this.#file.seal()
    this.#isOpen = false
    return sealed
  }

  /** Without an end: removes what was written, or leaves it for who goes on from a point of it. Nothing happens to a sealed one. */
  async abandon(keep: boolean): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#writing
    await (keep ? this.#file.close() : this.#file.discard())
  }

  #drain(): void | Promise<void> {
    this.#check()
    if (this.#writing !== undefined) return this.#waitAndDrain()
    this.#startWriting()
  }

  async #waitAndDrain(): Promise<void> {
    await this.#writing
    this.#check()
    if (this.#writing === undefined && this.#bufferedSize > 0) this.#startWriting()
  }

  /** The promise kept here never rejects: a failure is thrown at the next call, in the task's turn. */
  #startWriting(): void {
    this.#textToChunk()
    const chunks = this.#chunks
    this.#chunks = []
    this.#acceptedSize += this.#bufferedSize
    this.#bufferedSize = 0
    this.#writing = this.#writeChunks(chunks).then(
      () => void (this.#writing = undefined),
      (reason: unknown) => {
        this.#writing = undefined
        this.#failure ??= { reason }
      },
    )
  }

  async #writeChunks(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) await this.#file.write(chunk)
  }

  #textToChunk(): void {
    if (this.#text === '') return
    this.#chunks.push(Buffer.from(this.#text, 'utf8'))
    this.#text = ''
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.reason
  }
}
