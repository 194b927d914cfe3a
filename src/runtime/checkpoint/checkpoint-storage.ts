/**
 * The folders of checkpoints and savepoints: `DIR/<jobId>/chk-<n>` and `DIR/savepoint-<jobId>-<random>`. A folder is a checkpoint from
 * the moment that its metadata has its name. Reading never changes anything, and removing touches only files that the metadata names.
 */
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { CheckpointMetadata, StateFile } from './checkpoint-metadata.ts'
import { corrupt, foreign } from './checkpoint-problem.ts'
import { metadataBytes, parseMetadata } from './metadata-text.ts'
import { stateFilePath, verifyStateFile } from './read-state-file.ts'

export const metadataName = '_metadata.json'
const unfinishedName = `${metadataName}.part`
/** Metadata is read whole. */
const maxMetadataBytes = 1 << 30

export const checkpointDirectory = (directory: string, jobId: string, checkpointId: number): string =>
  `${directory}/${jobId}/chk-${checkpointId}`

/** `random`: a few letters or digits that make the name unique. */
export const savepointDirectory = (directory: string, jobId: string, random: string): string =>
  `${directory}/savepoint-${jobId.slice(0, 6)}-${random}`

/**
 * Writes the metadata into metadata.directory, durably and at once: under another name, synced, renamed. Then the folder is a
 * checkpoint. Returns the size of the metadata file.
 */
