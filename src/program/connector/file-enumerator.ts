/**
 * Finds files and hands their splits to whoever asks, in the order of path and position. When it monitors, every path
 * it has seen is in its state, so that no file is read twice; without monitoring it ends when all splits are handed out.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import { fileNotFound } from '../../base/filesystem/file-error.ts'
import type { FileStatus, FileSystem } from '../../base/filesystem/file-system.ts'
import type { SplitEnumerator, SplitEnumeratorContext } from '../function/source.ts'
import type { FileFormat, FileSplit } from './file-format.ts'

export interface FileEnumeratorState {
  readonly pending: readonly FileSplit[]
  /** Whether the (first) look for files has been made. */
  readonly enumerated: boolean
  /** Every path that was found, if the source monitors. */
  readonly seen: readonly string[]
  readonly monitors: boolean
}

export interface FileEnumeratorOptions {
  readonly paths: readonly string[]
  readonly format: FileFormat<any>
  readonly monitorInterval: number | undefined
  readonly splitBytes: number
}

interface FoundFile {
  readonly path: string
  readonly splits: readonly FileSplit[]
}

/** Files whose beginnings (headers, footers) are read at a time. */
const concurrency = 16

export class FileEnumerator implements SplitEnumerator<FileEnumeratorState> {
  readonly #ctx: SplitEnumeratorContext<FileSplit>
  readonly #options: FileEnumeratorOptions
  readonly #pending: FileSplit[]
  readonly #seen: Set<string>
  readonly #waiting = new Set<number>()
  #enumerated: boolean

  constructor(ctx: SplitEnumeratorContext<FileSplit>, options: FileEnumeratorOptions, restored: FileEnumeratorState | undefined) {
    if (restored?.monitors === false && options.monitorInterval !== undefined) throw hasNotMonitored(options.paths)
    this.#ctx = ctx
    this.#options = options
    this.#pending = [...(restored?.pending ?? [])]
    this.#seen = new Set(restored?.seen)
    this.#enumerated = restored?.enumerated ?? false
  }

  start(): void {
    const { monitorInterval } = this.#options
    if (this.#enumerated && monitorInterval === undefined) return
    this.#ctx.callAsync(
      () => this.#find(),
      (found) => this.#take(found),
      monitorInterval,
    )
  }

  addReader(): void {}

  handleSplitRequest(subtask: number): void {
    this.#waiting.add(subtask)
    this.#handOut()
  }

  snapshotState(): FileEnumeratorState {
    return {
      pending: [...this.#pending],
      enumerated: this.#enumerated,
      seen: this.#options.monitorInterval === undefined ? [] : [...this.#seen],
      monitors: this.#options.monitorInterval !== undefined,
    }
  }

  close(): void {}

  async #find(): Promise<FoundFile[]> {
    const { paths, format, splitBytes } = this.#options
    const { fileSystem } = this.#ctx
    const files: FileStatus[] = []
    for (const path of paths) await collectFiles(fileSystem, path, files)
    const fresh = [...new Map(files.map((file) => [file.path, file])).values()].filter((file) => !this.#seen.has(file.path))
    const found: FoundFile[] = []
    for (let i = 0; i < fresh.length; i += concurrency) {
      const planned = fresh.slice(i, i + concurrency).map(async ({ path, sizeBytes, ...rest }) => {
        const parts = await format.plan({ path, sizeBytes, ...rest }, { fileSystem, splitBytes })
        return { path, splits: parts.map((part, index): FileSplit => ({ id: `${path}#${index}`, path, sizeBytes, part })) }
      })
      found.push(...(await Promise.all(planned)))
    }
    return found
  }

  #take(found: readonly FoundFile[]): void {
    for (const { path, splits } of found) {
      // Two looks may overlap when one takes longer than the interval.
      if (this.#seen.has(path)) continue
      this.#seen.add(path)
      for (const split of splits) this.#pending.push(split)
    }
    this.#enumerated = true
    this.#handOut()
  }

  #handOut(): void {
    for (const subtask of this.#waiting) {
      const split = this.#pending.shift()
      if (split !== undefined) this.#ctx.assignSplits(subtask, [split])
      else if (this.#enumerated && this.#options.monitorInterval === undefined) this.#ctx.signalNoMoreSplits(subtask)
      else return
      this.#waiting.delete(subtask)
    }
  }
}

const hasNotMonitored = ([path]: readonly string[]) =>
  new StreamError(
    'STATE_INCOMPATIBLE',
    `cannot go on monitoring ${path}: the source did not monitor when the snapshot was taken, and so did not keep which files it had found`,
    { hint: 'Restore it without monitorInterval, or give the source another uid to begin anew.', place: { option: 'monitorInterval' } },
  )

/** The file itself, or all files below a folder, sorted by path. */
async function collectFiles(fileSystem: FileSystem, path: string, into: FileStatus[]): Promise<void> {
  const status = await fileSystem.status(path)
  if (status === undefined) throw fileNotFound('read', path)
  if (!status.isDirectory) into.push(status)
  else await collectFolder(fileSystem, path, into)
}

async function collectFolder(fileSystem: FileSystem, path: string, into: FileStatus[]): Promise<void> {
  for (const entry of await fileSystem.list(path)) {
    const name = entry.path.slice(entry.path.lastIndexOf('/') + 1)
    if (name.startsWith('.') || name.startsWith('_')) continue
    if (entry.isDirectory) await collectFolder(fileSystem, entry.path, into)
    else into.push(entry)
  }
}
