/**
 * The files of one job's checkpoints, as its JobMaster handles them: where they go, what enumerators held, the metadata, and their end.
 * Removing goes on in the background; `settled` waits for it. What cannot be removed is told and tried again later; it changes nothing else.
 */
import { type Config, configValue } from '../../base/core/config-options.ts'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { CheckpointMetadata, SubtaskSnapshot } from '../../runtime/checkpoint/checkpoint-metadata.ts'
import {
  checkpointDirectory,
  metadataName,
  removeCheckpoint,
  removeGivenUp,
  removeUnfinishedBeside,
  savepointDirectory,
  writeMetadata,
} from '../../runtime/checkpoint/checkpoint-storage.ts'

export interface CheckpointPlace {
  /** Folder of the checkpoints of all jobs. */
  readonly directory: string
  /** Nobody asked for it: it goes with the job. */
  readonly isTemporary: boolean
  /** Where savepoints go that are given no folder. */
  readonly savepoints: string | undefined
}

/** Without a folder checkpoints only serve the running job, in a folder of its own below `temporary`. */
export function checkpointPlaceOf(config: Config, jobId: string, temporary: string): CheckpointPlace {
  const directory = configValue(config, 'execution.checkpointing.dir')
  const storage = configValue(config, 'execution.checkpointing.storage')
  if (storage === 'filesystem' && directory === undefined) {
    throw new StreamError('INVALID_CONFIG', 'execution.checkpointing.storage is filesystem, but execution.checkpointing.dir is not set', {
      hint: 'Set execution.checkpointing.dir to a folder.',
      place: { option: 'execution.checkpointing.dir' },
    })
  }
  const isTemporary = directory === undefined || storage === 'jobmanager'
  return {
    directory: isTemporary ? `${temporary}/headrace-${jobId.slice(0, 12)}` : directory,
    isTemporary,
    savepoints: configValue(config, 'execution.checkpointing.savepoint-dir'),
  }
}

export interface CheckpointFilesOptions {
  readonly jobId: string
  readonly place: CheckpointPlace
  readonly fileSystem: FileSystem
  readonly random: () => number
  readonly onCleanupFailed: (path: string, error: StreamError) => void
}

export class CheckpointFiles {
  readonly #options: CheckpointFilesOptions
  readonly #removals = new Set<Promise<void>>()
  /** Of what was given up: tasks may have been writing into them since. */
  readonly #abandoned = new Set<string>()
  /** What could not be removed yet, by path. */
  readonly #left = new Map<string, () => Promise<void>>()

  #isUsed = false

  constructor(options: CheckpointFilesOptions) {
    this.#options = options
  }

  /** Of the job's own checkpoints. */
  get folder(): string {
    const { place, jobId } = this.#options
    return `${place.directory}/${jobId}`
  }

  checkpoint(checkpointId: number): string {
    const { place, jobId } = this.#options
    this.#isUsed = true
    return checkpointDirectory(place.directory, jobId, checkpointId)
  }

  /** Throws INVALID_ARGUMENT where there is no folder for it. */
  savepoint(directory: string | undefined): string {
    const { place, jobId, random } = this.#options
    const parent = directory ?? place.savepoints
    if (parent === undefined) {
      throw new StreamError('INVALID_ARGUMENT', 'A savepoint needs a folder, and none was given', {
        hint: 'Name one, or set execution.checkpointing.savepoint-dir.',
        place: { option: 'execution.checkpointing.savepoint-dir' },
      })
    }
    const suffix = Math.floor(random() * 16 ** 12)
    return savepointDirectory(parent.replace(/(?<=.)\/+$/, ''), jobId, suffix.toString(16).padStart(12, '0'))
  }