export async function writeMetadata(metadata: CheckpointMetadata, fileSystem: FileSystem): Promise<{ readonly sizeBytes: number }> {
  const { directory } = metadata
  const paths = stateFiles(metadata).map((file) => stateFilePath(file, directory))
  if (new Set(paths).size < paths.length)
    throw new StreamError('INTERNAL', `headrace bug: two states of checkpoint ${metadata.checkpointId} have the same file in ${directory}`)
  const bytes = metadataBytes(metadata)
  const unfinished = `${directory}/${unfinishedName}`
  const file = await fileSystem.create(unfinished)
  try {
    await file.write(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await fileSystem.rename(unfinished, `${directory}/${metadataName}`)
  return { sizeBytes: bytes.length }
}

/**
 * The metadata of a checkpoint or savepoint. `path`: its folder or its metadata file. `verify`: what is checked of the files that it
 * names: nothing, that they are there with the right size (quick, the default), or their checksums too (full).
 */
export async function readMetadata(
  path: string,
  fileSystem: FileSystem,
  options: { readonly verify?: 'none' | 'quick' | 'full' } = {},
): Promise<CheckpointMetadata> {
  const { file, directory } = await locate(path, fileSystem)
  const metadata = parseMetadata(await readWhole(file, fileSystem), file, directory)
  const files = stateFiles(metadata)
  for (const named of files) stateFilePath(named, directory)
  const { verify = 'quick' } = options
  if (verify !== 'none') for (const named of files) await checkFile(named, metadata, fileSystem, verify)
  return metadata
}

/** Every file that the metadata names. */
export function stateFiles(metadata: CheckpointMetadata): StateFile[] {
  return metadata.operators.flatMap(({ subtasks, enumerator }) => [
    ...subtasks.flatMap(({ states }) => states.flatMap(({ files }) => files)),
    ...(enumerator?.files ?? []),
  ])
}

async function locate(path: string, fileSystem: FileSystem): Promise<{ file: string; directory: string }> {
  const status = await fileSystem.status(path)
  if (status === undefined)
    throw new StreamError('FILE_NOT_FOUND', `there is no checkpoint or savepoint at ${path}`, {
      hint: 'Name the folder of a checkpoint (DIR/<job id>/chk-<n>) or savepoint, or its _metadata.json.',
      place: { file: path },
    })
  const directory = path.replace(/(?<=.)\/+$/, '')
  if (!status.isDirectory) return { file: path, directory: /^(.*)\/[^/]*$/s.exec(path)?.[1] ?? '.' }
  const file = `${directory}/${metadataName}`
  if ((await fileSystem.status(file)) !== undefined) return { file, directory }
  if ((await fileSystem.status(`${directory}/_metadata`)) !== undefined) return { file: `${directory}/_metadata`, directory }
  const below = (await listCheckpoints(directory, fileSystem)).at(-1)
  throw new StreamError('FILE_NOT_FOUND', `${path} is no checkpoint: it has no ${metadataName}`, {
    hint:
      below !== undefined
        ? `It holds checkpoints; the newest is ${below.path}.`
        : 'A checkpoint that was not completed has none. Name the folder of a complete one (DIR/<job id>/chk-<n>), or a savepoint.',
    place: { file: path },
  })
}

async function readWhole(path: string, fileSystem: FileSystem): Promise<Uint8Array> {
  const reader = await fileSystem.open(path)
  try {
    if (reader.sizeBytes > maxMetadataBytes)
      throw foreign(
        path,
        `it has ${reader.sizeBytes} bytes, which no metadata has`,
        `Name the folder of a checkpoint or its ${metadataName}.`,
      )
    return await reader.read(0, reader.sizeBytes)
  } finally {
    await reader.close()
  }
}

async function checkFile(file: StateFile, metadata: CheckpointMetadata, fileSystem: FileSystem, verify: 'quick' | 'full'): Promise<void> {
  const path = stateFilePath(file, metadata.directory)
  const status = await fileSystem.status(path)
  if (status === undefined || status.isDirectory) throw corrupt(metadata.directory, `its file ${file.path} is missing`)
  if (status.sizeBytes !== file.sizeBytes) throw corrupt(path, `it has ${status.sizeBytes} bytes instead of ${file.sizeBytes}`)
  if (verify === 'full') await verifyStateFile(file, metadata.directory, fileSystem)
}

/** A complete checkpoint or savepoint that was found. */
export interface FoundCheckpoint {
  /** Its folder. */
  readonly path: string
  /** undefined: it could not be read. */
  readonly metadata: CheckpointMetadata | undefined
  readonly error?: StreamError
  /** When its metadata was written, by the store's clock. */
  readonly modifiedMs: number
}

/** The checkpoints and savepoints below a folder, of whatever job, oldest first; those that cannot be read come with their error. */
export async function listCheckpoints(directory: string, fileSystem: FileSystem): Promise<readonly FoundCheckpoint[]> {
  const root = await fileSystem.status(directory)
  if (root?.isDirectory !== true) return []
  const found: FoundCheckpoint[] = []
  for (const entry of await fileSystem.list(directory)) {
    if (!entry.isDirectory) continue
    const folders = isCheckpointName(entry.path) ? [entry] : await fileSystem.list(entry.path)
    for (const folder of folders) if (folder.isDirectory && isCheckpointName(folder.path)) await addFound(folder.path, fileSystem, found)
  }
  return found.sort((a, b) => completedMs(a) - completedMs(b) || (a.metadata?.checkpointId ?? 0) - (b.metadata?.checkpointId ?? 0))
}

const isCheckpointName = (path: string): boolean => /(^|\/)(chk-\d+|savepoint-[^/]+)$/.test(path)
const completedMs = ({ metadata, modifiedMs }: FoundCheckpoint): number => metadata?.completedMs ?? modifiedMs

async function addFound(path: string, fileSystem: FileSystem, found: FoundCheckpoint[]): Promise<void> {
  const status = await fileSystem.status(`${path}/${metadataName}`)
  if (status === undefined) return
  const { modifiedMs } = status
  try {
    found.push({ path, modifiedMs, metadata: await readMetadata(path, fileSystem, { verify: 'none' }) })
  } catch (error) {
    found.push({ path, modifiedMs, metadata: undefined, error: StreamError.from(error) })
  }
}

/**
 * The newest complete checkpoint or savepoint below a folder, of the named job where a name is given; undefined: there is none.
 * Throws if a newer one than that cannot be read, or lacks files: going on from an older one must be someone's decision.
 */
export async function latestCheckpoint(
  directory: string,
  fileSystem: FileSystem,
  jobName?: string,
): Promise<CheckpointMetadata | undefined> {
  const found = await listCheckpoints(directory, fileSystem)
  const candidates = found.filter(({ metadata }) => metadata === undefined || jobName === undefined || metadata.jobName === jobName)
  const newest = candidates.at(-1)
  if (newest === undefined) return undefined
  try {
    return await readMetadata(newest.path, fileSystem)
  } catch (thrown) {
    const older = candidates.slice(0, -1).findLast(({ metadata }) => metadata !== undefined)
    throw unreadableLatest(newest.path, older?.metadata, StreamError.from(thrown, 'IO_FAILED'))
  }
}

function unreadableLatest(path: string, older: CheckpointMetadata | undefined, error: StreamError): StreamError {
  const alternative =
    older === undefined
      ? 'There is no older one: put the folder aside to begin at the beginning.'
      : `The next older one is ${older.kind} ${older.checkpointId} of ${new Date(older.completedMs).toISOString()}: name its path to go on from it,\n${older.directory}`
  return new StreamError(error.code, `The newest checkpoint is damaged: ${error.message}`, {
    hint: alternative,
    place: { file: path, ...error.place },
    cause: error,
  })
}

/**
 * Removes a checkpoint: first its metadata, so that it is none any more, then the files that it names, then its folder and that of its
 * job if they are empty. Called again after a failure, it goes on.
 */
export async function removeCheckpoint(metadata: CheckpointMetadata, fileSystem: FileSystem): Promise<void> {
  const { directory, jobId } = metadata
  const paths = stateFiles(metadata).map((file) => stateFilePath(file, directory))
  await fileSystem.remove(`${directory}/${metadataName}`)
  for (const path of paths) await fileSystem.remove(path)
  await removeIfEmpty(directory, fileSystem)
  const parent = directory.slice(0, Math.max(0, directory.lastIndexOf('/')))
  if (metadata.kind === 'checkpoint' && parent.endsWith(`/${jobId}`)) await removeIfEmpty(parent, fileSystem)
}

/** Removes what a checkpoint that was given up left, though its metadata may have got its name: that first. */
export async function removeGivenUp(directory: string, fileSystem: FileSystem): Promise<void> {
  await fileSystem.remove(`${directory}/${metadataName}`)
  await removeUnfinished(directory, fileSystem)
}

/** Removes what a checkpoint that was not completed left: state files and metadata under its first name. One with metadata stays as it is. */
export async function removeUnfinished(directory: string, fileSystem: FileSystem): Promise<void> {
  if ((await fileSystem.status(directory))?.isDirectory !== true) return
  if ((await fileSystem.status(`${directory}/${metadataName}`)) !== undefined) return
  for (const { path, isDirectory } of await fileSystem.list(directory))
    if (!isDirectory && (/\/[0-9a-f]{8}-\d+-[A-Za-z0-9_-]*-\d+\.arrow$/.test(path) || path.endsWith(`/${unfinishedName}`)))
      await fileSystem.remove(path)
  await removeIfEmpty(directory, fileSystem)
}

/**
 * Removes what the job of a checkpoint had begun and not completed when it ended: the process may have been killed. What is complete beside
 * it stays, as does the checkpoint itself. Nobody else may be running that job.
 */
export async function removeUnfinishedBeside({ directory, jobId, kind }: CheckpointMetadata, fileSystem: FileSystem): Promise<void> {
  const parent = directory.slice(0, Math.max(0, directory.lastIndexOf('/')))
  if (kind !== 'checkpoint' || !parent.endsWith(`/${jobId}`)) return
  for (const { path, isDirectory } of await fileSystem.list(parent))
    if (isDirectory && /\/chk-\d+$/.test(path)) await removeUnfinished(path, fileSystem)
}

async function removeIfEmpty(directory: string, fileSystem: FileSystem): Promise<void> {
  if ((await fileSystem.status(directory))?.isDirectory !== true) return
  if ((await fileSystem.list(directory)).length === 0) await fileSystem.remove(directory, { recursive: true })
}
