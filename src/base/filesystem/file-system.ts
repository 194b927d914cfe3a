/**
 * Files as the engine sees them. Paths are absolute or relative to the process's folder; a scheme (`hdfs://`, `s3://`)
 * picks another implementation. Failures are StreamErrors: FILE_NOT_FOUND, NO_SPACE, IO_FAILED.
 */
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
  /** Makes all written bytes durable. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface FileSystem {
  open(path: string): Promise<FileReader>
  /** A new file; parents are made. `exclusive`: IO_FAILED if it exists, else it is truncated. */
  create(path: string, options?: { readonly exclusive?: boolean }): Promise<FileWriter>
  status(path: string): Promise<FileStatus | undefined>
  /** Entries of one folder, sorted by path. */
  list(path: string): Promise<readonly FileStatus[]>
  /** Atomic where the store can; replaces an existing target. */
  rename(from: string, to: string): Promise<void>
  /** Nothing happens if it is not there. */
  remove(path: string, options?: { readonly recursive?: boolean }): Promise<void>
  mkdir(path: string): Promise<void>
}
