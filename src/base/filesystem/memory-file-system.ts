/**
 * Files in memory, for tests and simulation: the same contract as the local ones. An open reader keeps what it opened
 * when the file is replaced or removed, as on a POSIX disk. `capacityBytes` makes a disk that gets full.
 */
import { posix } from 'node:path'
import { type Clock, ManualClock } from '../core/clock.ts'
import { fileError, fileNotFound, noSpace, tooShort } from './file-error.ts'
import type { FileReader, FileStatus, FileSystem, FileWriter } from './file-system.ts'
import { type RecoverableFile, RenamingFiles, type ResumePoint, type SealedFile } from './recoverable-file.ts'

interface MemoryFile {
  bytes: Uint8Array
  sizeBytes: number
  modifiedMs: number
}

export class MemoryFileSystem implements FileSystem {
  readonly #files = new Map<string, MemoryFile>()
  readonly #folders = new Set<string>(['/', '.'])
  readonly #clock: Clock
  readonly #capacityBytes: number
  readonly #recoverable = new RenamingFiles(this)

  constructor(options: { readonly clock?: Clock; readonly capacityBytes?: number } = {}) {
    this.#clock = options.clock ?? new ManualClock()
    this.#capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY
  }

  async open(path: string): Promise<FileReader> {
    const key = posix.normalize(path)
    if (this.#folders.has(key)) throw wrongKind('EISDIR', 'read', path)
    const file = this.#files.get(key)
    if (file === undefined) throw fileNotFound('read', path)
    const { sizeBytes } = file
    return {
      sizeBytes,
      read: async (position, lengthBytes) => file.bytes.slice(position, Math.max(position, Math.min(position + lengthBytes, sizeBytes))),
      close: async () => {},
    }
  }

  async create(path: string, options: { readonly exclusive?: boolean } = {}): Promise<FileWriter> {
    const key = posix.normalize(path)
    if (this.#folders.has(key)) throw wrongKind('EISDIR', 'create', path)
    if (options.exclusive === true && this.#files.has(key)) throw fileError({ code: 'EEXIST', message: 'it exists' }, 'create', path)
    this.#makeFolders(posix.dirname(key), 'create', path)
    const file: MemoryFile = { bytes: new Uint8Array(0), sizeBytes: 0, modifiedMs: this.#clock.now() }
    this.#files.set(key, file)
    return this.#writer(file, path)
  }

  async reopen(path: string, sizeBytes: number): Promise<FileWriter> {
    const key = posix.normalize(path)
    const old = this.#files.get(key)
    if (this.#folders.has(key)) throw wrongKind('EISDIR', 'go on with', path)
    if (old === undefined) throw fileNotFound('go on with', path)
    if (old.sizeBytes < sizeBytes) throw tooShort(path, old.sizeBytes, sizeBytes)
    old.sizeBytes = sizeBytes
    old.modifiedMs = this.#clock.now()
    return this.#writer(old, path)
  }

  async status(path: string): Promise<FileStatus | undefined> {
    const key = posix.normalize(path)
    const trimmed = key.length > 1 && key.endsWith('/') ? key.slice(0, -1) : key
    const file = this.#files.get(key)
    if (file !== undefined) return { path, sizeBytes: file.sizeBytes, modifiedMs: file.modifiedMs, isDirectory: false }
    return this.#folders.has(trimmed) ? { path, sizeBytes: 0, modifiedMs: 0, isDirectory: true } : undefined
  }

  async list(path: string): Promise<readonly FileStatus[]> {
    const status = await this.status(path)
    if (status === undefined) throw fileNotFound('list', path)
    if (!status.isDirectory) throw wrongKind('ENOTDIR', 'list', path)
    const folder = posix.join(path, '.')
    const children = [...this.#files.keys(), ...this.#folders].filter((key) => key !== folder && posix.dirname(key) === folder)
    const entries = await Promise.all(
      children.filter((key) => key !== '.').map((key) => this.status(posix.join(path, posix.basename(key)))),
    )
    return entries.filter((entry) => entry !== undefined).sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  async rename(from: string, to: string): Promise<void> {
    const [source, target] = [posix.normalize(from), posix.normalize(to)]
    const file = this.#files.get(source)
    if (file === undefined) throw fileNotFound('rename', from)
    if (!this.#folders.has(posix.dirname(target))) throw fileNotFound('rename', from)
    if (this.#folders.has(target)) throw wrongKind('EISDIR', 'rename', from)
    this.#files.delete(source)
    this.#files.set(target, file)
  }

  async remove(path: string, options: { readonly recursive?: boolean } = {}): Promise<void> {
    const key = posix.join(path, '.')
    if (this.#files.delete(key) || !this.#folders.has(key)) return
    if (options.recursive !== true) throw wrongKind('EISDIR', 'remove', path)
    const inside = (other: string) => other === key || other.startsWith(`${key}/`)
    for (const file of [...this.#files.keys()]) if (inside(file)) this.#files.delete(file)
    for (const folder of [...this.#folders]) if (inside(folder)) this.#folders.delete(folder)
  }

  async mkdir(path: string): Promise<void> {
    this.#makeFolders(posix.join(path, '.'), 'make the folder', path)
  }

  async syncFolder(path: string): Promise<void> {
    if (!this.#folders.has(posix.join(path, '.'))) throw fileNotFound('make durable', path)
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

  #writer(file: MemoryFile, path: string): FileWriter {
    return {
      write: async (bytes) => this.#append(file, bytes, path),
      sync: async () => {},
      close: async () => {},
    }
  }

  #makeFolders(folder: string, action: string, path: string): void {
    if (this.#folders.has(folder)) return
    if (this.#files.has(folder)) throw wrongKind('ENOTDIR', action, path)
    this.#makeFolders(posix.dirname(folder), action, path)
    this.#folders.add(folder)
  }

  #append(file: MemoryFile, bytes: Uint8Array, path: string): void {
    let usedBytes = bytes.length
    if (this.#capacityBytes !== Number.POSITIVE_INFINITY) for (const other of this.#files.values()) usedBytes += other.sizeBytes
    if (usedBytes > this.#capacityBytes) throw noSpace('write', path)
    const sizeBytes = file.sizeBytes + bytes.length
    if (sizeBytes > file.bytes.length) {
      const grown = new Uint8Array(Math.max(sizeBytes, 2 * file.bytes.length))
      grown.set(file.bytes.subarray(0, file.sizeBytes))
      file.bytes = grown
    }
    file.bytes.set(bytes, file.sizeBytes)
    file.sizeBytes = sizeBytes
    file.modifiedMs = this.#clock.now()
  }
}

const wrongKind = (code: 'EISDIR' | 'ENOTDIR', action: string, path: string) =>
  fileError({ code, message: code === 'EISDIR' ? 'it is a folder' : 'it is not a folder' }, action, path)
