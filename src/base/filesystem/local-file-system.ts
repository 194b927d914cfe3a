/**
 * The machine's own files. write() hands all bytes to the operating system before it resolves, sync() waits for the
 * disk, for the file's name in its folder too, and a rename is on disk when it resolves, so that a published file survives a power
 * cut. Folders are on disk when they are made.
 */
import { Buffer } from 'node:buffer'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { StreamError } from '../core/stream-error.ts'
import { fileError, tooShort } from './file-error.ts'
import type { FileReader, FileStatus, FileSystem, FileWriter } from './file-system.ts'
import { type RecoverableFile, RenamingFiles, type ResumePoint, type SealedFile } from './recoverable-file.ts'

export class LocalFileSystem implements FileSystem {
  readonly #recoverable = new RenamingFiles(this)

  async open(path: string): Promise<FileReader> {
    const handle = await attempt('read', path, () => open(localPath(path), constants.O_RDONLY))
    try {
      const status = await handle.stat()
      if (status.isDirectory()) throw isFolder('read', path)
      return new LocalFileReader(path, handle, status.size)
    } catch (error) {
      await handle.close()
      throw fileError(error, 'read', path)
    }
  }

  async create(path: string, options: { readonly exclusive?: boolean } = {}): Promise<FileWriter> {
    return attempt('create', path, async () => {
      const target = localPath(path)
      await makeFolder(dirname(target))
      return new LocalFileWriter(path, await open(target, options.exclusive === true ? 'wx' : 'w'), dirname(target))
    })
  }

  async reopen(path: string, sizeBytes: number): Promise<FileWriter> {
    const handle = await attempt('go on with', path, () => open(localPath(path), constants.O_WRONLY | constants.O_APPEND))
    try {
      const { size } = await handle.stat()
      if (size < sizeBytes) throw tooShort(path, size, sizeBytes)
      await handle.truncate(sizeBytes)
      return new LocalFileWriter(path, handle, undefined)
    } catch (error) {
      await handle.close()
      throw fileError(error, 'go on with', path)
    }
  }

  async status(path: string): Promise<FileStatus | undefined> {
    try {
      return toStatus(path, await stat(localPath(path)))
    } catch (error) {
      if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined
      throw fileError(error, 'look up', path)
    }
  }

  async list(path: string): Promise<readonly FileStatus[]> {
    const names = await attempt('list', path, () => readdir(localPath(path)))
    const entries = await Promise.all(names.map((name) => this.status(join(path, name))))
    // An entry may vanish between readdir and stat: it is then no longer listed.
    return entries.filter((entry) => entry !== undefined).sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  async rename(from: string, to: string): Promise<void> {
    await attempt('rename', from, () => rename(localPath(from), localPath(to)))
    await this.syncFolder(dirname(localPath(to)))
  }

  async remove(path: string, options: { readonly recursive?: boolean } = {}): Promise<void> {
    await attempt('remove', path, () => rm(localPath(path), { force: true, recursive: options.recursive === true }))
  }

  async mkdir(path: string): Promise<void> {
    await attempt('make the folder', path, () => makeFolder(localPath(path)))
  }

  async syncFolder(path: string): Promise<void> {
    await attempt('make durable', path, () => syncFolder(localPath(path)))
  }

  createRecoverable(path: string, owner: string): Promise<RecoverableFile> {
    return this.#recoverable.create(path, owner)
  }

  resumeRecoverable(point: ResumePoint): Promise<RecoverableFile> {
    return this.#recoverable.resume(point)
  }

  commitRecoverable(file: SealedFile): Promise<'committed' | 'already committed'> {
    return this.#recoverable.commit(file)
  }

  discardRecoverable(file: ResumePoint | SealedFile): Promise<void> {
    return this.#recoverable.discard(file)
  }
}

class LocalFileReader implements FileReader {
  readonly sizeBytes: number
  readonly #path: string
  readonly #handle: FileHandle

  constructor(path: string, handle: FileHandle, sizeBytes: number) {
    this.#path = path
    this.#handle = handle
    this.sizeBytes = sizeBytes
  }

  async read(position: number, lengthBytes: number): Promise<Uint8Array> {
    // A buffer of its own, not from Node's pool: whoever gets it may make typed views over it.
    const target = Buffer.allocUnsafeSlow(Math.max(0, Math.min(lengthBytes, this.sizeBytes - position)))
    let filled = 0
    while (filled < target.length) {
      const { bytesRead } = await attempt('read', this.#path, () =>
        this.#handle.read(target, filled, target.length - filled, position + filled),
      )
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return new Uint8Array(target.buffer, target.byteOffset, filled)
  }

  async close(): Promise<void> {
    await attempt('close', this.#path, () => this.#handle.close())
  }
}

class LocalFileWriter implements FileWriter {
  readonly #path: string
  readonly #handle: FileHandle
  /** Of a file whose name may not be on disk yet. */
  #newIn: string | undefined
  #closed = false

  constructor(path: string, handle: FileHandle, newIn: string | undefined) {
    this.#path = path
    this.#handle = handle
    this.#newIn = newIn
  }

  async write(bytes: Uint8Array): Promise<void> {
    let written = 0
    while (written < bytes.length) {
      const { bytesWritten } = await attempt('write', this.#path, () => this.#handle.write(bytes, written, bytes.length - written))
      written += bytesWritten
    }
  }

  async sync(): Promise<void> {
    await attempt('make durable', this.#path, async () => {
      await this.#handle.sync()
      if (this.#newIn !== undefined) await syncFolder(this.#newIn)
      this.#newIn = undefined
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await attempt('close', this.#path, () => this.#handle.close())
  }
}

async function attempt<R>(action: string, path: string, work: () => Promise<R>): Promise<R> {
  try {
    return await work()
  } catch (error) {
    throw fileError(error, action, path)
  }
}

/** With all folders above it. Not by mkdir's own `recursive`, which never returns where nothing can be made (/proc). */
async function makeFolder(path: string, again = true): Promise<void> {
  try {
    await mkdir(path)
    await syncFolder(dirname(path))
  } catch (error) {
    if (isCode(error, 'EEXIST')) {
      if ((await stat(path)).isDirectory()) return
      throw Object.assign(new Error(`${path} is a file, not a folder`), { code: 'ENOTDIR' })
    }
    const above = dirname(path)
    if (!isCode(error, 'ENOENT') || above === path || !again) throw error
    await makeFolder(above)
    await makeFolder(path, false)
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function localPath(path: string): string {
  if (path.startsWith('file:')) return fileURLToPath(path)
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(path)?.[1]
  if (scheme === undefined) return path
  throw new StreamError('UNSUPPORTED', `cannot use ${path}: no file system is installed for ${scheme}://`, {
    hint: 'Use a path of this machine.',
    place: { file: path },
  })
}

function toStatus(path: string, stats: { size: number; mtimeMs: number; isDirectory(): boolean }): FileStatus {
  const isDirectory = stats.isDirectory()
  return { path, sizeBytes: isDirectory ? 0 : stats.size, modifiedMs: stats.mtimeMs, isDirectory }
}

const isFolder = (action: string, path: string) => fileError({ code: 'EISDIR', message: 'it is a folder' }, action, path)
const isCode = (error: unknown, code: string) => (error as { code?: unknown } | null)?.code === code
