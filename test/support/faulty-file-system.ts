/**
 * A file system that fails where a plan says: an operation that fails, is made and not confirmed, is torn, slow or finds the disk
 * full; a process that dies there and does nothing any more; a power cut that takes what was not synced. The files
 * themselves are those of another file system, which outlives it.
 */
import { StreamError } from '../../src/base/core/stream-error.ts'
import { noSpace } from '../../src/base/filesystem/file-error.ts'
import type { FileReader, FileStatus, FileSystem, FileWriter } from '../../src/base/filesystem/file-system.ts'
import { type RecoverableFile, RenamingFiles, type ResumePoint, type SealedFile } from '../../src/base/filesystem/recoverable-file.ts'

export type FileAction =
  | 'open'
  | 'read'
  | 'create'
  | 'reopen'
  | 'write'
  | 'sync'
  | 'close'
  | 'status'
  | 'list'
  | 'rename'
  | 'remove'
  | 'mkdir'
  | 'syncFolder'

export interface FileOperation {
  /** From 0, of all operations. */
  readonly index: number
  readonly action: FileAction
  readonly path: string
}

/**
 * fails: nothing happened. unconfirmed: it happened, and an error says that it did not. torn: a write of which a part arrived.
 * full: NO_SPACE, behind a part. slow: after twenty turns. dies before, dies after: the process ends there.
 */
export type Fault = 'fails' | 'unconfirmed' | 'torn' | 'full' | 'slow' | 'dies before' | 'dies torn' | 'dies after'

export type FaultPlan = (operation: FileOperation) => Fault | undefined

/** Faults by a seed, each as likely: about `rate` of all operations. */
export function seededFaults(random: () => number, rate: number, faults: readonly Fault[]): FaultPlan {
  return () => (random() < rate ? faults[Math.floor(random() * faults.length)] : undefined)
}

export class FaultyFileSystem implements FileSystem {
  readonly operations: FileOperation[] = []
  readonly #inner: FileSystem
  readonly #plan: FaultPlan
  readonly #recoverable = new RenamingFiles(this)
  /** Bytes that survive a power cut, by path. Names are durable at once here. */
  readonly #synced = new Map<string, number>()
  readonly #written = new Map<string, number>()
  #dead = false
  #failed = false

  constructor(inner: FileSystem, plan: FaultPlan = () => undefined) {
    this.#inner = inner
    this.#plan = plan
  }

  get isDead(): boolean {
    return this.#dead
  }

  /** Whether the plan has had any effect but slowness. */
  get hasFailed(): boolean {
    return this.#failed
  }

  /** The process ends: no operation that has not begun happens any more. */
  die(): void {
    this.#dead = true
  }

  /** Ends the process and takes what was not synced, but for a part that `random` says. */
  async powerCut(random: () => number): Promise<void> {
    this.#dead = true
    for (const [path, written] of this.#written) {
      const synced = this.#synced.get(path) ?? 0
      if (written === synced || (await this.#inner.status(path)) === undefined) continue
      await (await this.#inner.reopen(path, synced + Math.floor(random() * (written - synced)))).close()
    }
  }

  async open(path: string): Promise<FileReader> {
    const reader = await this.#do('open', path, () => this.#inner.open(path))
    return {
      sizeBytes: reader.sizeBytes,
      read: (position, lengthBytes) => this.#do('read', path, () => reader.read(position, lengthBytes)),
      close: () => this.#do('close', path, () => reader.close()),
    }
  }

  async create(path: string, options?: { readonly exclusive?: boolean }): Promise<FileWriter> {
    return this.#writer(path, await this.#do('create', path, () => this.#inner.create(path, options)), 0)
  }

  async reopen(path: string, sizeBytes: number): Promise<FileWriter> {
    return this.#writer(path, await this.#do('reopen', path, () => this.#inner.reopen(path, sizeBytes)), sizeBytes)
  }

  status(path: string): Promise<FileStatus | undefined> {
    return this.#do('status', path, () => this.#inner.status(path))
  }

  list(path: string): Promise<readonly FileStatus[]> {
    return this.#do('list', path, () => this.#inner.list(path))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#do('rename', from, async () => {
      await this.#inner.rename(from, to)
      for (const sizes of [this.#synced, this.#written]) {
        const size = sizes.get(from)
        if (size !== undefined) sizes.set(to, size)
        sizes.delete(from)
      }
    })
  }

  remove(path: string, options?: { readonly recursive?: boolean }): Promise<void> {
    return this.#do('remove', path, () => this.#inner.remove(path, options))
  }

  mkdir(path: string): Promise<void> {
    return this.#do('mkdir', path, () => this.#inner.mkdir(path))
  }

  syncFolder(path: string): Promise<void> {
    return this.#do('syncFolder', path, () => this.#inner.syncFolder(path))
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

  #writer(path: string, writer: FileWriter, sizeBytes: number): FileWriter {
    this.#synced.set(path, sizeBytes)
    this.#written.set(path, sizeBytes)
    const write = async (bytes: Uint8Array) => {
      await writer.write(bytes)
      this.#written.set(path, (this.#written.get(path) ?? 0) + bytes.length)
    }
    const sync = async () => {
      await writer.sync()
      this.#synced.set(path, this.#written.get(path) ?? 0)
    }
    return {
      write: (bytes) =>
        this.#do(
          'write',
          path,
          () => write(bytes),
          () => write(bytes.subarray(0, bytes.length >> 1)),
        ),
      sync: () => this.#do('sync', path, sync),
      close: () => this.#do('close', path, () => writer.close()),
    }
  }

  /** `part`: what a torn operation still does. */
  async #do<R>(action: FileAction, path: string, all: () => Promise<R>, part: () => Promise<unknown> = async () => {}): Promise<R> {
    if (this.#dead) throw died(action, path)
    const operation = { index: this.operations.length, action, path }
    this.operations.push(operation)
    const fault = this.#plan(operation)
    if (fault !== undefined && fault !== 'slow') this.#failed = true
    switch (fault) {
      case undefined:
        return all()
      case 'slow':
        for (let turn = 0; turn < 20; turn++) await Promise.resolve()
        return all()
      case 'fails':
        throw failed(action, path)
      case 'unconfirmed':
        await all()
        throw failed(action, path)
      case 'torn':
        await part()
        throw failed(action, path)
      case 'full':
        await part()
        throw noSpace(action, path)
      default:
        this.#dead = true
        if (fault === 'dies torn') await part()
        if (fault === 'dies after') await all()
        throw died(action, path)
    }
  }
}

const failed = (action: string, path: string) => new StreamError('IO_FAILED', `cannot ${action} ${path}: the test said so`)
const died = (action: string, path: string) => new StreamError('INTERNAL', `the process is dead and cannot ${action} ${path}`)
