/**
 * One output file on its way: bytes go to a hidden file beside the target, and a rename publishes it. Writes are
 * buffered; while one buffer is written the next fills, and only when both are full does the caller wait.
 */
import { Buffer } from 'node:buffer'
import type { FileSystem, FileWriter } from '../../base/filesystem/file-system.ts'

const bufferChars = 1 << 16

export class OutputFile {
  readonly path: string
  readonly #inProgress: string
  readonly #fileSystem: FileSystem
  readonly #writer: FileWriter
  #text = ''
  #chunks: Uint8Array[] = []
  #bufferedSize = 0
  #writing: Promise<void> | undefined
  #failure: { readonly reason: unknown } | undefined
  #state: 'open' | 'published' | 'removed' = 'open'

  private constructor(fileSystem: FileSystem, path: string, inProgress: string, writer: FileWriter) {
    this.#fileSystem = fileSystem
    this.path = path
    this.#inProgress = inProgress
    this.#writer = writer
  }

  /** `owner` tells in-progress files of several jobs and attempts apart. */
  static async create(fileSystem: FileSystem, path: string, owner: string): Promise<OutputFile> {
    const slash = path.lastIndexOf('/') + 1
    const inProgress = `${path.slice(0, slash)}.${path.slice(slash)}.${owner}.inprogress`
    return new OutputFile(fileSystem, path, inProgress, await fileSystem.create(inProgress))
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

  /** Makes it durable and gives it its name. */
  async publish(): Promise<void> {
    await this.flush()
    await this.#writer.sync()
    await this.#writer.close()
    await this.#fileSystem.rename(this.#inProgress, this.path)
    this.#state = 'published'
  }

  /** Removes what was not published. */
  async close(): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'removed'
    await this.#writing
    try {
      await this.#writer.close()
    } finally {
      await this.#fileSystem.remove(this.#inProgress)
    }
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
    for (const chunk of chunks) await this.#writer.write(chunk)
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
