/**
 * The programs that were uploaded: one file each in one folder, called `<32 hex digits>_<name>.jar`, which is its id.
 *
 * What always holds: an id is a plain name that a listing of the folder has, so no path leads out of it.
 */
import type { FileStatus, FileSystem } from '../../base/filesystem/file-system.ts'
import { Refusal } from './refusal.ts'

export interface UploadStoreOptions {
  readonly fileSystem: FileSystem
  readonly uploadFolder: string
  readonly newId: () => string
}

export interface Upload {
  readonly id: string
  /** As its sender called it. */
  readonly name: string
  readonly path: string
  readonly uploadedMs: number
}

export class UploadStore {
  readonly #options: UploadStoreOptions

  constructor(options: UploadStoreOptions) {
    this.#options = options
  }

  /** Newest first. */
  async list(): Promise<readonly Upload[]> {
    const { fileSystem, uploadFolder } = this.#options
    if ((await fileSystem.status(uploadFolder)) === undefined) return []
    const uploads = (await fileSystem.list(uploadFolder)).flatMap((status) => uploadOf(status) ?? [])
    return uploads.sort((a, b) => b.uploadedMs - a.uploadedMs || (a.id < b.id ? -1 : 1))
  }

  /** `name`: of the sender's file; whatever of it is a path is left out. */
  async add(name: string, bytes: Uint8Array): Promise<string> {
    const { fileSystem, uploadFolder, newId } = this.#options
    const path = `${uploadFolder}/${newId()}_${plainName(name)}`
    const partial = `${path}.part`
    try {
      const writer = await fileSystem.create(partial, { exclusive: true })
      try {
        await writer.write(bytes)
        await writer.sync()
      } finally {
        await writer.close()
      }
      // Nobody finds half of it.
      await fileSystem.rename(partial, path)
    } catch (thrown) {
      await fileSystem.remove(partial)
      throw thrown
    }
    return path
  }

  async read(id: string): Promise<{ readonly bytes: Uint8Array; readonly name: string }> {
    const upload = await this.#find(id)
    if (upload === undefined) throw new Refusal(404, `Jar file ${id} does not exist`)
    const reader = await this.#options.fileSystem.open(upload.path)
    try {
      return { bytes: await reader.read(0, reader.sizeBytes), name: upload.name }
    } finally {
      await reader.close()
    }
  }

  async remove(id: string): Promise<void> {
    const upload = await this.#find(id)
    if (upload === undefined) throw new Refusal(400, `File ${id} does not exist in ${this.#options.uploadFolder}.`)
    await this.#options.fileSystem.remove(upload.path)
  }

  async #find(id: string): Promise<Upload | undefined> {
    return (await this.list()).find((upload) => upload.id === id)
  }
}

const idForm = /^[0-9a-f]{32}_(.+\.jar)$/s

function uploadOf({ path, modifiedMs, isDirectory }: FileStatus): Upload | undefined {
  const id = path.slice(path.lastIndexOf('/') + 1)
  const name = idForm.exec(id)?.[1]
  return name === undefined || isDirectory ? undefined : { id, name, path, uploadedMs: Math.floor(modifiedMs) }
}

/** Its last part, without what file systems or terminals take for something else. */
function plainName(name: string): string {
  const last = name.split(/[/\\]/).at(-1)!
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out.
  const plain = last.replace(/[\u0000-\u001f\u007f:*?"<>|]/g, '_')
  // Names on disk have 255 bytes at most.
  return Buffer.byteLength(plain) <= 180
    ? plain
    : `${Buffer.from(plain)
        .subarray(0, 170)
        .toString('utf8')
        .replace(/\ufffd+$/, '')}.jar`
}