  /** Durable when it resolves: what finished tasks left in an earlier folder is copied first. Answers the size of all files. */
  async store(metadata: CheckpointMetadata, carried: readonly SubtaskSnapshot[], earlier: string | undefined): Promise<number> {
    for (const { path } of carried.flatMap(filesOf)) await this.#copy(`${earlier}/${path}`, `${metadata.directory}/${path}`)
    const { sizeBytes } = await writeMetadata(metadata, this.#options.fileSystem)
    return sizeBytes + metadata.operators.reduce((sum, operator) => sum + sizeOf(operator), 0)
  }

  /** The job owns this checkpoint, of a job before it, from now on, and with it what that one left unfinished. */
  takeOver(metadata: CheckpointMetadata): void {
    const { jobId, fileSystem } = this.#options
    if (metadata.jobId !== jobId) this.#inBackground(metadata.directory, () => removeUnfinishedBeside(metadata, fileSystem))
  }

  /** A checkpoint that is complete; nothing of it goes before `after` has settled. */
  remove(metadata: CheckpointMetadata, after: Promise<unknown>): void {
    this.#inBackground(metadata.directory, async () => {
      await after
      await removeCheckpoint(metadata, this.#options.fileSystem)
    })
  }

  /** A folder whose metadata could not be written for sure is none with metadata; false: that is not sure. */
  async withdraw(directory: string): Promise<boolean> {
    try {
      await this.#options.fileSystem.remove(`${directory}/${metadataName}`)
      return true
    } catch (thrown) {
      this.#options.onCleanupFailed(directory, StreamError.from(thrown, 'IO_FAILED'))
      return false
    }
  }

  /** The disk may be better now. */
  retry(): void {
    for (const [path, remove] of this.#left) this.#inBackground(path, remove)
    this.#left.clear()
  }

  /** The folder of one that was given up. */
  abandon(directory: string): void {
    this.#abandoned.add(directory)
    this.#inBackground(directory, () => removeGivenUp(directory, this.#options.fileSystem))
  }

  /** After the last slot has ended: nothing of the job's own stays that is not a checkpoint. */
  async settled(): Promise<void> {
    const { place, fileSystem } = this.#options
    await Promise.all(this.#removals)
    this.retry()
    for (const directory of this.#abandoned) this.#inBackground(directory, () => removeGivenUp(directory, fileSystem))
    await Promise.all(this.#removals)
    if (!this.#isUsed) return
    const own = this.folder
    this.#inBackground(own, async () => {
      if (place.isTemporary) return fileSystem.remove(place.directory, { recursive: true })
      if ((await fileSystem.status(own))?.isDirectory !== true) return
      if ((await fileSystem.list(own)).length === 0) await fileSystem.remove(own, { recursive: true })
    })
    await Promise.all(this.#removals)
  }

  #inBackground(path: string, remove: () => Promise<void>): void {
    const removal: Promise<void> = remove()
      .catch((thrown) => {
        this.#left.set(path, remove)
        this.#options.onCleanupFailed(path, StreamError.from(thrown, 'IO_FAILED'))
      })
      .finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
  }

  async #copy(from: string, to: string): Promise<void> {
    const { fileSystem } = this.#options
    const reader = await fileSystem.open(from)
    try {
      const writer = await fileSystem.create(to)
      try {
        for (let position = 0; position < reader.sizeBytes; ) {
          const bytes = await reader.read(position, copiedBytes)
          await writer.write(bytes)
          position += bytes.length
        }
        await writer.sync()
      } finally {
        await writer.close()
      }
    } finally {
      await reader.close()
    }
  }
}

const copiedBytes = 1 << 20

const filesOf = ({ operators }: SubtaskSnapshot) => operators.flatMap(({ states }) => states.flatMap(({ files }) => files))

function sizeOf({ subtasks, enumerator }: CheckpointMetadata['operators'][number]): number {
  const files = [...subtasks.flatMap(({ states }) => states.flatMap((state) => state.files)), ...(enumerator?.files ?? [])]
  return files.reduce((sum, file) => sum + file.sizeBytes, 0)
}
