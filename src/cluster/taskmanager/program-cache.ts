/**
 * Packages of programs on a TaskManager: each is fetched once while a job uses it, checked, and lies in a folder where task threads
 * import it from.
 *
 * What always holds: a file under a package's name has the content that the name is the hash of; a package that no job uses is removed.
 */
import { createHash } from 'node:crypto'
import path from 'node:path'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { ProgramPackage, ReadPackage } from '../rpc/program-package.ts'

export interface ProgramCacheOptions {
  readonly fileSystem: FileSystem
  /** Of this process alone. */
  readonly folder: string
  readonly readPackage: ReadPackage
}

export class ProgramCache {
  readonly #options: ProgramCacheOptions
  readonly #files = new Map<string, { users: number; readonly path: Promise<string> }>()
  /** Removals under way, which a package that comes again waits for. */
  readonly #removing = new Map<string, Promise<void>>()

  constructor(options: ProgramCacheOptions) {
    this.#options = options
  }

  /** Path of its file, which stays until it is released as often as it was asked for. Rejects where it cannot be had; then nothing is held. */
  async hold(program: ProgramPackage): Promise<string> {
    const { id } = program
    const known = this.#files.get(id) ?? { users: 0, path: this.#fetch(program) }
    known.users++
    this.#files.set(id, known)
    try {
      return await known.path
    } catch (thrown) {
      if (this.#files.get(id) === known) this.#files.delete(id)
      throw thrown
    }
  }

  async release(id: string): Promise<void> {
    const known = this.#files.get(id)
    if (known === undefined || --known.users > 0) return
    this.#files.delete(id)
    const removing = known.path.then((file) => this.#options.fileSystem.remove(file)).finally(() => this.#removing.delete(id))
    this.#removing.set(id, removing)
    await removing
  }

  async #fetch({ id, file }: ProgramPackage): Promise<string> {
    const { fileSystem, folder, readPackage } = this.#options
    await this.#removing.get(id)
    const bytes = await readPackage(id)
    const hash = createHash('sha256').update(bytes).digest('hex')
    if (hash !== id)
      throw new StreamError(
        'IO_FAILED',
        `The package of ${file} that was fetched is not the one that was asked for: its hash is ${hash}, not ${id}`,
        {
          hint: 'It was damaged on its way, or where it is kept. It is fetched again when the job restarts.',
          place: { file },
        },
      )
    await fileSystem.mkdir(folder)
    const target = path.join(folder, `${id}.mjs`)
    const writer = await fileSystem.create(target)
    try {
      await writer.write(bytes)
    } finally {
      await writer.close()
    }
    return target
  }
}
