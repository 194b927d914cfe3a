/**
 * Removes what earlier attempts of the same job left behind: files in progress that no snapshot knows, so that nobody will ever
 * publish them. Files of other jobs are not touched: a job that goes on from another's savepoint takes over only what that names.
 */
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { RuntimeContext } from '../function/runtime-context.ts'
import { begunBy, type PartWriter } from './part-names.ts'

/** What a snapshot says of the writer that it was taken of. */
export interface KnownWriter extends PartWriter {
  /** Parts from this number on were begun after the snapshot. */
  readonly nextPart: number
}

/**
 * `known` are the writers whose states this subtask was given; none at all: no snapshot exists. Several subtasks may do this at
 * once, each for the writers it knows. isDeep: in the folders below, too. Attempts count for the whole job, so all writers of a snapshot that still write are of one.
 */
export async function removeDeadParts(
  { fileSystem }: RuntimeContext,
  { folder, isDeep }: { readonly folder: string; readonly isDeep: boolean },
  me: PartWriter,
  known: readonly KnownWriter[],
): Promise<void> {
  if (me.attempt === 0 || (await fileSystem.status(folder || '.')) === undefined) return
  const ours = known.filter(({ jobId, operator }) => jobId === me.jobId && operator === me.operator)
  // The snapshot is another job's: nothing of this one's earlier attempts is in it.
  const lastKnown = Math.max(-1, ...ours.map(({ attempt }) => attempt))
  for await (const path of filesIn(fileSystem, folder, isDeep)) {
    const part = begunBy(path)
    if (part === undefined || part.jobId !== me.jobId || part.operator !== me.operator || part.attempt >= me.attempt) continue
    const writer = ours.find(({ attempt, subtask }) => attempt === part.attempt && subtask === part.subtask)
    if (writer === undefined ? part.attempt > lastKnown : part.n >= writer.nextPart) await fileSystem.remove(path)
  }
}

async function* filesIn(fileSystem: FileSystem, folder: string, isDeep: boolean): AsyncGenerator<string, void> {
  for (const { path, isDirectory } of await fileSystem.list(folder || '.')) {
    if (!isDirectory) yield path
    else if (isDeep) yield* filesIn(fileSystem, path, true)
  }
}
