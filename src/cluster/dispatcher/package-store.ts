/**
 * The packages of programs that run: each once, in a folder of the JobManager, under the SHA-256 of its bytes.
 *
 * What always holds: a package is there from the first hold() on until the last release(); what read() gives has the hash that it is called by.
 */
import { createHash } from 'node:crypto'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'

export interface PackageStoreOptions {
  readonly fileSystem: FileSystem
  readonly folder: string
  readonly maxBytes: number
}

export class PackageStore {
  readonly #options: PackageStoreOptions
  readonly #held = new Map<string, number>()
  readonly #written = new Map<string, Promise<void>>()
  /** Removals under way, which a package that comes again waits for. */
  readonly #removing = new Map<string, Promise<void>>()

  constructor(options: PackageStoreOptions) {
    this.#options = options
  }

  /** Its id, once it can be read. Throws where it is too large. */
  async hold(bytes: Uint8Array, file: string): Promise<string> {
    const { maxBytes } = this.#options
    if (bytes.length > maxBytes)
      throw new StreamError('INVALID_PROGRAM', `${file} is too large: its bundle has ${bytes.length} bytes, and ${maxBytes} are allowed`, {
        hint: 'Data does not belong into a program: let it read files. Or raise job-process.package-size.',
        place: { file },
      })
    const id = idOf(bytes)
    this.#held.set(id, (this.#held.get(id) ?? 0) + 1)
    const written = this.#written.get(id) ?? this.#write(id, bytes)
    this.#written.set(id, written)
    try {
      await written
    } catch (thrown) {
      await this.release(id)
      throw thrown
    }
    return id
  }

  async release(id: string): Promise<void> {
    const holds = (this.#held.get(id) ?? 0) - 1
    if (holds > 0) return void this.#held.set(id, holds)
    this.#held.delete(id)
    this.#written.delete(id)
    const removing = this.#options.fileSystem.remove(this.#path(id)).finally(() => this.#removing.delete(id))
    this.#removing.set(id, removing)
    await removing
  }

  /** FILE_NOT_FOUND: no job uses one of that id; an id that is none is not looked for. */
  async read(id: string): Promise<Uint8Array> {
    if (!this.#held.has(id))
      throw new StreamError('FILE_NOT_FOUND', `There is no package ${id.slice(0, 80)}`, {
        hint: 'The job that it belongs to may have ended.',
      })
    await this.#written.get(id)
    const { fileSystem } = this.#options
    const reader = await fileSystem.open(this.#path(id))
    try {
      const bytes = await reader.read(0, reader.sizeBytes)
      if (idOf(bytes) === id) return bytes
    } finally {
      await reader.close()
    }
    throw new StreamError('IO_FAILED', `Package ${id} is damaged: its content has another hash`, { place: { file: this.#path(id) } })
  }

  async #write(id: string, bytes: Uint8Array): Promise<void> {
    const { fileSystem, folder } = this.#options
    await this.#removing.get(id)
    await fileSystem.mkdir(folder)
    const temporary = `${this.#path(id)}.part`
    const writer = await fileSystem.create(temporary)
    await writer.write(bytes)
    await writer.close()
    await fileSystem.rename(temporary, this.#path(id))
  }

  #path(id: string): string {
    return `${this.#options.folder}/${id}`
  }
}

const idOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
