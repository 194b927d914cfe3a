/**
 * Files that appear under their name only when they are committed, and that a later attempt can go on writing from where a
 * checkpoint saw them. Points and sealed files are plain JSON, so they go into snapshots; whoever has one can resume, commit
 * or discard in another process. Always holds: a reader of the target path sees nothing or the whole file.
 *
 * | | stores that rename (local, memory, HDFS) | stores that do not (S3) |
 * | --- | --- | --- |
 * | in progress | a hidden file beside the target, named by `inProgressPath` | a multipart upload: nothing is to be seen |
 * | persist | sync (HDFS: hsync); `token` is the hidden file's path | full parts are uploaded; the rest, less than a part, goes into an object of its own; `token` is JSON of the upload id, the parts' etags, the rest's key |
 * | resume | cut to `sizeBytes` and append (HDFS: recoverLease, truncate, append) | read the rest back, go on with the next part; later parts replace those of the dead attempt |
 * | seal | sync and close | the rest becomes the last part |
 * | commit | rename, sync the folder | CompleteMultipartUpload; where the upload is gone, HEAD says whether the object is there |
 * | discard | remove the hidden file | AbortMultipartUpload, remove the rest |
 */
import { StreamError } from '../core/stream-error.ts'
import type { FileSystem, FileWriter } from './file-system.ts'

/** Where an unfinished file can be taken up again. */
export interface ResumePoint {
  /** The target. */
  readonly path: string
  /** What is written and durable; all behind it is cut off by resuming. */
  readonly sizeBytes: number
  /** The store's own. */
  readonly token: string
}

/** A finished file that has not got its name yet. */
export interface SealedFile {
  readonly path: string
  readonly sizeBytes: number
  readonly token: string
}

export interface RecoverableFile {
  /** Appends; resolves when the bytes were accepted. */
  write(bytes: Uint8Array): Promise<void>
  /** Makes all written bytes durable; writing may go on. */
  persist(): Promise<ResumePoint>
  /** No more is written: durable, and ready to be committed. */
  seal(): Promise<SealedFile>
  /** Releases what is open and leaves the bytes where they are: a point of it may still be resumed. */
  close(): Promise<void>
  /** Releases and removes it: no point of it is needed any more. */
  discard(): Promise<void>
}

const ending = '.inprogress'

/** Where a store that renames keeps a file in progress. `owner` tells those of several attempts apart; it has no dot. */
export function inProgressPath(path: string, owner: string): string {
  const slash = path.lastIndexOf('/') + 1
  return `${path.slice(0, slash)}.${path.slice(slash)}.${owner}${ending}`
}

/** The owner of a file that inProgressPath named; undefined for any other. */
export function inProgressOwner(path: string): string | undefined {
  return /^\..+\.([^.]+)\.inprogress$/.exec(path.slice(path.lastIndexOf('/') + 1))?.[1]
}

/** What such a store needs for recoverable files. */
export type RenamingStore = Pick<FileSystem, 'create' | 'reopen' | 'rename' | 'status' | 'remove' | 'syncFolder'>

/** Recoverable files of a store whose rename is atomic. */
export class RenamingFiles {
  readonly #store: RenamingStore

  constructor(store: RenamingStore) {
    this.#store = store
  }

  async create(path: string, owner: string): Promise<RecoverableFile> {
    const token = inProgressPath(path, owner)
    return new RenamedFile(this.#store, { path, sizeBytes: 0, token }, await this.#store.create(token))
  }

  async resume(point: ResumePoint): Promise<RecoverableFile> {
    return new RenamedFile(this.#store, point, await this.#store.reopen(point.token, point.sizeBytes))
  }

  async commit({ path, sizeBytes, token }: SealedFile): Promise<'committed' | 'already committed'> {
    const inProgress = await this.#store.status(token)
    if (inProgress === undefined) return this.#wasCommitted(path, sizeBytes, token)
    // An attempt that was taken for dead may have written on: its bytes belong to nobody.
    if (inProgress.sizeBytes !== sizeBytes) await cutTo(this.#store, token, sizeBytes)
    await this.#store.rename(token, path)
    return 'committed'
  }

  async discard({ token }: ResumePoint | SealedFile): Promise<void> {
    await this.#store.remove(token)
  }

  /** The rename may have been made by an attempt that died before it was on disk. */
  async #wasCommitted(path: string, sizeBytes: number, token: string): Promise<'already committed'> {
    const published = await this.#store.status(path)
    if (published === undefined || published.sizeBytes !== sizeBytes) throw lost(path, token, sizeBytes, published?.sizeBytes)
    await this.#store.syncFolder(path.slice(0, path.lastIndexOf('/') + 1) || '.')
    return 'already committed'
  }
}

class RenamedFile implements RecoverableFile {
  readonly #store: RenamingStore
  readonly #path: string
  readonly #token: string
  readonly #writer: FileWriter
  #sizeBytes: number

  constructor(store: RenamingStore, { path, sizeBytes, token }: ResumePoint, writer: FileWriter) {
    this.#store = store
    this.#path = path
    this.#token = token
    this.#writer = writer
    this.#sizeBytes = sizeBytes
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#writer.write(bytes)
    this.#sizeBytes += bytes.length
  }

  async persist(): Promise<ResumePoint> {
    await this.#writer.sync()
    return { path: this.#path, sizeBytes: this.#sizeBytes, token: this.#token }
  }

  async seal(): Promise<SealedFile> {
    const sealed = await this.persist()
    await this.#writer.close()
    return sealed
  }

  async close(): Promise<void> {
    await this.#writer.close()
  }

  async discard(): Promise<void> {
    try {
      await this.#writer.close()
    } finally {
      await this.#store.remove(this.#token)
    }
  }
}

async function cutTo(store: RenamingStore, path: string, sizeBytes: number): Promise<void> {
  const writer = await store.reopen(path, sizeBytes)
  try {
    await writer.sync()
  } finally {
    await writer.close()
  }
}

function lost(path: string, token: string, sizeBytes: number, found: number | undefined): StreamError {
  const there = found === undefined ? 'and neither is the file' : `and the file has ${found} bytes where ${sizeBytes} were written`
  return new StreamError('FILE_NOT_FOUND', `cannot publish ${path}: its in-progress file ${token} is not there, ${there}`, {
    hint: 'Something else removed or moved it. Where it had been published and was taken away since, nothing is lost.',
    place: { file: path },
  })
}
