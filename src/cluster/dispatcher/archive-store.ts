/**
 * What finished jobs tell of themselves, kept for a while: in memory, and with a folder beyond the process's end.
 *
 * What always holds: the newest `most` are kept; a file that cannot be read is left out, and told, not taken for the whole history's end.
 */
import { deserialize, serialize } from 'node:v8'
import { StreamError } from '../../base/core/stream-error.ts'
import type { FileSystem } from '../../base/filesystem/file-system.ts'
import type { ArchivedJob } from '../rpc/job-archive.ts'

export interface ArchiveStoreOptions {
  readonly fileSystem: FileSystem
  /** Absent: they end with the process. */
  readonly folder?: string
  readonly most: number
  readonly onProblem: (error: StreamError) => void
}

const ending = '.job'

export class ArchiveStore {
  readonly #options: ArchiveStoreOptions
  /** Oldest first. */
  readonly #jobs = new Map<string, ArchivedJob>()

  constructor(options: ArchiveStoreOptions) {
    this.#options = options
  }

  get all(): readonly ArchivedJob[] {
    return [...this.#jobs.values()]
  }

  get(jobId: string): ArchivedJob | undefined {
    return this.#jobs.get(jobId)
  }

  /** Reads what an earlier process has left. */
  async load(): Promise<void> {
    const { fileSystem, folder, onProblem } = this.#options
    if (folder === undefined || (await fileSystem.status(folder)) === undefined) return
    const files = (await fileSystem.list(folder)).filter(({ path }) => path.endsWith(ending))
    for (const { path } of files.toSorted((one, other) => one.modifiedMs - other.modifiedMs)) {
      try {
        const job = await this.#read(path)
        this.#jobs.set(job.jobId, job)
      } catch (thrown) {
        onProblem(StreamError.from(thrown, 'IO_FAILED', { place: { file: path } }))
      }
    }
    await this.#trim()
  }

  /** Known at once; resolves when it is in the folder too. Never rejects: what fails is told. */
  async put(job: ArchivedJob): Promise<void> {
    this.#jobs.set(job.jobId, job)
    try {
      await this.#write(job)
      await this.#trim()
    } catch (thrown) {
      this.#options.onProblem(
        StreamError.from(thrown, 'IO_FAILED', { hint: 'The history of finished jobs is kept there: jobmanager.archive.fs.dir.' }),
      )
    }
  }

  async #read(path: string): Promise<ArchivedJob> {
    const reader = await this.#options.fileSystem.open(path)
    try {
      const job = deserialize(await reader.read(0, reader.sizeBytes)) as ArchivedJob
      if (typeof job?.jobId === 'string' && typeof job.state === 'string') return job
    } finally {
      await reader.close()
    }
    throw new StreamError('IO_FAILED', `${path} is no archive of a job`, { place: { file: path } })
  }

  async #write(job: ArchivedJob): Promise<void> {
    const { fileSystem, folder } = this.#options
    if (folder === undefined) return
    const path = `${folder}/${job.jobId}${ending}`
    const writer = await fileSystem.create(`${path}.part`)
    await writer.write(serialize(job))
    await writer.close()
    await fileSystem.rename(`${path}.part`, path)
  }

  async #trim(): Promise<void> {
    const { fileSystem, folder, most } = this.#options
    for (const jobId of this.#jobs.keys()) {
      if (this.#jobs.size <= most) return
      this.#jobs.delete(jobId)
      if (folder !== undefined) await fileSystem.remove(`${folder}/${jobId}${ending}`)
    }
  }
}
