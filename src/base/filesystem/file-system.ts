/**
 * Files as the engine sees them. Paths are absolute or relative to the process's folder; a scheme (`hdfs://`, `s3://`)
 * picks another implementation. Failures are StreamErrors: FILE_NOT_FOUND, NO_SPACE, IO_FAILED.
 */
import type { RecoverableFile, ResumePoint, SealedFile } from './recoverable-file.ts'

export interface FileStatus {
  readonly path: string
  readonly sizeBytes: number
  readonly modifiedMs: number
  readonly isDirectory: boolean
}

export interface FileReader {
  readonly sizeBytes: number
  /** Up to lengthBytes from position; shorter only at the end of the file. */
  read(position: number, lengthBytes: number): Promise<Uint8Array>
  close(): Promise<void>
}

export interface FileWriter {
  /** Appends; resolves when the bytes were accepted. */
  write(bytes: Uint8Array): Promise<void>
  /** Makes all written bytes durable, and the name of a new file. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface FileSystem {
  open(path: string): Promise<FileReader>
  /** A new file; parents are made. `exclusive`: IO_FAILED if it exists, else it is truncated. */
  create(path: string, options?: { readonly exclusive?: boolean }): Promise<FileWriter>
  /** An existing file, cut to its first sizeBytes, to append to. Shorter: IO_FAILED. A store that cannot append: UNSUPPORTED. */
  reopen(path: string, sizeBytes: number): Promise<FileWriter>
  status(path: string): Promise<FileStatus | undefined>
  /** Entries of one folder, sorted by path. */
  list(path: string): Promise<readonly FileStatus[]>
  /** Atomic and durable where the store can; replaces an existing target. */
  rename(from: string, to: string): Promise<void>
  /** Nothing happens if it is not there. */
  remove(path: string, options?: { readonly recursive?: boolean }): Promise<void>
  mkdir(path: string): Promise<void>
  /** Makes the names in a folder durable. */
  syncFolder(path: string): Promise<void>
  /**
   * A file that appears under `path` when it is committed (recoverable-file.ts). `owner` tells those who may write the same path
   * apart, in letters, digits, `-` and `_`.
   */
  createRecoverable(path: string, owner: string): Promise<RecoverableFile>
  /** Goes on behind `point`, whatever was written since. FILE_NOT_FOUND: it was committed or discarded. */
  resumeRecoverable(point: ResumePoint): Promise<RecoverableFile>
  /** May be repeated. FILE_NOT_FOUND: there is nothing to commit, and nothing that was. */
  commitRecoverable(file: SealedFile): Promise<'committed' | 'already committed'>
  /** Nothing happens if it is not there, or was committed. */
  discardRecoverable(file: ResumePoint | SealedFile): Promise<void>
}
